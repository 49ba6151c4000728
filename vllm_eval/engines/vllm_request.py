"""From a question and a clip's frames to what vLLM is given. Pure functions, no vLLM."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from assets.errors import UserError
from videos.clip import Frames
from vllm_eval.question import Question

_MARK = "\u241fQUESTION\u241f"


@dataclass(frozen=True)
class Sampling:
    """How one answer is drawn, always greedily: one of the ``letters`` (token ids), one of the texts of
    ``choice``, or free text of at most ``max_tokens``."""

    max_tokens: int
    letters: tuple[int, ...] = ()
    choice: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """Token ids of a prompt, its video as one placeholder in the first ``head`` of them."""

    ids: tuple[int, ...]
    head: int

    @property
    def suffix(self) -> int:
        """How many ids follow the video: what each question costs anew."""
        return len(self.ids) - self.head


@dataclass(frozen=True)
class Template:
    """A chat template cut in two around the question, in the order system, video, question: every question
    about a clip then begins with the same tokens, and the prefix cache holds them."""

    tokenizer: Any
    before: str
    after: str
    _letters: dict[str, int] = field(default_factory=dict)

    def ask(self, question: Question) -> Asked:
        """A question's text is only ever text: special tokens spelled out in it are read letter by letter."""
        if any(token in question.text for token in self._added):
            plain = self._ids(question.text, split_special_tokens=True)
            ids = [*self._ids(self.before), *plain, *self._ids(self.after)]
        else:
            ids = self._ids(self.before + question.text + self.after)
        return Asked(tuple(ids), self._head)

    @property
    def text_head(self) -> int:
        """Tokens before the question that are no video."""
        return self._head - 1

    @cached_property
    def _head(self) -> int:
        return len(self._ids(self.before))

    @cached_property
    def _added(self) -> tuple[str, ...]:
        return tuple(self.tokenizer.get_added_vocab())

    def letter_ids(self, question: Question) -> tuple[int, ...]:
        """The token each letter is when the model answers with it. Raises UserError if it isn't one token."""
        for letter in question.letters:
            if letter not in self._letters:
                self._letters[letter] = self._letter(letter)
        return tuple(self._letters[letter] for letter in question.letters)

    def _letter(self, letter: str) -> int:
        tail = self._ids(self.after)
        ids = self._ids(self.after + letter)
        if ids[:-1] != tail:
            raise UserError(
                f"{letter!r} is not one token of this model's answer: ask with format open instead"
            )
        return ids[-1]

    def _ids(self, text: str, **options: Any) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False, **options)["input_ids"])


def read_template(tokenizer: Any, system: str | None = None, chat_template: str | None = None) -> Template:
    """The chat template, with the video before the question.

    Raises UserError when it does not put one video and then the question into a user's turn.
    """
    seen, blind = (_rendered(tokenizer, system, chat_template, video) for video in (True, False))
    before, mark, after = seen.partition(_MARK)
    if not mark or before == blind.partition(_MARK)[0] or not after:
        raise UserError(
            "the model's chat template does not place a video before the question: give one that does, "
            "by the option chat_template"
        )
    return Template(tokenizer, before, after)


def _rendered(tokenizer: Any, system: str | None, chat_template: str | None, video: bool) -> str:
    content = [*([{"type": "video"}] if video else []), {"type": "text", "text": _MARK}]
    messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if system is not None:
        messages.insert(0, {"role": "system", "content": system})
    try:
        text = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, chat_template=chat_template
        )
    except Exception as failure:  # a template raises what it likes
        reason = str(failure).strip().split("\n")[0]
        raise UserError(
            f"the model's chat template fails ({reason}): give one by the option chat_template"
        ) from None
    return str(text)


def sampling(template: Template, question: Question, max_new_tokens: int, constrain: bool = True) -> Sampling:
    """Letters in one token; names that the question lists as a choice among them; else free text."""
    if question.letters:
        return Sampling(1, letters=template.letter_ids(question))
    if constrain and lists_labels(question):
        # No way of spelling a label has more tokens than it has bytes; one more ends the answer.
        longest = max(len(label.encode()) for label in question.labels)
        return Sampling(longest + 1, choice=question.labels)
    return Sampling(max_new_tokens)


def lists_labels(question: Question) -> bool:
    """The model has been shown the names it may answer with (an open question keeps them to itself)."""
    return len(question.labels) > 1 and ", ".join(question.labels) in question.text


def prompt(asked: Asked, uuid: str, frames: Frames | None, salt: str | None = None) -> dict[str, Any]:
    """A prompt for vLLM. ``frames`` None names a clip that vLLM has seen. ``salt`` keeps its caches apart.

    Raises UserError for frames of a wrong shape.
    """
    video = None if frames is None else (frames.pixels, metadata(frames))
    salted = {} if salt is None else {"cache_salt": salt}
    return {
        "prompt_token_ids": list(asked.ids),
        "multi_modal_data": {"video": [video]},
        "multi_modal_uuids": {"video": [uuid]},
        **salted,
    }


def metadata(frames: Frames) -> Mapping[str, Any]:
    """Where frames come from, in the source's frame rate; ``do_sample_frames`` False: they are all meant."""
    shape, kind = frames.pixels.shape, frames.pixels.dtype
    if kind != np.uint8 or len(shape) != 4 or shape[-1] != 3 or not frames.pixels.size:
        raise UserError(f"frames of shape {shape} and type {kind}, expected uint8 [T, H, W, 3]")
    # Without a known rate one frame a second: timestamps must be finite.
    fps = frames.fps if frames.fps > 0 else 1.0
    return {
        "fps": float(fps),
        "total_num_frames": int(frames.total),
        "duration": frames.total / fps,
        "frames_indices": [int(index) for index in frames.indices],
        "video_backend": "opencv",
        "do_sample_frames": False,
    }
