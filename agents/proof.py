"""Proof that prompts lose less than a margin of accuracy: each is tested, and all of them together keep 5 %.

Each: a one-sided test of the paired difference to the neutral prompt. The cluster-robust t test
(``vllm_eval.noninferiority``) takes the spread from the differences that were seen. Where few clips were lost
it has seen too few: of a true loss of one point, on 400 clips that nobody gains, it calls 9 of 100 no loss.
So p is at least that of Tango's score test (1998, Statistics in Medicine 17, 891-908), which takes the spread
there would be if the margin were lost, and reads the answers as fewer where clusters make them so.

Together: Holm's step-down procedure (1979, Scandinavian Journal of Statistics 6, 65-70). The winner is the
prompt of lowest SBErr among those that pass, and were each tested at 5 %, four chances to pass would be four
chances to err. A fixed sequence, at 5 % each and ended by the first failure, is valid too, but whichever way
it walks it fails where its first prompt does: from the lowest SBErr up where looking at the person costs
accuracy, which is the rule, from the highest down where one of high SBErr loses. Holm needs no order. Of four
prompts on 1,400 clips (2 % disagree, no correlation) one that is shown to pass is found in 72 % where they
lose 1.5, 1, 0.5 and 0 points from the lowest SBErr up, in 72 % where in the reverse order; by the sequences
in 0 and 84 %, or 84 and 0 %.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from vllm_eval.clustering import Clusters
from vllm_eval.engine import Answer
from vllm_eval.noninferiority import non_inferiority
from vllm_eval.statistics import Difference

LEVEL = 0.05  # the chance that any prompt which loses the margin is called one that does not, at most


@dataclass(frozen=True)
class Trial:
    """One prompt against the neutral one. ``p``: one-sided, for a loss of the margin or more; ``low``: the
    one-sided 95 % bound of the difference in accuracy by its t test, of this prompt alone."""

    p: float
    low: float


@dataclass(frozen=True)
class Proof:
    """A trial among others. ``level``: what its p was held against."""

    p: float
    low: float
    level: float
    shown: bool


def tried(a: Sequence[Answer], b: Sequence[Answer], clusters: Clusters, margin: float) -> Trial:
    """The test of a against b, right answers being counted. Raises ValueError as ``non_inferiority`` does."""
    found = non_inferiority(a, b, clusters, margin)
    p = _score_test(found.difference, margin)
    # Without spread there is no t test, and the p told in its stead knows two values only.
    return Trial(p if found.difference.error is None else max(p, found.p), found.low)


def proofs(trials: Mapping[str, Trial]) -> dict[str, Proof]:
    """Holm's procedure over all of these trials, in their order."""
    judged: dict[str, Proof] = {}
    passing = True
    for place, name in enumerate(sorted(trials, key=lambda name: trials[name].p)):
        level = LEVEL / (len(trials) - place)
        passing = passing and trials[name].p <= level
        judged[name] = Proof(trials[name].p, trials[name].low, level, passing)
    return {name: judged[name] for name in trials}


def _score_test(difference: Difference, margin: float) -> float:
    """Tango's one-sided p for a loss of ``margin`` or more; 1 without pairs."""
    from scipy.special import ndtr

    n = _independent(difference)
    if n == 0:
        return 1.0
    gained = n * (difference.discordant + difference.value) / 2
    lost = n * (difference.discordant - difference.value) / 2
    # The share of losses likeliest where the margin is lost: the larger root of 2 n x² + linear x + constant.
    linear = -gained - lost - margin * (2 * n - gained + lost)
    constant = lost * margin * (1 + margin)
    share = (sqrt(max(0.0, linear**2 - 8 * n * constant)) - linear) / (4 * n)
    spread = n * (2 * share - margin * (1 + margin))
    return float(ndtr(-(gained - lost + n * margin) / sqrt(spread)))


def _independent(difference: Difference) -> float:
    """How many independent pairs the difference is worth: clusters may make it less sure than its n says."""
    if difference.error is None:
        return min(difference.n, difference.clusters)
    alone = (difference.discordant - difference.value**2) / difference.n
    return difference.n * min(1.0, alone / difference.error**2)
