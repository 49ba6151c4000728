"""Recognising a prompt that acts like an earlier one, so that its answers need not be bought a second time.

A prompt's fingerprint is what the target model answered to it on the first clips of the common order. Prompts
worded differently often are one behaviour: the twenty prompts of arXiv 2512.17953 were two.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Fingerprint:
    """Per clip the answer ("" for none), and p(human) - p(background), NaN where that is unknown."""

    labels: tuple[str, ...]
    soft: NDArray[np.float64]


def twin(
    mine: Fingerprint, others: Iterable[tuple[str, Fingerprint]], tolerance: float
) -> tuple[str, float] | None:
    """The earlier prompt this one acts like, and how far apart they are; None where there is none.

    Alike are equal labels on all clips and, where the model tells probabilities, a mean distance of ``soft``
    of at most ``tolerance``. The nearest one is named; without probabilities the first.
    """
    found: tuple[str, float] | None = None
    for name, other in others:
        if other.labels != mine.labels:
            continue
        apart = distance(mine, other)
        if apart <= tolerance and (found is None or apart < found[1]):
            found = name, apart
    return found


def distance(one: Fingerprint, other: Fingerprint) -> float:
    """Mean distance of ``soft`` over the clips where both are known; 0 where none is."""
    apart = np.abs(one.soft - other.soft)
    known = apart[~np.isnan(apart)]
    return float(known.mean()) if len(known) else 0.0
