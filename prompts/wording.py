"""How one text became another, word by word."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Operation = Literal["same", "removed", "added"]


@dataclass(frozen=True)
class Change:
    """Words that stayed, went or came, with the spaces after them."""

    operation: Operation
    text: str


def word_diff(old: str, new: str) -> list[Change]:
    """The shortest way found from old to new; joined without what was added it gives old, and vice versa."""
    before, after = _words(old), _words(new)
    changes: list[Change] = []
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            changes.append(Change("same", "".join(before[a:b])))
            continue
        if b > a:
            changes.append(Change("removed", "".join(before[a:b])))
        if d > c:
            changes.append(Change("added", "".join(after[c:d])))
    return changes


def _words(text: str) -> list[str]:
    return re.findall(r"\w+(?:['’]\w+)*|\s+|[^\w\s]", text)
