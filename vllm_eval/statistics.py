"""Comparing prompts: paired differences, what a clip set can resolve, how many levels a run really has.

Prompts are always compared on the same clips. In this task paired comparison needs 3.5 to 6 times fewer clips
than comparing two independent scores, because two prompts disagree on only about one clip in eight.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vllm_eval.clustering import Clustering, Clusters, Values, clustering, t_quantile
from vllm_eval.engine import Answer
from vllm_eval.metrics import wilson
from vllm_eval.planning import minimum_detectable_effect, pairs_needed

__all__ = [
    "MEASURES",
    "Difference",
    "difference_of",
    "level_chain",
    "minimum_detectable_effect",
    "paired_deltas",
    "paired_difference",
    "pairs_needed",
]

# Clusters. Below this, the t distribution promises more than so few disagreements can show.
FEW_DISCORDANT = 10

_Kinds = NDArray[np.str_]


def _human(kinds: _Kinds) -> Values:
    return np.asarray(kinds == "human", dtype=np.float64)


def _background(kinds: _Kinds) -> Values:
    return np.asarray(kinds == "background", dtype=np.float64)


def _gap(kinds: _Kinds) -> Values:
    return _human(kinds) - _background(kinds)


# Per answer: what is averaged. "accuracy" is "shacc" under the name used where no background conflicts.
MEASURES: dict[str, Callable[[_Kinds], Values]] = {
    "shacc": _human,
    "sberr": _background,
    "gap": _gap,
    "accuracy": _human,
}


@dataclass(frozen=True)
class Difference:
    """a minus b with its 95 % interval and two-sided p, over ``n`` pairs in ``clusters`` independent groups.

    ``discordant`` is the share of pairs on which a and b differ in the measure. ``error`` is the
    cluster-robust standard error, None without any spread, with ``dof`` degrees of freedom.
    """

    value: float
    low: float
    high: float
    p: float
    n: int
    clusters: int
    discordant: float
    error: float | None = None
    dof: float = 1.0

    @property
    def significant(self) -> bool:
        """p below 5 %."""
        return self.p < 0.05


def paired_difference(
    a: Sequence[Answer], b: Sequence[Answer], clusters: Clusters, measure: str = "gap"
) -> Difference:
    """The difference a - b of a measure. Pairs match by position; an error on either side drops the pair.

    ``clusters``: per pair the name of its cluster or, better, its clip's sources. The interval is a
    cluster-robust t interval with G - 1 degrees of freedom. With fewer than ``FEW_DISCORDANT`` clusters in
    disagreement p is at least that of the exact sign test. Without any spread the interval is Wilson's and p
    the sign test's; without pairs the difference is 0, its interval -1..1 (gap: -2..2) and p 1. Raises
    ValueError for an unknown measure or different lengths.
    """
    deltas, kept = paired_deltas(a, b, measure)
    return difference_of(deltas, clustering(clusters, kept), bound=2.0 if measure == "gap" else 1.0)


def paired_deltas(a: Sequence[Answer], b: Sequence[Answer], measure: str) -> tuple[Values, NDArray[np.bool_]]:
    """a - b per pair without an error on either side, and which pairs those are."""
    if measure not in MEASURES:
        raise ValueError(f"unknown measure {measure!r}; known: {', '.join(MEASURES)}")
    if len(a) != len(b):
        raise ValueError(f"pairs need equal lengths, got {len(a)} and {len(b)} answers")
    first, second = _kinds(a), _kinds(b)
    kept = np.asarray((first != "error") & (second != "error"))
    return MEASURES[measure](first[kept]) - MEASURES[measure](second[kept]), kept


def level_chain(prompts: Sequence[Sequence[Answer]], clusters: Clusters, measure: str = "gap") -> list[int]:
    """Indices of prompts (answers on the same clips) that stand for the levels they can be told apart into.

    Lowest first; a single one says that all may be equally good. Greedy: prompts are sorted by the measure;
    the lowest opens the chain, and the next one is the first that is significantly (paired, 95 %) above the
    last one chosen. No correction for the number of comparisons is made, so this counts generously.
    """
    values = [_mean(answers, measure) for answers in prompts]
    order = sorted(range(len(prompts)), key=lambda index: (values[index], index))
    chain = order[:1]
    for index in order[1:]:
        step = paired_difference(prompts[index], prompts[chain[-1]], clusters, measure)
        if step.significant and step.value > 0:
            chain.append(index)
    return chain


def difference_of(deltas: Values, groups: Clustering, bound: float) -> Difference:
    """The mean of differences in -bound..bound, as ``paired_difference`` tells it."""
    n = len(deltas)
    if n == 0:
        return Difference(0.0, -bound, bound, 1.0, 0, 0, 0.0)
    value, discordant = float(deltas.mean()), float((deltas != 0).mean())
    error = groups.standard_error(deltas - value, np.ones(n))
    if error is None:
        low, high = _bounds_without_spread(value, groups, bound)
        return Difference(value, low, high, _sign_test(deltas, groups), n, groups.count, discordant)
    half = t_quantile(groups.dof) * error
    p = _p_value(value / error, groups.dof)
    if np.count_nonzero(_net(deltas, groups)) < FEW_DISCORDANT:
        p = max(p, _sign_test(deltas, groups))
    low, high = max(-bound, value - half), min(bound, value + half)
    return Difference(value, low, high, p, n, groups.count, discordant, error, groups.dof)


def _bounds_without_spread(value: float, groups: Clustering, bound: float) -> tuple[float, float]:
    """All deltas equal (or one cluster only): how far a share of ``groups`` items could be off unseen."""
    share = wilson(abs(value) / bound, groups.groups, groups.n)
    reach = bound * max(share.high - share.value, share.value - share.low)
    return max(-bound, value - reach), min(bound, value + reach)


def _net(deltas: Values, groups: Clustering) -> Values:
    """The summed delta per cluster, per pair where clips have several sources."""
    if not groups.partition:
        return deltas
    return np.asarray(np.bincount(groups.codes, weights=deltas, minlength=len(groups.signs)), np.float64)


def _sign_test(deltas: Values, groups: Clustering) -> float:
    """Exact two-sided sign test over clusters; 1 without any disagreement."""
    from scipy.special import bdtr

    net = _net(deltas, groups)
    up, down = int((net > 0).sum()), int((net < 0).sum())
    if up + down == 0:
        return 1.0
    return min(1.0, 2 * float(bdtr(min(up, down), up + down, 0.5)))


def _p_value(statistic: float, dof: float) -> float:
    from scipy.special import stdtr

    return min(1.0, 2 * float(stdtr(dof, -abs(statistic))))


def _mean(answers: Sequence[Answer], measure: str) -> float:
    kinds = _kinds(answers)
    kinds = kinds[kinds != "error"]
    return float(MEASURES[measure](kinds).mean()) if len(kinds) else 0.0


def _kinds(answers: Sequence[Answer]) -> _Kinds:
    return np.array([answer.kind for answer in answers], dtype="U10")
