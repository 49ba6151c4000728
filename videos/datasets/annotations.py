"""Rows of Kinetics' annotation format, which Mimetics shares: label, YouTube id, start, end, split."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from videos.datasets.classes import class_name as class_name  # what readers of other formats take from here
from videos.datasets.reading import LeftOut
from videos.datasets.text import read_table

NEEDED = ("label", "youtube_id", "time_start", "time_end")
HEADER = ",".join((*NEEDED, "split"))


@dataclass(frozen=True)
class Row:
    """One annotated clip: ``name`` is what its file is called without an ending, ``video`` its YouTube id.

    ``split`` is empty where the annotation does not tell; ``place`` is ``file:line``.
    """

    label: str
    name: str
    video: str
    split: str = ""
    place: str = ""


@dataclass(frozen=True)
class Annotation:
    """All rows of one file, and those that make no sense."""

    rows: tuple[Row, ...]
    broken: tuple[LeftOut, ...] = ()


def read_rows(path: Path) -> Annotation:
    """Rows of a csv with the columns ``HEADER`` (split may be absent, others may follow), labels with spaces.

    Times are whole seconds. Raises UserError for a file that is no such csv; a row without a label, an id or
    times is kept as broken.
    """
    rows: list[Row] = []
    broken: list[LeftOut] = []
    for line in read_table(path, NEEDED, HEADER):
        found = _row(line.values, line.place)
        if isinstance(found, Row):
            rows.append(found)
        else:
            broken.append(found)
    return Annotation(tuple(rows), tuple(broken))


def _row(values: Mapping[str, str], place: str) -> Row | LeftOut:
    video = values["youtube_id"]
    if not values["label"] or not video:
        return LeftOut(place, "unreadable", "empty label or youtube_id, expected both")
    try:
        start, end = (int(float(values[name])) for name in ("time_start", "time_end"))
    except (ValueError, OverflowError):
        start, end = -1, -1
    if not 0 <= start < end:
        times = f"times {values['time_start']!r} to {values['time_end']!r}"
        return LeftOut(place, "unreadable", f"{times} of {video}, expected seconds, the later one second")
    name = f"{video}_{start:06d}_{end:06d}"
    return Row(class_name(values["label"]), name, video, values.get("split", "").lower(), place)
