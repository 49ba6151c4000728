"""What can be done to masks on purpose, to learn what bad ones cost. Masks are uint8 levels [T, H, W]."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from videos.clip import Pixels
from videos.compose import HARD

# Takes masks [T, H, W], the amount and a seed that names the clip.
Apply = Callable[[Pixels, float, str], Pixels]


@dataclass(frozen=True)
class Change:
    """One kind of damage: its function, the unit of its amount and the most that makes sense."""

    apply: Apply
    unit: str
    most: float


def erode(masks: Pixels, by: float, seed: str) -> Pixels:
    """The person's edge moved inwards by ``by`` percent of the short side, in whole pixels."""
    return _filtered(masks, ImageFilter.MinFilter(_window(masks, by)))


def dilate(masks: Pixels, by: float, seed: str) -> Pixels:
    """The edge moved outwards: background leaks in."""
    return _filtered(masks, ImageFilter.MaxFilter(_window(masks, by)))


def shift(masks: Pixels, by: float, seed: str) -> Pixels:
    """All masks moved by ``by`` percent of the short side to the left or right, as ``seed`` decides."""
    pixels = _pixels(masks, by) * random.Random(seed).choice((-1, 1))
    moved = np.roll(masks, pixels, axis=2)
    if pixels:
        moved[:, :, slice(None, pixels) if pixels > 0 else slice(pixels, None)] = 0
    return moved


def drop(masks: Pixels, by: float, seed: str) -> Pixels:
    """Masks of a share ``by`` of the frames emptied, as if nobody had been found there."""
    lost = random.Random(seed).sample(range(len(masks)), round(by * len(masks)))
    changed = masks.copy()
    changed[lost] = 0
    return changed


CHANGES: dict[str, Change] = {
    "erode": Change(erode, "percent of the short side", 25),
    "dilate": Change(dilate, "percent of the short side", 25),
    "shift": Change(shift, "percent of the short side", 100),
    "drop": Change(drop, "(share of frames)", 1),
}


def _pixels(masks: Pixels, by: float) -> int:
    return round(int(min(masks.shape[1:])) * by / 100)


def _window(masks: Pixels, by: float) -> int:
    return 2 * _pixels(masks, by) + 1


def _filtered(masks: Pixels, kernel: ImageFilter.RankFilter) -> Pixels:
    return np.stack([np.asarray(Image.fromarray(mask).filter(kernel)) for mask in _hard(masks)])


def _hard(masks: Pixels) -> Sequence[Pixels]:
    return list(np.where(masks > HARD, 255, 0).astype(np.uint8))
