"""open: the prompt alone; the reply is free text, matched to class names afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass

from videos.clip import Clip
from vllm_eval.question import Question
from vllm_eval.questions.layout import option_key, unlettered


@dataclass(frozen=True)
class Open:
    """``instruction`` is a constant last line, such as "Answer in a few words."."""

    instruction: str = ""

    @property
    def name(self) -> str:
        return "open"

    @property
    def key(self) -> str:
        return f"open{option_key(self.instruction)}"

    def ask(self, prompt: str, clip: Clip, classes: Sequence[str]) -> Question:
        """The question; its labels are what a reply is matched with."""
        return unlettered(prompt, classes, listed=False, instruction=self.instruction)
