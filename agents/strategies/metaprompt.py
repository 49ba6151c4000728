"""What an optimizer model reads: earlier prompts with their scores, and what is wanted. Pure functions."""

from collections.abc import Sequence
from random import Random
from typing import Any

from agents.llm.base import Message
from prompts.library import PREFIXED
from prompts.view import HistoryView, Refusal, ScoredPrompt

_TOP = 3  # always shown in a chat
_RANKED_SHOWN, _RANKED_FROM, _CHAT_SHOWN, _REFUSED_SHOWN = 8, 12, 14, 4

RANKED = """\
Instructions for recognising what a person does in a video, ranked from worst to best. The place is \
misleading: the better ones make the viewer look at the person and forget the place.

{tried}
Score {target}:"""

SYSTEM = """\
You design prompts for a model that watches a video and names the action in it. The videos are edited: a \
person performs one action in front of a background where a different action usually takes place. The model \
tends to name the action that belongs to the background. Your prompts should make it name what the person \
does.
Two numbers measure a prompt:
SHAcc (higher is better): percent of videos where the answer is the person's action.
SBErr (lower is better): percent of videos where the answer is the action that belongs to the background.
You answer with JSON and nothing else."""

USER = """\
Prompts tried so far, the best last:
{tried}
{refused}
Think about which ideas raised SHAcc and lowered SBErr, and which have not been tried. Then write {n} new \
prompts that do better than the last one. Each prompt:
- is one to three short sentences in plain words, at most 50 words, and asks for the action or tells the \
model how to find it;
- has an idea of its own, worded unlike the prompts above and unlike the other new ones;
- names no particular action, sport or instrument, and lists no options or letters: they are added later.
{{"prompts": [{{"hypothesis": "why it should do better, in a few words", "prompt": "..."}}]}}"""

# Ways to begin, no ideas: what to look at and what to leave out is for the model to fill in.
OPENERS = (
    "Look closely at the", "Ignore the", "Watch how the", "Based only on the", "What do the",
    "Without looking at the", "You are an expert in", "Focus on the", "How do the", "Judging by the",
    "The person's", "Imagine the", "Pay attention to the", "Even if the", "From the", "Follow the",
    "Which action do the", "Do not let the", "First look at the", "Concentrate on the", "Forget the",
    "Only the", "Study the", "As someone who", "The background", "Compare the", "Describe how the",
    "Regardless of the", "Think about the", "In this video, the",
)  # fmt: skip


def schema(n: int) -> dict[str, Any]:
    """JSON schema of a reply with n prompts."""
    text = {"type": "string", "maxLength": 400}
    idea = {
        "type": "object",
        "properties": {"hypothesis": {"type": "string", "maxLength": 160}, "prompt": text},
        "required": ["hypothesis", "prompt"],
        "additionalProperties": False,
    }
    prompts = {"type": "array", "items": idea, "minItems": n, "maxItems": n}
    return {
        "type": "object",
        "properties": {"prompts": prompts},
        "required": ["prompts"],
        "additionalProperties": False,
    }


def candidates(view: HistoryView) -> list[ScoredPrompt]:
    """What was scored as a text, best first. The prefixed baseline is no other text than the neutral one."""
    return [scored for scored in view.scored if scored.prompt.id != PREFIXED.prompt.id]


def choose(scored: Sequence[ScoredPrompt], n: int, rng: Random, always: int = _TOP) -> list[ScoredPrompt]:
    """The ``always`` best and a sample of the others, worst first: new selections avoid repeats.

    ``scored`` comes best first. Prompts of the same score in whole percent stand in random order.
    """
    rest = list(scored[always:])
    shown = [*scored[:always], *rng.sample(rest, min(len(rest), n - always))]
    rng.shuffle(shown)
    return sorted(shown, key=lambda one: percent(one.score))


def ranked(view: HistoryView, rng: Random) -> tuple[str, list[ScoredPrompt]]:
    """The list to be continued by a better prompt, and what it shows.

    Two thirds of the best, even the very best left out now and then: a model that continues a list copies the
    line that stands out, and finds nothing else as long as it sees it.
    """
    known = candidates(view)[:_RANKED_FROM]
    count = min(_RANKED_SHOWN, -(-2 * len(known) // 3))
    shown = choose(known, count, rng, always=0)
    tried = "\n".join(f"Score {percent(one.score)}: {_line(one.prompt.text)}" for one in shown)
    best = percent(shown[-1].score) if shown else 50
    return RANKED.format(tried=tried, target=min(99, max(80, best + 10))), shown


def chat(view: HistoryView, n: int, rng: Random) -> tuple[list[Message], list[ScoredPrompt]]:
    """The request for n prompts, and what it shows."""
    shown = choose(candidates(view), _CHAT_SHOWN, rng)
    tried = "\n".join(_measured(one) for one in shown) or "(none yet)"
    refused = _refused(view.refused[-_REFUSED_SHOWN:])
    return [Message("system", SYSTEM), Message("user", USER.format(tried=tried, refused=refused, n=n))], shown


def percent(score: float) -> int:
    """A score of 0..1 as models read it."""
    return round(100 * score)


def _measured(one: ScoredPrompt) -> str:
    """With the number of answers: the order is that of a fair score, and 88 of 8 videos is not 88 of 172."""
    metrics = one.metrics
    numbers = f"SHAcc {percent(metrics.shacc.value)} SBErr {percent(metrics.sberr.value)}"
    return f"{numbers} ({metrics.n} answers): {_line(one.prompt.text)}"


def _refused(refusals: Sequence[Refusal]) -> str:
    if not refusals:
        return ""
    lines = "\n".join(f"{_line(one.text)[:160]} ({one.reason})" for one in refusals)
    return f"\nRefused without being tried:\n{lines}\n"


def _line(text: str) -> str:
    return " ".join(text.split())
