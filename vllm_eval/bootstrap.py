"""Intervals for derived figures: any smooth function of sums over clips, such as a ratio of two shares.

``robust`` linearises the function (delta method) and takes the cluster-robust standard error with a t
quantile. ``bca`` resamples sources and corrects for bias and skewness (BCa; Efron 1987).

How sources are resampled: every source is drawn a multinomial number of times W, and the sums become
S + c * sum over sources of (W - 1) * (what the source's clips add to S). With one source per clip this is the
cluster bootstrap. A clip of two sources would be counted twice, so c scales the spread to the multiway
cluster-robust standard error (``clustering``), which counts every related pair of clips once. Quantiles are
taken at t instead of normal levels (Hesterberg 2015, "expanded percentile"), which matters for few clusters.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vllm_eval.clustering import Clustering, Values, t_quantile
from vllm_eval.metrics import Estimate

# Sums [..., m] -> figures [...]. Scaling all sums alike must not change the figure.
Figure = Callable[[Values], Values]

RESAMPLES = 2000
_STEP = 1e-6  # of the largest sum, for the numerical gradient


def robust(columns: Values, figure: Figure, groups: Clustering, bounds: tuple[float, float]) -> Estimate:
    """The figure of summed ``columns`` [n, m], its interval by the delta method, clipped to ``bounds``.

    Where the data hold no spread to learn from the interval is all of ``bounds``.
    """
    value, error = linearised(columns, figure, groups)
    if error is None:
        return Estimate(value, *bounds, len(columns))
    half = t_quantile(groups.dof) * error
    return Estimate(value, max(bounds[0], value - half), min(bounds[1], value + half), len(columns))


def bca(
    columns: Values,
    figure: Figure,
    groups: Clustering,
    bounds: tuple[float, float],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """As ``robust``, the interval by the BCa cluster bootstrap. The same seed gives the same interval."""
    value, error = linearised(columns, figure, groups)
    if error is None:
        return Estimate(value, *bounds, len(columns))
    total, parts = columns.sum(axis=0), source_sums(columns, groups)
    influence = parts @ gradient(figure, total)
    spread = float(np.sqrt(influence @ influence))
    drawn = _multiplicities(len(parts), resamples, seed)
    replicates = np.sort(figure(total + error / spread * (drawn - 1) @ parts))
    low, high = _levels(replicates, value, influence, t_quantile(groups.dof))
    ends = np.quantile(replicates, [low, high])
    return Estimate(
        value,
        float(max(bounds[0], min(ends[0], value))),
        float(min(bounds[1], max(ends[1], value))),
        len(columns),
    )


def linearised(columns: Values, figure: Figure, groups: Clustering) -> tuple[float, float | None]:
    """The figure and its cluster-robust standard error; None without spread."""
    total = columns.sum(axis=0)
    residuals = columns @ gradient(figure, total)
    error = groups.standard_error(residuals - residuals.mean(), np.ones(len(columns)))
    return float(figure(total)), None if error is None else error * len(columns)


def gradient(figure: Figure, total: Values) -> Values:
    """Central differences of the figure at the sums [m]."""
    step = _STEP * max(1.0, float(np.abs(total).max()))
    shifts = step * np.eye(len(total))
    return np.asarray((figure(total + shifts) - figure(total - shifts)) / (2 * step), np.float64)


def source_sums(columns: Values, groups: Clustering) -> Values:
    """What the clips of each single source add to the sums: [sources, m]."""
    single = np.flatnonzero(groups.single)
    sums = np.stack(
        [
            np.bincount(groups.codes, weights=column[groups.items], minlength=len(groups.signs))
            for column in columns.T
        ],
        axis=1,
    )
    return np.asarray(sums[single], np.float64)


def _multiplicities(sources: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """How often each source is drawn: [resamples, sources], every row sums to ``sources``."""
    rng = np.random.default_rng(seed)
    counts = np.empty((resamples, sources))
    for row in counts:
        row[:] = np.bincount(rng.integers(0, sources, sources, np.int32), minlength=sources)
    return counts


def _levels(replicates: Values, value: float, influence: Values, reach: float) -> tuple[float, float]:
    """The bias-corrected and accelerated quantile levels; ``reach`` takes the place of 1.96."""
    from scipy.special import ndtr, ndtri

    below = (np.searchsorted(replicates, value, "left") + np.searchsorted(replicates, value, "right")) / 2
    share = np.clip(below / len(replicates), 1 / len(replicates), 1 - 1 / len(replicates))
    bias = float(ndtri(share))
    skew = float((influence**3).sum()) / float((influence**2).sum()) ** 1.5 / 6
    ends = bias + np.array([-reach, reach])
    levels = ndtr(bias + ends / np.maximum(1 - skew * ends, 0.1))
    return float(levels[0]), float(levels[1])
