"""Clip and ClipSet: what is looked at, and how a set is divided without sharing a source."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from videos.groups import components

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class SourceInfo:
    """Length in frames and source frame rate in frames per second."""

    length: int
    fps: float


@dataclass(frozen=True)
class Frames:
    """Decoded frames of one clip: ``pixels`` uint8 [T, H, W, 3] RGB, and where they come from."""

    pixels: Pixels
    indices: tuple[int, ...]
    fps: float
    total: int


class FrameSource(Protocol):
    """How to get pixels. Two sources with the same identity give the same pixels for the same indices."""

    def identity(self) -> str:
        """Hex hash of everything that decides a pixel: file contents and the version of the rules applied."""

    def info(self) -> SourceInfo:
        """Length and frame rate, without decoding where the container tells."""

    def read(self, indices: Sequence[int]) -> Pixels:
        """RGB frames uint8 [len(indices), H, W, 3] at 0-based indices, repeats allowed."""


@dataclass(frozen=True)
class Clip:
    """One item to answer. ``sources`` names every original video in it: the unit of splits and clusters.

    ``choices`` are the labels to offer, in that order, where the dataset fixes them; else the question draws.
    """

    id: str
    human: str
    background: str | None
    sources: tuple[str, ...]
    frames: FrameSource
    tags: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClipSet:
    """Named, ordered clips plus the class list questions draw from."""

    name: str
    clips: tuple[Clip, ...]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.clips)

    def clusters(self) -> tuple[str, ...]:
        """Per clip, the id of its connected component of shared sources: what can be resampled."""
        roots = components(clip.sources for clip in self.clips)
        return tuple(roots[clip.sources[0]] for clip in self.clips)

    def split(self, fractions: Mapping[str, float], seed: int) -> dict[str, "ClipSet"]:
        """Divide so that no source stands on two sides and no clip is left out: see ``videos.splits``.

        Classes and variants are spread evenly, and added clips leave old ones on their sides as far as can
        be. ``videos.sides.divide`` also divides sets whose clips nearly all hang together. Raises UserError
        when fractions do not sum to one or a side stays empty.
        """
        from videos.splits import split_whole  # here, because it imports this module

        return dict(split_whole(self, fractions, seed).sides)

    def take(self, n: int, seed: int) -> "ClipSet":
        """A seeded subset of n clips, human classes balanced, in this set's order. All when n >= len."""
        if n >= len(self.clips):
            return self
        queues: dict[str, list[Clip]] = defaultdict(list)
        for clip in sorted(self.clips, key=lambda c: _rank(seed, c.id)):
            queues[clip.human].append(clip)
        rounds = sorted(
            (place, _rank(seed, clip.id), clip.id)
            for queue in queues.values()
            for place, clip in enumerate(queue)
        )
        chosen = {clip_id for _, _, clip_id in rounds[:n]}
        return replace(self, clips=tuple(c for c in self.clips if c.id in chosen))


def _rank(seed: int, text: str) -> str:
    return sha256(f"{seed}:{text}".encode()).hexdigest()


def shuffled(items: Sequence[str], seed: int, salt: str) -> list[str]:
    """A permutation that depends on (seed, salt) alone, the same on every platform."""
    copy = list(items)
    random.Random(f"{seed}:{salt}").shuffle(copy)
    return copy
