"""`python -m videos segment|inpaint|audit-masks|footage`: flags in, a table and files out."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from assets.errors import UserError
from videos.clip import Clip

_Add = Callable[..., argparse.ArgumentParser]
_Advance = Callable[[int, int], None]

SOME_FAILED = 1  # exit status where a clip failed


def _segment(options: argparse.Namespace) -> int:
    from videos.datasets import load
    from videos.masks.config import read_config
    from videos.masks.kept import statuses
    from videos.masks.run import segment

    flags = {name: getattr(options, name) for name in ("out", "clips", "workers", "mode")}
    config = read_config(Path(options.config), flags)
    clips = load(config.dataset, config.root).clips[: config.clips]
    with _bar(f"Cutting people out of {config.dataset}") as advance:
        rows = segment(clips, config, advance)
    told = ", ".join(f"{count} {status}" for status, count in statuses(rows))
    _say(f"{config.out}: {len(rows)} clips: {told}; {sum(row.people for row in rows)} people")
    failed = [row for row in rows if row.status == "failed"]
    for row in failed[:3]:
        _say(f"failed: {row.clip}: {row.detail}")
    return SOME_FAILED if failed else 0


def _inpaint(options: argparse.Namespace) -> int:
    from videos.inpaint.run import inpaint

    files = Path(options.files) if options.files else None
    with _bar("Emptying scenes") as advance:
        told = inpaint(Path(options.root), options.method, files, advance)
    for key, why in told.failed.items():
        _say(f"failed: {key}: {why}")
    counts = f"{len(told.filled)} filled, {len(told.there)} there already, {len(told.failed)} failed"
    _say(f"{options.root}/inp: {counts}")
    return SOME_FAILED if told.failed else 0


def _audit(options: argparse.Namespace) -> int:
    from videos.audit.report import figure, summary, write
    from videos.audit.run import audit, masks_folder
    from videos.datasets import load

    _at_least_one("--clips", options.clips)
    _at_least_one("--workers", options.workers)
    if options.segmented and not options.masks:
        raise UserError("--segmented without MASKS, expected a folder of `segment`; name it, or leave it out")
    masks = masks_folder(options.masks) if options.masks else None
    clips = load(options.dataset, options.root).clips
    if masks and options.segmented:
        clips = _told_of(clips, Path(masks))
        if not clips:
            raise UserError(f"{options.dataset}: no clips that {masks} tells of; leave out --segmented")
    clips = clips[: options.clips]
    with _bar(f"Looking at masks of {options.dataset}") as advance:
        found = audit(clips, masks, not options.no_truth, advance, options.workers)
    write(found, masks, f"Masks of {options.dataset}", Path(options.out), not options.no_truth)
    for name, value in summary(found).items():
        _say(f"{name.replace('_', ' '):>14}  {figure(name, value)}")
    _say(f"{options.out}: {len(found)} clips")
    return 0


def _at_least_one(flag: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise UserError(f"{flag} {value}, expected at least 1")


def _told_of(clips: Sequence[Clip], masks: Path) -> tuple[Clip, ...]:
    """Clips that the folder's table has, by their names or their frames."""
    from videos.masks.kept import rows

    known = {name for row in rows(masks).values() for name in (row.clip, row.identity)}
    return tuple(clip for clip in clips if clip.id in known or _identity(clip) in known)


def _identity(clip: Clip) -> str | None:
    """None for a clip whose frames are gone."""
    try:
        return clip.frames.identity()
    except UserError:
        return None


def _footage(options: argparse.Namespace) -> int:
    from videos.datasets import load
    from videos.footage.make import footage_folder, make

    root = Path(options.root) if options.root else footage_folder()
    with _bar("Cutting people out of the footage") as advance:
        rows = make(root, options.frames, advance)
    kept = [row for row in rows if row.status == "kept"]
    swaps = load("footage:swap", root)
    sources = len({source for clip in swaps.clips for source in clip.sources})
    _say(f"{root}: {len(kept)} of {len(rows)} excerpts have people, {len(swaps)} swaps of {sources} sources")
    _say("a demonstration on few people, not a measurement")
    return 0


def _add_segment(add: _Add) -> None:
    about = "cut the people out of a data set: masks in HAT's format; goes on where it was interrupted"
    one = add("segment", help=about, description=about)
    one.add_argument("config", metavar="CONFIG", help="YAML, as configs/segment.yaml")
    one.add_argument("--out", metavar="DIR", help="folder for masks (default: CONFIG's)")
    one.add_argument("--mode", choices=("every", "paper"), help="everybody, or as the paper did")
    one.add_argument("--clips", type=int, metavar="N", help="only the first N clips")
    one.add_argument("--workers", type=int, metavar="N", help="processes")
    one.set_defaults(command=_segment)


def _add_inpaint(add: _Add) -> None:
    about = "empty scenes: ori/ and seg/ in HAT's format in, inp/ out"
    one = add("inpaint", help=about, description=about)
    one.add_argument("root", metavar="ROOT", help="folder with ori and seg")
    one.add_argument("--method", default="auto", help="auto, median, telea or ns (default auto)")
    one.add_argument("--files", metavar="DIR", help="class/clip frames that another program filled")
    one.set_defaults(command=_inpaint)


def _add_audit(add: _Add) -> None:
    about = "how good masks are, against the data set's own and by what shows without them"
    one = add("audit-masks", help=about, description=about)
    one.add_argument(
        "masks", nargs="?", metavar="MASKS", help="folder of `segment` (default: the data set's)"
    )
    one.add_argument("--dataset", required=True, metavar="NAME", help="the clips they are of")
    one.add_argument("--root", default="mini", metavar="DIR", help='its folder (default "mini")')
    one.add_argument("--clips", type=int, metavar="N", help="only the first N clips")
    one.add_argument("--segmented", action="store_true", help="only clips that the folder's table has")
    one.add_argument("--no-truth", action="store_true", help="do not hold them against the data set's own")
    one.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default 1)")
    one.add_argument(
        "--out",
        default="audit.html",
        metavar="FILE",
        help="page, and a csv of its name with a row for each clip (default audit.html)",
    )
    one.set_defaults(command=_audit)


def _add_footage(add: _Add) -> None:
    about = "make the real-footage set: fetched people, cut out, before fetched photographs"
    one = add("footage", help=about, description=about)
    one.add_argument("--root", metavar="DIR", help="where to (default: the cache)")
    one.add_argument("--frames", type=int, default=16, metavar="N", help="frames a clip (default 16)")
    one.set_defaults(command=_footage)


COMMANDS: Mapping[str, Callable[[_Add], None]] = {
    "segment": _add_segment,
    "inpaint": _add_inpaint,
    "audit-masks": _add_audit,
    "footage": _add_footage,
}


@contextmanager
def _bar(about: str) -> Iterator[_Advance]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True, emoji=False), transient=True) as progress:
        bar = progress.add_task(about, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


def _say(text: str) -> None:
    Console(emoji=False).print(text, markup=False, highlight=False, soft_wrap=True)
