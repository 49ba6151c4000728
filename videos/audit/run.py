"""The masks of a data set, clip by clip."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assets.errors import UserError
from videos.audit.measures import Alone, Compared, alone, compared
from videos.audit.pose import pose
from videos.clip import Clip, Pixels
from videos.compose import HARD
from videos.masks.kept import find_row
from videos.views.people import fitted, masks_of
from videos.workers import spread

Progress = Callable[[int, int], None]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Person:
    """What clips are grouped by, of the truth where there is one: bad masks must not move a clip's group."""

    speed: float
    covered: float
    pose: str


@dataclass(frozen=True)
class Audited:
    """One clip. ``alone`` is None without masks, ``compared`` without a truth.

    ``missing``: nobody was found; against a truth such a clip counts as empty masks. ``failure`` says why
    there is nothing to measure. ``people`` seen at once, where `videos segment` told.
    """

    clip: Clip
    alone: Alone | None = None
    compared: Compared | None = None
    person: Person | None = None
    people: int | None = None
    missing: bool = False
    failure: str = ""


@dataclass(frozen=True)
class Loaded:
    """All frames uint8 [T, H, W, 3], and masks bool [T, H, W]: ``found``, and ``truth`` where known."""

    frames: Pixels
    found: Bools
    truth: Bools | None
    people: int | None
    missing: bool


@dataclass(frozen=True)
class _Task:
    clip: Clip
    masks: str | None
    truth: bool


def audit(
    clips: Sequence[Clip],
    masks: str | None,
    truth: bool = True,
    progress: Progress | None = None,
    workers: int = 1,
) -> list[Audited]:
    """Each clip's masks in the folder ``masks`` (None: the data set's own) measured.

    ``truth``: hold them against the data set's own, where it has some. A clip without masks is counted.
    """
    tasks = [_Task(clip, masks, truth) for clip in clips]
    found: dict[int, Audited] = {}
    for number, one in spread(_one, tasks, workers):
        found[number] = one
        if progress:
            progress(len(found), len(clips))
    return [found[number] for number in range(len(clips))]


def load(clip: Clip, masks: str | None, truth: bool) -> Loaded:
    """Frames and masks of a clip, equally large. Raises UserError where there are no masks, or bad ones."""
    every = range(clip.frames.info().length)
    row = find_row(Path(masks), clip.frames) if masks is not None else None
    missing = row is not None and row.status == "missing"
    found = None if missing else masks_of(clip.frames, masks).read(every)
    frames = clip.frames.read(every)
    empty = np.zeros(frames.shape[:3], np.bool_)
    return Loaded(
        frames,
        empty if found is None else np.asarray(fitted(found, frames) > HARD),
        _truth(clip, frames) if truth and masks is not None else None,
        row.people if row is not None else None,
        missing,
    )


def _one(task: _Task) -> Audited:
    clip = task.clip
    try:
        told = load(clip, task.masks, task.truth)
    except (UserError, OSError) as problem:
        return Audited(clip, failure=str(problem))
    measured = None if told.missing else alone(told.found)
    against = None if told.truth is None else compared(told.found, told.truth, told.frames)
    known = told.found if told.truth is None else told.truth
    return Audited(clip, measured, against, _person(known), told.people, told.missing)


def _person(masks: Bools) -> Person | None:
    """None where nobody is seen."""
    if not masks.any():
        return None
    told = alone(masks)
    return Person(told.speed, told.covered, pose(masks))


def _truth(clip: Clip, frames: Pixels) -> Bools | None:
    try:
        own = masks_of(clip.frames)
    except UserError:  # this data set has no masks of its own
        return None
    return np.asarray(fitted(own.read(range(len(frames))), frames) > HARD)


def masks_folder(text: str) -> str:
    """The folder as given. Raises UserError where it is none."""
    if not Path(text).is_dir():
        raise UserError(f"{text}: no such folder, expected one that `videos segment` wrote")
    return text
