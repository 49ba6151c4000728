"""How a person stands, told from the shape of the mask: no joints are needed, and drawn people have none."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]

POSES = ("upright", "lying", "compact")
_LONG = 1.6  # times as long as wide: below, a shape is compact (crouched, spread out, cut off)


def pose(masks: Bools) -> str:
    """What the largest region of most frames is, masks bool [T, H, W]; "" where nobody is in any.

    ``upright`` and ``lying``: longer than wide, by the axis of inertia, nearer to the vertical or to the
    horizontal. ``compact``: neither.
    """
    told = Counter(pose_of(mask) for mask in _largest(masks))
    return max(POSES, key=lambda name: told[name]) if told else ""


def pose_of(mask: Bools) -> str:
    """The same of one mask [H, W] that is not empty."""
    rows, columns = np.nonzero(mask)
    spread = np.cov(np.stack((rows, columns)), bias=True) + np.eye(2) / 12  # a pixel is a square, no point
    lengths, axes = np.linalg.eigh(spread)
    if np.sqrt(lengths[1] / lengths[0]) < _LONG:
        return "compact"
    down, right = np.abs(axes[:, 1])
    return "upright" if down >= right else "lying"


def _largest(masks: Bools) -> Iterator[Bools]:
    from scipy.ndimage import label

    for mask in masks:
        if mask.any():
            regions, _ = label(mask)
            yield np.asarray(regions == np.bincount(regions[mask]).argmax())
