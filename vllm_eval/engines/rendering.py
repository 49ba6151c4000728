"""Questions to token ids: what goes up to the video's end once per clip, the rest once per question."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from assets.errors import UserError
from vllm_eval.question import Question

_MARK = "\u241fQUESTION\u241f"


@dataclass(frozen=True)
class Template:
    """A chat template cut in two around the question: ids up to and after it, in the order video, question.

    ``head`` holds the video placeholder once. Cutting there changes no token: special tokens stand there.
    """

    tokenizer: Any
    head: tuple[int, ...]
    tail: tuple[int, ...]
    video: int

    def prefix(self, tokens: int) -> list[int]:
        """Ids of system message and video of that many tokens."""
        at = self.head.index(self.video)
        return [*self.head[:at], *[self.video] * tokens, *self.head[at + 1 :]]

    def suffixes(self, questions: Sequence[Question]) -> list[list[int]]:
        """Ids of each question and of what makes the model answer. A question's text is only ever text:
        special tokens spelled out in it are read letter by letter."""
        texts = [question.text for question in questions]
        encoded = self.tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return [[*ids, *self.tail] for ids in encoded]

    @cached_property
    def _letters(self) -> dict[str, int]:
        return {}

    def letter_ids(self, letters: Sequence[str]) -> list[int]:
        """The token each letter is when the model answers with it. Raises UserError if it isn't one token."""
        for letter in letters:
            if letter not in self._letters:
                self._letters[letter] = self._letter(letter)
        return [self._letters[letter] for letter in letters]

    def _letter(self, letter: str) -> int:
        context = self.tokenizer.decode(self.tail)
        ids = self.tokenizer(context + letter, add_special_tokens=False)["input_ids"]
        if tuple(ids[:-1]) != self.tail:
            raise UserError(
                f"{letter!r} is not one token of this model's answer: ask with format open instead"
            )
        return int(ids[-1])


def read_template(tokenizer: Any, video_id: int, system: str | None = None) -> Template:
    """The tokenizer's own chat template, with the video before the question.

    Raises UserError when the template does not put one video and then the question into one user turn.
    """
    content = [{"type": "video"}, {"type": "text", "text": _MARK}]
    messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if system is not None:
        messages.insert(0, {"role": "system", "content": system})
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    before, _, after = text.partition(_MARK)
    head, tail = (tuple(tokenizer(part, add_special_tokens=False)["input_ids"]) for part in (before, after))
    if head.count(video_id) != 1 or not tail:
        raise UserError(
            "the model's chat template does not place one video before the question: not supported"
        )
    return Template(tokenizer, head, tail, video_id)
