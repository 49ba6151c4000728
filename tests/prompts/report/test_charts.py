"""The report's pictures draw nobody ahead for what it did on a few clips."""

from typing import Any

import pytest
from matplotlib.axes import Axes

from prompts.library import NEUTRAL
from prompts.prompt import Prompt
from prompts.report import charts
from prompts.view import HistoryView, ScoredPrompt, best_first, score_of
from vllm_eval.engine import Answer, Kind
from vllm_eval.metrics import bias_metrics


def scored(text: str | Prompt, position: int, human: int, background: int, errors: int = 0) -> ScoredPrompt:
    shares: tuple[tuple[Kind, int], ...] = (("human", human), ("background", background), ("error", errors))
    kinds = [kind for kind, count in shares for _ in range(count)]
    answers = [Answer(str(n), "A", "x", kind, None, 0, 0, 0.0) for n, kind in enumerate(kinds)]
    metrics = bias_metrics(answers, [str(n) for n in range(len(answers))])
    return ScoredPrompt(Prompt(text) if isinstance(text, str) else text, metrics, score_of(metrics), position)


VIEW = HistoryView(
    best_first(
        [
            scored(NEUTRAL.prompt, -1, 8, 32),
            scored("Watch the limbs.", 0, 24, 16),
            scored("Given up.", 1, 8, 0),
            scored("Watch the body.", 2, 20, 20),
            scored("Never answered.", 3, 0, 0, errors=40),
            scored("Watch the person.", 4, 30, 10),
        ]
    ),
    (),
    5,
)
Drawn = dict[str, list[tuple[float, float]]]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    seen: Drawn = {}

    def noting(draw: Any) -> Any:
        def drawing(axes: Any, x: Any, y: Any, *more: Any, **options: Any) -> Any:
            seen[options["label"]] = [(round(a), round(b)) for a, b in zip(x, y, strict=True)]
            return draw(axes, x, y, *more, **options)

        return drawing

    for name in ("scatter", "step"):
        monkeypatch.setattr(Axes, name, noting(getattr(Axes, name)))
    return seen


def test_the_front_holds_only_who_was_asked_about_all_clips(drawn: Drawn) -> None:
    assert charts.pareto(VIEW, "").startswith("<svg")
    assert drawn["front"] == [(25, 75)]
    assert sorted(drawn["proposed"]) == [(25, 75), (40, 60), (50, 50)]
    assert drawn["asked about fewer clips"] == [(0, 100)]


def test_the_best_so_far_is_of_who_was_asked_about_all_clips(drawn: Drawn) -> None:
    assert charts.bought(VIEW, "").startswith("<svg")
    assert drawn["best so far"] == [(80, 60), (128, 60), (208, 75)]
    assert drawn["a proposal"] == [(80, 60), (128, 50), (208, 75)]
    assert drawn["asked about fewer clips"] == [(88, 100)]


def test_nothing_scored_is_no_picture() -> None:
    failed = HistoryView((scored("Never answered.", 0, 0, 0, errors=4),), (), 1)
    assert charts.pareto(failed, None) == charts.bought(failed, None) == ""
