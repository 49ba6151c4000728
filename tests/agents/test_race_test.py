"""The sequential test keeps its level at every look, and sees what is there."""

import numpy as np
import pytest

from agents.race_test import log_capital, reached

LOOKS = range(8, 97, 8)


def draws(mean: float, seed: int, n: int = 96) -> np.ndarray:
    """Paired differences of two prompts: nine in twenty clips agree."""
    rng = np.random.default_rng(seed)
    differs = rng.random(n) < 0.55
    up = rng.random(n) < 0.5 + mean / 1.1
    return differs * np.where(up, 1.0, -1.0)


def test_no_difference_is_called_one_in_at_most_five_percent_of_all_races() -> None:
    wrong = sum(any(reached(draws(0.0, seed)[:n], 0.05) for n in LOOKS) for seed in range(600))
    assert wrong / 600 <= 0.05


def test_a_clear_difference_is_nearly_always_seen_and_sooner_than_a_small_one() -> None:
    def first(mean: float, seed: int) -> int:
        return next((n for n in LOOKS if reached(draws(mean, seed)[:n], 0.05)), 200)

    clear, small = ([first(mean, seed) for seed in range(100)] for mean in (0.4, 0.15))
    assert np.mean(np.array(clear) <= 96) > 0.95
    assert np.mean(clear) < 48 < np.mean(small)


def test_the_null_may_be_any_mean() -> None:
    x = np.full(40, 0.3)
    assert reached(x, 0.05, most=0.1)
    assert not reached(x, 0.05, most=0.3)
    assert log_capital(x, most=0.5) < 0
    assert log_capital(np.array([])) == 0


@pytest.mark.parametrize("x", [np.full(30, -1.0), np.full(30, 1.0)])
def test_values_at_the_bounds_neither_ruin_nor_break_the_bet(x: np.ndarray) -> None:
    assert np.isfinite(log_capital(x))
