"""A few clips asked with the hand-written prompts: what an answer takes, in seconds and tokens.

They are the first clips of the race, and the answers are kept, so that a run that follows finds them.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agents.config import RunConfig
from agents.plan import Plan
from agents.race_order import racing_order
from agents.targets import Panel, by_target, open_panel, plain_id
from assets.errors import UserError
from prompts.history import History
from prompts.library import BACKGROUND_BIASED, HUMAN_FOCUSED, NEUTRAL
from videos.clip import ClipSet
from vllm_eval.engine import Answer
from vllm_eval.evaluator import AnswerRow, Scored

TRIED = (NEUTRAL.prompt, HUMAN_FOCUSED.prompt, BACKGROUND_BIASED.prompt)
TRIED_CLIPS = 4


@dataclass(frozen=True)
class Trial:
    """A few answers: seconds for one, tokens read for one by target; how many were asked, how many known.

    Seconds are measured, or where some answers were known as recorded with them.
    """

    seconds: float
    prompt_tokens: Mapping[str, float]
    asked: int
    known: int = 0

    def told(self) -> str:
        """Where the seconds come from."""
        if not self.known:
            return f"measured on {self.asked}"
        return f"as {self.known} earlier answers took" + (f" and {self.asked} new ones" if self.asked else "")


class _Bought:
    """The history as the trial's answer store. What the trial buys belongs to a run of its own.

    Which exists only once there is something to keep: an estimate that buys nothing leaves no trace.
    """

    def __init__(self, history: History, config: RunConfig) -> None:
        self._history, self._config = history, config
        self.recalled: set[str] = set()
        self.bought, self._run_id = 0, ""

    def known(self, keys: Sequence[str]) -> dict[str, Answer]:
        """As AnswerStore.known."""
        found = self._history.known(keys)
        self.recalled |= found.keys()
        return found

    def failed(self, keys: Sequence[str], run_id: str, dataset: str) -> dict[str, Answer]:
        """As AnswerStore.failed: nothing, a trial asks each question once."""
        return {}

    def add(self, rows: Sequence[AnswerRow]) -> None:
        """Keep what was bought just now."""
        new = [row for row in rows if row.answer.key not in self.recalled]
        if new:
            self._run_id = self._run_id or self._begun()
            self._history.add([replace(row, run_id=self._run_id) for row in new])
            self.bought += len(new)

    def end(self, summary: Mapping[str, object], status: str) -> None:
        """Close the run, if there is one."""
        if self._run_id:
            self._history.finish_run(self._run_id, summary, status)

    def _begun(self) -> str:
        # What scoring depends on, as vllm_eval.evaluate keeps it: nobody takes it for a search to resume.
        scoring = {key: self._config.values().get(key) for key in ("data", "target", "targets")}
        values = {key: value for key, value in scoring.items() if value}
        run_id = self._history.start_run({"command": "estimate", **values}, self._config.data.seed)
        for prompt in TRIED:
            self._history.add_prompt(run_id, prompt)
        return run_id


def try_out(plan: Plan, history: History) -> Trial:
    """Ask about the first clips of the race, which a run asks the hand-written prompts about in any case.

    Raises UserError for a target that cannot be opened or gives no answer.
    """
    targets, parts = plan.config.panel(), plan.parts
    store = _Bought(history, plan.config)
    panel = open_panel(targets, parts.engine, parts.frames(), store, "estimate")
    try:
        trial = _tried(panel, plan, store)
    except UserError as problem:
        store.end({"error": str(problem)}, "failed")
        raise
    finally:
        panel.close()
    store.end({"command": "estimate", "asked": trial.asked, "seconds": trial.seconds}, "finished")
    return trial


def _tried(panel: Panel, plan: Plan, store: _Bought) -> Trial:
    """The first clip warms everything up and is not measured."""
    first, rest = _first_clips(plan)
    both = replace(first, clips=(*first.clips, *rest.clips))
    if panel.missing(TRIED, both):
        panel.fill(both)
    warm = panel.evaluate(TRIED, first)
    began = time.monotonic()
    scored = panel.evaluate(TRIED, rest) if len(rest) else warm
    took = time.monotonic() - began
    read = _answered(scored, list(plan.config.panel()))
    answers = [answer for some in read.values() for answer in some]
    known = len(store.recalled)
    if known or not len(rest):  # the clock would show what it takes to remember
        took = sum(answer.seconds for answer in answers)
    means = {name: sum(one.prompt_tokens for one in some) / len(some) for name, some in read.items()}
    return Trial(took / len(answers), means, store.bought, known)


def _first_clips(plan: Plan) -> tuple[ClipSet, ClipSet]:
    """The clip to warm up with and those to measure on, each once for every target."""
    ordered = racing_order(plan.data.tune, plan.config.data.seed)
    names = list(dict.fromkeys(plain_id(clip.id) for clip in ordered.clips))
    warm, measured = names[:1], names[1 : 1 + TRIED_CLIPS]
    first, rest = (
        replace(ordered, clips=tuple(clip for clip in ordered.clips if plain_id(clip.id) in some))
        for some in (warm, measured)
    )
    return first, rest


def _answered(scored: Mapping[str, Scored], targets: Sequence[str]) -> dict[str, list[Answer]]:
    """Answers that could be had by target. Raises UserError for a target without any."""
    read: dict[str, list[Answer]] = {}
    count = 0
    for name, part in ((name, part) for one in scored.values() for name, part in by_target(one).items()):
        answers = read.setdefault(name or targets[0], [])
        answers.extend(answer for answer in part.answers if answer.kind != "error")
        count += len(part.answers)
    silent = [name for name, answers in read.items() if not answers]
    if silent:
        raise UserError(
            f"none of {count // len(read)} trial answers of {silent[0]} could be had, see vllm_eval.doctor"
        )
    return read
