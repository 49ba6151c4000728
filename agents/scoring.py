"""Scoring for the loop: the evaluator, with its spending booked and somebody watching."""

import time
from collections.abc import Sequence

from agents.budget import Ledger
from agents.watcher import Watcher
from prompts.prompt import Prompt
from videos.clip import ClipSet
from vllm_eval.evaluator import Evaluator, Formats, Scored


class Scorer:
    """``formats`` overrides the question format for some prompt ids, as in Evaluator.evaluate."""

    def __init__(self, evaluator: Evaluator, ledger: Ledger, watcher: Watcher, formats: Formats) -> None:
        self._evaluator, self._ledger, self._watcher, self._formats = evaluator, ledger, watcher, formats

    def score(self, prompts: Sequence[Prompt], clips: ClipSet) -> dict[str, Scored]:
        """Answers of all prompts on all clips, by prompt id, in one engine call; known ones cost nothing.

        Raises OutOfBudget when they do not fit the cap on answers, or when time runs out on the way.
        """
        missing = self._evaluator.missing(prompts, clips, self._formats)
        self._ledger.require(missing)
        if missing:
            self._decode(clips)
        started, before = time.monotonic(), self._ledger.answers
        try:
            return self._evaluator.evaluate(prompts, clips, self._answered, self._formats)
        finally:
            self._ledger.measure(self._ledger.answers - before, time.monotonic() - started)
            self._ledger.book()

    def _answered(self, new: int, known: int) -> None:
        self._watcher.answered(new, known)
        self._ledger.answered(new)

    def _decode(self, clips: ClipSet) -> None:
        """All frames first, in worker processes: one at a time they would keep the model waiting."""
        failed = self._evaluator.frame_store.fill(clips.clips, self._evaluator.policy)
        if failed:
            clip_id, reason = next(iter(failed.items()))
            self._watcher.line(
                f"{len(failed)} clips of {clips.name} cannot be read, e.g. {clip_id}: {reason}"
            )
