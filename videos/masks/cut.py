"""One clip: which people are searched, where, and the union of what is followed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from assets.errors import UserError
from videos.audit.measures import iou, pieces
from videos.clip import Pixels
from videos.compose import HARD
from videos.folders import FramesFolder
from videos.masks.detectors import Corners, Detector, overlap, people_in
from videos.masks.followers import Follower, Start, Watched
from videos.views.people import fitted
from videos.views.pictures import box_of

Mode = Literal["every", "paper"]
Status = Literal["kept", "missing", "empty", "failed"]


@dataclass(frozen=True)
class Search:
    """How people are searched.

    ``every``: in ``frames`` frames spread over the clip, everyone whose score is at least ``least``, followed
    in both directions. ``paper``, as arXiv 2512.17953's code has it: in the first frame, the surest person
    alone, from 0.25, followed onwards; a clip without one gets empty masks and stays in.
    """

    mode: Mode = "every"
    frames: int = 3
    least: float = 0.4


@dataclass(frozen=True)
class Cut:
    """What was found: masks uint8 [T, H, W], 0 or 255, and how many people are seen at once in them.

    ``missing``: nobody was found, there are no masks. ``empty``: nobody was found, all masks are empty.
    """

    status: Status
    masks: Pixels | None
    people: int


PAPER_LEAST = 0.25  # ultralytics' default, which the paper's script left as it was
_SAME = 0.5  # overlap of a detection with a mask's box at which it is a person followed already


def cut_out(frames: Pixels, detector: Detector, follower: Follower, search: Search) -> Cut:
    """The people of a clip, frames uint8 [T, H, W, 3]."""
    starts = _paper(frames, detector) if search.mode == "paper" else None
    if starts is None:
        found = _every(frames, detector, follower.watch(frames, detector), search)
    else:
        watched = follower.watch(frames, detector) if starts else None
        found = [watched.follow(start) for start in starts] if watched else []
    if not found:
        if search.mode == "paper":
            return Cut("empty", np.zeros(frames.shape[:3], np.uint8), 0)
        return Cut("missing", None, 0)
    union = np.maximum.reduce(found)
    if not union.any() and search.mode == "every":
        return Cut("missing", None, 0)
    return Cut("kept" if union.any() else "empty", union, _together(found))


def taken(frames: Pixels, folder: Path, mode: Mode) -> Cut:
    """Masks that another program wrote for these frames, one each, at any size: scaled, levels as they are.

    ``people``: the most separate regions of a frame, one at least where any mask has a person. Raises
    UserError where there are not as many masks.
    """
    other = FramesFolder(folder)
    length = other.info().length
    if length != len(frames):
        raise UserError(f"{folder}: {length} masks for {len(frames)} frames, expected one each")
    masks = fitted(other.read_grey(range(length)), frames)
    hard = masks > HARD
    if hard.any():
        return Cut("kept", masks, max(1, *(pieces(mask) for mask in hard)))
    return Cut("empty", masks, 0) if mode == "paper" else Cut("missing", None, 0)


def searched(length: int, frames: int) -> Sequence[int]:
    """The frames to search, spread from first to last; the middle one first, where people are most often."""
    if frames == 1 or length == 1:
        return (length // 2,)
    spread = {round(i * (length - 1) / (frames - 1)) for i in range(frames)}
    return sorted(spread, key=lambda index: (abs(index - (length - 1) / 2), index))


def _paper(frames: Pixels, detector: Detector) -> list[Start]:
    (found,) = detector.people(frames[:1], PAPER_LEAST)
    return [Start(0, one.box, backwards=False) for one in found[:1]]


def _every(frames: Pixels, detector: Detector, watched: Watched, search: Search) -> list[Pixels]:
    """Masks of everyone; who is seen in several of the frames searched is followed once."""
    found: list[Pixels] = []
    order = searched(len(frames), search.frames)
    for index, people in zip(order, people_in(detector, frames[list(order)], search.least), strict=True):
        for person in people:
            if not any(_is_known(person.box, masks[index]) for masks in found):
                masks = watched.follow(Start(index, person.box))
                if masks.any():
                    found.append(masks)
    return found


def _together(found: Sequence[Pixels]) -> int:
    """The most people in one frame: who was lost and found again was followed twice and is one."""
    most = 0
    for masks in zip(*found, strict=True):
        seen: list[Pixels] = []
        for mask in masks:
            if mask.any() and all(iou(mask > 0, other > 0) < _SAME for other in seen):
                seen.append(mask)
        most = max(most, len(seen))
    return most


def _is_known(box: Corners, mask: Pixels) -> bool:
    there = box_of(mask)
    if there is None:
        return False
    top, bottom, left, right = there
    return overlap(box, (left, top, right, bottom)) >= _SAME
