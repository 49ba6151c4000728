"""The end of a run: finalists compared on the select side, one winner, one look at the reported clips.

The winner is chosen from answers on the select side and on the agreement clips alone. It is the finalist with
the highest (1 + SHAcc - SBErr) / 2 on the select side whose accuracy on ordinary clips is at most
``AGREEMENT_MARGIN`` below the neutral prompt's; or, by objective.rule sberr, the one of lowest SBErr among
those shown to lose less than a margin there. Neutral itself is always among the finalists, so a search that
found nothing says so.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.config import ObjectiveConfig
from agents.objectives import lowest_sberr
from agents.scoring import Scorer
from agents.splits import Data
from agents.watcher import Watcher
from assets.errors import UserError
from prompts.history import History
from prompts.library import LIBRARY, NEUTRAL
from prompts.prompt import Prompt
from prompts.view import HistoryView, score_of
from videos.clip import ClipSet
from vllm_eval.evaluator import Scored
from vllm_eval.metrics import accuracy

# Half of the three points a found prompt may lose: chosen among several, the loss seen here is too small
# (seen as 1.7 points on 120 clips, 4.7 on 150 others).
AGREEMENT_MARGIN = 0.015


@dataclass(frozen=True)
class Outcome:
    """``reports``: per reported clip set, the answers of every reported prompt by id."""

    winner: Prompt
    finalists: tuple[Prompt, ...]
    reports: Mapping[str, Mapping[str, Scored]]


def answers_needed(data: Data, finalists: int, baselines: int) -> int:
    """The most answers that the end of a run can cost."""
    agreement = (finalists + 1) * len(data.agreement) if data.agreement else 0
    reported = (baselines + 1) * sum(len(clips) for clips in data.reports.values())
    return (finalists + 1) * len(data.select) + agreement + reported


@dataclass(frozen=True)
class Finals:
    """What the end needs. ``baselines`` are reported beside the winner."""

    history: History
    run_id: str
    scorer: Scorer
    watcher: Watcher
    data: Data
    baselines: Sequence[Prompt]
    finalists: int
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    twins: Collection[str] = ()

    def run(self, view: HistoryView) -> Outcome:
        """Choose the winner among the run's proposals and report it."""
        finalists = self._finalists(view)
        self.watcher.phase(f"comparing {len(finalists)} finalists on {self.data.select.name}")
        ranked = self._ranked(finalists)
        winner = self._constrained(ranked) if self.objective.rule == "sberr" else self._agreeing(ranked)
        reports = {name: self._report(name, clips, winner) for name, clips in self.data.reports.items()}
        return Outcome(winner, tuple(ranked), reports)

    def _finalists(self, view: HistoryView) -> list[Prompt]:
        """Best proposals by tune score, neutral last: on equal scores the found prompt goes first."""
        answered = [
            scored
            for scored in view.scored
            if scored.position >= 0 and scored.metrics.n and scored.prompt.id not in self.twins
        ]
        proposed = answered[: self.finalists]
        tune = {scored.prompt.id: scored.score for scored in proposed}
        self._decide("finalists", {"clips": self.data.tune.name, "scores": tune})
        return [*(scored.prompt for scored in proposed), NEUTRAL.prompt]

    def _ranked(self, finalists: Sequence[Prompt]) -> list[Prompt]:
        scored = self.scorer.score(finalists, self.data.select)
        scores = {prompt.id: _score(scored[prompt.id]) for prompt in finalists}
        self._decide("select", {"clips": self.data.select.name, "scores": scores})
        return sorted(finalists, key=lambda prompt: -scores[prompt.id])

    def _agreeing(self, ranked: Sequence[Prompt]) -> Prompt:
        """The first that does not lose on ordinary clips."""
        for prompt in ranked:
            loss = self._loss(prompt)
            passed = loss is None or loss <= AGREEMENT_MARGIN
            self._decide("agreement", {"prompt": prompt.id, "loss": loss, "passed": passed})
            if passed:
                self._decide("winner", {"prompt": prompt.id, "neutral": prompt.id == NEUTRAL.prompt.id})
                return prompt
            self.watcher.line(
                f"passed over, {100 * (loss or 0):.1f} points lost on ordinary clips: {prompt.text}"
            )
        raise AssertionError("neutral loses nothing against itself")

    def _constrained(self, ranked: Sequence[Prompt]) -> Prompt:
        """Lowest SBErr on the select side among those shown not to lose ``margin`` on ordinary clips."""
        clips = self.data.agreement
        if clips is None:
            raise UserError(
                "objective.rule sberr needs ordinary clips: set data.agreement, or use rule score"
            )
        self.watcher.phase(f"checking on {clips.name}")
        ordinary = self.scorer.score(ranked, clips)
        select = self.scorer.score(ranked, self.data.select)
        choice = lowest_sberr(NEUTRAL.prompt.id, select, ordinary, self.objective.margin)
        for prompt_id, one in choice.checks.items():
            detail = {"prompt": prompt_id, "low": one.low, "p": one.p, "passed": one.shown}
            self._decide("noninferiority", detail | {"margin": self.objective.margin})
        winner = next(prompt for prompt in ranked if prompt.id == choice.winner)
        if choice.passed_over:
            self.watcher.line(
                f"{len(choice.passed_over)} with lower SBErr passed over: a loss of "
                f"{100 * self.objective.margin:g} points on ordinary clips is not ruled out"
            )
        self._decide("winner", {"prompt": winner.id, "neutral": winner.id == NEUTRAL.prompt.id})
        return winner

    def _loss(self, prompt: Prompt) -> float | None:
        """How much accuracy the prompt loses against neutral; None where that is not checked."""
        clips = self.data.agreement
        if clips is None or prompt.id == NEUTRAL.prompt.id:
            return None
        self.watcher.phase(f"checking on {clips.name}")
        scored = self.scorer.score([NEUTRAL.prompt, prompt], clips)
        neutral, found = (_accuracy(scored[one.id]) for one in (NEUTRAL.prompt, prompt))
        return neutral - found

    def _report(self, name: str, clips: ClipSet, winner: Prompt) -> dict[str, Scored]:
        self.watcher.phase(f"reporting on {name}")
        return self.scorer.score([*self.baselines, winner], clips)

    def _decide(self, kind: str, detail: dict[str, Any]) -> None:
        """Remember a decision, once: a resumed run takes the same ones again."""
        known = [(one.kind, one.detail) for one in self.history.decisions(self.run_id)]
        if (kind, detail) not in known:
            self.history.add_decision(self.run_id, kind, detail)


def baseline_prompts(with_prefixed: bool) -> list[Prompt]:
    """The hand-written prompts, neutral first; the prefixed one only where choices can be written so."""
    entries = [entry for entry in LIBRARY.values() if with_prefixed or entry.choice_style == "plain"]
    return [entry.prompt for entry in entries]


def _score(scored: Scored) -> float:
    """0 without any answer: what was never answered is not half good."""
    metrics = scored.metrics()
    return score_of(metrics) if metrics.n else 0.0


def _accuracy(scored: Scored) -> float:
    return accuracy(scored.answers, scored.clusters()).value
