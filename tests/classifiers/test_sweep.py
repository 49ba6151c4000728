"""The sweep: which settings it trains, and its figure."""

from pathlib import Path

import pytest
from classifier_world import config

from classifiers.sweep import Point, draw, grid, main
from classifiers.tables import Summary


def test_the_grid_is_frames_against_depth_and_slowfast_where_it_can_be(tmp_path: Path) -> None:
    settings = grid(config(tmp_path), [2, 4], [14, 26])
    found = [(row.model, run.size.frames, run.size.depth) for run, row in settings]
    assert found == [
        ("slow_only", 2, 14), ("slow_only", 2, 26), ("slow_only", 4, 14), ("slow_only", 4, 26),
        ("slowfast_r50", 4, 14),
    ]  # fmt: skip
    assert len({run.key for run, _ in settings}) == 4  # SlowFast's size is that of the shallow Slow-Only


def test_the_figure_is_drawn(tmp_path: Path) -> None:
    def about(value: float) -> Summary:
        return Summary(value, 0.02, value - 0.05, value + 0.05, 3, 100)

    points = [
        Point(model, frames, 14, 3, about(0.2 + frames / 100), about(0.5 - frames / 100), about(0.9))
        for model in ("slow_only", "slowfast_r50")
        for frames in (4, 8)
    ]
    draw(points, tmp_path / "deep" / "sweep.svg")
    drawn = (tmp_path / "deep" / "sweep.svg").read_text()
    assert drawn.count('id="axes_') == 2
    assert drawn.count('id="LineCollection_') >= 4  # the bars of two lines in two plots


def test_a_file_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", "nowhere.yaml"]) == 2
    assert capsys.readouterr().err.startswith("error: cannot read --config nowhere.yaml")
