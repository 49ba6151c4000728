"""From the text in a cell to one of a clip's choices: a label, a letter, a number, or nothing readable."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from vllm_eval.parse import normal_label, read_reply
from vllm_eval.question import Question

Reading = Literal["cell", "first", "reply"]

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BLANK = ("", "nan", "none", "null")  # what tables write into a cell that holds nothing
_EMPTY = {"", "-", "-1", "nan", "<na>", "none", "null", "n/a", "na", "invalid", "unparsed"}
_LED = re.compile(r"[(\[\"'*]*([A-Z])\s*[).:\]\"'*,]")  # "C)", "(C) archery", "C. archery"


class Nothing(Enum):
    """Why a cell names no choice: nothing readable, the clip could not be asked, or an unknown name."""

    UNPARSED = "unparsed"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Position:
    """A choice by its place, counted from 0."""

    index: int


Value = str | Position  # a label as ``label_key`` writes it, or a place among the choices


@dataclass(frozen=True)
class Menu:
    """What a cell may name. ``labels`` are the clip's choices in order, or every label of the file.

    ``places`` is how many letters and numbers stand for choices, 0 where the choices are not known.
    """

    labels: tuple[str, ...]
    places: int
    keys: Mapping[str, str] = field(default_factory=dict)  # label_key -> label


def menu(labels: Sequence[str], ordered: bool) -> Menu:
    """A menu of labels; ``ordered`` where their place means something."""
    return Menu(tuple(labels), len(labels) if ordered else 0, {label_key(label): label for label in labels})


def label_key(label: str) -> str:
    """Labels that differ in case, underscores or punctuation alone are the same."""
    return normal_label(label) or label.strip().casefold()


def number_in(text: str) -> int | None:
    """A whole number: "3", also as tables write it, "3.0"."""
    match = re.fullmatch(r"(-?\d+)(?:\.0+)?", text)
    return int(match[1]) if match else None


def is_letter(text: str) -> bool:
    """One letter, of either case."""
    return len(text) == 1 and text.upper() in ALPHABET


def read_prediction(
    text: str, allowed: Menu, start: int | None, lower: bool, reading: Reading
) -> Value | Nothing:
    """What a prediction says. ``start``: what choice numbers count from; None where numbers are labels.

    ``lower``: letters are written in lower case throughout, so "c" is a letter too. ``reading``: "cell" takes
    a label, letter or number alone or a letter set off at the start; "first" the first character, a capital
    letter or nothing, as the code of arXiv 2512.17953 does; "reply" what ``read_reply`` makes of free text.
    """
    key = label_key(text)
    if reading == "cell" and key in allowed.keys:
        return key
    if text.casefold() in _EMPTY:
        return Nothing.UNPARSED
    if text.casefold() == "error":
        return Nothing.ERROR
    if reading == "first":
        return _letter(text[0], allowed)
    if reading == "reply":
        return _reply(text, allowed)
    if is_letter(text):
        return _letter(text.upper() if lower else text, allowed)
    number = number_in(text)
    if number is not None:
        return Position(number - start) if start is not None else Nothing.UNKNOWN
    if len(text) == 1:  # the first character of a reply that began otherwise
        return Nothing.UNPARSED
    led = _LED.match(text)
    return _letter(led[1], allowed) if led else Nothing.UNKNOWN


def read_reference(text: str, allowed: Menu, start: int | None) -> Value | None:
    """What a human or background cell names; None where that is nothing known."""
    key = label_key(text)
    if key in allowed.keys:
        return key
    if is_letter(text):
        return Position(ALPHABET.index(text.upper()))
    number = number_in(text)
    return Position(number - start) if number is not None and start is not None else None


def resolved(value: Value, allowed: Menu) -> Value | None:
    """A place as the label that stands there; None beyond the last. Unknown choices leave the place."""
    if isinstance(value, str) or not allowed.places:
        return value
    inside = 0 <= value.index < allowed.places
    return label_key(allowed.labels[value.index]) if inside else None


def _letter(text: str, allowed: Menu) -> Value | Nothing:
    if text not in ALPHABET or (allowed.places and ALPHABET.index(text) >= allowed.places):
        return Nothing.UNPARSED
    return Position(ALPHABET.index(text))


def _reply(text: str, allowed: Menu) -> Value | Nothing:
    letters = tuple(ALPHABET[: allowed.places])
    label = read_reply(text, Question("", allowed.labels, letters))
    return Nothing.UNPARSED if label is None else label_key(label)
