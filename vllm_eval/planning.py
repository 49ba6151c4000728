"""Before a run: what a number of clips can show, and how much shared sources take away from it."""

from collections import Counter
from itertools import combinations
from math import ceil, sqrt

from vllm_eval.clustering import Clusters


def minimum_detectable_effect(
    n: float, discordance: float = 0.125, power: float = 0.8, alpha: float = 0.05, design_effect: float = 1.0
) -> float:
    """The smallest true difference of a share that n pairs show with this power, at most 1.

    ``discordance`` is the share of pairs that differ; 0.09 to 0.14 was measured between similar prompts. A
    pair's difference then has the variance discordance - effect² (Connor 1987). ``design_effect`` divides n:
    how much the variance grows because clips share sources (see ``design_effect``).
    """
    if n <= 0:
        return 1.0
    reach = _reach(power, alpha)
    return min(1.0, sqrt(reach * discordance / (n / design_effect + reach)))


def pairs_needed(
    effect: float,
    discordance: float = 0.125,
    power: float = 0.8,
    alpha: float = 0.05,
    design_effect: float = 1.0,
) -> int:
    """The inverse of ``minimum_detectable_effect``: pairs for a true difference of ``effect``."""
    return max(1, ceil(design_effect * _reach(power, alpha) * (discordance / effect**2 - 1)))


def design_effect(clusters: Clusters, correlation: float) -> float:
    """How many times larger the variance of a mean is than for clips without shared sources.

    1 + correlation * (related ordered pairs of clips) / n, where clips are related that share a source and
    any two related clips correlate by ``correlation`` (Kish 1965; for clusters of equal size m it is
    1 + (m - 1) * correlation). Pairs that share two sources count once. 1 without clips.
    """
    if not clusters:
        return 1.0
    sources = [(one,) if isinstance(one, str) else tuple(sorted(set(one))) for one in clusters]
    shared: Counter[tuple[str, ...]] = Counter()
    for names in sources:
        for size in range(1, len(names) + 1):
            shared.update(combinations(names, size))
    related = sum(count * (count - 1) * (1 if len(subset) % 2 else -1) for subset, count in shared.items())
    return 1 + correlation * related / len(sources)


def _reach(power: float, alpha: float) -> float:
    return (_normal(1 - alpha / 2) + _normal(power)) ** 2


def _normal(probability: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(probability))
