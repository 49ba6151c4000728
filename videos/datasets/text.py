"""Annotation files as text: what is no text is told in one line, never in a traceback."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from assets.errors import UserError


@dataclass(frozen=True)
class Line:
    """One row of a csv file: where it stands (``path:line``) and its values by column, stripped."""

    place: str
    values: Mapping[str, str]


def read_text(path: Path, expected: str) -> str:
    """The whole file without a byte order mark. Raises UserError for a folder, an empty file, no UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as failure:
        raise UserError(f"{path}: {failure.strerror}, expected {expected}") from failure
    if not data.strip():
        raise UserError(f"{path}: an empty file, expected {expected}; fetch it again")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = data.count(b"\n", 0, failure.start) + 1
        raise UserError(f"{path}:{line}: not UTF-8, expected {expected}; save it as UTF-8") from failure
    if "\0" in text:
        raise UserError(f"{path}: holds zero bytes, expected {expected}; save it as UTF-8")
    return text


def read_lines(path: Path, expected: str) -> list[tuple[int, str]]:
    """(number from 1, text) of all lines that hold anything."""
    lines = read_text(path, expected).splitlines()
    return [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]


def read_table(path: Path, needed: Sequence[str], usual: str) -> Iterator[Line]:
    """Rows of a csv file, which may be quoted, with further columns kept.

    ``usual`` is the header to expect, for messages. Raises UserError for columns that are absent and for
    quotes that are not closed: they would swallow the rows that follow.
    """
    text = read_text(path, f"a csv file with the columns {usual}")
    reader = csv.reader(StringIO(text, newline=None), strict=True, skipinitialspace=True)
    try:
        header = [name.strip() for name in next(reader)]
        absent = [name for name in needed if name not in header]
        if absent:
            found = ",".join(header)[:80]
            raise UserError(f"{path}: no column {', '.join(absent)} in {found!r}, expected {usual}; add it")
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _line(f"{path}:{reader.line_num}", header, cells)
    except csv.Error as failure:
        place = f"{path}:{reader.line_num}"
        raise UserError(
            f"{place}: {failure}, expected commas and closed quotes; repair the line"
        ) from failure


def _line(place: str, header: Sequence[str], cells: Sequence[str]) -> Line:
    if any("\n" in cell for cell in cells):
        raise UserError(f"{place}: a quote spans lines, expected one row a line; close the quote")
    padded = [cell.strip() for cell in cells] + [""] * (len(header) - len(cells))
    return Line(place, dict(zip(header, padded, strict=False)))
