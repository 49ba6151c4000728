"""Where the person of a clip is: from the data set's own masks, or from a folder that was segmented."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np

from assets.errors import UserError
from videos.clip import FrameSource, Pixels
from videos.compose import (
    HARD,
    ActionSwap,
    HumanOnly,
    Stored,
    UnalignedSwap,
    nearest,
)
from videos.folders import FramesFolder

_FILMED = ("ori", "original", "rawframes")  # what HAT's folder of original frames is called
_EMPTIED = ("inp", "inpaint")
_MASKS = "seg"


class Masks(Protocol):
    """Person masks of a clip, frame by frame."""

    def identity(self) -> str:
        """Hex hash of all that decides them."""

    def read(self, indices: Sequence[int]) -> Pixels:
        """uint8 [len(indices), H, W] as large as the clip's frames; above ``HARD`` is person."""


def masks_of(source: FrameSource, folder: str | None = None) -> Masks:
    """The masks of this clip's person, from a segmented ``folder`` where one is named, else its data set's.

    Raises UserError where there are none: a clip without masks fails alone, it is never shown in black.
    """
    if folder is not None:
        from videos.masks.kept import find_masks  # here, because only who names a folder needs it

        return StoredMasks(find_masks(Path(folder), source), source)
    if isinstance(source, ActionSwap):
        return SwapMasks(source)
    if isinstance(source, UnalignedSwap | HumanOnly):
        return StoredMasks(source.person_mask, source)
    if isinstance(source, FramesFolder):
        return StoredMasks(_beside(source), source)
    name = getattr(source, "path", type(source).__name__)
    raise UserError(f"{name}: no person masks, expected some for a view; make them with `videos segment`")


@dataclass(frozen=True)
class StoredMasks:
    """One image for each frame of the clip, scaled to the frames where sizes differ."""

    stored: Stored
    source: FrameSource

    def identity(self) -> str:
        """See Masks."""
        return self.stored.identity()

    def read(self, indices: Sequence[int]) -> Pixels:
        """See Masks. Raises UserError where masks and frames are not equally many."""
        length, found = self.source.info().length, self.stored.info().length
        if length != found:
            counts = f"{found} masks for {length} frames"
            raise UserError(f"{self.stored.path}: {counts}, expected one each; segment the clip again")
        return self.stored.read_grey(indices)


@dataclass(frozen=True)
class SwapMasks:
    """Where the person of an action swap stands in the composite: moved and cut off as its pixels are."""

    swap: ActionSwap

    def identity(self) -> str:
        """See Masks."""
        return sha256(f"swap masks {self.swap.identity()}".encode()).hexdigest()

    def read(self, indices: Sequence[int]) -> Pixels:
        """See Masks; the shift follows from the first of ``indices``, as in ``ActionSwap.read``."""
        levels = self.swap.person_levels(indices)
        return np.where(levels > HARD, 255, 0).astype(np.uint8)


def _beside(source: FramesFolder) -> Stored:
    """The folder of masks that lies where the folder of frames does, as HAT keeps them."""
    for place in source.path.parents:
        if place.name in _FILMED:
            masks = place.parent / _MASKS / source.path.relative_to(place)
            if masks.is_dir():
                return FramesFolder(masks)
            raise UserError(f"{masks}: no such folder, expected this clip's masks; segment the clip")
        if place.name in _EMPTIED:
            raise UserError(f"{source.path}: an emptied scene has no person to show; use the view original")
    raise UserError(f"{source.path}: no person masks beside it; make them with `videos segment`")


def fitted(masks: Pixels, frames: Pixels) -> Pixels:
    """Masks at the frames' size, each pixel the nearest one before it."""
    height, width = frames.shape[1:3]
    if masks.shape[1:] == (height, width):
        return masks
    return np.stack([nearest(mask, height, width) for mask in masks])
