"""What a run's history tells of all its targets together: one view, one list of answers for a prompt."""

from dataclasses import dataclass, field, replace
from functools import cached_property

from agents.targets import target_of
from prompts.history import History, score_rows
from prompts.records import AT
from prompts.view import HistoryView, ScoredPrompt, best_first
from videos.clip import ClipSet
from vllm_eval.evaluator import AnswerRow


@dataclass(frozen=True)
class Pooled:
    """``clips``: the tune side as the run sees it, with several targets once for each."""

    history: History
    run_id: str
    clips: ClipSet
    _scored: dict[tuple[str, int], ScoredPrompt] = field(default_factory=dict)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The targets its clips stand for; none with one."""
        return tuple(dict.fromkeys(name for clip in self.clips.clips if (name := target_of(clip.id))))

    def view(self) -> HistoryView:
        """As History.view, metrics over the answers of all targets."""
        if not self.names:
            return self.history.view(self.run_id, self.clips.name)
        views = [self.history.view(self.run_id, dataset) for dataset, _ in self._datasets()]
        counts: dict[str, int] = {}
        found: dict[str, ScoredPrompt] = {}
        for one in (one for view in views for one in view.scored):
            found.setdefault(one.prompt.id, one)
            counts[one.prompt.id] = counts.get(one.prompt.id, 0) + one.metrics.n + one.metrics.errors
        scored = [self._pooled(one, counts[prompt_id]) for prompt_id, one in found.items()]
        return replace(views[0], scored=best_first(scored), dataset=self.clips.name)

    def answers(self, prompt_id: str) -> list[AnswerRow]:
        """The prompt's answers in the order of the clips, under the ids the clips have in this run."""
        place = {clip.id: number for number, clip in enumerate(self.clips.clips)}
        rows = [
            replace(row, clip_id=f"{row.clip_id}{AT}{name}") if name else row
            for dataset, name in self._datasets()
            for row in self.history.answers_for(self.run_id, prompt_id, dataset)
        ]
        return sorted((row for row in rows if row.clip_id in place), key=lambda row: place[row.clip_id])

    def _datasets(self) -> list[tuple[str, str]]:
        """Data sets as the history calls them, each with its target."""
        name = self.clips.name
        return [(f"{name}{AT}{target}", target) for target in self.names] or [(name, "")]

    def _pooled(self, one: ScoredPrompt, answers: int) -> ScoredPrompt:
        """Computed once for so many answers: intervals take their time."""
        key = one.prompt.id, answers
        if key not in self._scored:
            self._scored[key] = score_rows(one.prompt, self.answers(one.prompt.id), one.position)
        return self._scored[key]
