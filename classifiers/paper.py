"""The rows of the classification table of arXiv 2512.17953 and its published numbers, in percent.

One run each, top-1 among 50 classes (``model_outputs/*.txt`` of its code); means of five runs where its dumps
hold them. The published baseline is the worst of its five in SBErr.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """``published`` and ``five_runs`` hold (K50, Mimetics, SHAcc, SBErr), ``five_way`` (SHAcc, SBErr)."""

    name: str
    model: str
    augmented: bool
    published: tuple[float, float, float, float] | None
    five_way: tuple[float, float] | None = None
    five_runs: tuple[float | None, float | None, float | None, float | None] | None = None


BASELINE = "slow_only"
ROWS = (
    Row(
        "slow_only", "slow_only", False, (49.94, 6.87, 9.62, 23.42), (28.69, 47.36),
        (49.88, 7.29, 9.31, 22.07),
    ),
    Row(
        "segmented", "segmented", False, (23.46, 9.54, 23.34, 2.09), (55.81, 11.71),
        (21.87, None, 22.53, 2.15),
    ),
    Row("dual_sum", "dual_sum", False, (52.15, 7.85, 12.76, 20.36), (34.25, 43.06)),
    Row("dual_stack", "dual_stack", False, (51.51, 8.27, 12.80, 19.80), (34.73, 42.21)),
    Row(
        "weighted_focus", "weighted_focus", False, (52.03, 7.85, 12.80, 19.64), (33.56, 42.54),
        (50.96, 7.46, 11.97, 19.67),
    ),
    Row("weighted_focus_safe", "weighted_focus_safe", False, None),
    Row("slow_only+aug", "slow_only", True, (46.56, 10.24, 14.73, 14.41), (38.71, 36.54)),
    Row("segmented+aug", "segmented", True, (23.26, 9.82, 21.89, 2.17), (55.57, 12.96)),
    Row("dual_sum+aug", "dual_sum", True, (39.72, 9.12, 24.27, 7.65), (51.67, 24.27)),
    Row("dual_stack+aug", "dual_stack", True, (42.98, 10.94, 23.18, 8.57), (51.35, 24.55)),
    Row("weighted_focus+aug", "weighted_focus", True, (23.86, 10.10, 22.54, 1.85), (57.38, 11.43)),
    Row("weighted_focus_safe+aug", "weighted_focus_safe", True, None),
)  # fmt: skip


def without_augmentation(name: str) -> str:
    """The row of the same model trained without augmentation."""
    return name.removesuffix("+aug")
