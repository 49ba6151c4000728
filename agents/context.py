"""What strategies may look up and buy: one run's answers, frames and events, through its own budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from agents.pooling import Pooled
from agents.targets import Panel
from prompts.history import History
from prompts.prompt import Prompt
from videos.clip import ClipSet, Frames
from vllm_eval.evaluator import AnswerRow


class Scoring(Protocol):
    """Scores prompts within the budget; agents.scoring.Scorer is one."""

    def score(self, prompts: Sequence[Prompt], clips: ClipSet) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class RunContext:
    """The SearchContext of one run. ``prompts``: how many proposals the run will score."""

    history: History
    run_id: str
    clips: ClipSet
    prompts: int
    scorer: Scoring
    panel: Panel

    def answers(self, prompt_id: str) -> list[AnswerRow]:
        """As SearchContext.answers."""
        return Pooled(self.history, self.run_id, self.clips).answers(prompt_id)

    def evaluate(self, jobs: Sequence[tuple[Prompt, Sequence[str]]]) -> dict[str, list[AnswerRow]]:
        """As SearchContext.evaluate. Prompts that lack the same clips are asked together."""
        lacking: dict[tuple[str, ...], list[Prompt]] = {}
        for prompt, wanted in jobs:
            known = {row.clip_id for row in self.answers(prompt.id)}
            lacks = tuple(dict.fromkeys(clip for clip in wanted if clip not in known))
            if lacks:
                lacking.setdefault(lacks, []).append(prompt)
        for ids, prompts in lacking.items():
            self.scorer.score(prompts, self._only(ids))
        return {prompt.id: self._in_order(prompt.id, wanted) for prompt, wanted in jobs}

    def frames(self, clip_id: str) -> Frames:
        """As SearchContext.frames."""
        (clip,) = self._only([clip_id]).clips
        return self.panel.frames(clip)

    def remember(self, kind: str, detail: Mapping[str, Any]) -> None:
        """As SearchContext.remember."""
        self.history.add_decision(self.run_id, kind, detail)

    def recalled(self, kind: str) -> list[Mapping[str, Any]]:
        """As SearchContext.recalled."""
        return [one.detail for one in self.history.decisions(self.run_id) if one.kind == kind]

    def _only(self, ids: Sequence[str]) -> ClipSet:
        wanted = set(ids)
        return replace(self.clips, clips=tuple(clip for clip in self.clips.clips if clip.id in wanted))

    def _in_order(self, prompt_id: str, ids: Sequence[str]) -> list[AnswerRow]:
        rows = {row.clip_id: row for row in self.answers(prompt_id)}
        return [rows[clip_id] for clip_id in ids]
