"""With several targets a race goes by the worst of them, and errs no more often for it."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from agents.race import Race, Rules, Verdict
from agents.race_board import Board, Seen, fair_scores
from agents.race_compare import Comparison
from agents.race_test import log_capital

UNITS, BLOCK = 48, 8  # each unit is two clips, one for each target: even places are a's, odd ones b's
PLACES = [list(range(0, 2 * UNITS, 2)), list(range(1, 2 * UNITS, 2))]
RULES = Rules(twin_clips=0, surrogate_clips=0)


class Two:
    """Prompts by the share of clips on which targets a and b name the human; draws shared by all prompts."""

    def __init__(self, shares: Mapping[str, tuple[float, float]], seed: int = 0) -> None:
        draws = np.random.default_rng(seed).random((UNITS, 2))
        self.gaps = {name: np.where(draws < both, 1.0, -1.0).ravel() for name, both in shares.items()}

    def __call__(self, prompts: Sequence[str], block: int) -> dict[str, Seen]:
        part = slice(2 * BLOCK * block, 2 * BLOCK * (block + 1))
        none = np.full(2 * BLOCK, np.nan)
        return {name: Seen(self.gaps[name][part], none, ("",) * (2 * BLOCK)) for name in prompts}


def raced(world: Two, parts: Sequence[Sequence[int]] = PLACES, rules: Rules = RULES) -> tuple[Verdict, Race]:
    units = [place // 2 for place in range(2 * UNITS)]
    running = Race([2 * BLOCK] * (UNITS // BLOCK), units, rules, world, parts)
    running.references(["reference"])
    (verdict,) = running.run(["new"])
    return verdict, running


def test_who_is_better_on_the_worst_target_is_kept_though_worse_on_average() -> None:
    world = Two({"reference": (1.0, 0.2), "new": (0.55, 0.55)})
    by_mean, _ = raced(world, parts=())
    worst, running = raced(world)
    assert by_mean.why == "futile"
    assert worst.why in ("won", "complete")
    assert worst.difference > 0.1
    assert running.incumbent == "new"


def test_who_is_better_on_average_but_not_on_the_worst_target_is_given_up() -> None:
    world = Two({"reference": (0.6, 0.6), "new": (1.0, 0.3)})
    by_mean, _ = raced(world, parts=())
    worst, running = raced(world)
    assert by_mean.why != "futile"
    assert (worst.why, running.incumbent) == ("futile", "reference")
    assert worst.clips < 2 * UNITS
    scores = running.scores()
    assert scores["new"] < scores["reference"]


def test_references_compare_by_the_worst_target() -> None:
    world = Two({"one": (1.0, 0.1), "other": (0.5, 0.5)})
    units = [place // 2 for place in range(2 * UNITS)]
    running = Race([2 * BLOCK] * (UNITS // BLOCK), units, RULES, world, PLACES)
    running.references(["one", "other"])
    assert running.incumbent == "other"


@pytest.mark.parametrize("new", [(0.5, 0.8), (0.8, 0.5), (0.5, 0.5)])
def test_no_better_prompt_wins_no_more_often_than_alpha(new: tuple[float, float]) -> None:
    won = 0
    for seed in range(200):
        # Without futility, which would stop most races before they could err.
        rules = Rules(twin_clips=0, surrogate_clips=0, futility_alpha=1e-9)
        verdict, _ = raced(Two({"reference": (0.5, 0.8), "new": new}, seed), rules=rules)
        won += verdict.why == "won"
    assert won <= 20  # five percent of 200 are 10; more than 20 come about once in a thousand


@pytest.mark.parametrize("new", [(0.55, 0.55), (0.9, 0.55)])
def test_a_prompt_better_by_worthwhile_is_given_up_as_seldom_as_agreed(new: tuple[float, float]) -> None:
    given_up = sum(
        raced(Two({"reference": (0.5, 0.8), "new": new}, seed))[0].why == "futile" for seed in range(100)
    )
    assert given_up <= 55  # forty of a hundred are agreed


def test_a_failed_target_is_compared_by_nothing_and_soft_gaps_count_where_all_have_one() -> None:
    board, nan = Board([0, 0, 1, 1]), float("nan")
    board.add("p", range(4), Seen(np.array([1, -1, 1, nan]), np.array([0.5, -0.5, 0.5, nan]), ("",) * 4))
    board.add("q", range(4), Seen(np.array([-1.0, -1, 1, 1]), np.array([-0.1, nan, 0.2, 0.2]), ("",) * 4))
    assert board.across("p", [0, 2], "q", [1, 3]).tolist() == [1.0, 0.0]
    assert board.across("p", [1, 3], "q", [1, 3]).tolist() == [0.0]  # the error leaves no pair
    soft = board.across("p", [0, 2], "q", [1, 3], soft=True)
    assert soft.tolist() == pytest.approx([1.0, 0.15])  # the first lacks one: answers count there
    both = Comparison(board, ([0, 2], [1, 3]))
    assert both.score("p") == 0.0
    assert both.difference("p", "q") == pytest.approx(0.0)


def test_with_one_part_nothing_changes() -> None:
    rng = np.random.default_rng(1)
    board = Board(range(32))
    for name in "ab":
        board.add(name, range(32), Seen(rng.choice([-1.0, 1.0], 32), np.full(32, np.nan), ("",) * 32))
    one, same = Comparison(board), Comparison(board, (range(32),))
    assert one.better("a", "b") == pytest.approx(same.better("a", "b"))
    assert one.not_better("a", "b", 0.05) == pytest.approx(same.not_better("a", "b", 0.05))
    assert one.difference("a", "b") == pytest.approx(same.difference("a", "b"))
    assert one.fair({}) == same.fair({})


def test_evidence_is_the_average_over_the_others_targets_and_the_least_over_ones_own() -> None:
    # Two targets, twelve units of one clip for each; even places are the first target's.
    gaps = {"p": ("hhhhhhhhbbhh", "hbhbhhhbhhhh"), "q": ("bbhbbhbbbbhb", "hhbbhhbbhbhb")}
    soft = {"p": 0.4, "q": -0.2}
    board = Board([place // 2 for place in range(24)])
    told = {
        name: [np.array([1.0 if c == "h" else -1.0 for c in s]) for s in both] for name, both in gaps.items()
    }
    for name, (first, second) in told.items():
        values = np.stack([first, second], axis=1).ravel()
        board.add(name, range(24), Seen(values, np.full(24, soft[name]), ("",) * 24))
    both = Comparison(board, (range(0, 24, 2), range(1, 24, 2)))

    def capital(mine: int, theirs: int, by: float = 0.0, sign: int = 1) -> float:
        apart = sign * (told["p"][mine] - told["q"][theirs]) / 2
        return float(np.exp(log_capital(apart, sign * by)))

    better = min(np.mean([capital(s, t) for t in (0, 1)]) for s in (0, 1))
    assert both.better("p", "q") == pytest.approx(np.log(better))
    worse = min(np.mean([capital(s, t, 0.05, -1) for s in (0, 1)]) for t in (0, 1))
    assert both.not_better("p", "q", 0.05) == pytest.approx(np.log(worse))
    # Probabilities count within a target, answers across: those of different models do not compare.
    sure = float(np.exp(log_capital(np.full(12, -0.3), -0.05)))
    mixed = min(np.mean([sure if s == t else capital(s, t, 0.05, -1) for s in (0, 1)]) for t in (0, 1))
    assert both.not_better("p", "q", 0.05, soft=True) == pytest.approx(np.log(mixed))
    assert both.not_better("p", "q", 0.05, soft=True) != pytest.approx(np.log(worse))


def test_who_fails_on_hard_clips_wins_nothing_by_it() -> None:
    hard = np.tile([1.0, 1.0, -1.0, -1.0], 12)
    fails = np.where(hard > 0, hard, np.nan)
    board = Board([place // 4 for place in range(48)])
    for name, gaps in (("steady", hard), ("failing", fails)):
        board.add(name, range(48), Seen(gaps, np.full(48, np.nan), ("",) * 48))
    assert board.score("failing") == 1.0
    assert fair_scores(board, {})["failing"] == fair_scores(board, {})["steady"] == 0.5
    both = Comparison(board, (range(0, 48, 2), range(1, 48, 2)))
    assert both.better("failing", "steady") == pytest.approx(0.0)
    assert both.difference("failing", "steady") == 0.0
