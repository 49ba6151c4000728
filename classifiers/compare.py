"""`python -m classifiers.compare`: every row of the paper's table for several seeds, beside the published.

Trains what is not trained, judges what is not judged, and prints what there is: stopped at any time, by
``--seconds`` or Ctrl-C, the same command goes on. Runs lie in the configuration's ``output``; figures of
prompted models are set beside them with ``--beside NAME=predictions.csv``.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from assets.commands import exit_status
from assets.errors import UserError
from classifiers.config import Config, assignments, read_config
from classifiers.evaluate import EVALUATION, chosen, evaluate, read_figures
from classifiers.paper import BASELINE, ROWS, Row
from classifiers.protocols import write_json
from classifiers.tables import COLUMNS, Summary, difference, files, summary
from vllm_eval.statistics import Difference

UNFINISHED = 3
GOES_ON = "interrupted; the same command goes on"
_WIDE = 150


@dataclass(frozen=True)
class Sets:
    """Which clips stand behind the columns, at most ``most`` of each."""

    kinetics: str
    mimetics: str
    swap: str
    most: int | None

    def of(self, column: str) -> str:
        """The set behind a column."""
        return str(getattr(self, COLUMNS[column][0]))


@dataclass(frozen=True)
class Line:
    """A row with what was measured: by column the summary and the difference to the baseline."""

    row: Row
    seeds: tuple[int, ...]
    figures: Mapping[str, Summary]
    differences: Mapping[str, Difference]
    ratio: tuple[float, float] | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 with the whole table, 3 where time was up before, 2 after one line of what to mend."""
    options = _parser().parse_args(arguments)

    def command() -> int:
        base = read_config(options.config, **assignments(options.set))
        rows = _rows(options.rows)
        sets = Sets(options.kinetics, options.mimetics, options.swap, options.clips)
        done = run(base, rows, options.seeds, sets, options.backgrounds, options.seconds)
        lines = collect(base, rows, options.seeds, sets, options.backgrounds)
        show(lines, [_beside(text) for text in options.beside])
        write_json(Path(base.output) / "comparison.json", [as_json(line) for line in lines])
        return 0 if done else UNFINISHED

    return exit_status(command, GOES_ON)


def config_of(base: Config, row: Row, seed: int, backgrounds: str) -> Config:
    """The configuration of one run."""
    augment = base.augment.model_dump() | {"backgrounds": backgrounds if row.augmented else None}
    return base.changed(model=row.model, seed=seed, augment=augment)


def run(
    base: Config,
    rows: Sequence[Row],
    seeds: Sequence[int],
    sets: Sets,
    backgrounds: str,
    seconds: float | None,
) -> bool:
    """Train and judge what is missing, seed by seed: an early stop leaves a whole table of fewer seeds."""
    end = None if seconds is None else time.monotonic() + seconds
    for seed in seeds:
        for row in rows:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return False
            if not _one(config_of(base, row, seed, backgrounds), sets, left):
                return False
    return True


def _one(config: Config, sets: Sets, seconds: float | None) -> bool:
    if judged(config, sets):
        return True
    from classifiers.checkpoints import open_run
    from classifiers.train.__main__ import train

    if train(config, resume=True, seconds=seconds):
        return False
    evaluate(
        open_run(config.folder), (sets.kinetics, sets.mimetics, sets.swap), config.folder, most=sets.most
    )
    return True


def judged(config: Config, sets: Sets) -> dict[str, Any] | None:
    """A run's figures by set, where all three are there."""
    found = read_figures(config.folder / EVALUATION)
    keys = [_key(name, sets.most) for name in (sets.kinetics, sets.mimetics, sets.swap)]
    return found if all(key in found for key in keys) else None


def collect(
    base: Config, rows: Sequence[Row], seeds: Sequence[int], sets: Sets, backgrounds: str
) -> list[Line]:
    """What has been measured so far, rows in the paper's order."""
    configs = {row.name: {seed: config_of(base, row, seed, backgrounds) for seed in seeds} for row in rows}
    there = {
        name: {seed: one for seed, one in by_seed.items() if judged(one, sets)}
        for name, by_seed in configs.items()
    }
    reference = there.get(BASELINE, {})
    return [_line(row, there[row.name], reference, sets) for row in rows if there[row.name]]


def _line(row: Row, mine: Mapping[int, Config], reference: Mapping[int, Config], sets: Sets) -> Line:
    figures, differences = {}, {}
    common = [seed for seed in mine if seed in reference] if row.name != BASELINE else []
    for column, (_, protocol, measure) in COLUMNS.items():
        key = _key(sets.of(column), sets.most)
        found = [(judged(one, sets) or {})[key].get(protocol) for one in mine.values()]
        if None in found:
            continue
        figures[column] = summary([one[measure] for one in found if one is not None])
        if common:
            pairs = [[where[seed].folder for seed in common] for where in (mine, reference)]
            ours, theirs = (files(folders, sets.of(column), protocol) for folders in pairs)
            differences[column] = difference(ours, theirs, _sources(mine, sets, column), measure)
    return Line(row, tuple(mine), figures, differences, _ratio(list(mine.values())))


def _sources(mine: Mapping[int, Config], sets: Sets, column: str) -> dict[str, tuple[str, ...]]:
    root = next(iter(mine.values())).data.root
    if (sets.of(column), root) not in _KNOWN:
        clips = chosen(sets.of(column), root, (), None)
        _KNOWN[sets.of(column), root] = {clip.id: clip.sources for clip in clips.clips}
    return _KNOWN[sets.of(column), root]


_KNOWN: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}


def _ratio(configs: Sequence[Config]) -> tuple[float, float] | None:
    """Weighted-Focus's ratio in the last epoch, mean over seeds of its mean and of its spread over clips."""
    import json
    from statistics import mean

    rows = [json.loads((one.folder / "log.jsonl").read_text().splitlines()[-1]) for one in configs]
    if "ratio_sd" not in rows[0]:
        return None
    return mean(one["ratio_mean"] for one in rows), mean(one["ratio_sd"] for one in rows)


def _key(name: str, most: int | None) -> str:
    return name if most is None else f"{name} {most} clips"


def _rows(names: Sequence[str] | None) -> list[Row]:
    known = {row.name: row for row in ROWS}
    for name in names or ():
        if name not in known:
            raise UserError(f"row {name!r} is unknown, expected one of: {', '.join(known)}")
    return [row for row in ROWS if not names or row.name in names]


def _beside(text: str) -> tuple[str, dict[str, Summary]]:
    """Another system's predictions on the same swaps, as SHAcc5 and SBErr5 (or of however many choices)."""
    from vllm_eval.metrics import bias_metrics
    from vllm_eval.score.predictions import Options
    from vllm_eval.score.reader import read_predictions

    name, sign, path = text.partition("=")
    if not sign:
        raise UserError(f"--beside {text!r}: expected NAME=predictions.csv")
    found = read_predictions(Path(path), Options())
    metrics = bias_metrics(found.answers, found.sources, found.chance)
    return name, {
        "SHAcc5": summary([asdict(metrics.shacc)]),
        "SBErr5": summary([asdict(metrics.sberr)]),
    }


def as_json(line: Line) -> dict[str, Any]:
    """Everything of a line."""
    return {
        "row": line.row.name, "seeds": list(line.seeds),
        "figures": {name: asdict(one) for name, one in line.figures.items()},
        "minus baseline": {name: asdict(one) for name, one in line.differences.items()},
        "ratio mean and sd over clips": line.ratio, "published": line.row.published,
        "published five-way": line.row.five_way, "published mean of five": line.row.five_runs,
    }  # fmt: skip


def show(lines: Sequence[Line], beside: Sequence[tuple[str, Mapping[str, Summary]]]) -> None:
    """Three tables: measured, against the baseline, published."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)  # a file has no edge to wrap at
    table = Table("row", "seeds", *COLUMNS, title="measured, %: mean ±sd over seeds [95 %]")
    for line in lines:
        cells = [line.figures[name].text() if name in line.figures else "" for name in COLUMNS]
        table.add_row(line.row.name, str(len(line.seeds)), *cells)
    for name, figures in beside:
        table.add_row(name, "", *(figures[column].text() if column in figures else "" for column in COLUMNS))
    console.print(table)
    table = Table("row", *COLUMNS, title=f"points less {BASELINE}, paired by clip and seed [95 %]")
    for line in lines:
        if line.differences:
            table.add_row(line.row.name, *(_signed(line.differences.get(name)) for name in COLUMNS))
    console.print(table)
    table = Table("row", "measured ratio", *COLUMNS, title="published, %: one run (mean of five)")
    for line in lines:
        ratio = "" if line.ratio is None else f"{line.ratio[0]:+.2f} sd {line.ratio[1]:.3f}"
        table.add_row(line.row.name, ratio, *_published(line.row))
    console.print(table)


def _signed(one: Difference | None) -> str:
    if one is None:
        return ""
    return f"{100 * one.value:+.1f} [{100 * one.low:+.1f}, {100 * one.high:+.1f}]"


def _published(row: Row) -> list[str]:
    if row.published is None:
        return [""] * len(COLUMNS)
    means = row.five_runs or (None,) * 4
    cells = [
        f"{value:.2f}" + (f" ({centre:.2f})" if centre is not None else "")
        for value, centre in zip(row.published, means, strict=True)
    ]
    return cells + [f"{value:.2f}" for value in row.five_way or ()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m classifiers.compare", description=__doc__)
    parser.add_argument("--config", default="configs/classifiers_mini.yaml")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rows", nargs="+", metavar="ROW", help="default: all")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE")
    parser.add_argument("--kinetics", default="kinetics:val")
    parser.add_argument("--mimetics", default="mimetics")
    parser.add_argument("--swap", default="hat:rand_1")
    parser.add_argument("--clips", type=int, help="at most so many of each set")
    parser.add_argument(
        "--backgrounds", default="rendered", help="of the augmented rows: a folder of pictures"
    )
    parser.add_argument("--seconds", type=float, help="stop after so many; the same command goes on")
    parser.add_argument("--beside", action="append", default=[], metavar="NAME=FILE.csv")
    return parser


if __name__ == "__main__":
    sys.exit(main())
