"""Rows sorted and filtered as a command line asks: ``shacc>=0.5``, ``origin=opro``, ``text~person``."""

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from assets.errors import UserError

Row = Mapping[str, Any]
Test = Callable[[Row], bool]

_FORM = re.compile(r"\s*([A-Za-z_]\w*)\s*(>=|<=|!=|=|>|<|~)\s*(.*?)\s*", re.S)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def filtered(rows: Sequence[dict[str, Any]], wanted: Sequence[str]) -> list[dict[str, Any]]:
    """The rows that pass every filter. Raises UserError for a filter that cannot be read."""
    tests = [_test(text, rows) for text in wanted] if rows else []
    return [row for row in rows if all(test(row) for test in tests)]


def ordered(rows: Sequence[dict[str, Any]], field: str, ascending: bool) -> list[dict[str, Any]]:
    """By one field, the largest first unless ``ascending``; rows without a value last either way."""
    if not rows:
        return []
    _check(field, rows)
    without = [row for row in rows if row[field] is None]
    having = [row for row in rows if row[field] is not None]
    return [*sorted(having, key=lambda row: _key(row[field]), reverse=not ascending), *without]


def _test(text: str, rows: Sequence[Row]) -> Test:
    form = _FORM.fullmatch(text)
    if form is None:
        raise UserError(f"filter {text!r} is none, expected FIELD, one of >= <= != = > < ~, and a value")
    field, sign, value = form.groups()
    _check(field, rows)
    if sign == "~":
        return lambda row: value.casefold() in _told(row[field]).casefold()
    if any(isinstance(row[field], int | float) for row in rows):
        return _numeric(field, sign, value)
    if sign not in ("=", "!="):
        raise UserError(f"filter {text!r}: {field} is no number, expected = != or ~ (contains)")
    return lambda row: (_told(row[field]) == value) == (sign == "=")


def _numeric(field: str, sign: str, value: str) -> Test:
    try:  # divided, as shares are: 35 * 0.01 is more than 35 / 100
        number = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        raise UserError(f"filter on {field}: {value!r} is no number, expected e.g. 0.5 or 50%") from None
    return lambda row: row[field] is not None and _COMPARE[sign](row[field], number)


def _check(field: str, rows: Sequence[Row]) -> None:
    known = list(rows[0])
    if field not in known:
        near = get_close_matches(field, known, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UserError(f"field {field!r} is unknown; {hint}known: {', '.join(known)}")


def _key(value: Any) -> Any:
    return value if isinstance(value, int | float | str) else _told(value)


def _told(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else str(value)
