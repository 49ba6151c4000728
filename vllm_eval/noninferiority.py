"""Is a prompt at most a margin worse? Lack of a significant loss does not answer that; this does."""

from collections.abc import Sequence
from dataclasses import dataclass

from vllm_eval.clustering import Clusters, t_quantile
from vllm_eval.engine import Answer
from vllm_eval.statistics import Difference, paired_difference


@dataclass(frozen=True)
class NonInferiority:
    """``low`` is the one-sided 95 % bound of a - b; non-inferior where it lies above -margin.

    ``p`` is one-sided, for the hypothesis that a is worse than b by the margin or more.
    """

    difference: Difference
    margin: float
    low: float
    p: float

    @property
    def shown(self) -> bool:
        """Whether the data show that a is less than ``margin`` worse than b."""
        return self.low > -self.margin


def non_inferiority(
    a: Sequence[Answer],
    b: Sequence[Answer],
    clusters: Clusters,
    margin: float = 0.01,
    measure: str = "accuracy",
) -> NonInferiority:
    """A one-sided cluster-robust t test of a against b - margin, pairs as in ``paired_difference``.

    Higher must be better in ``measure``: accuracy, shacc or gap. Raises ValueError for sberr, for a margin
    that is not positive, and as ``paired_difference`` does.
    """
    if measure == "sberr":
        raise ValueError("non-inferiority needs a measure where higher is better: accuracy, shacc or gap")
    if margin <= 0:
        raise ValueError(f"margin {margin:g}, expected a positive share such as 0.01 for one point")
    difference = paired_difference(a, b, clusters, measure)
    if difference.error is None:
        low = difference.low
        return NonInferiority(difference, margin, low, 0.025 if low > -margin else 1.0)
    low = difference.value - t_quantile(difference.dof, 0.9) * difference.error
    return NonInferiority(
        difference, margin, low, _upper((difference.value + margin) / difference.error, difference.dof)
    )


def _upper(statistic: float, dof: float) -> float:
    from scipy.special import stdtr

    return float(stdtr(dof, -statistic))
