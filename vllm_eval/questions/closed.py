"""closed: all classes are choices, lettered while the alphabet lasts, listed by name beyond it."""

from collections.abc import Sequence
from dataclasses import dataclass

from videos.clip import Clip, shuffled
from vllm_eval.question import Question
from vllm_eval.questions.layout import MAX_LETTERS, check_style, lettered, option_key, unlettered


@dataclass(frozen=True)
class Closed:
    """``style`` and ``instruction`` as in mcq5; a list of names is always plain."""

    seed: int = 0
    style: str = "plain"
    instruction: str = ""

    def __post_init__(self) -> None:
        check_style(self.style)

    @property
    def name(self) -> str:
        return "closed"

    @property
    def key(self) -> str:
        return f"closed-{self.style}-seed{self.seed}{option_key(self.instruction)}"

    def ask(self, prompt: str, clip: Clip, classes: Sequence[str]) -> Question:
        """The question, choices in an order that depends on (seed, clip id) alone."""
        labels = shuffled(_all(clip, classes), self.seed, f"order:{clip.id}")
        if len(labels) <= MAX_LETTERS:
            return lettered(prompt, labels, self.style, self.instruction)
        return unlettered(prompt, labels, listed=True, instruction=self.instruction)


def _all(clip: Clip, classes: Sequence[str]) -> list[str]:
    """The classes, and the clip's own two labels should they be missing from the list."""
    own = [clip.human] if clip.background is None else [clip.human, clip.background]
    return list(dict.fromkeys([*classes, *own]))
