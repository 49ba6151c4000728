"""Mimetics: people miming actions, away from the usual place and without the usual things."""

from collections.abc import Callable
from pathlib import Path

from assets.errors import UserError
from videos.clip import ClipSet
from videos.datasets.annotations import read_rows
from videos.datasets.classes import class_name, own_classes
from videos.datasets.kinetics import classes_of, clips_of
from videos.datasets.kinetics50 import KINETICS_50
from videos.datasets.media import Media
from videos.datasets.reading import Outcome
from videos.datasets.text import read_lines

_ROWS = ("mimetics_v1.0.csv", "mimetics.csv", "mimetics*.csv")
_CLASSES = "mimetics_v1.0_clsannot.txt"
_CLIPS = "mimetics_v1.0_objectsceneannot.txt"

_Tags = dict[str, tuple[str, ...]]


def read_mimetics(root: Path, part: str = "") -> Outcome:
    """The clips in the csv's order, and every row that gave none. There are no parts.

    ``mimetics_v1.0.csv`` (or another mimetics*.csv) lies in the root, videos anywhere below ``data/`` or
    the root. Where the two further annotation files lie beside it, clips carry their columns as tags:
    ``class object:large``, ``class scene:yes`` (what the class needs), ``object:no``, ``scene:no``,
    ``mime:yes`` (what this video shows). Raises UserError where a line of those has other columns than its
    header.
    """
    found = [path for pattern in _ROWS for path in sorted(root.glob(pattern))]
    if not found:
        raise UserError(f"{root}: no annotations, expected mimetics_v1.0.csv; put it there")
    annotation = read_rows(found[0])
    by_class = _table(root / _CLASSES, "class ", class_name)
    by_clip = _table(root / _CLIPS, "", lambda name: name.partition(".")[0])
    tags = {row.name: by_class.get(row.label, ()) + by_clip.get(row.name, ()) for row in annotation.rows}
    known = own_classes(root) or KINETICS_50
    media = Media([root / "data" if (root / "data").is_dir() else root], annotation.rows)
    clips, left_out = clips_of("mimetics", annotation.rows, media, known, tags)
    classes = classes_of(annotation.rows, known)
    return ClipSet("mimetics", tuple(clips), classes), (*left_out, *annotation.broken)


def _table(path: Path, prefix: str, name_of: Callable[[str], str]) -> _Tags:
    """First column -> the others as ``name:value``; columns are set by spaces, the header starts with #."""
    if not path.exists():
        return {}
    tags: _Tags = {}
    (_, head), *lines = read_lines(path, "a table set with spaces")
    names = head.split()[1:]
    for number, line in lines:
        key, *values = line.split()
        if len(values) != len(names):
            told = f"{len(values) + 1} columns, expected {len(names) + 1}: {head.split()}"
            raise UserError(f"{path}:{number}: {told}; repair the line")
        tags[name_of(key)] = tuple(
            f"{prefix}{name}:{value}" for name, value in zip(names, values, strict=True)
        )
    return tags
