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
from itertools import chain, combinations

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
    firsts: Codes  # per item: its first source
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
        else:
            variance = max(variance, self._least(residuals) / total**2)
        # Residuals of a constant are rounding noise around 1e-17, not spread.
        return float(np.sqrt(variance)) if variance > 1e-24 else None

    def _least(self, residuals: Values) -> float:
        """Multiway sums can come out too small, even negative; the variance is taken to be no less than this.

        That of unrelated clips, or of clips clustered by their first source alone where that is smaller, as
        in a quotient of two shares that rise and fall together.
        """
        by_first = np.bincount(self.firsts, weights=residuals)
        return min(float(residuals @ residuals), float(by_first @ by_first))


def clustering(clusters: Clusters, kept: NDArray[np.bool_]) -> Clustering:
    """The clustering of the kept items. Raises ValueError when the lengths differ."""
    if len(clusters) != len(kept):
        raise ValueError(f"{len(kept)} answers but {len(clusters)} clusters, expected one cluster per answer")
    chosen = [cluster for cluster, keep in zip(clusters, kept.tolist(), strict=True) if keep]
    names = [(cluster,) if isinstance(cluster, str) else cluster for cluster in chosen]
    if not names:
        return _partition(np.zeros(0, np.intp))
    firsts, table, sources = _table(names)
    return _partition(firsts) if table.shape[1] == 1 else _multiway(firsts, table, sources)


@lru_cache(maxsize=4096)
def t_quantile(dof: float, level: float = 0.95) -> float:
    """The two-sided quantile of Student's t."""
    from scipy.special import stdtrit  # scipy.stats would cost a second at import

    return float(stdtrit(dof, (1 + level) / 2))


def _table(names: Sequence[tuple[str, ...]]) -> tuple[Codes, Codes, int]:
    """Per item its first source and all of them, rising, as numbers; and how many sources there are.

    Rows [n, widest] that are short are filled up with the number of sources, which stands for none.
    """
    flat = list(chain.from_iterable(names))
    index = {name: code for code, name in enumerate(dict.fromkeys(flat))}
    codes = np.fromiter(map(index.__getitem__, flat), np.intp, len(flat))
    lengths = np.fromiter(map(len, names), np.intp, len(names))
    table = np.full((len(names), int(lengths.max())), len(index), np.intp)
    table[np.arange(table.shape[1]) < lengths[:, None]] = codes
    for column in range(1, table.shape[1]):  # a source named twice counts once
        table[(table[:, :column] == table[:, column, None]).any(axis=1), column] = len(index)
    rising = np.sort(table, axis=1)
    widest = max(1, int((rising < len(index)).sum(axis=1).max()))
    return table[:, 0], rising[:, : min(widest, MOST_SOURCES)], len(index)


def _partition(codes: Codes) -> Clustering:
    count = int(codes.max(initial=-1)) + 1
    items, alone = np.arange(len(codes), dtype=np.intp), np.ones(count, np.bool_)
    groups = _effective_groups(np.bincount(codes, minlength=1), len(codes))
    return Clustering(items, codes, np.ones(count), alone, codes, groups, len(codes), partition=True)


def _multiway(firsts: Codes, table: Codes, sources: int) -> Clustering:
    n, widest = table.shape
    parts = [_subsets(table, size, sources) for size in range(1, widest + 1)]
    counts = [int(codes.max()) + 1 for _, codes in parts]
    starts = np.cumsum([0, *counts])
    items = np.concatenate([members for members, _ in parts])
    codes = np.concatenate([part + start for (_, part), start in zip(parts, starts, strict=False)])
    signs = np.repeat([1.0 if size % 2 else -1.0 for size in range(1, widest + 1)], counts)
    single = np.arange(len(signs)) < counts[0]
    groups = _effective_groups(np.bincount(parts[0][1]), n)
    return Clustering(items, codes, signs, single, firsts, groups, n, partition=False)


def _subsets(table: Codes, size: int, sources: int) -> tuple[Codes, Codes]:
    """Every item that holds a set of ``size`` sources, and that set's number.

    Rows of the table rise and end in ``sources``, which stands for none, where they are short.
    """
    members, keys = [], []
    for chosen in combinations(range(table.shape[1]), size):
        rows = np.flatnonzero(table[:, chosen[-1]] < sources)
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
