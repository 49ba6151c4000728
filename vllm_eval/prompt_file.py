"""Prompts in a text file, one a line: read alike by every command and strategy that takes such a file."""

from pathlib import Path
from typing import NamedTuple

from assets.errors import UserError


class PromptLine(NamedTuple):
    """A prompt and the line it stands in, counted from 1."""

    number: int
    text: str


def prompt_lines(path: str | Path, flag: str) -> list[PromptLine]:
    """The file's prompts in order, blanks around them taken off; empty lines and those that begin with # are
    none.

    ``flag`` is what named the file, for messages. Raises UserError for a file that cannot be read or holds no
    prompt.
    """
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8-sig")
    except OSError as failure:
        told = f"cannot read {flag} {path}: {failure.strerror}; give a text file, one prompt a line"
        raise UserError(told) from None
    except UnicodeDecodeError as failure:
        raise UserError(f"{flag} {path} is no UTF-8 text ({failure.reason}); save it as UTF-8") from None
    # Not splitlines, which also breaks at signs such as U+2028 that no editor shows as the end of a line.
    lines = (PromptLine(number, line.strip()) for number, line in enumerate(text.split("\n"), 1))
    found = [line for line in lines if line.text and not line.text.startswith("#")]
    if not found:
        raise UserError(
            f"{flag} {path} holds no prompt, expected one a line; lines that begin with # are none"
        )
    return found
