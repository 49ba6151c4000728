"""`python -m classifiers.sweep`: does time or capacity lessen the bias? Frames against depth, and SlowFast.

Trains Slow-Only at each number of frames and depth, and SlowFast at each number of frames it takes, judges
them on swaps, and draws SHAcc and SBErr. Goes on where it was stopped, as ``compare`` does.
"""

import argparse
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.commands import exit_status
from classifiers.compare import GOES_ON, UNFINISHED, run
from classifiers.config import Config, assignments, read_config
from classifiers.lines import Sets, judged
from classifiers.paper import Row
from classifiers.protocols import write_json
from classifiers.tables import Summary, summary

SLOWFAST = "slowfast_r50"


@dataclass(frozen=True)
class Point:
    """One setting's figures over seeds."""

    model: str
    frames: int
    depth: int
    seeds: int
    shacc: Summary
    sberr: Summary
    accuracy: Summary


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 with the whole figure, 3 where time was up before, 2 after one line of what to mend."""
    options = _parser().parse_args(arguments)
    sets = Sets(options.kinetics, options.mimetics, options.swap, options.clips)

    def command() -> int:
        base = read_config(options.config, **assignments(options.set))
        settings = grid(base, options.frames, options.depths)
        end = math.inf if options.seconds is None else time.monotonic() + options.seconds
        done = all(_within(end, one, row, options.seeds, sets) for one, row in settings)
        points = [point for one, row in settings if (point := collect(one, row, options.seeds, sets))]
        for point in points:
            figures = f"K50 {point.accuracy.text()}, SHAcc {point.shacc.text()}, SBErr {point.sberr.text()}"
            print(f"{point.model} frames {point.frames} depth {point.depth}, {point.seeds} seeds: {figures}")
        write_json(Path(options.figure).with_suffix(".json"), [_plain(point) for point in points])
        if points:
            draw(points, Path(options.figure))
        return 0 if done else UNFINISHED

    return exit_status(command, GOES_ON)


def _within(end: float, config: Config, row: Row, seeds: Sequence[int], sets: Sets) -> bool:
    """Train and judge one setting until then; False where time was up before."""
    left = None if end == math.inf else max(0.0, end - time.monotonic())
    return run(config, [row], seeds, sets, "rendered", left)


def grid(base: Config, frames: Sequence[int], depths: Sequence[int]) -> list[tuple[Config, Row]]:
    """The settings: Slow-Only in all, SlowFast at the shallowest depth where it takes the frames."""
    settings = []
    for count in frames:
        size = base.size.model_dump() | {"frames": count}
        for depth in depths:
            config = base.changed(size=size | {"depth": depth})
            settings.append((config, Row("slow_only", "slow_only", False, None)))
        if count % 4 == 0:
            settings.append(
                (base.changed(size=size | {"depth": min(depths)}), Row(SLOWFAST, SLOWFAST, False, None))
            )
    return settings


def collect(base: Config, row: Row, seeds: Sequence[int], sets: Sets) -> Point | None:
    """One setting's point, None before its first seed is judged."""
    configs = [base.changed(model=row.model, seed=seed) for seed in seeds]
    found = [figures for one in configs if (figures := judged(one, sets))]
    if not found:
        return None
    swaps = [one[sets.asked.key(sets.swap)]["all"] for one in found]
    ordinary = [one[sets.asked.key(sets.kinetics)]["all"] for one in found]
    return Point(
        row.model, base.size.frames, base.size.depth or 50, len(found),
        summary([one["shacc"] for one in swaps]), summary([one["sberr"] for one in swaps]),
        summary([one["accuracy"] for one in ordinary]),
    )  # fmt: skip


def draw(points: Sequence[Point], path: Path) -> None:
    """SHAcc and SBErr against frames, a line per depth, intervals as bars."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots(1, 2, sharex=True)
    lines = sorted({(point.model, point.depth) for point in points})
    for ax, measure in zip(axes, ("shacc", "sberr"), strict=True):
        for model, depth in lines:
            mine = [point for point in points if (point.model, point.depth) == (model, depth)]
            values = [getattr(point, measure) for point in mine]
            middle = [100 * one.mean for one in values]
            bars = [
                [100 * (one.mean - one.low) for one in values],
                [100 * (one.high - one.mean) for one in values],
            ]
            frames = [point.frames for point in mine]
            ax.errorbar(frames, middle, yerr=bars, marker="o", capsize=3, label=f"{model}, depth {depth}")
        ax.set(xlabel="frames", ylabel=f"{'SHAcc' if measure == 'shacc' else 'SBErr'}, %", xscale="log")
        ax.set_xticks(sorted({point.frames for point in points}), labels=None)
        ax.xaxis.set_major_formatter("{x:g}")
        ax.minorticks_off()
    axes[0].legend(fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _plain(point: Point) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(point)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m classifiers.sweep", description=__doc__)
    parser.add_argument("--config", default="configs/classifiers_mini.yaml")
    parser.add_argument("--frames", type=int, nargs="+", default=[4, 8, 16])
    parser.add_argument("--depths", type=int, nargs="+", default=[26, 50, 101])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE")
    parser.add_argument("--kinetics", default="kinetics:val")
    parser.add_argument("--mimetics", default="mimetics")
    parser.add_argument("--swap", default="hat:rand_1")
    parser.add_argument("--clips", type=int)
    parser.add_argument("--seconds", type=float, help="stop after so many; the same command goes on")
    parser.add_argument("--figure", default="runs/classifiers/sweep.svg")
    return parser


if __name__ == "__main__":
    sys.exit(main())
