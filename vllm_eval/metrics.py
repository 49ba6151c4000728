"""Bias metrics of a set of answers, each with a 95 % interval that respects shared source videos.

Definitions follow arXiv 2512.17953: SHAcc = #human / N, SBErr = #background / N over all scored clips.
Answers of kind "unparsed" are wrong and stay in N; those of kind "error" are left out and counted apart.

Intervals are cluster-robust with a t quantile of G - 1 degrees of freedom for G clusters (``clustering``).
Where that says nothing (fewer than two clusters, or no spread at all, as at a proportion of 0 or 1) a Wilson
interval stands in, with the number of clusters as its effective sample size. No NaN leaves this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vllm_eval.clustering import Clustering, Clusters, Values, clustering, t_quantile
from vllm_eval.engine import Answer

Z = 1.959963984540054  # normal quantile of 97.5 %


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


def bias_metrics(answers: Sequence[Answer], clusters: Clusters, chance: float = 0.2) -> BiasMetrics:
    """Metrics of answers. ``clusters``: per answer the name of its cluster or, better, its clip's sources.

    Raises ValueError when the lengths differ.
    """
    kinds, groups, errors = _scored(answers, clusters)
    human, background = _indicator(kinds, "human"), _indicator(kinds, "background")
    return BiasMetrics(
        shacc=proportion(human, groups),
        sberr=proportion(background, groups),
        other=proportion(_indicator(kinds, "other"), groups),
        unparsed=proportion(_indicator(kinds, "unparsed"), groups),
        errors=errors,
        n=len(kinds),
        bias_gap=_signed_mean(human - background, groups),
        bias_ratio=_ratio(background, human + background, groups),
        chance=chance,
    )


def accuracy(answers: Sequence[Answer], clusters: Clusters) -> Estimate:
    """The share of answers of kind "human", for clip sets without a conflicting background."""
    kinds, groups, _ = _scored(answers, clusters)
    return proportion(_indicator(kinds, "human"), groups)


def proportion(values: Values, groups: Clustering) -> Estimate:
    """The mean of values in 0..1 and its interval, clipped to 0..1. Without data 0, interval 0..1."""
    n = len(values)
    if n == 0:
        return Estimate(0.0, 0.0, 1.0, 0)
    mean = float(values.mean())
    error = groups.standard_error(values - mean, np.ones(n))
    if error is None:
        return wilson(mean, groups.groups, n)
    return _around(mean, error, groups, n)


def wilson(value: float, effective: float, n: int) -> Estimate:
    """Wilson's score interval for a proportion as if ``effective`` independent items had been seen."""
    effective = max(1.0, effective)
    spread = Z * np.sqrt(value * (1 - value) / effective + Z**2 / (4 * effective**2))
    centre, scale = value + Z**2 / (2 * effective), 1 + Z**2 / effective
    low, high = max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
    # At 0 and 1 the exact bound is the value itself; rounding must not put the value outside its interval.
    return Estimate(value, float(min(low, value)), float(max(high, value)), n)


def _scored(answers: Sequence[Answer], clusters: Clusters) -> tuple[NDArray[np.str_], Clustering, int]:
    """Kinds without the errors, their clustering, and the number of errors."""
    kinds = np.array([answer.kind for answer in answers], dtype="U10")
    kept = np.asarray(kinds != "error")
    return kinds[kept], clustering(clusters, kept), int((~kept).sum())


def _indicator(kinds: NDArray[np.str_], kind: str) -> Values:
    return np.asarray(kinds == kind, dtype=np.float64)


def _around(value: float, error: float, groups: Clustering, n: int) -> Estimate:
    half = t_quantile(groups.dof) * error
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), n)


def _signed_mean(values: Values, groups: Clustering) -> Estimate:
    """As ``proportion`` for values in -1..1."""
    unit = proportion((values + 1) / 2, groups)
    if unit.n == 0:
        return Estimate(0.0, -1.0, 1.0, 0)
    return Estimate(float(values.mean()), 2 * unit.low - 1, 2 * unit.high - 1, unit.n)


def _ratio(part: Values, whole: Values, groups: Clustering) -> Estimate:
    """sum(part) / sum(whole), its interval by the delta method over clusters."""
    total, n = float(whole.sum()), len(whole)
    if total == 0:
        return Estimate(0.5, 0.0, 1.0, n)
    value = float(part.sum()) / total
    error = groups.standard_error(part - value * whole, whole)
    if error is None:
        return wilson(value, groups.groups * total / n, n)
    return _around(value, error, groups, n)
