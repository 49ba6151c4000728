"""mcq5: five lettered choices, as in arXiv 2512.17953: the person's action, the scene's, three others."""

from collections.abc import Sequence
from dataclasses import dataclass

from assets.errors import UserError
from videos.clip import Clip, shuffled
from vllm_eval.question import Question
from vllm_eval.questions.layout import check_style, lettered, option_key

CHOICES = 5


@dataclass(frozen=True)
class Mcq5:
    """``style`` "prefixed" writes each choice as "A video of a human ...". ``instruction`` is a constant last
    line, such as "Answer with the letter only.", for models that need one."""

    seed: int = 0
    style: str = "plain"
    instruction: str = ""

    def __post_init__(self) -> None:
        check_style(self.style)

    @property
    def name(self) -> str:
        return "mcq5"

    @property
    def key(self) -> str:
        return f"mcq5-{self.style}-seed{self.seed}{option_key(self.instruction)}"

    def ask(self, prompt: str, clip: Clip, classes: Sequence[str]) -> Question:
        """The question. Raises UserError when there are too few classes for five choices."""
        return lettered(prompt, self._choices(clip, classes), self.style, self.instruction)

    def _choices(self, clip: Clip, classes: Sequence[str]) -> list[str]:
        """The clip's own where its dataset fixes them; else human, background and distractors, in an order
        that depends on (seed, clip id) alone."""
        if clip.choices:
            return list(clip.choices)
        fixed = [clip.human]
        if clip.background is not None and clip.background != clip.human:
            fixed.append(clip.background)
        others = [name for name in classes if name not in fixed]
        drawn = shuffled(others, self.seed, f"distractors:{clip.id}")
        choices = [*fixed, *drawn[: CHOICES - len(fixed)]]
        if len(choices) < CHOICES:
            raise UserError(
                f"{len(choices)} classes for clip {clip.id}, mcq5 needs {CHOICES}: use closed instead"
            )
        return shuffled(choices, self.seed, f"order:{clip.id}")
