"""`python -m classifiers.views RUN`: what a classifier says of views, and what bad masks cost it.

A model that looks at the whole picture is shown the view. One that takes person masks (``segmented``,
``dual_sum``, ...) sees the clip as filmed, and its masks are those of the view: ``black@erode:3``.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from assets.commands import exit_status
from assets.errors import UserError
from classifiers.checkpoints import Trained, open_run
from classifiers.data.examples import Example, square
from classifiers.data.sets import policy_of
from classifiers.models import MODELS
from classifiers.predict import scores_of
from classifiers.protocols import FIVE, PROTOCOLS, Judged, judge
from videos.clip import Clip, ClipSet, Pixels
from videos.datasets import load
from videos.sides import divide
from videos.store import FrameStore
from videos.views import ORIGINAL, ViewSpec, parse_view
from videos.views.changes import CHANGES
from videos.views.people import masks_of
from vllm_eval.config import DataConfig
from vllm_eval.statistics import Difference, paired_difference

DAMAGED = (
    "original,black,black@erode:1,black@erode:3,black@dilate:1,black@dilate:3,black@dilate:8,"
    "black@shift:4,black@shift:16,black@drop:0.5"
)
SIDES = ("all", "tune", "select", "test")
_MEASURES = ("shacc", "sberr")
_BATCH = 32


@dataclass(frozen=True)
class Row:
    """One view: ``figures`` as of ``Judged``, and by measure what it is minus the ``base`` view, paired."""

    view: str
    figures: Mapping[str, Any]
    minus: Mapping[str, Difference]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0, 2 after one line about what can be mended, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)

    def command() -> None:
        trained = open_run(Path(options.run), options.device)
        clips = _clips(options, trained)
        views = list(dict.fromkeys(parse_view(one).text for one in options.views.split(",")))
        rows = table(trained, clips, views, options.protocol, options.masks)
        told = {"model": trained.config.model, "dataset": clips.name, "protocol": options.protocol}
        if options.json:
            print(json.dumps(told | {"rows": [asdict(row) for row in rows]}, indent=1))
        else:
            _show(f"{trained.config.model} on {clips.name}", rows)

    return exit_status(command, "interrupted; nothing of a view is kept before it is finished")


def table(
    trained: Trained, clips: ClipSet, views: Sequence[str], protocol: str = FIVE, masks: str | None = None
) -> list[Row]:
    """A row for each view; differences are to the first one. A clip without masks is a counted error."""
    rows: list[Row] = []
    first: Judged | None = None
    for view in views:
        print(f"{view}:", file=sys.stderr)
        judged = judged_on(trained, clips, view, protocol, masks)
        base = first = first or judged
        minus = {
            measure: paired_difference(judged.answers, base.answers, judged.sources, measure)
            for measure in (_MEASURES if rows else ())
        }
        rows.append(Row(view, judged.figures(), minus))
    return rows


def judged_on(trained: Trained, clips: ClipSet, view: str, protocol: str, masks: str | None = None) -> Judged:
    """The classifier's answers to the clips as ``view`` shows them."""
    scores, failed = np.zeros((len(clips), len(trained.classes))), {}
    good: list[tuple[int, Example]] = []
    for number, clip in enumerate(clips.clips):
        shown = _example(trained, clip, parse_view(view), masks)
        if isinstance(shown, Example):
            good.append((number, shown))
        else:
            failed[clip.id] = shown
    for start in range(0, len(good), _BATCH):
        numbers, examples = zip(*good[start : start + _BATCH], strict=True)
        scores[list(numbers)] = scores_of(trained, examples)
    return judge(scores, clips, trained.classes, protocol, failed)


def _example(trained: Trained, clip: Clip, spec: ViewSpec, folder: str | None) -> Example | str:
    """Pixels and masks as the model gets them; why not, for a clip without."""
    config = trained.config
    takes_masks = bool(MODELS[config.model][0])
    policy = policy_of(config)
    if not takes_masks:
        policy = replace(policy, view=spec.text, masks=folder)
    elif spec.name not in (ORIGINAL, "black"):
        raise UserError(f"{config.model} takes masks: view {spec.text!r}, expected original or black@...")
    side = config.size.pixels
    try:
        frames = FrameStore().get(clip, policy)
        pixels = np.asarray(frames.pixels)
        masks = _masks(clip, frames.indices, spec, folder) if takes_masks else None
    except UserError as problem:
        return str(problem)
    shown = square(pixels, side)
    empty = np.zeros(shown.shape[:3], np.uint8)
    return Example(shown, empty if masks is None else square(masks, side), 0)


def _masks(clip: Clip, indices: Sequence[int], spec: ViewSpec, folder: str | None) -> Pixels:
    """The masks of the view, damaged as it says."""
    people = masks_of(clip.frames, folder)
    masks = people.read(indices)
    if spec.change:
        masks = CHANGES[spec.change].apply(masks, spec.by, people.identity())
    return masks


def _clips(options: argparse.Namespace, trained: Trained) -> ClipSet:
    """The data set, or the side of it that a prompt's run with the usual fractions and seed has."""
    usual = DataConfig()
    clips = load(options.data, options.root or trained.config.data.root)
    if options.side != "all":
        clips = divide(clips, usual.fractions.model_dump(), usual.seed)[0][options.side]
    clips = clips if options.clips is None else clips.take(options.clips, usual.seed)
    if any(clip.background is None for clip in clips.clips):
        raise UserError(f"{clips.name}: clips without a background label, expected swaps such as hat:rand_1")
    return replace(clips, classes=trained.classes)


def _show(title: str, rows: Sequence[Row]) -> None:
    shown = Table("view", "n", "SHAcc", "SBErr", "SHAcc minus first", "SBErr minus first", title=title)
    for row in rows:
        cells = [_share(row.figures[name]) for name in _MEASURES if name in row.figures]
        points = [_points(row.minus[name]) for name in row.minus]
        shown.add_row(row.view, f"{row.figures['n']:,}", *cells, *points)
    Console().print(shown)


def _share(one: Mapping[str, Any]) -> str:
    return f"{100 * one['value']:.1f} [{100 * one['low']:.1f}, {100 * one['high']:.1f}]"


def _points(one: Difference) -> str:
    return f"{100 * one.value:+.1f} [{100 * one.low:+.1f}, {100 * one.high:+.1f}]"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m classifiers.views", description=__doc__)
    parser.add_argument("run", metavar="RUN", help="folder of a trained run")
    parser.add_argument("--data", default="hat:rand_1", metavar="SET", help="swapped clips")
    parser.add_argument("--root", help="folder of the data sets (default: the run's)")
    parser.add_argument("--side", choices=SIDES, default="all", help="only the clips of this side")
    parser.add_argument("--clips", type=int, help="at most so many")
    parser.add_argument("--views", default=DAMAGED, metavar="LIST", help=f"with commas (default {DAMAGED})")
    parser.add_argument("--masks", metavar="DIR", help="folder of `videos segment` (default: the set's own)")
    parser.add_argument("--protocol", choices=PROTOCOLS, default=FIVE, help="all classes, or five choices")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", action="store_true", help="for programs: all shares as fractions")
    return parser


if __name__ == "__main__":
    sys.exit(main())
