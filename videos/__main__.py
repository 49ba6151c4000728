"""`python -m videos COMMAND`: data sets looked at, their people cut out, and what comes of it."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from assets.commands import exit_status
from assets.errors import UserError
from videos import check, commands, show
from videos.check_config import Wanted, read_config
from videos.datasets import MINI, known_names, read
from videos.decode import FramePolicy
from videos.store import FrameStore
from videos.views import ORIGINAL, known_views, parse_view

TOO_FEW = 1  # exit status where a data set has less than the share asked for
_WIDE = 120  # columns of the table, in narrower terminals too: a name that is cut names nothing
_EXAMPLES = 3  # clips named for each kind of trouble; the file names all


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Exit status 0; 1 where too few clips can be used; 2 after one line of complaint; 130
    after Ctrl-C."""
    options = _parser().parse_args(arguments)

    def command() -> int:
        status: int = options.command(options)
        return status

    return exit_status(command, "interrupted; the same command goes on with what was done")


def _check(options: argparse.Namespace) -> int:
    wanted, out = _wanted(options), Path(options.out)
    if not 0 <= options.least <= 1:
        raise UserError(f"--least {options.least:g}, expected a share from 0 to 1")
    if not out.parent.is_dir():
        raise UserError(f"{out.parent}: no such folder, expected a place for the list; change --out")
    with _progress() as progress:
        found = [_checked(dataset, wanted, options, progress) for dataset in wanted.datasets]
    rows = check.write(found, out, options.all)
    console = Console(emoji=False)  # in "kinetics:train: missing" it would draw a train
    Console(width=max(console.width, _WIDE), emoji=False).print(_table(found))
    for line in (line for one in found for line in _troubles(one)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    short = [one.dataset for one in found if one.share < options.least]
    console.print(_verdict(short, options.least, rows, out), markup=False, highlight=False, soft_wrap=True)
    return TOO_FEW if short else 0


def _wanted(options: argparse.Namespace) -> Wanted:
    if bool(options.config) == bool(options.dataset):
        raise UserError("nothing to check, or two things: give a CONFIG or --dataset NAME, as hat:rand_1")
    if options.config:
        wanted = read_config(Path(options.config))
    else:
        wanted = Wanted(MINI, tuple(dict.fromkeys(options.dataset)), (FramePolicy(),))
    policies = wanted.policies
    if options.frames is not None:
        policies = tuple(dict.fromkeys(replace(policy, frames=options.frames) for policy in policies))
    return Wanted(options.root or wanted.root, wanted.datasets, policies)


def _checked(dataset: str, wanted: Wanted, options: argparse.Namespace, progress: Progress) -> check.Checked:
    bar = progress.add_task(dataset, total=None)

    def advance(done: int, total: int) -> None:
        progress.update(bar, completed=done, total=total)

    return check.check(dataset, wanted.root, wanted.policies, options.decode, options.workers, advance)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True, emoji=False), transient=True)


def _table(found: Sequence[check.Checked]) -> Table:
    heads = (status.replace(" ", "\n") for status in check.STATUSES)
    table = Table("data set", "clips", *heads, "share", box=None, padding=(0, 2, 0, 0))
    for column in table.columns:
        column.justify, column.no_wrap = "left" if column.header == "data set" else "right", True
    for one in found:
        counts = (str(one.counts[status]) for status in check.STATUSES)
        table.add_row(Text(one.dataset), str(len(one.findings)), *counts, f"{100 * one.share:.1f} %")
    return table


def _troubles(one: check.Checked) -> list[str]:
    """Why it cannot be opened, and the first clips of each kind of trouble."""
    lines = [f"{one.dataset}: {one.error}"] if one.error else []
    for status in check.STATUSES[1:]:
        found = [finding for finding in one.findings if finding.status == status]
        for finding in found[:_EXAMPLES]:
            lines.append(f"{one.dataset}: {status}: {finding.clip}: {finding.detail}".removesuffix(": "))
        if len(found) > _EXAMPLES:
            lines.append(f"{one.dataset}: {status}: and {len(found) - _EXAMPLES} more")
    return lines


def _verdict(short: Sequence[str], least: float, rows: int, out: Path) -> str:
    told = f"{rows} row{'s' * (rows != 1)} written to {out}"
    if not short:
        return f"enough: every data set has {100 * least:g} % of its clips or more; {told}"
    return f"too few: {', '.join(short)} below {100 * least:g} % (--least {least:g}); {told}"


def _show(options: argparse.Namespace) -> int:
    policy = replace(
        show.parse_policy(options.policy), view=parse_view(options.view).text, masks=options.masks
    )
    reading = read(options.dataset, options.root)
    clip = show.find_clip(reading, options.clip)
    image = show.picture(clip, policy, FrameStore())
    show.save(image, Path(options.out))
    print(f"{options.out}: {image.width}x{image.height}, {clip.id}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m videos", description="Look at data sets and clips.")
    names = "|".join(("check", "show", *commands.COMMANDS))
    added = parser.add_subparsers(required=True, metavar=names)
    _add_check(added.add_parser, known_names())
    _add_show(added.add_parser, known_names())
    for add in commands.COMMANDS.values():
        add(added.add_parser)
    return parser


_Add = Callable[..., argparse.ArgumentParser]


def _add_check(add: _Add, names: str) -> None:
    about = "what of each data set is there and can be used; exit status 1 where that is too little"
    one = add("check", help=about, description=about)
    one.add_argument(
        "config",
        nargs="?",
        metavar="CONFIG",
        help="YAML of a run: its data sets are checked, shown as its targets see them",
    )
    one.add_argument(
        "--dataset", action="append", metavar="NAME", help=f"instead of CONFIG: {names}; repeatable"
    )
    one.add_argument("--root", metavar="DIR", help='folder of the data (default: as in CONFIG, else "mini")')
    one.add_argument(
        "--least",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="share of usable clips each set must have (default 1)",
    )
    one.add_argument(
        "--frames", type=int, metavar="N", help="clips with fewer are too short (default: CONFIG's, or 8)"
    )
    one.add_argument(
        "--decode", action="store_true", help="also decode those frames: slower, finds damage inside"
    )
    one.add_argument("--workers", type=int, metavar="N", help="processes (default: one for each core)")
    one.add_argument(
        "--out", default="check.csv", metavar="FILE", help="list of unusable clips (default check.csv)"
    )
    one.add_argument("--all", action="store_true", help="list the usable clips too")
    one.set_defaults(command=_check)


def _add_show(add: _Add, names: str) -> None:
    about = "the frames a model will see of one clip, as one picture"
    one = add("show", help=about, description=about)
    one.add_argument(
        "clip", metavar="CLIP", help="id of a clip, a part of it, or its position counted from 0"
    )
    one.add_argument("--dataset", required=True, metavar="NAME", help=names)
    one.add_argument("--root", default=MINI, metavar="DIR", help='folder of the data (default "mini")')
    one.add_argument(
        "--policy",
        default="uniform:8",
        metavar="P",
        help="sampling:frames[:size], as uniform:8:224 (default uniform:8)",
    )
    one.add_argument(
        "--view", default=ORIGINAL, metavar="V", help=f"what is shown: {known_views()} (default {ORIGINAL})"
    )
    one.add_argument("--masks", metavar="DIR", help="folder of person masks (default: the data set's own)")
    one.add_argument(
        "--out", default="strip.png", metavar="FILE", help="picture to write (default strip.png)"
    )
    one.set_defaults(command=_show)


if __name__ == "__main__":
    sys.exit(main())
