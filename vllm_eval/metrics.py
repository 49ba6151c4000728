"""Bias metrics of a set of answers, each with a 95 % interval that respects shared source videos.

Definitions follow the code that came with arXiv 2512.17953: SHAcc = #human / N, SBErr = #background / N over
all swap videos asked; a third class counts for neither. An answer that names no choice (kind "unparsed") is
wrong and stays in N, as there. A clip that could not be asked (kind "error": a broken file, a failing
service) is left out of N, as there, and counted apart. A refusal or a content filter (kind "refused") is
wrong and stays in N too: that code left filtered clips out, which lets a prompt gain by being refused on
hard clips and compares prompts on different ones.

Intervals. A lone share gets Wilson's score interval for its effective number of independent clips, n divided
by the design effect that the cluster-robust variance shows (``clustering``), less a correction for few
clusters (Korn & Graubard 1998). At a share of 0 or 1, or with fewer than two clusters, the number of clusters
stands in for it. Signed and derived figures get a cluster-robust t interval. No NaN leaves this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vllm_eval.clustering import Clustering, Clusters, Values, clustering, t_quantile
from vllm_eval.engine import Answer, Kind

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

    ``shacc``, ``sberr``, ``other`` (a third label), ``unparsed`` and ``refused`` are shares of the ``n``
    scored answers and sum to 1; ``error`` is the share of errors among all ``n + errors``. ``bias_gap`` is
    SHAcc - SBErr, in -1..1. ``bias_ratio`` is SBErr / (SHAcc + SBErr), the share of background among the
    answers that named one of the two, which are its n; 0.5 with the interval 0..1 when none did. ``chance``
    is what blind guessing gives, for SHAcc and SBErr alike: 1 / number of choices; ``chances`` tells it for
    every metric.
    """

    shacc: Estimate
    sberr: Estimate
    other: Estimate
    unparsed: Estimate
    refused: Estimate
    error: Estimate
    errors: int
    n: int
    bias_gap: Estimate
    bias_ratio: Estimate
    chance: float

    def estimates(self) -> dict[str, Estimate]:
        """The estimates by name, in the order in which they are shown."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Estimate)}

    def chances(self) -> dict[str, float | None]:
        """Per estimate what blind guessing among the choices gives; None where guessing has no say."""
        return {
            "shacc": self.chance,
            "sberr": self.chance,
            "other": 1 - 2 * self.chance if self.chance else None,
            "unparsed": None,
            "refused": None,
            "error": None,
            "bias_gap": 0.0,
            "bias_ratio": 0.5,
        }


def bias_metrics(answers: Sequence[Answer], clusters: Clusters, chance: float = 0.2) -> BiasMetrics:
    """Metrics of answers. ``clusters``: per answer the name of its cluster or, better, its clip's sources.

    Raises ValueError when the lengths differ.
    """
    return metrics_of_kinds([answer.kind for answer in answers], clusters, chance)


def metrics_of_kinds(kinds: Sequence[Kind], clusters: Clusters, chance: float = 0.2) -> BiasMetrics:
    """As ``bias_metrics``, for answers of which nothing but the kind is known."""
    scored, groups, failed = _scored(kinds, clusters)
    human, background = _indicator(scored, "human"), _indicator(scored, "background")
    everything = clustering(clusters, np.ones(len(kinds), np.bool_)) if failed.any() else groups
    return BiasMetrics(
        shacc=proportion(human, groups),
        sberr=proportion(background, groups),
        other=proportion(_indicator(scored, "other"), groups),
        unparsed=proportion(_indicator(scored, "unparsed"), groups),
        refused=proportion(_indicator(scored, "refused"), groups),
        error=proportion(failed, everything),
        errors=int(failed.sum()),
        n=len(scored),
        bias_gap=_signed_mean(human - background, groups),
        bias_ratio=_ratio(background, human + background, groups),
        chance=chance,
    )


def accuracy(answers: Sequence[Answer], clusters: Clusters) -> Estimate:
    """The share of answers of kind "human", for clip sets without a conflicting background.

    Top-1 accuracy; the chance level is 1 / number of choices.
    """
    kinds, groups, _ = _scored([answer.kind for answer in answers], clusters)
    return proportion(_indicator(kinds, "human"), groups)


def proportion(values: Values, groups: Clustering) -> Estimate:
    """The mean of 0/1 values and Wilson's interval for their effective number. Without data 0, 0..1."""
    n = len(values)
    if n == 0:
        return Estimate(0.0, 0.0, 1.0, 0)
    mean = float(values.mean())
    error = groups.standard_error(values - mean, np.ones(n))
    if error is None:
        return wilson(mean, groups.groups, n)
    # Clips of a cluster that differ more than chance would make the effective number exceed n: luck, mostly.
    effective = min(float(n), mean * (1 - mean) / error**2)
    return wilson(mean, effective * (Z / t_quantile(groups.dof)) ** 2, n)


def wilson(value: float, effective: float, n: int) -> Estimate:
    """Wilson's score interval for a proportion as if ``effective`` independent items had been seen."""
    effective = max(1.0, effective)
    spread = Z * np.sqrt(value * (1 - value) / effective + Z**2 / (4 * effective**2))
    centre, scale = value + Z**2 / (2 * effective), 1 + Z**2 / effective
    low, high = max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
    # At 0 and 1 the exact bound is the value itself; rounding must not put the value outside its interval.
    return Estimate(value, float(min(low, value)), float(max(high, value)), n)


def _scored(kinds: Sequence[Kind], clusters: Clusters) -> tuple[NDArray[np.str_], Clustering, Values]:
    """Kinds without the errors, their clustering, and per answer 1 where it is an error."""
    array = np.array(kinds, dtype="U10")
    kept = np.asarray(array != "error")
    return array[kept], clustering(clusters, kept), np.asarray(~kept, dtype=np.float64)


def _indicator(kinds: NDArray[np.str_], kind: str) -> Values:
    return np.asarray(kinds == kind, dtype=np.float64)


def _around(value: float, error: float, groups: Clustering, n: int, least: float = 0.0) -> Estimate:
    half = t_quantile(groups.dof) * error
    return Estimate(value, max(least, value - half), min(1.0, value + half), n)


def _signed_mean(values: Values, groups: Clustering) -> Estimate:
    """The mean of values in -1..1 with a t interval."""
    n = len(values)
    if n == 0:
        return Estimate(0.0, -1.0, 1.0, 0)
    mean = float(values.mean())
    error = groups.standard_error(values - mean, np.ones(n))
    if error is not None:
        return _around(mean, error, groups, n, -1.0)
    unit = wilson((mean + 1) / 2, groups.groups, n)
    return Estimate(mean, 2 * unit.low - 1, 2 * unit.high - 1, n)


def _ratio(part: Values, whole: Values, groups: Clustering) -> Estimate:
    """sum(part) / sum(whole), its interval by the delta method over clusters; n is sum(whole)."""
    total = float(whole.sum())
    n = round(total)
    if n == 0:
        return Estimate(0.5, 0.0, 1.0, 0)
    value = float(part.sum()) / total
    error = groups.standard_error(part - value * whole, whole)
    if error is None:
        return wilson(value, groups.groups * total / len(whole), n)
    return _around(value, error, groups, n)
