"""Rows of Kinetics' annotation format, which Mimetics shares: label, YouTube id, start, end, split."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assets.errors import UserError

_NEEDED = ("label", "youtube_id", "time_start", "time_end")


@dataclass(frozen=True)
class Row:
    """One annotated clip; times in whole seconds, ``split`` empty where the file has no such column."""

    label: str
    youtube_id: str
    start: int
    end: int
    split: str

    @property
    def name(self) -> str:
        """What the clip's file is called, without its ending."""
        return f"{self.youtube_id}_{self.start:06d}_{self.end:06d}"


def read_rows(path: Path) -> tuple[Row, ...]:
    """All rows, labels with spaces. Raises UserError with file and line for what cannot be read."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            absent = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
            if absent:
                raise UserError(f"{path}: no column {', '.join(absent)}; expected {','.join(_NEEDED)},split")
            return tuple(_row(line, f"{path}:{reader.line_num}") for line in reader)
    except (OSError, UnicodeDecodeError, csv.Error) as failure:
        raise UserError(f"{path}: {failure}; expected a csv file of Kinetics' format") from failure


def class_name(text: str) -> str:
    """A label or folder name as the class is called: with spaces, whichever way it was written."""
    return " ".join(text.replace("_", " ").split())


def _row(line: Mapping[str, str | None], place: str) -> Row:
    values = {name: (line.get(name) or "").strip() for name in (*_NEEDED, "split")}
    try:
        start, end = (int(float(values[name])) for name in ("time_start", "time_end"))
    except (ValueError, OverflowError) as failure:
        times = f"{values['time_start']!r} to {values['time_end']!r}"
        raise UserError(f"{place}: times {times}, expected seconds; repair the line") from failure
    if not values["label"] or not values["youtube_id"]:
        raise UserError(f"{place}: empty label or youtube_id, expected both; repair the line")
    return Row(class_name(values["label"]), values["youtube_id"], start, end, values["split"])
