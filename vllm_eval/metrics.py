"""Bias metrics of a set of answers, each with a 95 % interval that respects shared source videos.

Definitions follow arXiv 2512.17953: SHAcc = #human / N, SBErr = #background / N over all scored clips.
Answers of kind "unparsed" are wrong and stay in N; those of kind "error" are left out and counted apart.

Intervals are cluster-robust (Liang & Zeger 1986, with the G / (G - 1) correction): clips that share a source
video are one cluster, and the t quantile has G - 1 degrees of freedom for G clusters. Where that says nothing
(fewer than two clusters, or no spread at all, as at a proportion of 0 or 1) a Wilson interval stands in, with
the number of clusters as its effective sample size. No NaN leaves this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vllm_eval.engine import Answer

LEVEL = 0.95
Z = 1.959963984540054  # normal quantile of (1 + LEVEL) / 2

Values = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval; ``n`` answers stand behind it. All fractions, never percent."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class BiasMetrics:
    """What one prompt did on one clip set. ``n`` scored answers, ``errors`` more that could not be scored.

    ``bias_gap`` is SHAcc - SBErr, in -1..1. ``bias_ratio`` is SBErr / (SHAcc + SBErr), the share of
    background among answers that named one of the two; 0.5 with the interval 0..1 when none did. ``chance``
    is the level of blind guessing, for SHAcc and SBErr alike.
    """

    shacc: Estimate
    sberr: Estimate
    other: Estimate
    unparsed: Estimate
    errors: int
    n: int
    bias_gap: Estimate
    bias_ratio: Estimate
    chance: float


def bias_metrics(answers: Sequence[Answer], clusters: Sequence[str], chance: float = 0.2) -> BiasMetrics:
    """Metrics of answers whose clips belong to these clusters (same length). Never raises on odd answers."""
    kinds = np.array([answer.kind for answer in answers], dtype="U10")
    kept = kinds != "error"
    codes = cluster_codes(clusters, kept)
    kinds = kinds[kept]
    human, background = _indicator(kinds, "human"), _indicator(kinds, "background")
    return BiasMetrics(
        shacc=proportion(human, codes),
        sberr=proportion(background, codes),
        other=proportion(_indicator(kinds, "other"), codes),
        unparsed=proportion(_indicator(kinds, "unparsed"), codes),
        errors=int((~kept).sum()),
        n=len(kinds),
        bias_gap=_signed_mean(human - background, codes),
        bias_ratio=_ratio(background, human + background, codes),
        chance=chance,
    )


def accuracy(answers: Sequence[Answer], clusters: Sequence[str]) -> Estimate:
    """The share of answers of kind "human", for clip sets without a conflicting background."""
    kinds = np.array([answer.kind for answer in answers], dtype="U10")
    kept = kinds != "error"
    return proportion(_indicator(kinds[kept], "human"), cluster_codes(clusters, kept))


def cluster_codes(clusters: Sequence[str], kept: NDArray[np.bool_]) -> Codes:
    """Clusters of the kept items as integers 0..G-1. Raises ValueError when the lengths differ."""
    if len(clusters) != len(kept):
        raise ValueError(f"{len(kept)} answers but {len(clusters)} clusters, expected one cluster per answer")
    index: dict[str, int] = {}
    used = (cluster for cluster, keep in zip(clusters, kept, strict=True) if keep)
    return np.array([index.setdefault(cluster, len(index)) for cluster in used], np.intp)


def proportion(values: Values, codes: Codes) -> Estimate:
    """The mean of values in 0..1 and its interval, clipped to 0..1. Without data 0, interval 0..1."""
    n = len(values)
    if n == 0:
        return Estimate(0.0, 0.0, 1.0, 0)
    mean = float(values.mean())
    groups = int(codes.max()) + 1
    half = half_width(values - mean, codes, n)
    if half is None:
        return wilson(mean, groups, n)
    return Estimate(mean, max(0.0, mean - half), min(1.0, mean + half), n)


def half_width(residuals: Values, codes: Codes, scale: float) -> float | None:
    """Half a 95 % interval of sum(residuals) / scale; None as for ``standard_error``."""
    groups = int(codes.max()) + 1 if len(codes) else 0
    error = standard_error(residuals, codes, scale)
    return None if error is None else t_quantile(groups - 1) * error


def standard_error(residuals: Values, codes: Codes, scale: float) -> float | None:
    """Cluster-robust standard error of sum(residuals) / scale; None below two clusters or without spread."""
    groups = int(codes.max()) + 1 if len(codes) else 0
    if groups < 2:
        return None
    sums = np.bincount(codes, weights=residuals, minlength=groups)
    variance = groups / (groups - 1) * float(sums @ sums) / scale**2
    # Residuals of a constant are rounding noise around 1e-17, not spread.
    return float(np.sqrt(variance)) if variance > 1e-24 else None


def wilson(value: float, effective: float, n: int) -> Estimate:
    """Wilson's score interval for a proportion as if ``effective`` independent items had been seen."""
    spread = Z * np.sqrt(value * (1 - value) / effective + Z**2 / (4 * effective**2))
    centre, scale = value + Z**2 / (2 * effective), 1 + Z**2 / effective
    low, high = max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
    # At 0 and 1 the exact bound is the value itself; rounding must not put the value outside its interval.
    return Estimate(value, float(min(low, value)), float(max(high, value)), n)


@lru_cache(maxsize=4096)
def t_quantile(dof: int) -> float:
    """The two-sided 95 % quantile of Student's t."""
    from scipy.special import stdtrit  # scipy.stats would cost a second at import

    return float(stdtrit(dof, (1 + LEVEL) / 2))


def _indicator(kinds: NDArray[np.str_], kind: str) -> Values:
    return np.asarray(kinds == kind, dtype=np.float64)


def _signed_mean(values: Values, codes: Codes) -> Estimate:
    """As ``proportion`` for values in -1..1."""
    unit = proportion((values + 1) / 2, codes)
    if unit.n == 0:
        return Estimate(0.0, -1.0, 1.0, 0)
    return Estimate(2 * unit.value - 1, 2 * unit.low - 1, 2 * unit.high - 1, unit.n)


def _ratio(part: Values, whole: Values, codes: Codes) -> Estimate:
    """sum(part) / sum(whole) with a delta-method interval, resampling clusters rather than answers."""
    total, n = float(whole.sum()), len(whole)
    if total == 0:
        return Estimate(0.5, 0.0, 1.0, n)
    value = float(part.sum()) / total
    half = half_width(part - value * whole, codes, total)
    if half is None or value in (0.0, 1.0):
        return wilson(value, len(np.unique(codes[whole > 0])), n)
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), n)
