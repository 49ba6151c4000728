"""Scoring for the loop: the target models, with its spending booked and somebody watching."""

import time
from collections.abc import Sequence

from agents.budget import Ledger
from agents.targets import Panel
from agents.watcher import Watcher
from prompts.prompt import Prompt
from videos.clip import ClipSet
from vllm_eval.evaluator import Scored


class Scorer:
    """Scores with a panel's models."""

    def __init__(self, panel: Panel, ledger: Ledger, watcher: Watcher) -> None:
        self._panel, self._ledger, self._watcher = panel, ledger, watcher

    def missing(self, prompts: Sequence[Prompt], clips: ClipSet) -> int:
        """How many answers ``score`` would buy."""
        return self._panel.missing(prompts, clips)

    def choices(self, prompt: Prompt, clips: ClipSet) -> list[Sequence[str]]:
        """Per clip the labels that log-probabilities of an answer to this prompt follow."""
        return self._panel.choices(prompt, clips)

    def score(self, prompts: Sequence[Prompt], clips: ClipSet) -> dict[str, Scored]:
        """Answers of all prompts on all clips, by prompt id, in one call of each engine; known ones are free.

        Raises OutOfBudget when they do not fit the cap on answers, or when time runs out on the way.
        """
        missing = self.missing(prompts, clips)
        self._ledger.require(missing)
        if missing:
            self._decode(clips)
        started, before = time.monotonic(), self._ledger.answers
        try:
            return self._panel.evaluate(prompts, clips, self._answered)
        finally:
            self._ledger.measure(self._ledger.answers - before, time.monotonic() - started)
            self._ledger.book()

    def _answered(self, new: int, known: int) -> None:
        self._watcher.answered(new, known)
        self._ledger.answered(new)

    def _decode(self, clips: ClipSet) -> None:
        """All frames first, in worker processes: one at a time they would keep the model waiting."""
        failed = self._panel.fill(clips)
        if failed:
            clip_id, reason = next(iter(failed.items()))
            self._watcher.line(
                f"{len(failed)} clips of {clips.name} cannot be read, e.g. {clip_id}: {reason}"
            )


class Reserving:
    """A scorer for strategies: it buys only what leaves the run enough to end with, its report included."""

    def __init__(self, scorer: Scorer, ledger: Ledger, reserve: int) -> None:
        self._scorer, self._ledger, self._reserve = scorer, ledger, reserve

    def score(self, prompts: Sequence[Prompt], clips: ClipSet) -> dict[str, Scored]:
        """As Scorer.score. Raises OutOfBudget, before it buys, when the report could not be paid any more."""
        missing = self._scorer.missing(prompts, clips)
        if missing:
            self._ledger.require(missing, self._reserve)
        return self._scorer.score(prompts, clips)
