"""Prompt: the text that is optimised, and where it came from."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256


@dataclass(frozen=True)
class Prompt:
    """``parents`` are prompt ids, ``origin`` a strategy or "hand", ``hypothesis`` why it might work."""

    text: str
    parents: tuple[str, ...] = ()
    origin: str = "hand"
    hypothesis: str = ""

    @cached_property
    def id(self) -> str:
        """The first 16 hex digits of the text's sha256: the same text is the same prompt everywhere."""
        return sha256(self.text.encode()).hexdigest()[:16]
