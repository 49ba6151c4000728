"""What an agent's tools find out: counted on answers made up by hand."""

from dataclasses import replace

from strategies.made import ACTIONS, Told, rows_of, run_so_far

from agents.tools import (
    Count,
    Expected,
    called,
    common,
    confidence,
    diff,
    exemplars,
    expectation,
    failure_clusters,
    hardness,
    named,
    outcome,
    pareto_front,
    scene_confusions,
    with_expectation,
    without_expectation,
)
from prompts.library import NEUTRAL, PREFIXED
from prompts.prompt import Prompt
from prompts.view import rescored

A, B = Prompt("A?"), Prompt("B?")


def test_a_diff_names_clips_fixed_and_broken_and_leaves_errors_out_on_both_sides() -> None:
    found = diff(rows_of(A, "hbbeh"), rows_of(B, "bhbhe"))
    assert [flip.clip for flip in found.fixed] == ["c1"]
    assert [flip.clip for flip in found.broke] == ["c0"]
    assert found.common == 3
    assert (found.fixed[0].before, found.fixed[0].after) == ("golf driving", "bowling")
    assert (found.broke[0].human, found.broke[0].background) == ("archery", "bowling")


def test_prompts_on_different_clips_are_compared_on_what_both_saw() -> None:
    assert diff(rows_of(A, "hhhhhh"), rows_of(B, "bb")).common == 2
    assert diff((), rows_of(B, "bb")) == diff(rows_of(B, "bb"), ())


def test_failures_are_counted_over_all_clips_of_a_scene_and_of_an_action() -> None:
    clusters = failure_clusters(rows_of(A, "bhhhbhhhoeee"))
    action = next(one for one in clusters if (one.by, one.name) == ("action", "archery"))
    assert (action.failed, action.clips, action.to_scene) == (3, 3, 2)
    assert sum(one.failed for one in clusters if one.by == "scene") == 3
    assert not [one for one in clusters if one.name == "hurdling" and one.by == "action"]
    assert clusters[0] == action
    assert failure_clusters(rows_of(A, "bhhhbhhhoeee"), 1) == [action]


def test_clips_are_stubborn_solved_or_wavering() -> None:
    groups = hardness({A.id: rows_of(A, "hbhe"), B.id: rows_of(B, "hbbh")})
    assert (groups.solved, groups.stubborn, groups.wavering) == (("c0", "c3"), ("c1",), ("c2",))


def test_exemplars_deal_one_of_each_confusion_before_a_second_and_the_surest_first() -> None:
    rows = rows_of(A, "bbhhbbhhbbhh")
    sure = [
        replace(row, answer=replace(row.answer, logprobs=(-0.1, -3.0 + 0.1 * i)))
        for i, row in enumerate(rows)
    ]
    shown = exemplars(sure, 4)
    assert len(shown) == 4
    assert len({(row.human, row.answer.label) for row in shown}) == 4
    assert len(exemplars(rows, 10)) == 6
    same = [replace(row, human="archery", answer=replace(row.answer, label="bowling")) for row in sure[:2]]
    assert [row.clip_id for row in exemplars(same, 2)] == ["c0", "c1"]
    assert (confidence(same[0]) or 0) > (confidence(same[1]) or 1)
    assert confidence(rows[0]) is None


def test_confusions_with_the_scene_leave_out_third_answers() -> None:
    told = run_so_far()
    found = scene_confusions(told.scored[0])
    assert sum(one.count for one in found) == 8
    assert all(one.kind == "background" for one in found)
    assert found[0].count >= found[-1].count


def test_the_front_holds_what_nothing_dominates() -> None:
    told = Told()
    good = told.add("Watch the body, not the place.", "hhhhhhbb")
    longer = told.add("Watch the body, not the place, please do.", "hhhhhhbb")
    short = told.add("Watch it move.", "hhhbbbbb")
    told.add(PREFIXED.prompt, "hhhhhhhh", -1)
    front = pareto_front(told.view())
    assert [one.prompt.id for one in front] == [good.prompt.id, short.prompt.id]
    assert longer.prompt.id not in {one.prompt.id for one in front}


def test_prompts_have_names_that_last() -> None:
    view = run_so_far().view()
    assert {called(one) for one in view.scored} == {"neutral", "P0", "P1"}
    p1 = named(view, " p1")
    assert p1 is not None
    assert p1.prompt.text.startswith("Which action")
    assert named(view, p1.prompt.id) is p1
    neutral = named(view, "neutral")
    assert neutral is not None
    assert neutral.prompt.id == NEUTRAL.prompt.id
    assert named(view, "P9") is None


def test_an_expectation_is_read_back_from_the_hypothesis_it_is_stored_in() -> None:
    expected = Expected((("archery", "bowling"), ("golf driving", "hurdling")), ("c3", "c10"))
    stored = with_expectation("limbs tell more", expected)
    assert stored.startswith("limbs tell more [expects fewer: archery taken for bowling; ")
    assert expectation(stored) == expected
    assert without_expectation(stored) == "limbs tell more"
    assert with_expectation("limbs tell more", Expected()) == "limbs tell more"
    assert expectation("limbs tell more") == Expected()


def test_the_outcome_of_a_prediction_is_counted_against_the_parent() -> None:
    told = Told()
    parent = told.add("Watch the person.", "bbbbbbbb")
    expected = Expected(((ACTIONS[0], ACTIONS[1]), ("archery", "nothing")), ("c0", "c1", "c99"))
    child = told.add(
        Prompt("Watch limbs.", (parent.prompt.id,), "t", with_expectation("x", expected)), "hbbbbbbb"
    )
    before, after = told.rows(parent.prompt.id), told.rows(child.prompt.id)
    counts = outcome(expectation(child.prompt.hypothesis), before, after)
    assert counts == [
        Count("archery taken for bowling", 1, 0),
        Count("archery taken for nothing", 0, 0),
        Count("clip c0 wrong", 1, 0),
        Count("clip c1 wrong", 1, 1),
    ]
    assert [one.came_true for one in counts] == [True, False, True, False]


def test_an_outcome_counts_only_clips_that_both_answered() -> None:
    told = Told()
    parent, child = told.add("Watch the person.", "bbbbbbbb"), told.add("Watch limbs.", "bbbbbbbb")
    before, after = told.rows(parent.prompt.id), told.rows(child.prompt.id)
    expected = Expected(tuple({(row.human, row.answer.label or ""): 0 for row in before}), ("c1", "c7"))
    given_up = outcome(expected, before, after[:3])
    assert [one.before for one in given_up] == [one.after for one in given_up]
    assert not any(one.came_true for one in given_up)
    assert [one.what for one in given_up][-1] == "clip c1 wrong"
    failed = [replace(after[0], answer=replace(after[0].answer, kind="error")), *after[1:]]
    assert len(common(before, failed)[0]) == 7


def test_a_prompt_given_up_on_easy_clips_is_not_on_the_front_for_it() -> None:
    told = Told()
    told.add("Watch the person.", "hhhhhhbb")
    told.add("Watch the limbs.", "hhhh")
    view = told.view()
    scores = {one.prompt.id: 0.5 if one.prompt.text.endswith("limbs.") else one.score for one in view.scored}
    front = [one.prompt.text for one in pareto_front(rescored(view, scores))]
    assert "Watch the person." in front
    assert "Watch the limbs." not in front
    assert "Watch the limbs." in [one.prompt.text for one in pareto_front(view)]
