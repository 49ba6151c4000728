"""A small finished run, told to a history: what commands, report and viewer are tested on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prompts.history import History
from prompts.library import HUMAN_FOCUSED, NEUTRAL
from prompts.prompt import Prompt
from vllm_eval.engine import Answer, Kind
from vllm_eval.evaluator import AnswerRow

HOSTILE = (
    "=cmd|' /C calc'! <script>alert(1)</script> {{ 7 * 7 }} {% raw %} [bold]loud[/bold] \x1b[2J "
    "**strong** $x_1$ & \\input{x} <img src=http://example.org/x onerror=alert(2)> what does the person do?"
)
WINNER = Prompt("Watch how the person moves. What do they do?", (NEUTRAL.prompt.id,), "opro", "moving tells")
CHILD = Prompt(HOSTILE, (WINNER.id, HUMAN_FOCUSED.prompt.id), "opro", "<b>why</b> [red]not[/red]")
REFUSED = Prompt("Is it <script>refused()</script> surfing?", (WINNER.id,), "opro")
CLASSES = ("archery", "bowling", "dancing & <i>more</i>", "surfing")
SENT = [
    {"role": "system", "content": "You write prompts."},
    {"role": "user", "content": "One more:\n<script>alert(3)</script> **sent** \x1b[2J"},
]
TUNE, SELECT, TEST, MIMETICS = "swaps/tune", "swaps/select", "swaps/test", "mimetics"
CONFIG: dict[str, Any] = {
    "data": {"root": "/nowhere/at/all", "swap": "swaps", "mimetics": "mimetics", "agreement": None},
    "target": {"model": "some/model", "engine": "openai"},
    "optimizer": {"strategy": "opro"},
    "budget": {"prompts": 2},
}
# Per prompt, what became of clips 0, 1, 2 ... of a set, repeated.
PATTERNS: dict[str, Sequence[Kind]] = {
    NEUTRAL.prompt.id: ("background", "background", "background", "human", "other"),
    HUMAN_FOCUSED.prompt.id: ("human", "background", "human", "human", "other"),
    WINNER.id: ("human", "human", "human", "other", "background"),
    CHILD.id: ("human", "unparsed", "background", "human", "error"),
}


@dataclass(frozen=True)
class Story:
    """The history's URL and the run in it."""

    url: str
    run_id: str


def tell(url: str, finished: bool = True, config: dict[str, Any] | None = None) -> Story:
    """A run with two hand-written prompts, two proposals and one refusal; where finished, with a result."""
    with History(url) as history:
        run = history.start_run(CONFIG if config is None else config, 3)
        for entry in (NEUTRAL, HUMAN_FOCUSED):
            history.add_prompt(run, entry.prompt)
        history.add_proposal(run, 0, WINNER, "accepted", raw="<b>raw</b>", request=SENT)
        history.add_proposal(run, 1, CHILD, "accepted")
        history.add_proposal(run, 1, REFUSED, "refused", "leak: 'surfing' <script>", position=1)
        everyone = (NEUTRAL.prompt, HUMAN_FOCUSED.prompt, WINNER, CHILD)
        for prompt in everyone:
            history.add(answers(run, prompt, TUNE, 10))
        history.add_spend(run, "clip_evaluations", 40)
        if finished:
            _finish(history, run)
    return Story(url, run)


def answers(run: str, prompt: Prompt, dataset: str, clips: int) -> list[AnswerRow]:
    """Its answers on a set, by its pattern."""
    pattern = PATTERNS[prompt.id]
    return [_row(run, prompt, dataset, n, pattern[n % len(pattern)]) for n in range(clips)]


def _finish(history: History, run: str) -> None:
    history.add_decision(run, "finalists", {"clips": TUNE, "scores": {WINNER.id: 0.7, CHILD.id: 0.55}})
    for prompt in (WINNER, NEUTRAL.prompt):
        history.add(answers(run, prompt, SELECT, 10))
    history.add_decision(run, "select", {"clips": SELECT, "scores": {WINNER.id: 0.7, NEUTRAL.prompt.id: 0.3}})
    history.add_decision(run, "winner", {"prompt": WINNER.id, "neutral": False})
    for prompt in (NEUTRAL.prompt, HUMAN_FOCUSED.prompt, WINNER):
        history.add(answers(run, prompt, TEST, 20))
        history.add(answers(run, prompt, MIMETICS, 10))
    history.add_spend(run, "clip_evaluations", 110)
    history.finish_run(run, {"winner": WINNER.id, "improved": True, "stopped": "2 prompts are scored"})


def _row(run: str, prompt: Prompt, dataset: str, clip: int, kind: Kind) -> AnswerRow:
    human, background = CLASSES[clip % 4], None if dataset == MIMETICS else CLASSES[(clip + 1) % 4]
    kind = "other" if background is None and kind == "background" else kind
    label = {"human": human, "background": background, "other": CLASSES[(clip + 2) % 4]}.get(kind)
    error = "no such file" if kind == "error" else None
    text = "<script>said()</script>" if kind == "unparsed" else "A"
    key = f"{prompt.id} {dataset} {clip}"
    answer = Answer(key, text, label, kind, (-0.1, -2.0, -3.0, -4.0, -5.0), 100, 60, 0.5, error)
    return AnswerRow(
        answer=answer,
        prompt_id=prompt.id,
        clip_id=f"{dataset} clip {clip:02d}",
        human=human,
        background=background,
        dataset=dataset,
        run_id=run,
        sources=(f"{dataset} human {clip}", f"{dataset} scene {clip % 7}"),
        choices=5,
        format_key="mcq5-plain-seed0",
    )
