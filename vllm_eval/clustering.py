"""Standard errors for clips that share source videos, and so are not independent.

One name per clip (its cluster): the delete-one-cluster jackknife, called CR3 by MacKinnon, Nielsen & Webb
(2023). For clusters of equal size it equals the usual cluster-robust variance with its G / (G - 1) correction
(Liang & Zeger 1986). Clusters of unequal size count as fewer (Kish), so that one cluster which holds nearly
all clips is not mistaken for knowledge.

Several names per clip (its sources): any two clips that share a source may be correlated, however the sources
chain up. Sums over sources, minus sums over pairs of sources and so on, count every related pair once
(Cameron, Gelbach & Miller 2011, "multiway"). This is the one to use for action swaps: foregrounds and
backgrounds recur so often that nearly all clips hang together in a single connected component.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Clusters = Sequence[str | tuple[str, ...]]  # per item: its cluster, or all of its sources
Values = NDArray[np.float64]
Codes = NDArray[np.intp]

MOST_SOURCES = 4  # per clip; subsets grow as 2 ** sources


@dataclass(frozen=True)
class Clustering:
    """How ``n`` items hang together: membership k puts item ``items[k]`` into group ``codes[k]``.

    ``signs`` is per group: +1 for odd, -1 for even numbers of sources. ``groups`` is the effective number
    of independent groups, (sum of sizes)^2 / sum of squared sizes: G for clusters of equal size. With several
    sources per clip it is divided by their number, since sources then name each clip more than once.
    """

    items: Codes
    codes: Codes
    signs: Values
    single: NDArray[np.bool_]  # per group: it is one source, not several sources together
    groups: float
    n: int
    partition: bool  # every item is in exactly one group

    @property
    def count(self) -> int:
        """The number of clusters; with several sources per clip the effective number, rounded."""
        return len(self.signs) if self.partition else max(1, round(self.groups))

    @property
    def dof(self) -> float:
        """Degrees of freedom of the t distribution."""
        return max(1.0, self.groups - 1)

    def standard_error(self, residuals: Values, weights: Values) -> float | None:
        """Standard error of sum(values) / sum(weights), given its residuals: values - estimate * weights.

        None where the groups hold nothing to learn it from: fewer than two, or no spread at all.
        """
        total = float(weights.sum())
        if self.groups < 2 or total <= 0:
            return None
        sums = np.bincount(self.codes, weights=residuals[self.items], minlength=len(self.signs))
        rest = total - np.bincount(self.codes, weights=weights[self.items], minlength=len(self.signs))
        # A source in every clip is a condition of the experiment, not a part that could have been left out.
        part = rest > 1e-9
        jumps = np.zeros_like(sums)
        jumps[part] = sums[part] / rest[part]
        variance = float(self.signs @ jumps**2)
        if self.partition:
            variance *= 1 - 1 / len(self.signs)
        else:  # multiway sums can come out too small, even negative
            variance = max(variance, float(residuals @ residuals) / total**2)
        # Residuals of a constant are rounding noise around 1e-17, not spread.
        return float(np.sqrt(variance)) if variance > 1e-24 else None


def clustering(clusters: Clusters, kept: NDArray[np.bool_]) -> Clustering:
    """The clustering of the kept items. Raises ValueError when the lengths differ."""
    if len(clusters) != len(kept):
        raise ValueError(f"{len(kept)} answers but {len(clusters)} clusters, expected one cluster per answer")
    names = [_names(cluster) for cluster, keep in zip(clusters, kept, strict=True) if keep]
    if all(len(sources) == 1 for sources in names):
        return _partition([sources[0] for sources in names])
    return _multiway(names)


@lru_cache(maxsize=4096)
def t_quantile(dof: float, level: float = 0.95) -> float:
    """The two-sided quantile of Student's t."""
    from scipy.special import stdtrit  # scipy.stats would cost a second at import

    return float(stdtrit(dof, (1 + level) / 2))


def _names(cluster: str | tuple[str, ...]) -> tuple[str, ...]:
    return (cluster,) if isinstance(cluster, str) else tuple(sorted(set(cluster)))[:MOST_SOURCES]


def _partition(names: Sequence[str]) -> Clustering:
    index: dict[str, int] = {}
    codes = np.array([index.setdefault(name, len(index)) for name in names], np.intp)
    items = np.arange(len(names), dtype=np.intp)
    groups = _effective_groups(np.bincount(codes, minlength=1), len(names))
    alone = np.ones(len(index), np.bool_)
    return Clustering(items, codes, np.ones(len(index)), alone, groups, len(names), partition=True)


def _multiway(names: Sequence[tuple[str, ...]]) -> Clustering:
    index: dict[str, int] = {}
    coded = [[index.setdefault(name, len(index)) for name in sources] for sources in names]
    widest = max(map(len, coded))
    table = np.array([codes + [-1] * (widest - len(codes)) for codes in coded], np.intp)
    parts = [_subsets(table, size, len(index)) for size in range(1, widest + 1)]
    counts = [int(codes.max()) + 1 for _, codes in parts]
    starts = np.cumsum([0, *counts])
    items = np.concatenate([members for members, _ in parts])
    codes = np.concatenate([part + start for (_, part), start in zip(parts, starts, strict=False)])
    signs = np.repeat([1.0 if size % 2 else -1.0 for size in range(1, widest + 1)], counts)
    single = np.arange(len(signs)) < counts[0]
    groups = _effective_groups(np.bincount(parts[0][1]), len(names))
    return Clustering(items, codes, signs, single, groups, len(names), partition=False)


def _subsets(table: Codes, size: int, sources: int) -> tuple[Codes, Codes]:
    """Every item that holds a set of ``size`` sources, and that set's number. Rows end in -1 where short."""
    members, keys = [], []
    for chosen in combinations(range(table.shape[1]), size):
        rows = np.flatnonzero(table[:, chosen[-1]] >= 0)
        members.append(rows)
        keys.append(table[rows][:, list(chosen)])
    columns = np.concatenate(keys)
    codes: Codes = columns[:, 0]
    for column in columns.T[1:]:
        codes = np.unique(codes * sources + column, return_inverse=True)[1]
    return np.concatenate(members), codes


def _effective_groups(sizes: Codes, n: int) -> float:
    """Kish's effective number per membership of an item; 1 when all items are in one group."""
    sizes = sizes[sizes < n]
    total = float(sizes.sum())
    if total == 0:
        return 1.0
    squares = float((sizes.astype(np.float64) ** 2).sum())
    return total**2 / squares / max(1.0, total / n)
