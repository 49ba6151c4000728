"""Tests for two prompts on the same clips, and what many of them are worth together.

``mcnemar`` takes every clip for independent: right for a set without shared videos, too ready to see a
difference otherwise. ``permutation_test`` respects shared sources and assumes no distribution.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vllm_eval.clustering import Clustering, Clusters, Codes, Values, clustering
from vllm_eval.engine import Answer
from vllm_eval.statistics import paired_deltas

FLIPS = 9999
_CHUNK = 1000  # flips at a time, to bound memory


@dataclass(frozen=True)
class Mcnemar:
    """``a_only`` pairs where only a is right, ``b_only`` where only b is, and the exact two-sided p."""

    a_only: int
    b_only: int
    p: float


def mcnemar(a: Sequence[Answer], b: Sequence[Answer], measure: str = "shacc") -> Mcnemar:
    """McNemar's exact test (statsmodels) on pairs without an error on either side; clips independent.

    Raises ValueError for an unknown measure, one that is not 0 or 1 per clip, or different lengths.
    """
    from statsmodels.stats.contingency_tables import mcnemar as exact

    if measure == "gap":
        raise ValueError("McNemar's test needs a measure that is 0 or 1 per clip: shacc, sberr or accuracy")
    deltas, _ = paired_deltas(a, b, measure)
    a_only, b_only = int((deltas > 0).sum()), int((deltas < 0).sum())
    if a_only + b_only == 0:
        return Mcnemar(0, 0, 1.0)
    return Mcnemar(a_only, b_only, float(exact([[0, a_only], [b_only, 0]], exact=True).pvalue))


def permutation_test(
    a: Sequence[Answer],
    b: Sequence[Answer],
    clusters: Clusters,
    measure: str = "gap",
    flips: int = FLIPS,
    seed: int = 0,
) -> float:
    """Two-sided p of a - b by exchanging the prompts' answers, all clips of a cluster together.

    ``clusters``: per pair the name of its cluster, or its clip's sources. With one name per clip the test is
    exact. With several, clips go by their first source (the person's video), and the statistic is divided by
    its multiway standard error in every exchange, so that what the other sources share is accounted for
    (Chung & Romano 2013: a studentised permutation test keeps its level for large samples). The smallest p
    is 1 / (flips + 1). Raises ValueError as ``paired_difference`` does.
    """
    deltas, kept = paired_deltas(a, b, measure)
    return flip_test(deltas, [one for one, keep in zip(clusters, kept, strict=True) if keep], flips, seed)


def flip_test(deltas: Values, clusters: Clusters, flips: int = FLIPS, seed: int = 0) -> float:
    """The permutation test on differences [n]."""
    differing = np.flatnonzero(deltas)
    if not len(differing):
        return 1.0
    values = deltas[differing]
    names = [clusters[index] for index in differing.tolist()]
    groups = clustering(names, np.ones(len(names), np.bool_))
    firsts = _codes([name if isinstance(name, str) else name[0] for name in names])
    observed = abs(_studentised(values[None, :], groups)[0])
    rng = np.random.default_rng(seed)
    reached = 0
    for start in range(0, flips, _CHUNK):
        signs = rng.integers(0, 2, (min(_CHUNK, flips - start), int(firsts.max()) + 1)) * 2 - 1
        drawn = np.abs(_studentised(values * signs[:, firsts], groups))
        # Sums of the same numbers in another order differ by rounding; a tie counts as reached.
        reached += int((drawn >= observed * (1 - 1e-9)).sum())
    return (1 + reached) / (1 + flips)


def holm(ps: Mapping[str, float]) -> dict[str, float]:
    """Holm's adjusted p per name: below 5 % holds for the whole family at once (statsmodels)."""
    from statsmodels.stats.multitest import multipletests

    if not ps:
        return {}
    adjusted = multipletests(list(ps.values()), method="holm")[1]
    return {name: float(p) for name, p in zip(ps, adjusted, strict=True)}


def _studentised(values: Values, groups: Clustering) -> Values:
    """Sum over standard error under the null (mean 0), per row of values [k, n]."""
    from scipy.sparse import csr_array

    ones = np.ones(len(groups.items))
    members = csr_array((ones, (groups.codes, groups.items)), shape=(len(groups.signs), values.shape[1]))
    sums = np.asarray(members @ values.T, np.float64)
    variance = groups.signs @ sums**2
    floor = (values**2).sum(axis=1)  # multiway sums can come out too small
    return np.asarray(values.sum(axis=1) / np.sqrt(np.maximum(variance, floor)), np.float64)


def _codes(names: Sequence[str]) -> Codes:
    index: dict[str, int] = {}
    return np.array([index.setdefault(name, len(index)) for name in names], np.intp)
