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

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

STAKES = np.linspace(0.05, 0.95, 10)  # as shares of the largest stake that cannot ruin


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


def log_mean(logs: Values) -> float:
    """The logarithm of the mean of numbers given by their logarithms."""
    top = float(logs.max())
    return top + float(np.log(np.exp(logs - top).mean()))
