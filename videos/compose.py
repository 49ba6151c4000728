"""The person of one clip in the emptied scene of another, or before plain grey, made when it is read.

Two modes, told apart in every media id, since results differ:

- ``hat``, the rules of the HAT toolkit's data loader (Chung, Wu & Russakovsky, NeurIPS 2022): background
  frame by relative position, short sides matched, one shift a clip from the soft masks of its first sampled
  frame, hard paste, what sticks out is cut off. One thing differs: images shrink with antialiasing (Pillow),
  where HAT's OpenCV skips pixels.
- ``paper``, how arXiv 2512.17953 made its 2,485 pairs: no alignment, the soft mask blends, the background is
  stretched to the person's picture, its frames are taken one by one and begin anew where they run out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assets.errors import UserError
from videos.clip import FrameSource, Pixels, SourceInfo

RULES = 1  # raise when the same files give another composite
HARD = 128  # mask levels above this are person
MEAN_COLOUR = (123, 116, 103)  # of Kinetics, (123.675, 116.28, 103.53), cut to whole levels as HAT does


class Stored(FrameSource, Protocol):
    """Frames kept as images, which can also be read as grey levels: how masks are stored."""

    @property
    def path(self) -> Path:
        """Their folder, for messages."""

    def read_grey(self, indices: Sequence[int]) -> Pixels:
        """uint8 [len(indices), H, W]."""


@dataclass(frozen=True)
class ActionSwap:
    """Mode ``hat``: of the length and rate of the clip the person comes from, as large as the background.

    ``person`` and ``scene`` are frames, ``person_mask`` and ``scene_mask`` the soft masks of who was seen
    there (of the scene: before it was emptied). Raises UserError where masks do not fit their frames.
    """

    person: Stored
    person_mask: Stored
    scene: Stored
    scene_mask: Stored

    def identity(self) -> str:
        """See FrameSource."""
        return _identity("swap", self.person, self.person_mask, self.scene, self.scene_mask)

    def info(self) -> SourceInfo:
        """Length and rate of the person's clip. Raises UserError where a mask folder lacks frames."""
        _check_lengths(self.scene, self.scene_mask)
        return _check_lengths(self.person, self.person_mask)

    def read(self, indices: Sequence[int]) -> Pixels:
        """See FrameSource; the shift follows from the first of ``indices``."""
        behind = scene_indices(indices, self.info().length, self.scene.info().length)
        people, masks = _read_masked(self.person, self.person_mask, indices)
        scenes = self.scene.read(behind)
        first_mask = self.scene_mask.read_grey(behind[:1])
        _check_sizes(scenes, first_mask, self.scene_mask)
        short = min(people.shape[1:3])
        shift = shift_between(masks[0], fit_short_side(first_mask[0], short))
        return np.stack(
            [
                paste(person, mask, fit_short_side(scene, short), shift)
                for person, mask, scene in zip(people, masks, scenes, strict=True)
            ]
        )

    def person_levels(self, indices: Sequence[int]) -> Pixels:
        """The person's soft masks uint8 [len(indices), H, W], moved and cut off as ``read`` pastes them."""
        behind = scene_indices(indices[:1], self.info().length, self.scene.info().length)
        masks = self.person_mask.read_grey(indices)
        there = fit_short_side(self.scene_mask.read_grey(behind)[0], min(masks.shape[1:]))
        down, right = shift_between(masks[0], there)
        moved = []
        for mask in masks:
            canvas = Image.new("L", there.shape[::-1])
            canvas.paste(Image.fromarray(mask), (right, down))
            moved.append(np.asarray(canvas))
        return np.stack(moved)


@dataclass(frozen=True)
class UnalignedSwap:
    """Mode ``paper``: of the length, rate and size of the clip the person comes from; ``scene_mask`` is not
    needed. Masks of another size than the frames are scaled to them, as the paper's script does."""

    person: Stored
    person_mask: Stored
    scene: Stored

    def identity(self) -> str:
        """See FrameSource."""
        return _identity("unaligned", self.person, self.person_mask, self.scene)

    def info(self) -> SourceInfo:
        """Length and rate of the person's clip. Raises UserError where its mask folder lacks frames."""
        return _check_lengths(self.person, self.person_mask)

    def read(self, indices: Sequence[int]) -> Pixels:
        """See FrameSource."""
        self.info()
        length = self.scene.info().length
        people, masks = self.person.read(indices), self.person_mask.read_grey(indices)
        scenes = self.scene.read([index % length for index in indices])
        height, width = people.shape[1:3]
        return np.stack(
            [
                blend(person, nearest(mask, height, width), bilinear(scene, height, width))
                for person, mask, scene in zip(people, masks, scenes, strict=True)
            ]
        )


@dataclass(frozen=True)
class HumanOnly:
    """HAT's Human-Only: everything but the person (mask above 128) in the dataset's mean colour."""

    person: Stored
    person_mask: Stored

    def identity(self) -> str:
        """See FrameSource."""
        return _identity("human", self.person, self.person_mask)

    def info(self) -> SourceInfo:
        """Length and rate of the clip. Raises UserError where its mask folder lacks frames."""
        return _check_lengths(self.person, self.person_mask)

    def read(self, indices: Sequence[int]) -> Pixels:
        """See FrameSource."""
        self.info()
        people, masks = _read_masked(self.person, self.person_mask, indices)
        return np.where(masks[..., None] > HARD, people, np.array(MEAN_COLOUR, np.uint8))


# What a swap is made of: person, its masks, the emptied scene, the masks of who was in it.
Compose = Callable[[Stored, Stored, Stored, Stored], FrameSource]
MODES: dict[str, Compose] = {
    "hat": ActionSwap,
    "paper": lambda person, mask, scene, _: UnalignedSwap(person, mask, scene),
}


def _identity(kind: str, *parts: FrameSource) -> str:
    return sha256(f"{kind} {RULES} {[part.identity() for part in parts]}".encode()).hexdigest()


def _check_lengths(frames: Stored, masks: Stored) -> SourceInfo:
    info, length = frames.info(), masks.info().length
    if info.length != length:
        counts = f"{length} masks for {info.length} frames"
        raise UserError(f"{masks.path}: {counts}, expected one each; extract them again")
    return info


def _read_masked(frames: Stored, masks: Stored, indices: Sequence[int]) -> tuple[Pixels, Pixels]:
    pixels, levels = frames.read(indices), masks.read_grey(indices)
    _check_sizes(pixels, levels, masks)
    return pixels, levels


def _check_sizes(pixels: Pixels, levels: Pixels, masks: Stored) -> None:
    (high, wide), (height, width) = levels.shape[1:], pixels.shape[1:3]
    if (high, wide) != (height, width):
        sizes = f"masks of {wide}x{high} for frames of {width}x{height}"
        raise UserError(f"{masks.path}: {sizes}, expected the same; extract them again")


def scene_indices(indices: Sequence[int], length: int, scene_length: int) -> list[int]:
    """Background frames at the same relative position, 0-based; halves are rounded to even, as numpy does."""
    relative = np.asarray(indices) / length * scene_length
    return [int(index) for index in np.rint(relative).clip(0, scene_length - 1)]


def fit_short_side(image: Pixels, short: int) -> Pixels:
    """uint8 [H, W] or [H, W, 3] scaled so that its short side measures ``short`` pixels."""
    height, width = image.shape[:2]
    scale = short / min(height, width)
    size = (int(width * scale + 0.5), int(height * scale + 0.5))
    if size == (width, height):
        return image
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


def shift_between(person_mask: Pixels, scene_mask: Pixels) -> tuple[int, int]:
    """(down, right) in pixels from one soft mask's centre of mass to the other's, cut towards zero."""
    down, right = centre_of_mass(scene_mask) - centre_of_mass(person_mask)
    return int(down), int(right)


def centre_of_mass(mask: Pixels) -> NDArray[np.float64]:
    """(row, column) of a soft mask [H, W]; the middle of the picture where it is empty."""
    mass = mask.astype(np.float64)
    total = mass.sum()
    if total == 0:
        return np.array(mask.shape) / 2
    rows, columns = (np.arange(n) for n in mask.shape)
    return np.array([(mass.sum(axis=1) * rows).sum() / total, (mass.sum(axis=0) * columns).sum() / total])


def paste(person: Pixels, mask: Pixels, scene: Pixels, shift: tuple[int, int]) -> Pixels:
    """``scene`` [H, W, 3] with the masked pixels of ``person`` moved by ``shift``, those outside cut off."""
    canvas = Image.fromarray(scene)
    hard = Image.fromarray(np.where(mask > HARD, 255, 0).astype(np.uint8))
    canvas.paste(Image.fromarray(person), (shift[1], shift[0]), hard)
    return np.asarray(canvas)


def blend(person: Pixels, mask: Pixels, scene: Pixels) -> Pixels:
    """``person * m + scene * (1 - m)`` with m = mask / 255, all [H, W(, 3)]; levels are cut, not rounded."""
    weight = mask.astype(np.float32)[..., None] / 255.0
    mixed = person.astype(np.float32) * weight + scene.astype(np.float32) * (1.0 - weight)
    return np.asarray(np.clip(mixed, 0, 255), np.uint8)


def nearest(mask: Pixels, height: int, width: int) -> Pixels:
    """uint8 [H, W] at another size, each pixel that at or before its place, as OpenCV's INTER_NEAREST."""
    rows, columns = (np.arange(n) * old // n for n, old in zip((height, width), mask.shape, strict=True))
    return np.asarray(mask[np.ix_(rows, columns)])


def bilinear(image: Pixels, height: int, width: int) -> Pixels:
    """uint8 [H, W, 3] at another size without antialiasing, as OpenCV's INTER_LINEAR up to its rounding."""
    if image.shape[:2] == (height, width):
        return image
    above, below, down = _neighbours(image.shape[0], height)
    left, right, along = _neighbours(image.shape[1], width)
    pixels = image.astype(np.float64)
    rows = pixels[above] * (1 - down)[:, None, None] + pixels[below] * down[:, None, None]
    mixed = rows[:, left] * (1 - along)[:, None] + rows[:, right] * along[:, None]
    return np.rint(mixed).astype(np.uint8)


def _neighbours(old: int, new: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Per new pixel the two old ones around its centre, and the weight of the second."""
    place = ((np.arange(new) + 0.5) * old / new - 0.5).clip(0, old - 1)
    first = np.floor(place).astype(np.intp)
    return first, np.minimum(first + 1, old - 1), place - first
