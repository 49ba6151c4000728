"""A sequential test for paired differences that stays valid however often it is looked at.

Test by betting: whoever doubts the null hypothesis "the mean of x is at most m", x in -1..1, stakes the share
lambda of a capital of 1 on every next x, and holds after n of them

    K_n(lambda) = product of (1 + lambda * (x_i - m)),   0 <= lambda < 1 / (1 + m).

Under the null no stake makes the capital grow on average (it is a test supermartingale), nor does the mean of
K_n over a fixed grid of stakes. So the chance that it ever reaches 1 / alpha is at most alpha (Ville 1939),
whenever and however often one looks. Waudby-Smith & Ramdas (2024), "Estimating means of bounded random
variables by betting", J. R. Stat. Soc. B 86(1), sections 2 to 4; the grid is their "discrete mixture".

What it takes for granted: given all earlier ones, x_n is on average no larger than m. So x must be one number
per independent source (``agents.race_order``), not one per clip.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

STAKES = np.linspace(0.05, 0.95, 10)  # as shares of the largest stake that cannot ruin
_GRID = np.linspace(-1.0, 1.0, 201)


@dataclass(frozen=True)
class Interval:
    """Bounds of a mean in -1..1 that hold at all looks together."""

    low: float
    high: float


def log_capital(x: Values, most: float = 0.0) -> float:
    """Natural logarithm of the capital after ``x`` [n] against "the mean is at most ``most``" (> -1).

    The null may be rejected at level alpha where it is at least ``log(1 / alpha)``. 0 without any x.
    """
    stakes = STAKES / (1 + most)
    grown = np.log1p(np.outer(stakes, x - most)).sum(axis=1)
    return log_mean(grown)


def reached(x: Values, alpha: float, most: float = 0.0) -> bool:
    """Whether the mean of x is above ``most``, with an error of at most ``alpha`` over all looks."""
    return bool(log_capital(x, most) >= -np.log(alpha))


def confidence_sequence(x: Values, alpha: float = 0.05) -> Interval:
    """Means that neither bet, on more or on less, has rejected at any time up to now; to 0.01.

    They hold the true mean at all times with a probability of at least 1 - alpha.
    """
    if not len(x):
        return Interval(-1.0, 1.0)
    threshold = np.log(2 / alpha)
    rises, falls = _peaks(x), _peaks(-x)[::-1]
    kept = _GRID[(rises < threshold) & (falls < threshold)]
    if not len(kept):  # both rejected everything; the last word has the mean
        return Interval(float(x.mean()), float(x.mean()))
    return Interval(float(kept[0]), float(kept[-1]))


def _peaks(x: Values) -> Values:
    """Per mean of the grid the highest log capital so far of the bet on more than it."""
    inner = _GRID[1:]
    stakes = STAKES[None, :] / (1 + inner[:, None])
    gains = np.log1p(stakes[:, :, None] * (x[None, None, :] - inner[:, None, None]))
    capital = np.cumsum(gains, axis=2)
    top = capital.max(axis=1)
    mean = top + np.log(np.exp(capital - top[:, None, :]).mean(axis=1))
    # Nobody can be below -1, so the bet on more than -1 wins as soon as anything differs from it.
    least = np.inf if bool((x > -1).any()) else 0.0
    return np.concatenate([[least], mean.max(axis=1)])


def log_mean(logs: Values) -> float:
    """The logarithm of the mean of numbers given by their logarithms."""
    top = float(logs.max())
    return top + float(np.log(np.exp(logs - top).mean()))


@lru_cache(maxsize=64)
def fewest(alpha: float) -> int:
    """How many x of 1 in a row it takes at least to reject "the mean is at most 0" at this level."""
    count = 1
    while not reached(np.ones(count), alpha):
        count += 1
    return count
