"""Question formats: (prompt, clip) -> the text asked and the labels allowed. Pure functions, no model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from videos.clip import Clip


@dataclass(frozen=True)
class Question:
    """``text`` follows the video verbatim; ``labels`` are allowed, ``letters`` name them (empty if none)."""

    text: str
    labels: tuple[str, ...]
    letters: tuple[str, ...]


class QuestionFormat(Protocol):
    """One way of asking. ``key`` spells every option that changes the text."""

    @property
    def name(self) -> str: ...

    @property
    def key(self) -> str: ...

    def ask(self, prompt: str, clip: Clip, classes: Sequence[str]) -> Question:
        """The question for this clip. Choices depend on (seed, clip) only, never on the prompt."""
