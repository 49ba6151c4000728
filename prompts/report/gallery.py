"""Clips that the winner fixed or broke, as frame strips with both answers."""

import io
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assets.errors import UserError
from prompts.comparison import Compared, Pair
from prompts.footage import Footage, Option
from videos.clip import Frames

WIDTH = 720  # pixels of a strip at most
QUALITY = 74
MOST_BYTES = 3_000_000  # of all strips; the whole file shall stay below 5 MB


@dataclass(frozen=True)
class Shown:
    """One clip: a JPEG as data URI, or why there is none; and what both prompts were answered."""

    pair: Pair
    image: str | None
    missing: str
    before: tuple[Option, ...]
    after: tuple[Option, ...]


@dataclass(frozen=True)
class Gallery:
    """So many of the clips that were fixed and broken."""

    fixed: tuple[Shown, ...]
    broken: tuple[Shown, ...]


def gallery(compared: Compared, footage: Footage | None, most: int) -> Gallery:
    """At most so many clips of each kind, of different actions first. Without footage no pictures."""
    room = [MOST_BYTES]
    fixed, broken = (
        tuple(_shown(pair, footage, room) for pair in _varied(pairs)[:most])
        for pairs in (compared.fixed, compared.broken)
    )
    return Gallery(fixed, broken)


def jpeg_strip(frames: Frames) -> bytes:
    """All frames in a row with their times, at most WIDTH pixels wide."""
    from videos.strip import strip

    image = strip(frames, (), times=True)
    if image.width > WIDTH:
        image = image.resize((WIDTH, max(1, round(image.height * WIDTH / image.width))))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY, optimize=True)
    return file.getvalue()


def _shown(pair: Pair, footage: Footage | None, room: list[int]) -> Shown:
    image, missing = None, "no frames were asked for"
    before: list[Option] = []
    after: list[Option] = []
    if footage is not None:
        before, after = footage.options(pair.a), footage.options(pair.b)
        try:
            data = jpeg_strip(footage.frames(footage.clip(pair.a.dataset, pair.a.clip_id), pair.a.dataset))
            if len(data) > room[0]:
                missing = "left out, this file would grow too large"
            else:
                room[0] -= len(data)
                image = f"data:image/jpeg;base64,{b64encode(data).decode()}"
        except (UserError, OSError) as problem:
            missing = f"the frames are not at hand: {problem}"
    return Shown(pair, image, missing, tuple(before), tuple(after))


def _varied(pairs: Sequence[Pair]) -> list[Pair]:
    """One of each action, then a second of each: the first few already show different things."""
    queues: dict[str, list[Pair]] = {}
    for pair in pairs:
        queues.setdefault(pair.a.human, []).append(pair)
    return list(_in_turns(list(queues.values())))


def _in_turns(queues: Sequence[Sequence[Pair]]) -> Iterator[Pair]:
    for place in range(max(map(len, queues), default=0)):
        yield from (queue[place] for queue in queues if place < len(queue))
