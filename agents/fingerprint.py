"""Recognising a prompt that acts like an earlier one, so that its answers need not be bought a second time.

A prompt's fingerprint is what the target model answered to it on the first clips of the common order. Prompts
worded differently often are one behaviour: the twenty prompts of arXiv 2512.17953 were two.

Equal answers on a few clips show little: prompts of which one is right on 5 % more clips agree on 16 of them
in 44 of 100 cases. Two things can show more. Where the model was in doubt, prompts that act differently move
its probabilities long before they change an answer (``reach``). Else it takes as many clips as would have
shown a difference that is worth something (``units_needed``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, inf, log, log1p

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Fingerprint:
    """Per clip the answer, with a mark for each kind of none, and p(human) - p(background), NaN where that is
    unknown.

    ``gaps``: +1 human, -1 background, 0 anything else, NaN for an error. ``units``: the clip's source unit.
    """

    labels: tuple[str, ...]
    soft: NDArray[np.float64]
    gaps: NDArray[np.float64]
    units: NDArray[np.intp]

    def only(self, places: Sequence[int]) -> "Fingerprint":
        """Of the clips at these places alone."""
        at = np.array(places, np.intp)
        labels = tuple(self.labels[place] for place in places)
        return Fingerprint(labels, self.soft[at], self.gaps[at], self.units[at])


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


def telling(one: Fingerprint, other: Fingerprint, worthwhile: float, alpha: float) -> bool:
    """Whether it means anything that two prompts of equal answers are near: a difference of ``worthwhile`` in
    the score (1 + SHAcc - SBErr) / 2 would have shown.

    Such a difference is one of 2 * ``worthwhile`` in the mean of p(human) - p(background), as far as
    probabilities tell how often a model is right. So they speak where they had that much room.
    """
    room = reach(one, other)
    if room > 0 and room >= 2 * worthwhile:
        return True
    both = ~np.isnan(one.gaps) & ~np.isnan(other.gaps)
    return len(np.unique(one.units[both])) >= units_needed(worthwhile, alpha)


def reach(one: Fingerprint, other: Fingerprint) -> float:
    """How far apart, in the mean of ``soft``, two prompts of equal answers could have been.

    A certain answer has a ``soft`` that equals its gap. Where both are certain nothing sets them apart,
    whatever they do elsewhere; else the doubt of the one that has more of it can. 0 where nothing is known.
    """
    doubt = np.maximum(np.abs(one.soft - one.gaps), np.abs(other.soft - other.gaps))
    return float(np.nan_to_num(doubt).mean()) if len(doubt) else 0.0


def units_needed(worthwhile: float, alpha: float) -> float:
    """How many source units without a different answer rule out a difference of ``worthwhile`` at ``alpha``.

    A changed answer moves a unit's score by 1 at most. So prompts ``worthwhile`` apart in score answer unlike
    on at least that share of units, and agree on n of them with a chance of at most (1 - worthwhile)^n: 59 at
    0.05 and 0.05, what the rule of three (Hanley & Lippman-Hand 1983) rounds to 3 / ``worthwhile``.
    """
    if worthwhile <= 0:
        return inf
    return 1 if worthwhile >= 1 else ceil(log(alpha) / log1p(-worthwhile))
