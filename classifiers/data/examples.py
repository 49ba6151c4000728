"""Example: one clip as arrays; sources of examples, and keeping them on disk once they are made."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from filelock import FileLock

from assets.cache import cache_dir
from assets.errors import UserError
from classifiers.data.masks import MaskSource, fitted
from videos.clip import Clip, ClipSet, Pixels
from videos.decode import FramePolicy, resize
from videos.store import FrameStore

_RULES = 1  # raise when the same source gives other arrays
FAILURES = (UserError, OSError, ValueError, RuntimeError)  # what files of a clip raise that are broken
Tick = Callable[[int, int], None]


@dataclass(frozen=True)
class Example:
    """pixels uint8 [T, H, W, 3]; mask uint8 [T, H, W], 255 where a person is; label: number of the class."""

    pixels: Pixels
    mask: Pixels
    label: int


class Unreadable(UserError):
    """Frames or masks of one clip cannot be had: that clip is left out, or counted as an error."""


class Examples(Protocol):
    """A sequence of examples. ``key`` spells all that decides them."""

    @property
    def key(self) -> str: ...

    def __len__(self) -> int: ...

    def example(self, index: int) -> Example:
        """Raises Unreadable where the clip cannot be had."""


@dataclass(frozen=True)
class ClipExamples:
    """The clips of a set through the frame store, masks from ``masks``; labels count in ``classes``.

    Raises UserError for a clip whose class is not among ``classes``.
    """

    clips: tuple[Clip, ...]
    classes: tuple[str, ...]
    policy: FramePolicy
    masks: MaskSource
    name: str = ""

    @property
    def key(self) -> str:
        ids = sha256("\n".join(f"{clip.id} {_identity(clip)}" for clip in self.clips).encode()).hexdigest()
        return f"clips {self.name} {ids} {self.classes} {self.policy.key} {self.masks.key}"

    @cached_property
    def _store(self) -> FrameStore:
        return FrameStore()

    def __len__(self) -> int:
        return len(self.clips)

    def example(self, index: int) -> Example:
        clip = self.clips[index]
        label = number_of(clip.human, self.classes)
        try:
            frames = self._store.get(clip, self.policy)
            mask = fitted(self.masks, clip, frames.indices, frames.pixels.shape)
        except FAILURES as failure:
            raise Unreadable(f"{clip.id}: {failure}") from failure
        return Example(np.asarray(frames.pixels), mask, label)

    def fill(self) -> dict[int, str]:
        """Decode all there is, in several processes; why not, by number of the clips that cannot be read.

        Masks are read, too, and not kept: a broken one must show now and not in the midst of training.
        """
        failed = self._store.fill(self.clips, self.policy)
        with ThreadPoolExecutor() as pool:
            unmasked = pool.map(self._unmasked, self.clips)
            whys = [failed.get(clip.id) or why for clip, why in zip(self.clips, unmasked, strict=True)]
        return {number: f"{self.clips[number].id}: {why}" for number, why in enumerate(whys) if why}

    def _unmasked(self, clip: Clip) -> str | None:
        """Why the masks of a clip cannot be read."""
        try:
            self.masks.levels(clip, self.policy.indices(clip.frames.info()))
        except FAILURES as failure:
            return str(failure)
        return None


def _identity(clip: Clip) -> str:
    """Of the clip's files; "" where they cannot be read, so that mended ones are read again."""
    try:
        return clip.frames.identity()
    except FAILURES:
        return ""


def number_of(name: str, classes: Sequence[str]) -> int:
    """The class's number. Always by name: published class orders differ."""
    try:
        return classes.index(name)
    except ValueError:
        raise UserError(f"class {name!r} is unknown to this model of {len(classes)} classes") from None


def clip_examples(
    clips: ClipSet, classes: tuple[str, ...], policy: FramePolicy, masks: MaskSource
) -> ClipExamples:
    """All clips of a set."""
    return ClipExamples(clips.clips, classes, policy, masks, clips.name)


class Frozen:
    """Examples of one shape, memory-mapped: pixels [N, T, S, S, 3], masks [N, T, S, S], labels [N].

    ``failed``: why, by number of the clips that could not be read; theirs are black.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self.key = folder, key
        self.pixels: Pixels = np.load(folder / "pixels.npy", mmap_mode="r")
        self.masks: Pixels = np.load(folder / "masks.npy", mmap_mode="r")
        self.labels = np.load(folder / "labels.npy")
        told = folder / "failed.json"
        self.failed = {int(number): why for number, why in _json(told, {}).items()}

    def __reduce__(self) -> tuple[type["Frozen"], tuple[Path, str]]:
        """Workers map the files themselves: a pickled map would carry all of it."""
        return Frozen, (self.folder, self.key)

    def __len__(self) -> int:
        return len(self.labels)

    def example(self, index: int) -> Example:
        return Example(self.pixels[index], self.masks[index], int(self.labels[index]))


def freeze(
    source: Examples, frames: int, pixels: int, tick: Tick | None = None, root: Path | None = None
) -> Frozen:
    """All of a source, resized to ``pixels`` and cut square in the middle, made once and kept in the cache.

    Goes on where it was stopped: what is made is on disk, and a count of it beside it.
    """
    key = sha256(f"{_RULES} {source.key} {frames} {pixels}".encode()).hexdigest()
    folder = (root or cache_dir() / "classifiers") / key[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(folder.name + ".lock")):  # the processes of a training all come here
        if not (folder / "labels.npy").exists():
            partial = folder.with_name(folder.name + ".partial")
            _fill(partial, source, (len(source), frames, pixels, pixels), tick)
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(partial, folder)
    return Frozen(folder, key)


def _fill(folder: Path, source: Examples, shape: tuple[int, int, int, int], tick: Tick | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    count = folder / "made.json"
    labels, failed = cast("tuple[list[int], dict[str, str]]", _json(count, ([], {})))
    mode: Any = "r+" if labels else "w+"
    opened = np.lib.format.open_memmap
    pixels = opened(folder / "pixels.npy", mode, np.uint8, (*shape, 3))
    masks = opened(folder / "masks.npy", mode, np.uint8, shape)
    for index in range(len(labels), len(source)):
        try:
            example = source.example(index)
        except Unreadable as problem:
            failed[str(index)] = str(problem)
            example = Example(np.zeros((1, *shape[2:], 3), np.uint8), np.zeros((1, *shape[2:]), np.uint8), 0)
        pixels[index], masks[index] = square(example.pixels, shape[2]), square(example.mask, shape[2])
        labels.append(example.label)
        if index % 100 == 99:
            pixels.flush()
            masks.flush()
            count.write_text(json.dumps([labels, failed]))
        if tick:
            tick(index + 1, len(source))
    pixels.flush()
    masks.flush()
    if failed:
        (folder / "failed.json").write_text(json.dumps(failed))
    count.unlink(missing_ok=True)
    np.save(folder / "labels.npy", np.asarray(labels, np.int64))


def _json(path: Path, otherwise: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else otherwise


def square(images: Pixels, side: int) -> Pixels:
    """uint8 [T, H, W(, 3)]: short side to ``side``, the middle square of it."""
    small = resize(images, side)
    top, left = (small.shape[1] - side) // 2, (small.shape[2] - side) // 2
    return np.asarray(small[:, top : top + side, left : left + side])


@dataclass(frozen=True)
class Part:
    """Some examples of a source, by number."""

    source: Examples
    indices: tuple[int, ...]

    @property
    def key(self) -> str:
        return f"{self.source.key} {sha256(repr(self.indices).encode()).hexdigest()}"

    def __len__(self) -> int:
        return len(self.indices)

    def example(self, index: int) -> Example:
        return self.source.example(self.indices[index])
