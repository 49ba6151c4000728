"""Frames and masks in, frames out: each kind of picture. Frames uint8 [T, H, W, 3], masks uint8 [T, H, W].

Mask levels above ``videos.compose.HARD`` are person. A frame with an empty mask has no person: it is all
background; ``crop`` and ``box`` leave it as it is.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from videos.clip import Pixels
from videos.compose import HARD, MEAN_COLOUR

# Takes frames, masks and the amount (0 for pictures that take none).
Paint = Callable[[Pixels, Pixels, float], Pixels]
Box = tuple[int, int, int, int]  # top, bottom, left, right; half open

_GREY = (128, 128, 128)
_SMEAR = 0.2  # of the short side: no edge of a thing survives, colours and their places do
_RED = np.array((255, 0, 0), np.uint8)


def black(frames: Pixels, masks: Pixels, amount: float) -> Pixels:
    """The person before black."""
    return _before(frames, masks, (0, 0, 0))


def grey(frames: Pixels, masks: Pixels, amount: float) -> Pixels:
    """The person before middle grey."""
    return _before(frames, masks, _GREY)


def mean(frames: Pixels, masks: Pixels, amount: float) -> Pixels:
    """The person before the mean colour of Kinetics."""
    return _before(frames, masks, MEAN_COLOUR)


def smeared(frames: Pixels, masks: Pixels, amount: float) -> Pixels:
    """The person before colours that run into each other."""
    return blurred(frames, masks, _SMEAR)


def blurred(frames: Pixels, masks: Pixels, amount: float) -> Pixels:
    """The background blurred by a Gaussian of ``amount`` times the short side; the person stays sharp.

    Person pixels do not run into the background: what is under the mask is left out of the average.
    """
    radius = amount * min(frames.shape[1:3])
    behind = np.stack([_blur(f, m, radius) for f, m in zip(frames, masks, strict=True)])
    return np.where(_person(masks), frames, behind)


def dim(frames: Pixels, masks: Pixels, amount: float) -> Pixels:
    """The background at ``amount`` times its brightness."""
    return np.where(_person(masks), frames, np.rint(frames * np.float32(amount)).astype(np.uint8))


def crop(frames: Pixels, masks: Pixels, amount: float) -> Pixels:
    """One window for all frames, around every place the person is at, scaled up to the frames' size.

    ``amount`` of the box is added on each side; the window gets the frames' aspect and stays inside them.
    """
    found = box_of(masks.max(axis=0))
    if found is None:
        return frames
    height, width = frames.shape[1:3]
    top, bottom, left, right = _window(found, amount, height, width)
    corners = (left, top, right, bottom)
    size = (width, height)
    cut = [
        Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC, corners, reducing_gap=None)
        for frame in frames
    ]
    return np.stack([np.asarray(image) for image in cut])


def box(frames: Pixels, masks: Pixels, amount: float) -> Pixels:
    """A red box around the person in each frame, its line ``amount`` times the short side thick."""
    line = max(1, round(amount * min(frames.shape[1:3])))
    drawn = frames.copy()
    for frame, mask in zip(drawn, masks, strict=True):
        found = box_of(mask)
        if found is not None:
            _outline(frame, found, line)
    return drawn


def box_of(mask: Pixels) -> Box | None:
    """The smallest box around a mask [H, W]; None for an empty one."""
    hard = mask > HARD
    rows, columns = np.flatnonzero(hard.any(axis=1)), np.flatnonzero(hard.any(axis=0))
    if not len(rows):
        return None
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _person(masks: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray(masks[..., None] > HARD)


def _before(frames: Pixels, masks: Pixels, colour: tuple[int, int, int]) -> Pixels:
    return np.where(_person(masks), frames, np.array(colour, np.uint8))


def _blur(frame: Pixels, mask: Pixels, radius: float) -> Pixels:
    """Normalised convolution: blurred background colours over the blurred share of background."""
    free = np.where(mask > HARD, 0, 255).astype(np.uint8)
    kernel = ImageFilter.GaussianBlur(radius)
    alone = np.where(free[..., None] > 0, frame, 0).astype(np.uint8)
    colours = np.asarray(Image.fromarray(alone).filter(kernel), np.float32)
    share = np.asarray(Image.fromarray(free).filter(kernel), np.float32)[..., None] / 255
    return np.asarray(np.clip(np.rint(colours / np.maximum(share, 1 / 255)), 0, 255), np.uint8)


def _window(found: Box, margin: float, height: int, width: int) -> tuple[float, float, float, float]:
    """The box with its margin, widened to the picture's aspect and moved inside it."""
    top, bottom, left, right = found
    tall, wide = (bottom - top) * (1 + 2 * margin), (right - left) * (1 + 2 * margin)
    scale = min(1.0, max(tall / height, wide / width))
    tall, wide = scale * height, scale * width
    down = min(max(0.0, (top + bottom - tall) / 2), height - tall)
    along = min(max(0.0, (left + right - wide) / 2), width - wide)
    return down, down + tall, along, along + wide


def _outline(frame: Pixels, found: Box, line: int) -> None:
    """Around the box, not on the person: as far outside of it as the picture has room."""
    top, bottom, left, right = found
    height, width = frame.shape[:2]
    above, below = max(0, top - line), min(height, bottom + line)
    before, behind = max(0, left - line), min(width, right + line)
    frame[above : above + line, before:behind] = _RED
    frame[below - line : below, before:behind] = _RED
    frame[above:below, before : before + line] = _RED
    frame[above:below, behind - line : behind] = _RED
