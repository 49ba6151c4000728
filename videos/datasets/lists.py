"""Lists with class indices: mmaction2's ``path index`` and ``path frames index``, PySlowFast's csv."""

import re
from pathlib import Path, PurePosixPath

from assets.errors import UserError
from videos.datasets.annotations import HEADER, Annotation, Row
from videos.datasets.classes import ClassList, class_name
from videos.datasets.reading import LeftOut
from videos.datasets.text import read_lines

_EXPECTED = "lines of a path and a class index"
_LINE = re.compile(r"(?P<path>.+?)(?:[ ,\t]+(?P<frames>\d+))?[ ,\t]+(?P<index>-?\d+)")
_EXCERPT = re.compile(r"(?P<video>.{11})(?:_\d+_\d+)?")
_VIDEO = re.compile(r"\.(mp4|mkv|webm|avi|mov)$", re.IGNORECASE)


def is_list(path: Path) -> bool:
    """Whether it is no csv, or its first line ends in a number, as no header does."""
    if path.suffix.lower() != ".csv":
        return True
    return bool(_LINE.fullmatch(read_lines(path, f"a csv file with the columns {HEADER}")[0][1]))


def read_list(path: Path, known: ClassList) -> Annotation:
    """Rows in the list's order. Paths may hold spaces: the columns are counted from the right.

    The index says the class, counted from 0 in ``known``. A line whose index is out of range, or whose folder
    is called after another class, is broken. Raises UserError where no line is a path and an index.
    """
    rows: list[Row] = []
    broken: list[LeftOut] = []
    for number, text in read_lines(path, _EXPECTED):
        found = _row(text, f"{path}:{number}", known)
        if isinstance(found, Row):
            rows.append(found)
        else:
            broken.append(found)
    if not rows:
        raise UserError(f"{path}: {broken[0].detail}, expected {_EXPECTED}; fetch it again")
    return Annotation(tuple(rows), tuple(broken))


def _row(text: str, place: str, known: ClassList) -> Row | LeftOut:
    match = _LINE.fullmatch(text)
    if match is None:
        return LeftOut(place, "unreadable", f"{text[:80]!r} is no path and class index")
    path, index = PurePosixPath(match["path"].strip("\"'").replace("\\", "/")), int(match["index"])
    name = _VIDEO.sub("", path.name)
    if not 0 <= index < len(known.classes):
        told = f"class index {index} of {name}, expected 0 to {len(known.classes) - 1} of {known.name}"
        return LeftOut(place, "unknown class", told)
    label, folder = known.classes[index], known.find(path.parent.name)
    if folder not in (None, label):
        told = f"class index {index} is {label!r} in {known.name}, the folder says {folder!r}"
        return LeftOut(place, "unreadable", told)
    excerpt = _EXCERPT.fullmatch(name)
    return Row(class_name(label), name, excerpt["video"] if excerpt else name, "", place)
