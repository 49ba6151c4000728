"""The `agent` strategy: a language model looks into the history with tools and proposes on a hypothesis.

Three forms, what suits the model: tool calls where the endpoint has them; one request with a digest of what
the tools would tell, answered in JSON held to a schema where the runtime can; a ranked list to continue for
models that cannot follow instructions. Every proposal names its parent and what it expects to grow fewer;
the next round tells what came of that.
"""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from agents.budget import OutOfBudget
from agents.guard import GuardSettings
from agents.llm.base import LLM, Message, Reply, ToolCall, ToolLLM, TooLong, with_tools
from agents.strategies import telling
from agents.strategies.opro import Opro
from agents.strategies.picking import pick
from agents.strategies.replies import ideas, objects, spoken_calls
from agents.strategies.toolbox import SPECS, Toolbox, proposal
from agents.strategies.writing import Form, WritingStrategy
from agents.strategy import STOP, Proposal
from agents.tools import Rows, called, diff, named, pareto_front, texts
from prompts.view import HistoryView

_STEPS = 16  # replies in one round of tool calls at most
_IDLE = 3  # of them in a row without a call that was not made before, after which it gets one request instead
_CALL_TOKENS = 700
_IDEA_TOKENS = 200
_ATTEMPTS = 2  # structured requests for one ``ask`` at most
_DIGEST_TOP, _DIGEST_LINES = 6, 5

SYSTEM = """\
You design prompts for a model that watches a video and names the action in it. The videos are edited: a \
person performs one action in front of a background where another action usually takes place, and the model \
tends to name the background's action. Your prompts should make it name what the person does.
SHAcc (higher is better): percent of videos where the answer is the person's action. SBErr (lower is \
better): percent where it is the background's action.
A prompt is one to three short sentences in plain English, at most 50 words. It names no particular action, \
sport, place or object, and lists no options: they are added later."""

TOOLS = """\
Look into the history with the tools, form a hypothesis about why prompts fail, and propose {n} new prompts, \
each with an idea of its own, the prompt it improves on, and the confusions it should make fewer.
What came of earlier predictions:
{outcomes}
Best so far:
{top}
Refused without being tried:
{refused}"""

STRUCTURED = """\
Prompts so far, best first:
{top}
On the Pareto front: {front}.
{best} is mistaken most often so:
{confusions}
It fails most in:
{clusters}
{difference}
What came of earlier predictions:
{outcomes}
Refused without being tried:
{refused}
Write {n} new prompts, each with an idea of its own and worded unlike those above: why it should do better, \
which prompt it improves on, and which confusions it should make fewer."""


class Agent(WritingStrategy):
    """Depends on (seed, history) alone, as far as the model does."""

    name = "agent"

    def __init__(
        self, llm: LLM, form: Form = "auto", seed: int = 0, limits: GuardSettings | None = None
    ) -> None:
        super().__init__(llm, form, seed, limits)
        self._ranked = Opro(llm, "ranked", seed, limits)
        self._surplus: list[Proposal] = []

    def ask(self, view: HistoryView, n: int) -> list[Proposal]:
        """n proposals, fewer when the model has no more; none when it stops twice without proposing.

        What it proposes beyond n waits for the next round.
        """
        if not self._chats:
            return self._ranked.ask(view, n)
        waiting, self._surplus = self._surplus, []
        if waiting:
            return self._first(waiting, view, n)
        taking, refused = with_tools(self._llm), list[Proposal]()
        if taking:
            box = Toolbox(view, self._rows, self._guard, n)
            proposed = self._call_tools(taking, view, box)
            if proposed is not None:
                return [*box.refused, *proposed]
            refused = box.refused
        return [*refused, *pick(self._structured(view, n), view, n, self._guard)]

    def _rows(self, prompt_id: str) -> Rows:
        return self._context.answers(prompt_id) if self._context else ()

    def _call_tools(self, taking: ToolLLM, view: HistoryView, box: Toolbox) -> list[Proposal] | None:
        """What the model proposed by its tools; None when it has none, or nothing comes of them."""
        idle, made = 0, set[tuple[str, str]]()
        turns = [Message("system", SYSTEM), Message("user", self._opening(view, box.wanted))]
        for step in range(_STEPS):
            reply = self._conversed(taking, turns, view, step)
            if reply is None:
                break
            sent, calls = tuple(turns), _calls(reply)
            before, bad = len(box.proposals), len(box.refused)
            if not calls:
                box.proposals.extend(_written(reply, view))
            turns.extend(_answered(reply, calls, box))
            box.proposals[before:] = [_from(reply, sent, one) for one in box.proposals[before:]]
            box.refused[bad:] = [_from(reply, sent, one) for one in box.refused[bad:]]
            asked = {(call.name, call.arguments) for call in calls}
            idle = 0 if asked - made else idle + 1
            made |= asked
            if box.done or (box.proposals and not calls) or idle == _IDLE:
                break
        if box.proposals:
            return self._first(box.proposals, view, box.wanted)
        if box.stopped is not None and self._stops_again(view, box.stopped):
            return []
        return None

    def _first(self, proposals: list[Proposal], view: HistoryView, n: int) -> list[Proposal]:
        """The first n worth trying; good ones beyond them are put by."""
        picked = pick(proposals, view, len(proposals), self._guard)
        spare, mine = [one for one in picked if one.spare], [one for one in picked if not one.spare]
        self._surplus = [one for one in mine[n:] if not self._guard.check(one.text)]
        return [*spare, *mine[:n]]

    def _stops_again(self, view: HistoryView, reason: str) -> bool:
        """Whether the model stopped in the round before, too: once may be careless, with the budget unspent.

        Before any prompt was tried it never may.
        """
        if self._context is None:
            return False
        before = {int(one["round"]) for one in self._context.recalled(STOP)}
        self._context.remember(STOP, {"round": view.round, "reason": reason})
        return view.round - 1 in before and any(one.position >= 0 for one in view.scored)

    def _conversed(self, taking: ToolLLM, turns: list[Message], view: HistoryView, step: int) -> Reply | None:
        """The next reply; None when the model has no tools after all, or nothing is left for more."""
        seed = Random(f"{self._seed}/{view.round}/{step}").getrandbits(31)
        try:
            return taking.converse(turns, SPECS, max_tokens=_CALL_TOKENS, seed=seed)
        except (TooLong, OutOfBudget):
            if step == 0:
                raise
            return None

    def _opening(self, view: HistoryView, n: int) -> str:
        return TOOLS.format(
            n=n,
            outcomes=telling.predictions(view, self._rows),
            top=telling.prompts(texts(view)[:_DIGEST_TOP]),
            refused=telling.refusals(view.refused),
        )

    def _structured(self, view: HistoryView, n: int) -> Iterator[Proposal]:
        for attempt in range(_ATTEMPTS):
            rng = Random(f"{self._seed}/{view.round}/structured/{attempt}")
            turns = (
                Message("system", f"{SYSTEM}\nYou answer with JSON and nothing else."),
                Message("user", self._digest(view, n)),
            )
            reply = self._llm.complete(
                turns,
                max_tokens=_IDEA_TOKENS * n + 50,
                temperature=self._llm.temperature * (1 + 0.15 * attempt),
                seed=rng.getrandbits(31),
                json_schema=schema(n),
            )
            yield from (_from(reply, turns, one) for one in _written(reply, view))

    def _digest(self, view: HistoryView, n: int) -> str:
        """What the tools would tell about the leader, in one text."""
        top = texts(view)[:_DIGEST_TOP]
        best, other = top[0] if top else None, view.neutral()
        compared = ""
        if best and other and best is not other:
            found = diff(self._rows(other.prompt.id), self._rows(best.prompt.id))
            compared = telling.difference(other, best, found, 3) if found.common else ""
        return STRUCTURED.format(
            n=n,
            top=telling.prompts(top),
            front=", ".join(called(one) for one in pareto_front(view)) or telling.NOTHING,
            best=called(best) if best else "The model",
            confusions=telling.confusions(best, _DIGEST_LINES) if best else telling.NOTHING,
            clusters=telling.clusters(self._rows(best.prompt.id), _DIGEST_LINES) if best else telling.NOTHING,
            difference=compared,
            outcomes=telling.predictions(view, self._rows, 4),
            refused=telling.refusals(view.refused, 3),
        )


def schema(n: int) -> dict[str, Any]:
    """JSON schema of a reply with n structured proposals; hypotheses come first, so that they lead."""
    pair = {
        "type": "object",
        "properties": {
            "action": {"type": "string", "maxLength": 60},
            "taken_for": {"type": "string", "maxLength": 60},
        },
        "required": ["action", "taken_for"],
        "additionalProperties": False,
    }
    fields = {
        "hypothesis": {"type": "string", "maxLength": 160},
        "parent": {"type": "string", "maxLength": 20},
        "prompt": {"type": "string", "maxLength": 400},
        "fewer": {"type": "array", "items": pair, "maxItems": 2},
    }
    idea = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    proposals = {"type": "array", "items": idea, "minItems": n, "maxItems": n}
    return {
        "type": "object",
        "properties": {"proposals": proposals},
        "required": ["proposals"],
        "additionalProperties": False,
    }


def _written(reply: Reply, view: HistoryView) -> list[Proposal]:
    """Structured proposals of a reply, or whatever prompts can be found in it."""
    found = [
        one for one in objects(reply.text) if isinstance(one.get("prompt"), str) and one["prompt"].strip()
    ]
    if not found:
        return [Proposal(idea.prompt, _best(view), idea.hypothesis, reply.text) for idea in ideas(reply.text)]
    made = []
    for one in found:
        parent = named(view, str(one.get("parent", ""))) or view.best()
        hypothesis = str(one.get("hypothesis", ""))
        made.append(proposal(one["prompt"].strip(), hypothesis, parent, one, reply.text))
    return made


def _from(reply: Reply, sent: tuple[Message, ...], one: Proposal) -> Proposal:
    """A proposal with what had been sent; one of a tool call also with what was said beside the call."""
    said = reply.text.strip() if reply.calls else ""
    return replace(one, request=sent, raw=f"{said}\n{one.raw}" if said else one.raw)


def _best(view: HistoryView) -> tuple[str, ...]:
    best = view.best()
    return (best.prompt.id,) if best else ()


def _calls(reply: Reply) -> tuple[ToolCall, ...]:
    """The tools a reply asks for, in the way it should or written into its text."""
    asked = reply.calls or [ToolCall("", name, given) for name, given in spoken_calls(reply.text)]
    return tuple(ToolCall(call.id or f"call{i}", call.name, call.arguments) for i, call in enumerate(asked))


def _answered(reply: Reply, calls: tuple[ToolCall, ...], box: Toolbox) -> list[Message]:
    """The model's turn, and one answer to each of its calls; without calls it is reminded of them."""
    if not calls:
        return [Message("assistant", reply.text), Message("user", "Call a tool: look, propose, or stop.")]
    told = [(call, box.call(call)) for call in calls]
    if reply.calls:
        answers = [Message("tool", answer, call_id=call.id) for call, answer in told]
        return [Message("assistant", reply.text, calls=calls), *answers]
    spoken = "\n\n".join(f"{call.name} {call.arguments}\n{answer}" for call, answer in told)
    return [Message("assistant", reply.text), Message("user", spoken)]
