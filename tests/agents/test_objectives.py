"""Several objectives at once: fronts, how sure they are, and the rule with a constraint."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scripted_world import ordinary, swapped

from agents.objectives import LENGTH, SBERR, SHACC, dominates, lowest_sberr, pareto_standings
from agents.proof import Proof, Trial, proofs, tried
from vllm_eval.engine import Answer, Kind
from vllm_eval.evaluator import Scored

SWAPS, ORDINARY = swapped(120), ordinary("kinetics", 400)
TEXTS = {"good": "Look at the body.", "bad": "Look around.", "neutral": "What is it?"}


def scored(name: str, clips: Any, right: int, otherwise: Kind = "background") -> Scored:
    """Right on the first so many clips."""
    kinds: list[Kind] = ["human"] * right + [otherwise] * (len(clips) - right)
    answers = tuple(Answer(f"{name}{i}", "A", None, kind, None, 1, 0, 0.0) for i, kind in enumerate(kinds))
    return Scored(name, clips, answers)


def on(clips: Any, otherwise: Kind = "background", **right: int) -> dict[str, Scored]:
    return {name: scored(name, clips, count, otherwise) for name, count in right.items()}


def test_dominance_is_nowhere_worse_and_somewhere_better() -> None:
    points = np.array([[[1.0, 1.0], [1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]])
    assert dominates(points)[0].tolist() == [
        [False, True, False, False],
        [False, False, False, False],
        [False, False, False, False],
        [False, True, False, False],
    ]


def test_a_prompt_better_in_everything_is_alone_on_the_front() -> None:
    reports = {
        "test": on(SWAPS, good=80, bad=30, neutral=40),
        "kinetics": on(ORDINARY, "other", good=390, bad=200, neutral=300),
    }
    texts = TEXTS | {"good": "Look."}
    by_id = {one.prompt_id: one for one in pareto_standings(texts, reports)}
    assert [by_id[name].on_front for name in TEXTS] == [True, False, False]
    assert by_id["good"].front_share == 1.0
    assert by_id["good"].rival == ""
    assert by_id["bad"].rival == "good"
    assert by_id["bad"].dominated > 0.99
    assert by_id["good"].values == pytest.approx(
        {SHACC: 80 / 120, SBERR: 40 / 120, "kinetics": 390 / 400, LENGTH: 1}
    )


def test_what_is_close_is_told_as_unsure() -> None:
    reports = {"test": on(SWAPS, good=62, bad=60)}
    texts = {"good": "Look here.", "bad": "Look there."}
    bad = {one.prompt_id: one for one in pareto_standings(texts, reports)}["bad"]
    assert not bad.on_front
    assert 0.5 < bad.dominated < 1.0
    assert bad.front_share == pytest.approx(1 - bad.dominated)
    assert pareto_standings(texts, reports) == pareto_standings(texts, reports)


def test_a_longer_prompt_is_dominated_by_an_equal_shorter_one() -> None:
    reports = {"test": on(SWAPS, good=60, bad=60)}
    texts = {"good": "Look.", "bad": "Look there and everywhere."}
    assert [one.on_front for one in pareto_standings(texts, reports)] == [True, False]


def ordinary_answers(**right: int) -> dict[str, Scored]:
    return on(ORDINARY, "other", **right)


def test_the_lowest_sberr_wins_if_no_loss_of_the_margin_is_left_open() -> None:
    select = on(SWAPS, good=90, bad=100, neutral=40)
    choice = lowest_sberr("neutral", select, ordinary_answers(good=396, bad=350, neutral=396), 0.01)
    assert choice.winner == "good"
    assert choice.passed_over == ("bad",)
    assert choice.checks["bad"].low < -0.01 < choice.checks["good"].low


def test_where_nobody_is_shown_to_be_as_good_neutral_stays() -> None:
    select = on(SWAPS, good=90, neutral=40)
    assert lowest_sberr("neutral", select, ordinary_answers(good=380, neutral=396)).winner == "neutral"


def test_a_prompt_without_answers_has_no_low_sberr() -> None:
    select = on(SWAPS, good=50, neutral=40) | {"none": scored("none", SWAPS, 0, "error")}
    even = ordinary_answers(good=396, none=396, neutral=396)
    assert lowest_sberr("neutral", select, even).winner == "good"


def test_errors_count_for_no_side() -> None:
    def mixed(kinds: Sequence[Kind]) -> Scored:
        answers = tuple(Answer(str(i), "", None, kind, None, 1, 0, 0.0) for i, kind in enumerate(kinds))
        return Scored("x", SWAPS, answers)

    kinds: list[Kind] = ["human"] * 30 + ["error"] * 90
    (one, _) = pareto_standings(
        {"a": "x", "b": "y"}, {"test": {"a": mixed(kinds), "b": scored("b", SWAPS, 10)}}
    )
    assert one.values[SHACC] == 1.0


def test_clip_sets_are_drawn_apart_though_their_clips_are_alike() -> None:
    def right(*places: int) -> Scored:
        kinds: list[Kind] = ["human" if i in places else "other" for i in range(40)]
        answers = tuple(Answer(f"{i}", "A", None, kind, None, 1, 0, 0.0) for i, kind in enumerate(kinds))
        return Scored("any", ordinary("any", 40), answers)

    first, second = right(*range(20)), right(*range(20, 40))
    reports = {"mimetics": {"a": first, "b": second}, "kinetics": {"a": second, "b": first}}
    standings = pareto_standings({"a": "Look here.", "b": "Look there."}, reports)
    # Drawn together, what one gains on the first set it would lose on the second, in every world.
    assert all(one.front_share < 0.95 for one in standings)


def test_a_prompt_that_was_never_answered_has_no_figure_and_is_on_no_front() -> None:
    reports = {"test": on(SWAPS, good=80, neutral=40) | {"none": scored("none", SWAPS, 0, "error")}}
    texts = {"good": "Look at the body.", "neutral": "What is it?", "none": "Look."}
    by_id = {one.prompt_id: one for one in pareto_standings(texts, reports)}
    assert by_id["none"].values == {SHACC: None, SBERR: None, LENGTH: 1}
    assert (by_id["none"].on_front, by_id["none"].front_share, by_id["none"].rival) == (False, 0.0, "")
    assert by_id["good"].on_front
    assert by_id["good"].front_share == 1.0
    assert {one.rival for one in by_id.values()} <= {"", "good"}


def test_a_clip_set_that_nobody_was_answered_on_keeps_nobody_from_the_front() -> None:
    failed = {name: scored(name, ORDINARY, 0, "error") for name in TEXTS}
    swaps = on(SWAPS, good=80, bad=30, neutral=40)
    standings = pareto_standings(TEXTS, {"test": swaps, "kinetics": failed})
    assert [one.on_front for one in standings] == [
        one.on_front for one in pareto_standings(TEXTS, {"test": swaps})
    ]
    assert {one.values["kinetics"] for one in standings} == {None}


NAMES = ("first", "second", "third", "fourth")


def losing(rng: np.random.Generator, clips: Any, lost: float, gained: float) -> Scored:
    """Of clips that neutral answers every other time, this share each way."""
    draws, neutral = rng.random(len(clips)), np.arange(len(clips)) % 2 == 0
    right = np.where(neutral, draws >= 2 * lost, draws < 2 * gained)
    return Scored("", clips, tuple(RIGHT if one else WRONG for one in right))


RIGHT, WRONG = (Answer("", "A", None, kind, None, 1, 0, 0.0) for kind in ("human", "other"))


def wins_of_losers(clips: int, gained: float, runs: int) -> float:
    """How often one of four independent finalists wins, each of which truly loses the margin."""
    rng, where = np.random.default_rng(7), ordinary("kinetics", clips)
    select = on(SWAPS, **{name: 100 - place for place, name in enumerate(NAMES)}, neutral=40)
    neutral = Scored("", where, tuple(RIGHT if i % 2 == 0 else WRONG for i in range(clips)))
    won = 0
    for _ in range(runs):
        found = {name: losing(rng, where, 0.01 + gained, gained) for name in NAMES}
        won += lowest_sberr("neutral", select, found | {"neutral": neutral}, 0.01).winner != "neutral"
    return won / runs


@pytest.mark.parametrize(("clips", "gained"), [(1400, 0.01), (400, 0.0)])
def test_of_four_finalists_that_lose_the_margin_hardly_ever_one_wins(clips: int, gained: float) -> None:
    # Each tested at 5 %, and by the t test alone, 19 % and 31 % of such runs had a winner.
    assert wins_of_losers(clips, gained, runs=150) <= 0.07


def test_the_more_are_tested_the_more_each_has_to_show() -> None:
    even, worse = Trial(0.03, 0.0), Trial(0.5, -0.02)
    assert proofs({"a": even})["a"] == Proof(0.03, 0.0, 0.05, True)
    assert proofs({"b": worse, "a": even}) == {
        "b": Proof(0.5, -0.02, 0.05, False),
        "a": Proof(0.03, 0.0, 0.025, False),
    }
    assert [one.shown for one in proofs({"a": Trial(0.02, 0), "b": Trial(0.04, 0)}).values()] == [True, True]
    assert [one.shown for one in proofs({"a": Trial(0.03, 0), "b": Trial(0.04, 0)}).values()] == [
        False,
        False,
    ]


def test_a_score_test_is_exact_where_nothing_differs_and_no_clips_prove_nothing() -> None:
    none = Answer("", "", None, "error", None, 1, 0, 0.0)
    names = [f"clip{i}" for i in range(400)]
    alike = tried([RIGHT] * 400, [RIGHT] * 400, names, 0.01)
    assert alike.p == pytest.approx(0.0222, abs=1e-4)  # of 400 clips none lost: 0.99 ** 400 is 0.018
    assert tried([RIGHT] * 400, [RIGHT] * 400, ["one"] * 400, 0.01).p > 0.4
    assert tried([none] * 400, [RIGHT] * 400, names, 0.01).p == 1.0


def test_only_who_has_a_lower_sberr_than_neutral_is_tested() -> None:
    select = on(SWAPS, good=90, bad=30, neutral=40)
    choice = lowest_sberr("neutral", select, ordinary_answers(good=396, bad=396, neutral=396), 0.01)
    assert list(choice.checks) == ["good"]
    assert choice.checks["good"].level == 0.05
    with pytest.raises(ValueError, match="neutral prompt gone is not among those to choose from: good"):
        lowest_sberr("gone", select, {}, 0.01)
