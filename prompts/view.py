"""HistoryView: what a strategy and a report see of a run, derived from the stored answers."""

from dataclasses import dataclass

from prompts.prompt import Prompt
from vllm_eval.metrics import BiasMetrics


@dataclass(frozen=True)
class ScoredPrompt:
    """A prompt and its metrics on one clip set; ``score`` is SHAcc - SBErr mapped to 0..1: (1 + gap) / 2."""

    prompt: Prompt
    metrics: BiasMetrics
    score: float
    position: int  # 0-based order in which it was scored within the run; -1 for baselines


@dataclass(frozen=True)
class Refusal:
    """A proposal the guard refused, and why."""

    text: str
    reason: str


@dataclass(frozen=True)
class HistoryView:
    """``scored`` holds baselines and proposals of this run on the tune split, best score first."""

    scored: tuple[ScoredPrompt, ...]
    refused: tuple[Refusal, ...]
    round: int

    def best(self) -> ScoredPrompt | None:
        """The leader so far, baselines included; None before anything is scored."""
        return self.scored[0] if self.scored else None
