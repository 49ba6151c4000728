"""What a run would have chosen after N answers, and how that is compared over seeds."""

from dataclasses import replace
from math import isnan
from typing import Any

import numpy as np
import pytest

from benchmarks.optimizers import place, tasks
from benchmarks.optimizers_arms import ARMS
from benchmarks.optimizers_choice import (
    Choice,
    Quality,
    choice_at,
    fewest,
    mean_difference,
    optimism,
    quality,
    regret,
)
from benchmarks.optimizers_report import OnTest, Outcome, curves, outcomes, rows, speed
from prompts.library import HUMAN_FOCUSED, NEUTRAL

CLIPS = [f"clip {n}" for n in range(10)]
NEUTRAL_ID, HUMAN_ID = NEUTRAL.prompt.id, HUMAN_FOCUSED.prompt.id


def answers(prompt: str, gaps: list[int | None]) -> list[tuple[str, str, int | None]]:
    return [(prompt, clip, gap) for clip, gap in zip(CLIPS, gaps, strict=False)]


def run(*bought: tuple[str, str, int | None], **more: Any) -> dict[str, Any]:
    """A run of the hand-written prompts, neutral always wrong, human-focused always right, then these."""
    begun = [*answers(NEUTRAL_ID, [-1] * 10), *answers(HUMAN_ID, [1] * 10)]
    log = [*begun, *bought]
    return {
        "arm": "agent",
        "seed": 0,
        "budget": 60,
        "llm": "made",
        "clips": CLIPS,
        "units": CLIPS,
        "prompts": {NEUTRAL_ID: "neutral", HUMAN_ID: "human", "a": "text a", "b": "text b", "c": "text c"},
        "baselines": [NEUTRAL_ID, HUMAN_ID],
        "twins": {},
        "bought": log,
        "costs": [[20, 0, 0.0, 2.0], [len(log), 300, 1.5, 6.0]],
        "stopped": "",
    } | more


def test_before_anything_is_proposed_neutral_is_chosen_never_the_other_hand_written_one() -> None:
    chosen = choice_at(run(), 20)
    assert (chosen.text, chosen.bought, chosen.proposed) == ("neutral", 20, 0)


def test_only_the_first_answers_count() -> None:
    made = run(*answers("a", [0] * 10), *answers("b", [1] * 10))
    early, late = choice_at(made, 30), choice_at(made, 40)
    assert (early.text, early.score, early.proposed) == ("text a", 0.5, 1)
    assert (late.text, late.score, late.proposed) == ("text b", 1.0, 2)


def test_a_budget_beyond_the_end_of_a_run_is_its_end() -> None:
    assert choice_at(run(*answers("a", [0] * 10)), 10**6).bought == 30


def test_luck_on_few_clips_counts_for_less_than_all_clips() -> None:
    lucky = run(*answers("a", [1, 1, 1, 1, 1, 1, 1, 1, 1, 0]), *answers("b", [1]))
    assert choice_at(lucky, 100).text == "text a"


def test_of_equal_scores_the_proposed_and_the_earlier_wins() -> None:
    alike = run(*answers("a", [-1] * 10), *answers("b", [-1] * 10))
    assert choice_at(alike, 100).text == "text a"


def test_a_twin_is_no_candidate() -> None:
    made = run(*answers("a", [0] * 10), *answers("b", [1, 1]), twins={"b": "a"})
    assert choice_at(made, 100).text == "text a"


def test_errors_are_left_out() -> None:
    made = run(*answers("a", [None, *[1] * 9]), *answers("b", [0] * 10))
    assert choice_at(made, 100).score == 1.0


def test_a_prompt_with_errors_alone_is_no_candidate() -> None:
    assert choice_at(run(*answers("a", [None, None])), 100).text == "neutral"


def test_without_neutral_there_is_no_choice() -> None:
    with pytest.raises(ValueError, match="too few"):
        choice_at(run(), 0)


def test_costs_are_those_of_the_batch_that_brought_the_answers() -> None:
    made = run(*answers("a", [0] * 10))
    assert (choice_at(made, 20).tokens, choice_at(made, 21).tokens) == (0, 300)
    assert choice_at(made, 30).seconds == 1.5
    assert choice_at(made, 10).asking == pytest.approx(1.0)


def test_quality_regret_and_optimism() -> None:
    found = quality([1, 1, -1, 0, None])
    assert (found.shacc, found.sberr, found.gap, found.score) == (50, 25, 25, 0.625)
    assert regret(found, Quality(80, 10)) == 45
    chosen = Choice("", 0.7, 0, 0, 0, 0.0, 0.0)
    assert optimism(chosen, found) == pytest.approx(15)
    with pytest.raises(ValueError, match="no test clip"):
        quality([None])


def sources(clips: int) -> list[tuple[str, ...]]:
    return [(f"person {n}", f"place {n}") for n in range(clips)]


def test_a_difference_over_seeds_is_that_of_all_pairs() -> None:
    a, b = [1] * 30 + [0] * 10, [0] * 30 + [-1] * 10
    found = mean_difference([(a, b), (a, [0] * 40)], sources(40))
    assert found.value == pytest.approx((1 + 30 / 40) / 2)
    assert found.n == 80
    only = mean_difference([(a, b)], sources(40), side=-1)
    assert only.value == pytest.approx(-0.25)


def test_seeds_that_disagree_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    pairs = [
        (rng.choice([1, -1], 160, p=[share, 1 - share]).tolist(), [0] * 160) for share in (0.2, 0.5, 0.8, 0.5)
    ]
    alike = [(rng.choice([1, -1], 160).tolist(), [0] * 160) for _ in range(4)]
    wide, narrow = (mean_difference(some, sources(160)) for some in (pairs, alike))
    assert wide.high - wide.low > 4 * (narrow.high - narrow.low)
    assert wide.dof == 3
    assert wide.low < 0 < wide.high


def test_intervals_over_seeds_and_clips_hold_the_truth() -> None:
    """Seeds and clips have effects of their own; 5 seeds, 60 clips."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        effect = 0.3 * rng.standard_normal((5, 1)) + 0.3 * rng.standard_normal((1, 60))
        right = rng.random((5, 60)) < 1 / (1 + np.exp(-2 * effect))
        pairs = [(np.where(row, 1, -1).tolist(), [0] * 60) for row in right]
        one = mean_difference(pairs, sources(60))
        held += one.low <= 0 <= one.high
    assert held >= 180


def test_a_goal_is_reached_when_it_is_not_lost_again() -> None:
    curve = [(100, 5.0), (200, 9.0), (300, 7.0), (400, 8.0), (500, 9.0)]
    assert fewest(curve, 8.0) == 400
    assert isnan(fewest(curve, 10.0))


def on_test() -> OnTest:
    held = {"neutral": [-1] * 4, "human": [1] * 4, "text a": [0] * 4, "text b": [1, 1, 1, 0]}
    return OnTest(held, sources(4))


def test_rows_average_seeds_and_compare_the_same_seeds() -> None:
    good, bad = answers("b", [1] * 10), answers("a", [0] * 10)
    runs = [run(*good), run(*bad, seed=1), run(*good, arm="gepa", seed=1), run(*bad, arm="gepa", seed=2)]
    told = rows(outcomes(runs, [20, 60], on_test()), on_test())
    assert [(row["budget"], row["arm"]) for row in told] == [
        (20, "agent"), (60, "agent"), (20, "gepa"), (60, "gepa")
    ]  # fmt: skip
    agent, gepa = told[1], told[3]
    assert (agent["seeds"], agent["gap"], agent["regret"]) == ([0, 1], 37.5, 37.5)
    assert gepa["gap minus agent"]["value"] == 75.0
    assert gepa["gap minus agent"]["seeds"] == 1
    assert "gap minus agent" not in agent


def test_the_same_prompts_differ_by_nothing() -> None:
    good = answers("b", [1] * 10)
    runs = [run(*good, arm=arm, seed=seed) for arm in ("agent", "opro") for seed in (0, 1)]
    told = rows(outcomes(runs, [60], on_test()), on_test())
    assert told[1]["gap minus agent"] == {"value": 0.0, "low": 0.0, "high": 0.0, "seeds": 2, "p": 1.0}


def test_an_arm_that_plans_by_its_budget_serves_no_other() -> None:
    sized = run(*answers("a", [0] * 10), arm="dspy-mipro", budget=60)
    assert [one.budget for one in outcomes([sized], [20, 60], on_test())] == [60]
    assert [one.budget for one in outcomes([run(budget=20)], [20, 60], on_test())] == [20]


def test_curves_and_how_much_sooner_full_evaluation_is_reached() -> None:
    slow = run(*answers("a", [0] * 10), *answers("b", [1] * 10), arm="paper's loop")
    fast = run(*answers("b", [1] * 10))
    found = curves([slow, fast], [20, 30, 40, 60], on_test())
    assert found["agent"] == [(20, -100.0), (30, 75.0), (40, 75.0), (60, 75.0)]
    told = speed(found)
    assert told["full evaluation, answers"] == 40
    assert told["answers until there"] == {"agent": 30, "paper's loop": 40}


def test_work_goes_breadth_first_and_runs_sized_arms_apart() -> None:
    found = [
        (arm.name, seed, budget) for arm, seed, budget in tasks(["agent", "dspy-mipro"], [0, 1], [500, 2000])
    ]
    assert found == [
        ("agent", 0, 2000), ("dspy-mipro", 0, 500), ("dspy-mipro", 0, 2000),
        ("agent", 1, 2000), ("dspy-mipro", 1, 500), ("dspy-mipro", 1, 2000),
    ]  # fmt: skip


def test_runs_have_files_of_their_own(tmp_path: Any) -> None:
    paths = {place(tmp_path, "a/b.gguf", arm, seed, 500) for arm in ARMS.values() for seed in range(2)}
    assert len(paths) == 2 * len(ARMS)
    assert all(path.parent.parent == tmp_path for path in paths)


def test_mipro_is_told_of_more_prompts_where_more_can_be_tried() -> None:
    mipro = ARMS["dspy-mipro"]
    few, many = mipro.prompts(500, 172, 2), mipro.prompts(8000, 172, 2)
    assert 2 <= few < many < 8000 / 52
    assert ARMS["gepa"].prompts(500, 172, 2) == ARMS["gepa"].prompts(8000, 172, 2)


def test_outcomes_carry_why_a_run_ended() -> None:
    (one,) = outcomes([run(stopped="failed: no idea", budget=30)], [30], on_test())
    assert isinstance(one, Outcome)
    assert replace(one, stopped="failed: no idea") == one
