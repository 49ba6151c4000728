"""Findings: what holds, what does not, and what the seeds leave open."""

import pytest

from classifiers.findings import findings, less, no_less
from classifiers.lines import Line, Minus
from classifiers.paper import ROWS
from classifiers.tables import Summary
from vllm_eval.statistics import Difference


def minus(value: float, clips: float, seeds: float | None) -> Minus:
    """With half widths over clips and over seeds (None: one seed)."""
    over = Difference(value, value - clips, value + clips, 0.01, 300, 200, 0.1)
    if seeds is None:
        return Minus(over, Summary(value, None, -1.0, 1.0, 1, 300))
    return Minus(over, Summary(value, 0.01, value - seeds, value + seeds, 3, 300))


@pytest.mark.parametrize(
    ("value", "clips", "seeds", "verdict"),
    [
        (-0.1, 0.05, 0.08, "holds"),
        (-0.1, 0.05, 0.2, "undecided"),  # other seeds may show the opposite
        (-0.1, 0.2, 0.05, "undecided"),
        (-0.1, 0.05, None, "undecided"),  # one seed says nothing of others
        (0.1, 0.05, 0.05, "does not hold"),
    ],
)
def test_less_needs_clips_and_seeds(value: float, clips: float, seeds: float | None, verdict: str) -> None:
    assert less(minus(value, clips, seeds)).startswith(verdict)


@pytest.mark.parametrize(
    ("value", "half", "verdict"),
    [(0.0, 0.01, "holds"), (-0.01, 0.03, "undecided"), (-0.1, 0.03, "does not hold")],
)
def test_no_cost_is_within_two_points(value: float, half: float, verdict: str) -> None:
    assert no_less(minus(value, half, half)).startswith(verdict)


def line(name: str, sberr: float, **more: dict[str, Minus]) -> Line:
    row = next(row for row in ROWS if row.name == name)
    figures = {"SBErr": Summary(sberr, 0.01, sberr - 0.02, sberr + 0.02, 3, 300)}
    return Line(row, (0, 1, 2), figures, more.get("differences", {}), more.get("augmentation", {}))


def test_every_finding_of_the_paper_is_put_to_the_figures() -> None:
    better = {"SBErr": minus(-0.5, 0.1, 0.1), "K50": minus(-0.1, 0.02, 0.03)}
    lines = [
        line("slow_only", 0.9),
        line("segmented", 0.4, differences=better),
        line("dual_sum", 0.7, differences=better),
        line("slow_only+aug", 0.5, differences=better, augmentation=better),
    ]
    told = findings(lines)
    assert {name: verdict.split(" (")[0] for name, verdict in told.items()} == {
        "segmented: less SBErr than Slow-Only": "holds",
        "segmented: less Kinetics-50 accuracy than Slow-Only": "holds",
        "segmented: the least SBErr without augmentation": "holds",
        "dual_sum: less SBErr than Slow-Only": "holds",
        "dual_sum: at no cost in Kinetics-50 accuracy": "does not hold",
        "slow_only+aug: less SBErr than without augmentation": "holds",
        "slow_only+aug: less Kinetics-50 accuracy than without augmentation": "holds",
    }
    assert (
        "-50.0 [-60.0, -40.0] [-60.0, -40.0] points, n 300, 3 seeds"
        in told["segmented: less SBErr than Slow-Only"]
    )
