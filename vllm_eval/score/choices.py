"""The choices of a clip as a file writes them: one column each, or a list in one column."""

import ast
import json
import re
from collections.abc import Sequence

from assets.errors import UserError
from vllm_eval.score.cells import label_key
from vllm_eval.score.numbering import Known
from vllm_eval.score.records import Records


def choices_of(records: Records, columns: Sequence[str], index: int) -> tuple[str, ...]:
    """The choices of a row, in order. Raises UserError for fewer than two and for one that stands twice."""
    row = records.rows[index]
    found = [row[name] for name in columns] if len(columns) > 1 else _listed(row[columns[0]])
    while found and not found[-1]:  # rows with fewer choices than columns
        found.pop()
    if len(found) < 2 or not all(found):
        told = ", ".join(found) or "nothing"
        raise UserError(f"{records.where(index)}: choices are {told}, expected two or more names")
    keys = [label_key(choice) for choice in found]
    twice = next((name for name, key in zip(found, keys, strict=True) if keys.count(key) > 1), None)
    if twice is not None:
        raise UserError(f"{records.where(index)}: choice {twice!r} stands twice, expected different choices")
    return tuple(found)


def number_of_first(columns: Sequence[str]) -> Known | None:
    """What columns of choices count from by their names: 1 for choice_1, choice_2 ..., 0 for choice_0 ..."""
    numbers = [int(match[1]) for name in columns if (match := re.search(r"(\d+)$", name))]
    for start in (0, 1):
        if numbers and numbers == list(range(start, start + len(columns))):
            return Known(start, columns[0])
    return None


def _listed(text: str) -> list[str]:
    """A list as JSON or Python write it, else parted by | or ;."""
    if text.startswith(("[", "(")):
        for read in (json.loads, ast.literal_eval):
            try:
                return [str(value).strip() for value in read(text)]
            except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
                continue
    separator = "|" if "|" in text else ";"
    return [part.strip() for part in text.split(separator)]
