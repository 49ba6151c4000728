"""The seam between scoring and models: Request in, Answer out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from videos.clip import Clip, Frames
from vllm_eval.question import Question

# refused: the model declined or a content filter stepped in; a wrong answer, counted on its own.
Kind = Literal["human", "background", "other", "unparsed", "refused", "error"]


@dataclass(frozen=True)
class Request:
    """One question about one clip. ``frames`` decodes lazily; ``media_id`` keys every cache of its pixels."""

    clip: Clip
    media_id: str
    frames: Callable[[], Frames]
    question: Question
    key: str


@dataclass(frozen=True)
class Answer:
    """One reply. ``logprobs`` follows ``question.labels`` (log-softmax over the whole vocabulary) or is None.

    ``cached_tokens`` of ``prompt_tokens`` were not computed again. ``seconds`` is this answer's share of
    the time its batch took.
    """

    key: str
    text: str
    label: str | None
    kind: Kind
    logprobs: tuple[float, ...] | None
    prompt_tokens: int
    cached_tokens: int
    seconds: float
    error: str | None = None


class Engine(Protocol):
    """A target model. A failing clip is an Answer of kind "error"; a failing system is an exception."""

    @property
    def fingerprint(self) -> str:
        """Model, revision, backend, version and sampling: all that changes an answer, in one line."""

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answers in any order, each as soon as it is there; exactly one per request."""

    def close(self) -> None:
        """Give back memory and processes. Calling it twice is harmless."""
