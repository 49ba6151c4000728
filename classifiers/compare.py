"""`python -m classifiers.compare`: every row of the paper's table for several seeds, beside the published.

Trains what is not trained, judges what is not judged, and prints what there is: stopped at any time, by
``--seconds`` or Ctrl-C, the same command goes on. Runs lie in the configuration's ``output``; CLIP-like
models and prompted VLLMs stand in the same table with ``--beside NAME=predictions.csv``.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from assets.commands import exit_status
from assets.errors import UserError
from classifiers import beside
from classifiers.beside import Other, others
from classifiers.config import Config, assignments, read_config
from classifiers.findings import findings
from classifiers.judging import evaluate
from classifiers.lines import Line, Minus, Sets, as_json, collect, config_of, judged
from classifiers.paper import BASELINE, ROWS, Row
from classifiers.protocols import write_json
from classifiers.tables import COLUMNS
from vllm_eval.statistics import Difference

UNFINISHED = 3
GOES_ON = "interrupted; the same command goes on"
_WIDE = 160


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 with the whole table, 3 where time was up before, 2 after one line of what to mend."""
    options = _parser().parse_args(arguments)

    def command() -> int:
        base = read_config(options.config, **assignments(options.set))
        rows = _rows(options.rows)
        sets = Sets(options.kinetics, options.mimetics, options.swap, options.clips)
        done = run(base, rows, options.seeds, sets, options.backgrounds, options.seconds)
        lines = collect(base, rows, options.seeds, sets, options.backgrounds)
        more = others(options.beside, base, sets, lines, options.backgrounds)
        show(lines, more)
        told = [*map(as_json, lines), *map(beside.as_json, more)]
        write_json(Path(base.output) / "comparison.json", told)
        return 0 if done else UNFINISHED

    return exit_status(command, GOES_ON)


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
    from classifiers.checkpoints import open_run
    from classifiers.train.loop import DONE
    from classifiers.train.running import train

    if (config.folder / DONE).exists() and judged(config, sets):
        return True
    if train(config, resume=True, seconds=seconds):
        return False
    evaluate(open_run(config.folder, config.device), sets.asked, config.folder)
    return True


def _rows(names: Sequence[str] | None) -> list[Row]:
    known = {row.name: row for row in ROWS}
    for name in names or ():
        if name not in known:
            raise UserError(f"row {name!r} is unknown, expected one of: {', '.join(known)}")
    return [row for row in ROWS if not names or row.name in names]


def show(lines: Sequence[Line], more: Sequence[Other] = ()) -> None:
    """What was measured, what it is less the baseline and less no augmentation, what is published."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)  # a file has no edge to wrap at
    console.print(_measured(lines, more))
    over = "paired by clip [95 % over clips] [95 % over seeds]"
    minus: dict[str, Mapping[str, Any]] = {one.row.name: one.differences for one in lines}
    minus |= {other.name: other.differences for other in more}
    own = {one.row.name: one.augmentation for one in lines}
    for rows, title in ((minus, f"less {BASELINE}"), (own, "less the same unaugmented")):
        if any(rows.values()):
            console.print(_differences(rows, f"points {title}, {over}"))
    console.print(_published(lines))
    for finding, verdict in findings(lines).items():
        console.print(f"{finding}: {verdict}", markup=False, highlight=False)


def _row() -> Column:
    return Column("row", no_wrap=True)


def _measured(lines: Sequence[Line], more: Sequence[Other]) -> Table:
    table = Table(_row(), "seeds", "n", *COLUMNS, title="measured, %: mean ±sd over seeds [95 %]")
    rows = [(line.row.name, str(len(line.seeds)), line.figures) for line in lines]
    rows += [(other.name, "", other.figures) for other in more]
    for name, seeds, figures in rows:
        cells = [figures[column].text() if column in figures else "" for column in COLUMNS]
        clips = sorted({one.n for one in figures.values()})
        table.add_row(name, seeds, " to ".join(f"{n:,}" for n in {clips[0], clips[-1]}), *cells)
    return table


def _differences(rows: Mapping[str, Mapping[str, Any]], title: str) -> Table:
    table = Table(_row(), *COLUMNS, title=title)
    for name, found in rows.items():
        if found:
            table.add_row(name, *(_signed(found.get(column)) for column in COLUMNS))
    return table


def _signed(one: Minus | Difference | None) -> str:
    if one is None:
        return ""
    if isinstance(one, Minus):
        return one.text()
    return f"{100 * one.value:+.1f} [{100 * one.low:+.1f}, {100 * one.high:+.1f}]"


def _published(lines: Sequence[Line]) -> Table:
    table = Table(_row(), "measured ratio", *COLUMNS, title="published, %: one run (mean of five)")
    for line in lines:
        ratio = "" if line.ratio is None else f"{line.ratio[0]:+.2f} sd {line.ratio[1]:.3f}"
        table.add_row(line.row.name, ratio, *_published_cells(line.row))
    return table


def _published_cells(row: Row) -> list[str]:
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
