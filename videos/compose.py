"""HAT's Action-Swap composite: the person of one clip in the emptied scene of another, made when read.

The rules of the HAT toolkit's data loader, to the letter: background frame by relative position, short sides
matched, one shift a clip from the soft masks of its first sampled frame, hard paste, what sticks out is cut
off. One thing differs: images shrink with antialiasing (Pillow), where HAT's OpenCV skips pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assets.errors import UserError
from videos.clip import Pixels, SourceInfo
from videos.decode import FramesFolder

RULES = 1  # raise when the same files give another composite
HARD = 128  # mask levels above this are person


@dataclass(frozen=True)
class ActionSwap:
    """A FrameSource of the length and rate of the clip the person comes from, as large as the background.

    ``person`` and ``scene`` are frames, ``person_mask`` and ``scene_mask`` the soft masks of who was seen
    there (of the scene: before it was emptied).
    """

    person: FramesFolder
    person_mask: FramesFolder
    scene: FramesFolder
    scene_mask: FramesFolder

    def identity(self) -> str:
        """See FrameSource."""
        parts = (self.person, self.person_mask, self.scene, self.scene_mask)
        return sha256(f"swap {RULES} {[part.identity() for part in parts]}".encode()).hexdigest()

    def info(self) -> SourceInfo:
        """Length and rate of the person's clip. Raises UserError where a mask folder lacks frames."""
        for frames, masks in ((self.person, self.person_mask), (self.scene, self.scene_mask)):
            if frames.info().length != masks.info().length:
                counts = f"{masks.info().length} masks for {frames.info().length} frames"
                raise UserError(f"{masks.path}: {counts}, expected one each; extract them again")
        return self.person.info()

    def read(self, indices: Sequence[int]) -> Pixels:
        """See FrameSource; the shift follows from the first of ``indices``."""
        behind = scene_indices(indices, self.info().length, self.scene.info().length)
        people, masks = self.person.read(indices), self.person_mask.read_grey(indices)
        if people.shape[:3] != masks.shape:
            (high, wide), (height, width) = masks.shape[1:], people.shape[1:3]
            sizes = f"masks of {wide}x{high} for frames of {width}x{height}"
            raise UserError(f"{self.person_mask.path}: {sizes}, expected the same; extract them again")
        scenes = self.scene.read(behind)
        short = min(people.shape[1:3])
        scene_mask = fit_short_side(self.scene_mask.read_grey(behind[:1])[0], short)
        shift = shift_between(masks[0], scene_mask)
        return np.stack(
            [
                paste(person, mask, fit_short_side(scene, short), shift)
                for person, mask, scene in zip(people, masks, scenes, strict=True)
            ]
        )


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
