"""Rows of a file of predictions as text: CSV of any common shape or JSON. Nothing is read into it."""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from assets.errors import UserError

_DELIMITERS = ",;\t|"
KEY = "key"  # the column that holds the names of a JSON object's records


@dataclass(frozen=True)
class Records:
    """``rows`` map column to text, stripped; ``places`` say where each stands, for messages: "line 7"."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    places: tuple[str, ...]

    def where(self, index: int) -> str:
        """A row's file and line."""
        return f"{self.path.name} {self.places[index]}"


def read_records(path: Path) -> Records:
    """All rows. Raises UserError for a file that is absent, empty, no text, or no table."""
    text = _text(path)
    if not text.strip():
        raise UserError(f"{path}: empty, expected a csv with a header line and a row per clip")
    records = _json(path, text) if text.lstrip()[0] in "[{" else _csv(path, text)
    if not records.rows:
        raise UserError(f"{path}: a header and no rows, expected a row per clip")
    return records


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise UserError(f"{path}: {reason}, expected a csv or json file of predictions") from None
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as problem:
        raise UserError(
            f"{path}: byte {problem.start} is no {encoding[:6].rstrip('-').upper()} text, expected a csv; "
            "save it as UTF-8"
        ) from None
    if "\0" in text:
        raise UserError(f"{path}: holds binary data, expected a csv or json file; export it as csv")
    return text


def _csv(path: Path, text: str) -> Records:
    stated = re.match(r"sep=(.)\r?\n", text)  # written by spreadsheets
    body = text[stated.end() :] if stated else text
    delimiter = stated[1] if stated else _delimiter(body)
    offset = 1 if stated else 0
    usual = csv.field_size_limit(2**31 - 1)  # of the whole process: given back below
    reader = csv.reader(StringIO(body, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[list[str], int]] = []
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                rows.append(([field.strip() for field in fields], reader.line_num + offset))
    except csv.Error as problem:
        raise UserError(
            f"{path} line {reader.line_num + offset}: {problem}, expected csv; mend the quotes"
        ) from None
    finally:
        csv.field_size_limit(usual)
    (header, _), *lines = rows
    _check_header(path, header)
    named = [(index, name) for index, name in enumerate(header) if name]
    for fields, line in lines:
        if len(fields) < len(header) or any(fields[len(header) :]):
            raise UserError(
                f"{path} line {line}: {len(fields)} fields, expected {len(header)} as in the header; "
                "quote fields that hold a separator"
            )
    return Records(
        path,
        tuple(name for _, name in named),
        tuple({name: fields[index] for index, name in named} for fields, _ in lines),
        tuple(f"line {line}" for _, line in lines),
    )


def _delimiter(text: str) -> str:
    """The separator that divides the header most often; quoted ones do not count."""
    header = re.sub(r'"[^"]*"', "", next(line for line in text.splitlines() if line.strip()))
    return max(_DELIMITERS, key=header.count)


def _check_header(path: Path, header: Iterable[str]) -> None:
    twice = [name for name, count in Counter(name for name in header if name).items() if count > 1]
    if twice:
        raise UserError(
            f"{path}: two columns are called {twice[0]!r}, expected one; rename or drop the other"
        )


def _json(path: Path, text: str) -> Records:
    """A list of objects, an object of objects, or one object per line."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as problem:
        data = _json_lines(text)
        if data is None:
            raise UserError(
                f"{path} line {problem.lineno}: {problem.msg}, expected json: a list of records; mend it"
            ) from None
    if isinstance(data, dict) and data and all(isinstance(value, dict) for value in data.values()):
        data = [{KEY: name, **value} for name, value in data.items()]
    elif isinstance(data, dict):
        data = [data]
    bad = next((index for index, value in enumerate(data) if not isinstance(value, dict)), None)
    if bad is not None:
        raise UserError(f"{path} record {bad + 1}: {str(data[bad])[:60]!r}, expected an object per clip")
    columns = tuple(dict.fromkeys(str(name) for record in data for name in record))
    rows = tuple({name: _plain(record.get(name)) for name in columns} for record in data)
    return Records(path, columns, rows, tuple(f"record {index + 1}" for index in range(len(rows))))


def _json_lines(text: str) -> list[object] | None:
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except json.JSONDecodeError:
        return None


def _plain(value: object) -> str:
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
