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


def comparable(scored: ScoredPrompt) -> tuple[float, float]:
    """SHAcc and minus SBErr, both to be maximised, that may be held against those of other prompts.

    A prompt given up early answered other clips than the rest, perhaps easier ones. Where its score is fair
    (``rescored``), SHAcc and SBErr are moved equally, in opposite directions, until their gap tells it.
    """
    shacc, sberr = scored.metrics.shacc.value, scored.metrics.sberr.value
    move = (2 * scored.score - 1 - (shacc - sberr)) / 2
    # Rounded: what is equal must stay equal.
    return round(shacc + move, 9), round(move - sberr, 9)


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """At least as good in everything and better in something, all to be maximised."""
    return all(a >= b for a, b in zip(one, other, strict=True)) and tuple(one) != tuple(other)


def complete(scored: Sequence[ScoredPrompt]) -> list[ScoredPrompt]:
    """Of those that have answers, the ones asked about as many clips as any, failures included."""
    answered = [one for one in scored if one.metrics.n]
    most = max((_asked(one) for one in answered), default=0)
    return [one for one in answered if _asked(one) == most]


def front(scored: Sequence[ScoredPrompt]) -> list[ScoredPrompt]:
    """Complete prompts that no other of these beats in SHAcc (up) or SBErr (down) without losing in the
    other, lowest SBErr first.

    What was given up early is left out, fair score or not: eight clips can tell that it is no better than the
    best, hardly where between SHAcc and SBErr it stands.
    """
    whole = complete(scored)
    points = {one.prompt.id: comparable(one) for one in whole}
    kept = [
        one for one in whole if not any(dominates(point, points[one.prompt.id]) for point in points.values())
    ]
    return sorted(kept, key=lambda one: (-points[one.prompt.id][1], points[one.prompt.id][0]))


def _asked(one: ScoredPrompt) -> int:
    return one.metrics.n + one.metrics.errors
