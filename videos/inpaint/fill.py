"""Filling the hole a person leaves, from other moments of the clip or from what is around it.

No method of this module knows what was there: ``median`` shows what was seen there at other times, ``telea``
and ``ns`` smear its surroundings inwards (OpenCV's Telea 2004 and Navier-Stokes). Better fillers (E2FGVI,
ProPainter) run elsewhere, and ``from_files`` takes what they wrote.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assets.errors import UserError
from videos.clip import Pixels
from videos.compose import HARD
from videos.folders import FramesFolder
from videos.views.people import fitted

Method = Callable[[Pixels, Pixels], Pixels]

GROWN = 4  # pixels the hole is larger than the mask, as HAT dilates it: 3x3 cross, four times
_RADIUS = 5  # of OpenCV's neighbourhood, in pixels
_STILL = 6.0  # levels: median change of the background between first and last frame of a still camera


def fill(frames: Pixels, masks: Pixels, method: str = "auto") -> Pixels:
    """Frames uint8 [T, H, W, 3] without who the masks [T, H, W] show; other pixels stay as they are.

    ``auto``: the temporal median where the camera stands still, else Telea. Raises UserError as ``check``.
    """
    check(method)
    masks = fitted(masks, frames)
    if not (masks > HARD).any():
        return frames
    return METHODS[method](frames, np.stack([grown(mask) for mask in masks]))


def check(method: str) -> None:
    """Raises UserError for an unknown method, and where OpenCV, which all need, is absent."""
    if method not in METHODS:
        raise UserError(f"method {method!r} is unknown, expected one of: {', '.join(METHODS)}")
    if find_spec("cv2") is None:
        raise UserError("opencv is not installed; install sceneproof[segment]")


def from_files(frames: Pixels, masks: Pixels, folder: Path) -> Pixels:
    """The same with what another program made of the whole frames, in ``folder`` as 000001.jpg or .png.

    Scaled to the frames (E2FGVI works at 432x240), and taken under the grown masks only, as HAT did. Raises
    UserError where there are not as many.
    """
    other = FramesFolder(folder)
    length = other.info().length
    if length != len(frames):
        raise UserError(f"{folder}: {length} filled frames for {len(frames)}, expected one each")
    height, width = frames.shape[1:3]
    size = (width, height)
    filled = np.stack(
        [
            np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC))
            for frame in other.read(range(length))
        ]
    )
    holes = np.stack([grown(mask) for mask in fitted(masks, frames)])
    return np.where(holes[..., None], filled, frames)


def grown(mask: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """The hole bool [H, W]: the mask with ``GROWN`` pixels around it."""
    from scipy.ndimage import binary_dilation

    return np.asarray(binary_dilation(mask > HARD, iterations=GROWN))  # its default is the cross


def is_still(frames: Pixels, holes: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> bool:
    """Whether the camera stands still: what is free in the first and last frame hardly changes."""
    free = ~(holes[0] | holes[-1])
    if not free.any():
        return False
    change = np.abs(frames[0].astype(np.int16) - frames[-1].astype(np.int16)).max(axis=-1)
    return float(np.median(change[free])) <= _STILL


def _auto(frames: Pixels, holes: Pixels) -> Pixels:
    return _median(frames, holes) if is_still(frames, holes.astype(bool)) else _telea(frames, holes)


def _median(frames: Pixels, holes: Pixels) -> Pixels:
    """Per pixel the median of the frames that see it; what none sees is smeared into."""
    seen = ~holes.astype(bool)
    background = np.zeros(frames.shape[1:], np.uint8)
    for row in range(frames.shape[1]):  # by rows: all at once would need eight bytes for each level
        levels = np.where(seen[:, row, :, None], frames[:, row].astype(np.float32), np.nan)
        visible = seen[:, row].any(axis=0)
        background[row, visible] = np.nanmedian(levels[:, visible], axis=0).astype(np.uint8)
    never = np.asarray(~seen.any(axis=0))
    if never.any():
        background = _smeared(background, never, "INPAINT_TELEA")
    return np.where(seen[..., None], frames, background)


def _telea(frames: Pixels, holes: Pixels) -> Pixels:
    return np.stack([_smeared(f, h, "INPAINT_TELEA") for f, h in zip(frames, holes, strict=True)])


def _ns(frames: Pixels, holes: Pixels) -> Pixels:
    return np.stack([_smeared(f, h, "INPAINT_NS") for f, h in zip(frames, holes, strict=True)])


def _smeared(frame: Pixels, hole: NDArray[Any], method: str) -> Pixels:
    import cv2

    mask = np.where(hole, 255, 0).astype(np.uint8)
    return np.asarray(cv2.inpaint(frame, mask, _RADIUS, getattr(cv2, method)), np.uint8)


METHODS: dict[str, Method] = {"auto": _auto, "median": _median, "telea": _telea, "ns": _ns}
