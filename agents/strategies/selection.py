"""Choosing parents by several objectives: NSGA-II's fronts and crowding (Deb et al. 2002)."""

from collections.abc import Mapping, Sequence
from math import inf
from random import Random

from agents.tools import objectives, texts, undominated
from prompts.view import HistoryView, ScoredPrompt


def fronts(scored: Sequence[ScoredPrompt]) -> list[list[ScoredPrompt]]:
    """Non-dominated sorting: the first front is dominated by nothing, the second only by the first, ..."""
    left, sorted_ = list(scored), []
    while left:
        front = undominated(left)
        sorted_.append(front)
        taken = {one.prompt.id for one in front}
        left = [one for one in left if one.prompt.id not in taken]
    return sorted_


def crowding(front: Sequence[ScoredPrompt]) -> dict[str, float]:
    """Per prompt id how far its neighbours on the front are, over all objectives; infinite at the ends."""
    distance = {one.prompt.id: 0.0 for one in front}
    for axis in range(3):
        ordered = sorted(front, key=lambda one: objectives(one)[axis])
        low, high = objectives(ordered[0])[axis], objectives(ordered[-1])[axis]
        distance[ordered[0].prompt.id] = distance[ordered[-1].prompt.id] = inf
        for before, one, after in zip(ordered, ordered[1:], ordered[2:], strict=False):
            gap = objectives(after)[axis] - objectives(before)[axis]
            distance[one.prompt.id] += gap / (high - low) if high > low else 0.0
    return distance


def standing(view: HistoryView) -> dict[str, tuple[int, float]]:
    """Per prompt id its front, 0 the best, and minus its crowding distance: smaller is better."""
    ranks: dict[str, tuple[int, float]] = {}
    for number, front in enumerate(fronts(texts(view))):
        ranks |= {name: (number, -distance) for name, distance in crowding(front).items()}
    return ranks


def tournament(
    view: HistoryView, rng: Random, ranks: Mapping[str, tuple[int, float]], apart: Sequence[str] = ()
) -> ScoredPrompt | None:
    """The better of two drawn prompts, none of ``apart`` (ids); None when no other is left."""
    pool = [one for one in texts(view) if one.prompt.id not in apart]
    if not pool:
        return None
    drawn = rng.sample(pool, min(2, len(pool)))
    return min(drawn, key=lambda one: ranks[one.prompt.id])
