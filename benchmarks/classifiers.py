"""Every row of the paper's classification table on the bundled benchmark, scaled down, on this machine.

    python -m benchmarks.classifiers --seeds 0 1 2 --seconds 250     # again and again until done
    python -m benchmarks.classifiers --record                       # what is there goes into the results
    python -m benchmarks.classifiers --table                        # what was recorded last, for the docs

Trains and judges as ``python -m classifiers.compare`` does, in ``runs/classifiers_benchmark``; ``--record``
alone writes a result, with the seeds and clips behind every figure and the seconds its training took.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.record import RESULTS, append
from classifiers import compare
from classifiers.config import Config, read_config
from classifiers.findings import findings
from classifiers.lines import Minus, Sets, as_json, collect, config_of
from classifiers.paper import ROWS, Row
from classifiers.tables import Summary
from vllm_eval.statistics import Difference

CONFIG = "configs/classifiers_mini.yaml"
BACKGROUNDS = "rendered"
_SHOWN = ("K50", "Mimetics", "SHAcc", "SBErr")


def measured(base: Config, rows: Sequence[Row], seeds: Sequence[int], sets: Sets) -> dict[str, Any]:
    """All that has been measured, and the findings of the paper that it bears out."""
    lines = collect(base, rows, seeds, sets, BACKGROUNDS)
    return {
        "configuration": base.model_dump(mode="json", exclude={"output"}),
        "clips of each set": sets.most, "swaps": sets.swap,
        "training seconds": {
            line.row.name: [_seconds(config_of(base, line.row, seed, BACKGROUNDS)) for seed in line.seeds]
            for line in lines
        },
        "ratio mean and sd over clips, by seed": {
            line.row.name: [_ratio(config_of(base, line.row, seed, BACKGROUNDS)) for seed in line.seeds]
            for line in lines
            if line.ratio
        },
        "findings": findings(lines), "rows": [as_json(line) for line in lines],
    }  # fmt: skip


def markdown(result: Mapping[str, Any]) -> str:
    """A recorded result as docs/classifiers.md and benchmarks/README.md show it: figures, then findings."""
    heads = ["row", "seeds", *_SHOWN, "SBErr less Slow-Only's", "SBErr less unaugmented"]
    lines = [heads, ["---"] * len(heads)]
    for row in result["rows"]:
        figures = [_figure(row["figures"][name]) for name in _SHOWN]
        minus = [row[name].get("SBErr") for name in ("minus baseline", "minus itself without augmentation")]
        told = ["" if one is None else _points(one) for one in minus]
        lines.append([row["row"], str(len(row["seeds"])), *figures, *told])
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    return table + "\n" + "".join(f"- {name}: {told}\n" for name, told in result["findings"].items())


def _figure(one: Mapping[str, Any]) -> str:
    return Summary(**one).text()


def _points(one: Mapping[str, Any]) -> str:
    return Minus(Difference(**one["clips"]), Summary(**one["seeds"])).text()


def _seconds(config: Config) -> float:
    return round(sum(float(row["seconds"]) for row in _log(config)), 1)


def _ratio(config: Config) -> tuple[float, float]:
    """Of Weighted-Focus in the last epoch."""
    last = _log(config)[-1]
    return round(last["ratio_mean"], 4), round(last["ratio_sd"], 4)


def _log(config: Config) -> list[dict[str, Any]]:
    rows = (config.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(row) for row in rows]


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
    parser.add_argument("--table", action="store_true", help="print what was recorded last")
    options = parser.parse_args(arguments)
    if options.table:
        print(markdown(json.loads((RESULTS / "classifiers.json").read_text(encoding="utf-8"))[-1]), end="")
        return 0
    base = read_config(CONFIG, output=options.output)
    rows = [row for row in ROWS if row.name in options.rows]
    sets = Sets("kinetics:val", "mimetics", "hat:rand_1", options.clips)
    done = options.record or compare.run(base, rows, options.seeds, sets, BACKGROUNDS, options.seconds)
    compare.show(collect(base, rows, options.seeds, sets, BACKGROUNDS))
    if options.record:
        print(append("classifiers", measured(base, rows, options.seeds, sets)))
    return 0 if done else compare.UNFINISHED


if __name__ == "__main__":
    Path("runs").mkdir(exist_ok=True)
    sys.exit(main())
