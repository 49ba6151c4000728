"""Measures of masks, bool [T, H, W]: ``found`` against ``truth``, and what ``found`` alone tells."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videos.clip import Pixels

Bools = NDArray[np.bool_]

_NEAR = 0.008  # of the picture's diagonal: how far edges may lie apart, as DAVIS has it
_NAN = float("nan")
_SPECK = 0.0005  # of the picture: smaller pieces are no people


@dataclass(frozen=True)
class Alone:
    """What masks tell without a truth.

    ``covered``: mean share of person pixels. ``speed``: how far the centre of mass moves a frame, in mask
    heights. ``flicker``: 1 - mean IoU of masks of neighbouring frames, each moved to the same centre.
    ``empty``: share of frames without a person. ``pieces``: mean number of separate regions.
    """

    covered: float
    speed: float
    flicker: float
    empty: float
    pieces: float


@dataclass(frozen=True)
class Compared:
    """What masks are worth, each a mean over the frames that have it, 0 to 1; NaN where none has.

    ``iou``; ``boundary``: F measure of edges (Perazzi et al. 2016). ``leak_pixels``: share of mask pixels
    that are background. ``leak_texture``: share of the background's texture, the sum of its gradients, inside
    the mask: a leak over a plain wall costs nothing, one over a net does. ``missed``: share of frames with a
    person and an empty mask. ``lost``: share of the person's pixels outside the mask. ``pieces_more``: by how
    many separate regions a mask has more than the truth, below 0 where people are left out.
    """

    iou: float
    boundary: float
    leak_pixels: float
    leak_texture: float
    missed: float
    lost: float
    pieces_more: float


def alone(found: Bools) -> Alone:
    """See Alone."""
    present = np.asarray(found.any(axis=(1, 2)))
    centres = [_centre(mask) if there else None for mask, there in zip(found, present, strict=True)]
    heights = [int(mask.any(axis=1).sum()) for mask in found]
    steps, changes = [], []
    for index in range(len(found) - 1):
        here, there = centres[index], centres[index + 1]
        if here is None or there is None:
            continue
        moved = there - here
        steps.append(float(np.hypot(*moved)) / max(1, heights[index]))
        back = np.rint(-moved).astype(int)
        changes.append(1 - iou(found[index], np.roll(found[index + 1], tuple(back), axis=(0, 1))))
    regions = [pieces(mask) for mask in found]
    return Alone(float(found.mean()), _mean(steps), _mean(changes), float(1 - present.mean()), _mean(regions))


def compared(found: Bools, truth: Bools, frames: Pixels) -> Compared:
    """See Compared; ``frames`` uint8 [T, H, W, 3] are where the texture is measured."""
    people = truth.any(axis=(1, 2))
    leaks = [_leak(f, t) for f, t in zip(found, truth, strict=True) if f.any()]
    textures = [_texture_leak(f, t, p) for f, t, p in zip(found, truth, frames, strict=True) if f.any()]
    missed = people & ~found.any(axis=(1, 2))
    lost = [float((t & ~f).sum() / t.sum()) for f, t in zip(found, truth, strict=True) if t.any()]
    return Compared(
        iou=_mean([iou(f, t) for f, t in zip(found, truth, strict=True)]),
        boundary=_mean([boundary(f, t) for f, t in zip(found, truth, strict=True)]),
        leak_pixels=_mean(leaks, _NAN),
        leak_texture=_mean(textures, _NAN),
        missed=float(missed.sum() / people.sum()) if people.any() else _NAN,
        lost=_mean(lost, _NAN),
        pieces_more=_mean([pieces(f) - pieces(t) for f, t in zip(found, truth, strict=True)]),
    )


def iou(a: Bools, b: Bools) -> float:
    """Intersection over union of two masks [H, W]; 1 for two empty ones."""
    union = int((a | b).sum())
    return float((a & b).sum() / union) if union else 1.0


def boundary(found: Bools, truth: Bools) -> float:
    """F measure of the two edges, which match within 0.8 % of the diagonal; 1 for two empty masks."""
    from scipy.ndimage import distance_transform_edt

    edges = _edge(found), _edge(truth)
    if not edges[0].any() or not edges[1].any():
        return 1.0 if not edges[0].any() and not edges[1].any() else 0.0
    reach = max(1.0, _NEAR * float(np.hypot(*found.shape)))
    near = [distance_transform_edt(~edge) <= reach for edge in edges]
    precision = float(near[1][edges[0]].mean())
    recall = float(near[0][edges[1]].mean())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _edge(mask: Bools) -> Bools:
    from scipy.ndimage import binary_erosion

    return np.asarray(mask & ~binary_erosion(mask, border_value=1))


def _leak(found: Bools, truth: Bools) -> float:
    return float((found & ~truth).sum() / found.sum())


def _texture_leak(found: Bools, truth: Bools, frame: Pixels) -> float:
    grey = frame.astype(np.float32).mean(axis=-1)
    strength = np.hypot(*np.gradient(grey))
    # Edges of the person are no texture of the background: a ring of a pixel around it is left out.
    from scipy.ndimage import binary_dilation

    background = np.where(binary_dilation(truth), 0.0, strength)
    total = float(background.sum())
    return float(background[found].sum() / total) if total else 0.0


def _centre(mask: Bools) -> NDArray[np.float64]:
    return np.asarray(np.argwhere(mask).mean(axis=0), np.float64)


def pieces(mask: Bools) -> int:
    """Separate regions of a mask [H, W], specks left out."""
    from scipy.ndimage import label

    regions, count = label(mask)
    sizes = np.bincount(regions.ravel(), minlength=count + 1)[1:]
    return int((sizes > _SPECK * mask.size).sum())


def _mean(values: list[float] | list[int], without: float = 0.0) -> float:
    return float(np.mean(values)) if values else without
