"""HistoryView: what a strategy and a report see of a run, derived from the stored answers."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from prompts.prompt import Prompt
from vllm_eval.evaluator import AnswerRow
from vllm_eval.metrics import BiasMetrics


@dataclass(frozen=True)
class Confusion:
    """How often clips of one human action were answered with another label (None: unparsed)."""

    human: str
    answered: str | None
    kind: str
    count: int


@dataclass(frozen=True)
class ScoredPrompt:
    """A prompt and its metrics on one clip set; ``score`` is SHAcc - SBErr mapped to 0..1: (1 + gap) / 2.

    In a view that was rescored, prompts asked about fewer clips (``metrics.n``) than others have the score
    they may be ranked by instead.
    """

    prompt: Prompt
    metrics: BiasMetrics
    score: float
    position: int  # 0-based order in which it was scored within the run; -1 for baselines
    confusions: tuple[Confusion, ...] = ()  # most frequent first


@dataclass(frozen=True)
class Refusal:
    """A proposal the guard refused, and why."""

    text: str
    reason: str


@dataclass(frozen=True)
class HistoryView:
    """``scored`` holds baselines and proposals of this run on one data set, best score first.

    ``round`` is the number of the next round: 0 before anything was proposed.
    """

    scored: tuple[ScoredPrompt, ...]
    refused: tuple[Refusal, ...]
    round: int
    dataset: str = ""

    def best(self) -> ScoredPrompt | None:
        """The leader so far, baselines included; None before anything is scored."""
        return self.scored[0] if self.scored else None

    def get(self, prompt_id: str) -> ScoredPrompt | None:
        """The scored prompt with this id, if it was scored here."""
        return next((scored for scored in self.scored if scored.prompt.id == prompt_id), None)

    def neutral(self) -> ScoredPrompt | None:
        """The neutral baseline, if it was scored."""
        from prompts.library import NEUTRAL  # the library needs nothing from here; this keeps it that way

        return self.get(NEUTRAL.prompt.id)


def rescored(view: HistoryView, scores: Mapping[str, float]) -> HistoryView:
    """The view with these scores by prompt id, ranked anew; other prompts keep theirs."""
    scored = [replace(one, score=scores.get(one.prompt.id, one.score)) for one in view.scored]
    return replace(view, scored=best_first(scored))


def score_of(metrics: BiasMetrics) -> float:
    """SHAcc - SBErr mapped to 0..1, higher is better."""
    return (1 + metrics.bias_gap.value) / 2


def confusions(rows: Iterable[AnswerRow], top: int | None = None) -> tuple[Confusion, ...]:
    """Wrong answers counted by (human, answered, kind), most frequent first, ties by name; no errors."""
    wrong = (row for row in rows if row.answer.kind not in ("human", "error"))
    counts = Counter((row.human, row.answer.label, row.answer.kind) for row in wrong)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return tuple(Confusion(*names, count) for names, count in ranked[:top])


def best_first(scored: Sequence[ScoredPrompt]) -> tuple[ScoredPrompt, ...]:
    """By score, ties by the order in which they were scored."""
    return tuple(sorted(scored, key=lambda one: (-one.score, one.position)))


def front(scored: Sequence[ScoredPrompt]) -> list[ScoredPrompt]:
    """Those that no other beats in one of SHAcc (up) and SBErr (down) without losing in the other."""
    ordered = sorted(scored, key=lambda one: (one.metrics.sberr.value, -one.metrics.shacc.value))
    kept: list[ScoredPrompt] = []
    for one in ordered:
        if not kept or one.metrics.shacc.value > kept[-1].metrics.shacc.value:
            kept.append(one)
    return kept
