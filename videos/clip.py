"""Clip and ClipSet: what is looked at, and how a set is divided without sharing a source."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assets.errors import UserError

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
    """One item to answer. ``sources`` names every original video in it: the unit of splits and clusters."""

    id: str
    human: str
    background: str | None
    sources: tuple[str, ...]
    frames: FrameSource
    tags: tuple[str, ...] = ()


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
        roots = _components(self.clips)
        return tuple(roots[clip.sources[0]] for clip in self.clips)

    def split(self, fractions: Mapping[str, float], seed: int) -> dict[str, "ClipSet"]:
        """Divide so that no source stands on two sides: whole components are dealt out, in seeded order.

        Sides are filled in the order given, each until it holds its share of the clips; the last takes
        what remains. Raises UserError when fractions do not sum to one or a side stays empty.
        """
        if abs(sum(fractions.values()) - 1.0) > 1e-6:
            raise UserError(
                f"split fractions {dict(fractions)} sum to {sum(fractions.values()):g}, expected 1"
            )
        sides = _deal(self._by_cluster(seed), fractions, len(self.clips))
        order = {clip.id: rank for rank, clip in enumerate(self.clips)}
        return {
            name: self._part(name, sorted(clips, key=lambda c: order[c.id])) for name, clips in sides.items()
        }

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

    def _by_cluster(self, seed: int) -> list[list[Clip]]:
        groups: dict[str, list[Clip]] = defaultdict(list)
        for clip, cluster in zip(self.clips, self.clusters(), strict=True):
            groups[cluster].append(clip)
        return [groups[cluster] for cluster in sorted(groups, key=lambda c: _rank(seed, c))]

    def _part(self, name: str, clips: Sequence[Clip]) -> "ClipSet":
        if not clips:
            raise UserError(
                f"split side {name!r} of {self.name} would be empty: {len(self)} clips are too entangled"
            )
        return ClipSet(f"{self.name}/{name}", tuple(clips), self.classes)


def _rank(seed: int, text: str) -> str:
    return sha256(f"{seed}:{text}".encode()).hexdigest()


def _components(clips: Sequence[Clip]) -> dict[str, str]:
    """Union-find over sources: each source maps to the smallest source id of its component."""
    parent: dict[str, str] = {}

    def find(source: str) -> str:
        parent.setdefault(source, source)
        while parent[source] != source:
            parent[source] = parent[parent[source]]
            source = parent[source]
        return source

    for clip in clips:
        roots = sorted({find(source) for source in clip.sources})
        for root in roots[1:]:
            parent[root] = roots[0]
    return {source: find(source) for source in parent}


def _deal(groups: Sequence[list[Clip]], fractions: Mapping[str, float], total: int) -> dict[str, list[Clip]]:
    sides: dict[str, list[Clip]] = {name: [] for name in fractions}
    names = list(fractions)
    at = 0
    for group in groups:
        # The tolerance keeps 0.3 * 10 == 3 from asking for a fourth group through rounding.
        while at < len(names) - 1 and len(sides[names[at]]) >= fractions[names[at]] * total - 1e-6:
            at += 1
        sides[names[at]].extend(group)
    return sides


def shuffled(items: Sequence[str], seed: int, salt: str) -> list[str]:
    """A permutation that depends on (seed, salt) alone, the same on every platform."""
    copy = list(items)
    random.Random(f"{seed}:{salt}").shuffle(copy)
    return copy
