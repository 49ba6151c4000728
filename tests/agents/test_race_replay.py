"""Methods replayed from stored answers buy what they say, and the race finds what full evaluation finds."""

import numpy as np
import pytest

from agents.race import Rules
from benchmarks.replay_early import early
from benchmarks.replay_methods import (
    Method,
    Stored,
    full,
    halving,
    race,
    spread,
    subset,
    upper_bounds,
)

CLIPS = 64


def pool(seed: int, prompts: int = 40) -> Stored:
    """Prompts of different quality on clips of different difficulty; the last one is best by far."""
    rng = np.random.default_rng(seed)
    shares = np.r_[rng.uniform(0.0, 0.5, prompts - 1), 0.85]
    right = rng.random((prompts, CLIPS)) < shares[:, None] * rng.uniform(0.8, 1.2, CLIPS)
    return Stored(np.where(right, 1.0, -1.0), np.where(right, 0.7, -0.7), right.astype(np.int8))


@pytest.mark.parametrize("method", [full, race(8, Rules()), halving(0.5), upper_bounds(0.5), subset(32)])
def test_a_prompt_that_is_best_by_far_is_found(method: Method) -> None:
    rng = np.random.default_rng(0)
    found = [method(pool(seed), rng).prompt == 39 for seed in range(10)]
    assert sum(found) >= 9


def test_the_race_buys_less_than_half_of_full_evaluation() -> None:
    rng = np.random.default_rng(0)
    bought = [race(8, Rules())(pool(seed), rng).bought / (40 * CLIPS) for seed in range(5)]
    assert np.mean(bought) < 0.5


def test_no_method_buys_more_than_its_share() -> None:
    stored, rng = pool(0), np.random.default_rng(0)
    assert full(stored, rng).bought == 40 * CLIPS
    assert subset(8)(stored, rng).bought == 40 * 8
    assert halving(0.25)(stored, rng).bought <= 0.25 * 40 * CLIPS
    assert upper_bounds(0.25)(stored, rng).bought < 0.25 * 40 * CLIPS + 8 * 4


def test_clips_are_shuffled_with_classes_taking_turns() -> None:
    humans = ["a"] * 10 + ["b"] * 10
    order = spread(humans, np.random.default_rng(1))
    assert sorted(order.tolist()) == list(range(20))
    assert all({humans[i] for i in order[at : at + 2].tolist()} == {"a", "b"} for at in range(0, 20, 2))
    again = spread(humans, np.random.default_rng(2))
    assert order.tolist() != again.tolist()


def test_an_early_choice_keeps_to_its_budget_and_racing_leaves_more_for_proposals() -> None:
    stored = pool(0)
    stored.gaps[1] = np.where(np.arange(CLIPS) % 4, 1.0, -1.0)  # human-focused, far better than neutral
    full, raced = (early(stored, 300, raced=raced) for raced in (False, True))
    assert max(full.bought, raced.bought) <= 300
    assert raced.arrived > full.arrived > 0
    assert early(stored, 10**6, raced=True).prompt == 39
    with pytest.raises(ValueError, match="too few"):
        early(stored, 7, raced=True)
