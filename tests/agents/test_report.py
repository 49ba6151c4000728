"""The report and the plot: numbers in their place, the front without the beaten."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import scripted_world as world
from test_display import scored

from agents import pareto, report, tables
from agents.finals import Outcome
from agents.objectives import SHACC
from agents.report import BEST
from prompts.library import HUMAN_FOCUSED, NEUTRAL
from prompts.prompt import Prompt
from prompts.view import comparable, complete, front
from videos.clip import ClipSet
from vllm_eval.engine import Answer, Kind
from vllm_eval.evaluator import Scored
from vllm_eval.statistics import Difference

FOUND = Prompt("Watch the limbs.")


def on(clips: ClipSet, prompt: Prompt, human: int, error: bool = False) -> Scored:
    """Answers that name the person on the first ``human`` clips and the scene on the others."""
    kinds: list[Kind] = ["human" if i < human else "background" for i in range(len(clips))]
    if error:
        kinds[-1] = "error"
    answers = tuple(Answer(str(i), "A", "a", kind, None, 1, 0, 0.1) for i, kind in enumerate(kinds))
    return Scored(prompt.id, clips, answers)


def built(winner: Prompt = FOUND) -> report.Report:
    swaps, mimed = world.swapped(40), world.ordinary("mimetics", 20)
    prompts = [NEUTRAL.prompt, HUMAN_FOCUSED.prompt, FOUND]
    reports = {
        "test": {p.id: on(swaps, p, h, error=p is FOUND) for p, h in zip(prompts, (10, 20, 30), strict=True)},
        "mimetics": {p.id: on(mimed, p, h) for p, h in zip(prompts, (10, 10, 12), strict=True)},
    }
    outcome = Outcome(winner, (winner,), reports)
    tune = scored(winner, human=9, background=1)
    return report.build("run 1", outcome, prompts[:2], tune, "done", {"clip_evaluations": 5.0})


def test_every_prompt_has_its_shares_and_its_paired_difference_to_neutral() -> None:
    test = built().sections[0]
    assert [line.label for line in test.lines] == ["neutral", "human-focused", BEST]
    neutral, handwritten, best = test.lines
    assert neutral.measures["sberr"].estimate.value == 0.75
    assert neutral.measures["sberr"].against_neutral is None
    difference = handwritten.measures["sberr"].against_neutral
    assert difference is not None
    assert (difference.value, difference.n) == (-0.25, 40)
    assert difference.low < -0.25 < difference.high < 0
    assert best.errors == 1
    assert best.measures["shacc"].estimate.n == 39


def test_ordinary_clips_have_one_measure() -> None:
    mimetics = built().sections[1]
    assert [list(line.measures) for line in mimetics.lines] == [["accuracy"]] * 3
    assert mimetics.lines[2].measures["accuracy"].estimate.value == 0.6
    assert mimetics.n == 20


def test_what_was_never_answered_is_told_without_a_figure(tmp_path: Path) -> None:
    failed = replace(built().sections[0].lines[-1].measures["shacc"].estimate, n=0)
    nothing = Difference(0.0, -1.0, 1.0, 1.0, 0, 0, 0.0)
    cells = tables._cells(report.Measured(failed, nothing), 1)
    assert [cell.plain for cell in cells] == ["-", ""]
    result = built()
    unanswered = replace(result.front[-1], values={**result.front[-1].values, SHACC: None})
    tables.save_text(tmp_path / "report.txt", replace(result, front=(unanswered,)), "history.db")
    row = (tmp_path / "report.txt").read_text().partition("All objectives at once")[2].splitlines()[4]
    assert row.split()[2] == "-"


def test_optimism_is_tune_minus_test() -> None:
    result = built()
    assert result.tune_score == pytest.approx(0.9)
    assert result.test_score == pytest.approx(30 / 39)
    assert result.optimism == pytest.approx(0.9 - 30 / 39)


def test_a_hand_written_winner_is_listed_once_and_marked() -> None:
    result = built(winner=NEUTRAL.prompt)
    assert [line.label for line in result.sections[0].lines] == ["neutral (best found)", "human-focused"]
    assert not result.improved


def test_the_front_holds_what_no_other_beats() -> None:
    good, also, beaten = scored(FOUND, 5, 2, 3), scored(Prompt("b"), 7, 3), scored(Prompt("c"), 5, 4, 1)
    assert front([beaten, also, good]) == [good, also]


def test_no_prompt_is_on_the_front_for_what_it_did_on_a_few_clips() -> None:
    best, other = scored(FOUND, 100, 30, 42), scored(Prompt("b"), 80, 20, 72)
    given_up, failed = scored(Prompt("c"), 7, 0, 1), replace(scored(Prompt("d"), 0, 0), score=0.0)
    assert front([given_up, best, other]) == [other, best]
    assert front([failed]) == []
    rescored = replace(given_up, score=0.5)
    assert comparable(rescored)[0] + comparable(rescored)[1] == pytest.approx(0)
    assert comparable(best) == pytest.approx((100 / 172, -30 / 172))
    errors = replace(failed, metrics=replace(failed.metrics, errors=172))
    assert complete([given_up, best, errors]) == [best]


def test_the_plot_leaves_out_who_has_no_answers_and_greys_who_has_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.axes import Axes

    drawn: dict[str, tuple[Any, Any]] = {}
    for name in ("scatter", "step"):
        monkeypatch.setattr(Axes, name, noting(drawn, getattr(Axes, name)))
    best, few = scored(FOUND, 100, 30, 42), replace(scored(Prompt("c"), 8, 0), score=0.6)
    failed = replace(scored(Prompt("d"), 0, 0), score=0.0)
    neutral = replace(scored(NEUTRAL.prompt, 20, 140, 12), position=-1)
    pareto.plot(tmp_path / "plot.png", [few, best, neutral, failed], FOUND, "clips")
    for name in ("front", "proposed", "chosen"):
        assert drawn[name] == (pytest.approx([100 * 30 / 172]), pytest.approx([100 * 100 / 172]))
    assert drawn["hand-written"] == (pytest.approx([100 * 140 / 172]), pytest.approx([100 * 20 / 172]))
    assert drawn["asked about fewer clips"] == (pytest.approx([40]), pytest.approx([60]))


def noting(drawn: dict[str, tuple[Any, Any]], draw: Any) -> Any:
    def drawing(axes: Any, x: Any, y: Any, *more: Any, **options: Any) -> Any:
        drawn[options["label"]] = list(x), list(y)
        return draw(axes, x, y, *more, **options)

    return drawing


def test_the_plot_is_a_picture_and_takes_any_text(tmp_path: Path) -> None:
    path = tmp_path / "plot.png"
    prompts = [scored(NEUTRAL.prompt, 2, 8), scored(Prompt("$\\frac{$ [b]"), 6, 4)]
    pareto.plot(path, prompts, prompts[1].prompt, "clips with $\\frac{$ in their name")
    assert path.read_bytes()[:4] == b"\x89PNG"
