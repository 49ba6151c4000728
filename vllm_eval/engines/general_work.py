"""Clips in work: what of each is still to be asked, in parts that can be halved when memory runs out."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from vllm_eval.engine import Answer
from vllm_eval.engines.batching import Ask
from vllm_eval.engines.general_media import Media
from vllm_eval.engines.general_memory import out_of_memory
from vllm_eval.engines.general_model import HeadedPrefix


@dataclass
class ClipWork:
    """A clip's open questions, longest first. ``cached``: its prefix needs no computing for the next one."""

    media_id: str
    asks: deque[Ask]
    media: Media | None
    prefix: HeadedPrefix | None
    cached: bool


@dataclass
class Part:
    """Clips asked together, those with most questions left first; ``rows`` is kept between rounds."""

    clips: list[ClipWork]
    rows: Any = field(default=None)

    def halves(self) -> "tuple[Part, Part]":
        """Both without rows: those are given up with the memory they took."""
        middle = -(-len(self.clips) // 2)
        return Part(self.clips[:middle]), Part(self.clips[middle:])


Round = Callable[[Part], list[Answer]]
Spill = Callable[[int], bool]
GiveUp = Callable[[ClipWork], list[Answer]]


def serve(clips: list[ClipWork], ask: Round, spill: Spill, give_up: GiveUp) -> Iterator[Answer]:
    """Answers of rounds of one question per clip, until none is left.

    ``ask`` answers the first open question of each clip and takes nothing off: a round that runs out of
    memory is forgotten and asked again in halves, so that no answer is lost or doubled. ``spill`` is told how
    many clips did not fit, frees what it can and says whether to try again; where it doesn't, ``give_up``
    answers for the clip, or raises.
    """
    parts = deque([Part(clips)])
    while parts:
        part = parts.popleft()
        answers = _attempt(part, ask)
        if answers is None:
            part.rows = None
            if spill(len(part.clips)):
                parts.extendleft(reversed(part.halves()) if len(part.clips) > 1 else [part])
            else:
                yield from give_up(part.clips[0])
            continue
        for clip in part.clips:
            clip.asks.popleft()
        yield from answers
        part.clips = [clip for clip in part.clips if clip.asks]
        if part.clips:
            parts.appendleft(part)


def _attempt(part: Part, ask: Round) -> list[Answer] | None:
    """None where memory ran out: the error goes, and with it all tensors that its traceback holds."""
    try:
        return ask(part)
    except (RuntimeError, MemoryError) as failure:
        if not out_of_memory(failure):
            raise
    return None
