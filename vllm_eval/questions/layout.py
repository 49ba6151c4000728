"""How a question is written out: prompt, lettered choices, instruction; nothing the format doesn't need."""

from collections.abc import Sequence
from hashlib import sha256
from string import ascii_uppercase

from assets.errors import UserError
from vllm_eval.question import Question

MAX_LETTERS = len(ascii_uppercase)
STYLES = {"plain": "{}", "prefixed": "A video of a human {}"}


def check_style(style: str) -> None:
    """Raises UserError for a style of choices that does not exist."""
    if style not in STYLES:
        raise UserError(f"unknown choice style {style!r}, expected one of: {', '.join(STYLES)}")


def lettered(prompt: str, labels: Sequence[str], style: str = "plain", instruction: str = "") -> Question:
    """``prompt``, then one line "A. name" per label, then the instruction if there is one."""
    letters = tuple(ascii_uppercase[: len(labels)])
    named = zip(letters, labels, strict=True)
    lines = [f"{letter}. {STYLES[style].format(label)}" for letter, label in named]
    return Question("\n".join([prompt, *lines, *_line(instruction)]), tuple(labels), letters)


def unlettered(prompt: str, labels: Sequence[str], listed: bool, instruction: str = "") -> Question:
    """``prompt``, then the labels in one line where they are ``listed``, then the instruction."""
    names = [f"Choices: {', '.join(labels)}"] if listed else []
    return Question("\n".join([prompt, *names, *_line(instruction)]), tuple(labels), ())


def option_key(instruction: str) -> str:
    """What an instruction adds to a format's key."""
    return f"-{sha256(instruction.encode()).hexdigest()[:8]}" if instruction else ""


def _line(instruction: str) -> list[str]:
    return [instruction] if instruction else []
