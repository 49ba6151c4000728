"""Clips in memory and engines that follow a script, for the commands that score."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np

from videos.clip import Clip, ClipSet, Frames, Pixels, SourceInfo
from vllm_eval.engine import Answer, Request
from vllm_eval.parse import kind_of
from vllm_eval.rendered import Rendered
from vllm_eval.target import Outside

CLASSES = tuple(f"sport {letter}" for letter in "abcdefgh")
HELPFUL = "Watch the motion of the body, what is it?"


@dataclass(frozen=True)
class Source:
    name: str
    still: bool = False

    def identity(self) -> str:
        return self.name

    def info(self) -> SourceInfo:
        return SourceInfo(8, 8.0)

    def read(self, indices: Sequence[int]) -> Pixels:
        frames = np.arange(len(indices), dtype=np.uint8) * (not self.still)
        return np.broadcast_to(frames[:, None, None, None], (len(indices), 4, 4, 3)).copy()


def swaps(n: int = 40, still: bool = False) -> ClipSet:
    clips = [
        Clip(f"swap{i}", CLASSES[i % 8], CLASSES[(i + 3) % 8], (f"h{i}", f"b{i}"), Source(f"swap{i}", still))
        for i in range(n)
    ]
    return ClipSet("scripted swaps", tuple(clips), CLASSES)


def mimed(n: int = 16) -> ClipSet:
    clips = [Clip(f"mime{i}", CLASSES[i % 8], None, (f"m{i}",), Source(f"mime{i}")) for i in range(n)]
    return ClipSet("scripted mimes", tuple(clips), CLASSES)


@dataclass
class Store:
    """Frames of memory; ``frames`` overrides how many are given."""

    frames: int | None = None
    broken: tuple[str, ...] = ()

    def media_id(self, clip: Clip, policy: Any) -> str:
        return f"{clip.frames.identity()}-{policy.key}"

    def get(self, clip: Clip, policy: Any) -> Frames:
        if clip.id in self.broken:
            raise ValueError("moov atom not found")
        count = self.frames or policy.frames
        return Frames(clip.frames.read(range(count)), tuple(range(count)), 8.0, 8)

    def fill(self, clips: Sequence[Clip], policy: Any) -> dict[str, str]:
        return {}


@dataclass
class Engine:
    """Sees the person with probability 0.3, with a helpful prompt 0.8; caches a clip's video of 60 tokens."""

    fingerprint: str = "scripted 1"
    asked: list[str] = field(default_factory=list)
    cached: set[str] = field(default_factory=set)
    stop_after: int | None = None
    fails: bool = False
    closed: bool = False

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        for request in requests:
            if self.stop_after is not None and len(self.asked) >= self.stop_after:
                raise KeyboardInterrupt
            self.asked.append(request.key)
            yield self.reply(request)

    def reply(self, request: Request) -> Answer:
        clip, question = request.clip, request.question
        if self.fails:
            return Answer(request.key, "", None, "error", None, 0, 0, 0.0, "ValueError: no frames")
        draw = int(sha256(clip.id.encode()).hexdigest()[:8], 16) / 16**8
        right = draw < (0.8 if "motion" in question.text else 0.3)
        label = clip.human if right else clip.background or question.labels[0]
        letter = question.letters[question.labels.index(label)] if question.letters else label
        logprobs = tuple(-0.1 if one == label else -4.0 for one in question.labels)
        cached = 60 if request.media_id in self.cached else 0
        self.cached.add(request.media_id)
        kind = kind_of(label, clip)
        return Answer(request.key, letter, label, kind, logprobs, 100, cached, 0.01)

    def rendered(self, request: Request) -> Rendered:
        letters = {letter: 65 + place for place, letter in enumerate(request.question.letters)}
        return Rendered(f"<user><video>{request.question.text}<assistant>", 100, 60, letters)

    def close(self) -> None:
        self.closed = True


def outside(engine: Any = None, store: Store | None = None, still: bool = False) -> Outside:
    """The engine, kept over several calls of a command where one is given."""
    frames: Any = lambda: store or Store()  # noqa: E731
    sets = {"hat:rand_1": swaps(still=still), "mimetics": mimed()}
    return Outside(
        dataset=lambda name, root: sets[name],
        engine=lambda name, model, **options: engine if engine is not None else Engine(),
        frames=frames,
    )
