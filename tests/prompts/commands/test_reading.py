"""list, show, diff, lineage and search tell people and programs what a history holds."""

import json
from pathlib import Path
from typing import Any

import pytest
from story import CHILD, HOSTILE, REFUSED, SENT, TEST, TUNE, WINNER, Story, answers, tell

from prompts.__main__ import main
from prompts.commands.search import _terms
from prompts.history import History
from prompts.library import HUMAN_FOCUSED, NEUTRAL
from prompts.lineage import forest
from prompts.prompt import Prompt
from prompts.records import clusters_of
from prompts.selecting import _test
from prompts.wording import word_diff
from vllm_eval.statistics import paired_difference

Told = pytest.CaptureFixture[str]


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return tell(f"sqlite:///{tmp_path}/history.db")


def told(capsys: Told, story: Story, *arguments: str) -> str:
    status = main([*arguments, "--history", story.url])
    captured = capsys.readouterr()
    assert status == 0, captured.err
    return captured.out


def told_json(capsys: Told, story: Story, *arguments: str) -> Any:
    return json.loads(told(capsys, story, *arguments, "--json"))


def refused(capsys: Told, story: Story, *arguments: str) -> str:
    assert main([*arguments, "--history", story.url]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error


def test_rows_are_filtered_by_several_tests_and_sorted(capsys: Told, story: Story) -> None:
    tune = ("list", story.run_id, "--filter", f"dataset={TUNE}")
    rows = told_json(capsys, story, *tune, "--sort", "sberr", "--ascending")
    assert [row["sberr"] for row in rows] == sorted(row["sberr"] for row in rows)
    assert len(rows) == 4
    some = told_json(capsys, story, *tune, "--filter", "shacc>50%", "--filter", "origin=opro")
    assert [row["id"] for row in some] == [WINNER.id]
    assert some == told_json(capsys, story, *tune, "--filter", "shacc>0.5", "--filter", "text~MOVES")
    exact = _test("shacc>=35%", [{"shacc": 0.35}])
    assert exact({"shacc": 0.35})
    assert "none of" in told(capsys, story, "list", "latest", "--filter", "n>1000")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("list", "latest", "--sort", "shac"), "did you mean shacc?"),
        (("list", "latest", "--filter", "shacc"), "is none, expected FIELD"),
        (("list", "latest", "--filter", "shacc>high"), "'high' is no number"),
        (("list", "latest", "--filter", "text>a"), "text is no number"),
        (("show", WINNER.id[:9] + "zz"), f"near: {WINNER.id}"),
        (("show", "neutrol"), "near: neutral"),
        (("diff", "neutral", WINNER.id, "--dataset", "tests"), "any run on a data set like 'tests'"),
        (("diff", "neutral", "nowhere"), "prompt 'nowhere' must name one prompt"),
        (("diff", "neutral", "neutral", "--run", "2099"), "run '2099' must name one run"),
        (("lineage", "qqqq"), "prompt 'qqqq' must name one prompt"),
        (("search", "  "), "nothing to search for"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_with_what_is_near(
    capsys: Told, story: Story, arguments: tuple[str, ...], problem: str
) -> None:
    assert problem in refused(capsys, story, *arguments)


def test_show_tells_classes_and_cost_on_every_data_set(capsys: Told, story: Story) -> None:
    detail = told_json(capsys, story, "show", WINNER.id[:6])
    scores = {one["dataset"]: one for one in detail["scores"]}
    assert list(scores) == ["mimetics", "swaps/select", TEST, TUNE]
    assert sum(one["n"] for one in scores[TEST]["classes"]) == scores[TEST]["n"] == 20
    shares = [one["shacc"]["value"] for one in scores[TEST]["classes"]]
    assert shares == sorted(shares)
    cost = {"answers": 20, "errors": 0, "prompt_tokens": 2000, "cached_tokens": 1200, "seconds": 10.0}
    assert scores[TEST]["cost"] == cost
    assert detail["proposed"][0] | {"round": 0, "reply": "<b>raw</b>"} == detail["proposed"][0]
    shown = told(capsys, story, "show", WINNER.id, "--dataset", "test", "--classes", "2")
    assert "class, worst first, 2 of 4" in shown
    assert "20 answers; 2000 prompt tokens, 1200 of them from a cache; 10.0 s" in shown
    assert TUNE not in shown


def test_a_difference_is_b_minus_a_with_its_fixed_and_broken_clips(capsys: Told, story: Story) -> None:
    found = told_json(capsys, story, "diff", "neutral", WINNER.id[:6])
    (test,) = [one for one in found["compared"] if one["dataset"] == TEST]
    a, b = (answers(story.run_id, one, TEST, 20) for one in (NEUTRAL.prompt, WINNER))
    expected = paired_difference(
        [one.answer for one in b], [one.answer for one in a], clusters_of(a), "shacc"
    )
    difference = test["measures"]["shacc"]["difference"]
    assert difference["value"] == pytest.approx(expected.value) == 0.4
    assert (difference["low"], difference["p"]) == pytest.approx((expected.low, expected.p))
    assert [len(test[side]) for side in ("fixed", "broken")] == [12, 4]
    assert all(one["a"]["kind"] != "human" == one["b"]["kind"] for one in test["fixed"])
    assert all(one["a"]["kind"] == "human" != one["b"]["kind"] for one in test["broken"])
    assert "".join(one["text"] for one in found["words"] if one["operation"] != "removed") == WINNER.text
    (mimed,) = [one for one in found["compared"] if one["dataset"] == "mimetics"]
    assert list(mimed["measures"]) == ["accuracy"]
    shown = told(capsys, story, "diff", "neutral", WINNER.id, "--dataset", "test", "--clips", "1")
    assert "12 clips fixed, 1 of them" in shown
    assert "{+" in shown  # no colours here: marks as git writes them


def test_the_latest_run_on_a_data_set_is_compared_though_a_later_one_had_others(
    capsys: Told, tmp_path: Path
) -> None:
    story = tell(f"sqlite:///{tmp_path}/history.db")
    with History(story.url) as history:
        later = history.start_run({}, 0)
        for prompt in (NEUTRAL.prompt, WINNER):
            history.add_prompt(later, prompt)
            history.add(answers(later, prompt, TUNE, 10))
    runs = [
        told_json(capsys, story, "diff", "neutral", WINNER.id, "--dataset", one)["compared"][0]["run"]
        for one in (TEST, TUNE)
    ]
    assert runs == [story.run_id, later]


def test_a_clip_with_an_error_is_neither_fixed_nor_broken(capsys: Told, story: Story) -> None:
    found = told_json(capsys, story, "diff", "neutral", CHILD.id)
    (tune,) = found["compared"]
    kinds = [(one["a"]["kind"], one["b"]["kind"]) for side in ("fixed", "broken") for one in tune[side]]
    assert kinds == [("background", "human")] * 2
    assert tune["n"] == 10
    assert tune["measures"]["shacc"]["difference"]["n"] == 8


def test_prompts_of_different_runs_are_not_compared(capsys: Told, story: Story) -> None:
    lonely = Prompt("Lonely, what is done?")
    with History(story.url) as history:
        history.add_prompt(history.start_run({}, 0), lonely)
    assert "were not scored on common clips" in refused(capsys, story, "diff", "neutral", lonely.id)


def test_lineage_is_a_tree_with_scores(capsys: Told, story: Story) -> None:
    found = told_json(capsys, story, "lineage", "latest")
    assert found["dataset"] == TUNE
    rows = {one["id"]: one for one in found["prompts"]}
    assert list(rows) == [NEUTRAL.prompt.id, WINNER.id, CHILD.id, HUMAN_FOCUSED.prompt.id]
    assert rows[WINNER.id]["children"] == [CHILD.id]
    assert rows[WINNER.id]["winner"]
    assert rows[WINNER.id]["score"] == pytest.approx(0.7)
    family = told_json(capsys, story, "lineage", CHILD.id)
    assert len(family["prompts"]) == 4
    shown = told(capsys, story, "lineage", story.run_id)
    assert f"★ {WINNER.id[:8]} 70.0 (opro)" in shown
    assert f"also from {HUMAN_FOCUSED.prompt.id[:8]}" in " ".join(shown.replace("│", " ").split())


def test_a_lineage_in_a_circle_and_a_very_long_one_are_drawn(capsys: Told, story: Story) -> None:
    first, second = Prompt("first"), Prompt("second", (Prompt("first").id,))
    circle = forest([Prompt("first", (second.id,)), second])
    assert [node.prompt.text for tree in circle for _, node in tree.walk()] == ["second", "first"]
    long = [first]
    for place in range(3000):
        long.append(Prompt(f"after {place}", (long[-1].id,)))
    assert [depth for tree in forest(long) for depth, _ in tree.walk()] == list(range(3001))


def test_search_finds_all_words_in_any_case_and_phrases(capsys: Told, story: Story) -> None:
    assert [one["id"] for one in told_json(capsys, story, "search", "PERSON", "watch")] == [WINNER.id]
    assert [one["id"] for one in told_json(capsys, story, "search", '"person moves"')] == [WINNER.id]
    assert told_json(capsys, story, "search", '"moves person"') == []
    assert _terms(["\"the person's posture\" don't"]) == ["the person's posture", "don't"]
    assert [one["id"] for one in told_json(capsys, story, "search", "moving tells")] == [WINNER.id]
    assert told_json(capsys, story, "search", "refused()") == []
    (found,) = told_json(capsys, story, "search", "refused()", "--refused")
    assert (found["id"], found["verdict"]) == (REFUSED.id, "refused")


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", CHILD.id),
        ("diff", "neutral", CHILD.id),
        ("lineage", "latest"),
        ("search", "person"),
        ("list", "latest"),
    ],
)
def test_text_of_models_is_text_in_a_terminal(capsys: Told, story: Story, arguments: tuple[str, ...]) -> None:
    shown = told(capsys, story, *arguments)
    assert "\x1b" not in shown
    joined = "".join(letter for letter in shown if letter.isalnum() or letter in "[]/<>=")
    assert "[bold]loud[/bold]" in joined or "<script>" in joined


def test_word_differences_give_both_texts_back() -> None:
    for old, new in [("a b c", "a c d"), ("", "all new"), (HOSTILE, WINNER.text), ("same", "same")]:
        changes = word_diff(old, new)
        assert "".join(one.text for one in changes if one.operation != "added") == old
        assert "".join(one.text for one in changes if one.operation != "removed") == new


def test_what_its_optimizer_was_sent_is_shown_in_short_and_told_whole(capsys: Told, story: Story) -> None:
    (first,) = told_json(capsys, story, "show", WINNER.id)["proposed"]
    assert (first["request"], first["reply"]) == (SENT, "<b>raw</b>")
    shown = told(capsys, story, "show", WINNER.id)
    lines = [line for line in shown.splitlines() if line.startswith("  asked") or "replied" in line]
    size = sum(len(turn["content"]) for turn in SENT)
    assert lines[0].startswith(f"  asked   with 2 messages of {size} characters, ending: <script>alert(3)")
    assert lines[1] == "  replied <b>raw</b>"
    assert "\x1b" not in shown
    (of_nobody,) = told_json(capsys, story, "show", CHILD.id)["proposed"]
    assert of_nobody["request"] is None
    assert "asked " not in told(capsys, story, "show", CHILD.id)
