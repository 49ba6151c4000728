"""The masks of a data set, clip by clip."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assets.errors import UserError
from videos.audit.measures import Alone, Compared, alone, compared
from videos.clip import Clip, Pixels
from videos.compose import HARD
from videos.views.people import fitted, masks_of

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Audited:
    """One clip. ``failure`` says why there is nothing to measure: no masks, or nobody found."""

    clip: Clip
    alone: Alone | None
    compared: Compared | None
    failure: str = ""


def audit(
    clips: Sequence[Clip], masks: str | None, truth: bool = True, progress: Progress | None = None
) -> list[Audited]:
    """Each clip's masks in the folder ``masks`` (None: the data set's own) measured.

    ``truth``: hold them against the data set's own, where it has some. A clip without masks is counted.
    """
    found = []
    for number, clip in enumerate(clips, 1):
        found.append(_one(clip, masks, truth and masks is not None))
        if progress:
            progress(number, len(clips))
    return found


def load(clip: Clip, masks: str | None) -> tuple[Pixels, Pixels]:
    """All frames and masks of a clip, equally large. Raises UserError where there are none."""
    every = range(clip.frames.info().length)
    frames = clip.frames.read(every)
    return frames, fitted(masks_of(clip.frames, masks).read(every), frames)


def _one(clip: Clip, masks: str | None, truth: bool) -> Audited:
    try:
        frames, levels = load(clip, masks)
    except UserError as problem:
        return Audited(clip, None, None, str(problem))
    found = np.asarray(levels > HARD)
    against = _against(clip, found, frames) if truth else None
    return Audited(clip, alone(found), against)


def _against(
    clip: Clip, found: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], frames: Pixels
) -> Compared | None:
    try:
        true = masks_of(clip.frames).read(range(len(frames)))
    except UserError:  # this data set has no masks of its own
        return None
    return compared(found, np.asarray(fitted(true, frames) > HARD), frames)


def masks_folder(text: str) -> str:
    """The folder as given. Raises UserError where it is none."""
    if not Path(text).is_dir():
        raise UserError(f"{text}: no such folder, expected one that `videos segment` wrote")
    return text
