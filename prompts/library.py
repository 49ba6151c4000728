"""The hand-written prompts of arXiv 2512.17953, the baselines every found prompt is compared with."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Literal

from prompts.prompt import Prompt

ChoiceStyle = Literal["plain", "prefixed"]


@dataclass(frozen=True)
class StyledPrompt(Prompt):
    """A prompt whose choices are written in another style. The style is part of its id, so that it can be
    scored beside the plain prompt of the same text."""

    choice_style: ChoiceStyle = "prefixed"

    @cached_property
    def id(self) -> str:
        """As Prompt.id, of style and text."""
        return sha256(f"{self.choice_style}\x1f{self.text}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class LibraryPrompt:
    """A named baseline. ``choice_style`` "prefixed" writes each choice as "A video of a human ..."."""

    name: str
    prompt: Prompt
    choice_style: ChoiceStyle = "plain"


NEUTRAL = LibraryPrompt("neutral", Prompt("What is the action being performed?"))

# The neutral text with other choices: give Evaluator.evaluate a format of style "prefixed" for this id.
PREFIXED = LibraryPrompt("prefixed", StyledPrompt(NEUTRAL.prompt.text), choice_style="prefixed")

HUMAN_FOCUSED = LibraryPrompt(
    "human-focused",
    Prompt(
        "Focus only on the person and their motion. Ignore the background, scene, or surroundings. Based on "
        "the person's posture, appearance, and movement, what is the action being performed?"
    ),
)

BACKGROUND_BIASED = LibraryPrompt(
    "background-biased",
    Prompt(
        "Please just look at the background and not the person. Based on the background scene, what is the "
        "action being performed?"
    ),
)

LIBRARY: dict[str, LibraryPrompt] = {
    entry.name: entry for entry in (NEUTRAL, PREFIXED, HUMAN_FOCUSED, BACKGROUND_BIASED)
}


def name_of(prompt_id: str) -> str | None:
    """The library's name for a prompt id, or None."""
    return next((name for name, entry in LIBRARY.items() if entry.prompt.id == prompt_id), None)
