"""Score anyone's per-clip predictions: ``python -m vllm_eval.score predictions.csv``.

Several files are pooled into one result. Columns with common names are recognised, and what was taken for
what is printed; --prediction, --human, --background, --clip and --choices name them otherwise.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from assets.commands import exit_status
from assets.errors import UserError
from vllm_eval.score import figures, text
from vllm_eval.score.predictions import Options, Predictions, pooled
from vllm_eval.score.reader import read_predictions

_COLUMNS = ("prediction", "human", "background", "clip", "choices", "error")
_CONTROLS = ("same", "kinetics", "original", "still")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; exit status 0, or 2 after one line about what the user can mend."""
    return exit_status(lambda: print(_scored(_parser().parse_args(arguments)), flush=True))


def _scored(given: argparse.Namespace) -> str:
    options = _options(given)
    found = _read(given.predictions, options)
    controls = {name: _read(paths, options, True) for name in _CONTROLS if (paths := getattr(given, name))}
    lines = figures.lines_of(found) + figures.control_lines(found, **controls)
    parts = figures.parts_of(found, given.by) if given.by else {}
    others = [_read(paths, options, True) for paths in given.compare or ()]
    comparisons = [figures.compare(found, other, given.margin) for other in others]
    if given.json:
        return json.dumps(text.as_json(found, lines, parts, comparisons), indent=1, ensure_ascii=False)
    blocks = [text.header(found), text.figures(lines)]
    blocks += [text.parted(parts, given.by)] if parts else []
    for other, one in zip(others, comparisons, strict=True):
        blocks += [text.header(other), text.figures(figures.lines_of(other))]
        blocks.append(text.comparison(one))
    return "\n\n".join(blocks)


def _read(paths: Sequence[Path], options: Options, another: bool = False) -> Predictions:
    return pooled([read_predictions(path, options, another) for path in paths])


def _options(given: argparse.Namespace) -> Options:
    named = {name: getattr(given, name) for name in _COLUMNS}
    if given.margin is not None and not 0 < given.margin < 1:
        raise UserError(f"--margin {given.margin:g}, expected a share between 0 and 1 such as 0.01")
    if given.margin is not None and not given.compare:
        raise UserError("--margin tests a difference, expected --compare OTHER.csv as well")
    if given.classes is not None and given.classes < 2:
        raise UserError(f"--classes {given.classes}, expected 2 or more")
    return Options(
        columns={name: value for name, value in named.items() if value},
        reading=given.read,
        count_from=given.count_from,
        unknown=given.unknown,
        sources=tuple(given.sources or ()),
        classes=given.classes,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m vllm_eval.score",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "predictions",
        nargs="+",
        type=Path,
        help="csv, json or json lines, a row per clip; several are pooled",
    )
    for name, told in (
        ("prediction", "what was predicted: a label, a letter, a choice number, or nothing"),
        ("human", "the person's action: a label or choice number"),
        ("background", "the scene's action: a label or choice number; without one, accuracy is scored"),
        ("error", "not empty where the clip could not be asked; such rows leave the denominator"),
    ):
        add(f"--{name}", nargs=1, metavar="COLUMN", help=told)
    add(
        "--clip",
        nargs="+",
        metavar="COLUMN",
        help="the clip's id; names its source videos where it holds them",
    )
    add("--choices", nargs="+", metavar="COLUMN", help="the choices in order, one column each or one list")
    add(
        "--sources", nargs="+", metavar="COLUMN", help="source videos, where the clip's id does not name them"
    )
    add(
        "--count-from",
        type=int,
        choices=(0, 1),
        help="what predicted choice numbers count from, where unclear",
    )
    add(
        "--read",
        choices=("cell", "first", "reply"),
        default="cell",
        help="a label, letter or number alone (default); the first character only, as in the paper's code; "
        "or free text",
    )
    add(
        "--unknown",
        choices=("refuse", "other", "unparsed"),
        default="refuse",
        help="a prediction that is no choice",
    )
    add(
        "--classes",
        type=int,
        metavar="N",
        help="classes to choose from, for the chance level without choices",
    )
    add("--by", metavar="class|background|COLUMN", help="the figures per part as well")
    add(
        "--compare",
        nargs="+",
        type=Path,
        action="append",
        help="another system: paired differences by clip id",
    )
    add("--margin", type=float, metavar="SHARE", help="with --compare: is accuracy at most this much worse?")
    add("--same", nargs="+", type=Path, help="the same system on same-class swaps: relative SHAcc")
    add("--kinetics", nargs="+", type=Path, help="the same system on ordinary clips: harmonic mean")
    add("--original", nargs="+", type=Path, help="the same system on the unswapped clips: transitions")
    add("--still", nargs="+", type=Path, help="the same system on static counterparts: contrasted accuracy")
    add("--json", action="store_true", help="for programs: all shares as fractions")
    return parser
