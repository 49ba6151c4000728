"""Every row of the paper's classification table on the bundled benchmark, scaled down, on this machine.

    python -m benchmarks.classifiers --seeds 0 1 2 --seconds 250     # again and again until done
    python -m benchmarks.classifiers --record                       # what is there goes into the results

Trains and judges as ``python -m classifiers.compare`` does, in ``runs/classifiers_benchmark``; ``--record``
alone writes a result, with the seeds and clips behind every figure and the seconds its training took.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.record import append
from classifiers import compare
from classifiers.config import Config, read_config
from classifiers.paper import ROWS, Row

CONFIG = "configs/classifiers_mini.yaml"
BACKGROUNDS = "rendered"


def measured(base: Config, rows: Sequence[Row], seeds: Sequence[int], sets: compare.Sets) -> dict[str, Any]:
    """All that has been measured, and the findings of the paper that it bears out."""
    lines = compare.collect(base, rows, seeds, sets, BACKGROUNDS)
    by_name = {line.row.name: line for line in lines}
    return {
        "configuration": base.model_dump(mode="json", exclude={"output"}),
        "clips of each set": sets.most, "swaps": sets.swap,
        "training seconds": {
            line.row.name: [
                _seconds(compare.config_of(base, line.row, seed, BACKGROUNDS)) for seed in line.seeds
            ]
            for line in lines
        },
        "findings": findings(by_name), "rows": [compare.as_json(line) for line in lines],
    }  # fmt: skip


def findings(lines: dict[str, compare.Line]) -> dict[str, str]:
    """Per finding of the paper: holds, does not, or undecided at 95 % (paired by clip and seed)."""
    told = {}
    for name in ("segmented", "dual_sum", "dual_stack", "weighted_focus", "weighted_focus_safe"):
        if name in lines and lines[name].differences:
            told[f"{name}: less SBErr than Slow-Only"] = _sign(lines[name], "SBErr", -1)
            if name == "segmented":
                told["segmented: less Kinetics-50 accuracy than Slow-Only"] = _sign(lines[name], "K50", -1)
            else:
                told[f"{name}: Kinetics-50 accuracy less Slow-Only's"] = _interval(lines[name], "K50")
    return told


def _sign(line: compare.Line, column: str, sign: int) -> str:
    one = line.differences[column]
    ends = sorted((sign * one.low, sign * one.high))
    verdict = "holds" if ends[0] > 0 else "does not hold" if ends[1] < 0 else "undecided"
    return f"{verdict} ({_interval(line, column)})"


def _interval(line: compare.Line, column: str) -> str:
    one = line.differences[column]
    return f"{100 * one.value:+.1f} points [{100 * one.low:+.1f}, {100 * one.high:+.1f}], n {one.n}"


def _seconds(config: Config) -> float:
    rows = (config.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return round(sum(float(json.loads(row)["seconds"]) for row in rows), 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rows", nargs="+", default=[row.name for row in ROWS])
    parser.add_argument("--clips", type=int, default=300, help="of each set that is judged")
    parser.add_argument("--seconds", type=float, help="stop after so many")
    parser.add_argument("--output", default="runs/classifiers_benchmark")
    parser.add_argument("--record", action="store_true", help="train nothing; write what is there")
    options = parser.parse_args(arguments)
    base = read_config(CONFIG, output=options.output)
    rows = [row for row in ROWS if row.name in options.rows]
    sets = compare.Sets("kinetics:val", "mimetics", "hat:rand_1", options.clips)
    done = options.record or compare.run(base, rows, options.seeds, sets, BACKGROUNDS, options.seconds)
    compare.show(compare.collect(base, rows, options.seeds, sets, BACKGROUNDS), [])
    if options.record:
        print(append("classifiers", measured(base, rows, options.seeds, sets)))
    return 0 if done else compare.UNFINISHED


if __name__ == "__main__":
    Path("runs").mkdir(exist_ok=True)
    sys.exit(main())
