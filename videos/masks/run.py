"""A data set through the pipeline: what is done already is passed over, a clip that fails is a row."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from videos.clip import Clip
from videos.masks.config import SegmentConfig
from videos.masks.cut import Cut, Search, cut_out
from videos.masks.detectors import Detector, load_detector
from videos.masks.followers import Follower, load_follower
from videos.masks.kept import Row, append, key_of, remember, rows, write_alone, write_masks
from videos.views.pictures import black
from videos.workers import Lost, isolated

Progress = Callable[[int, int], None]
_DONE = ("kept", "empty", "missing")


@dataclass(frozen=True)
class Task:
    """One clip to cut out, in whichever process."""

    clip: Clip
    config: SegmentConfig
    device: str | None


def segment(clips: Sequence[Clip], config: SegmentConfig, progress: Progress | None = None) -> list[Row]:
    """Cut out every clip that the folder's table does not have yet; failed ones are tried again.

    Returns a row for each clip, in their order. A clip whose process crashes or hangs is failed. Raises
    UserError where the folder holds masks of other settings, and where the networks cannot be had.
    """
    out = Path(config.out)
    remember(out, config.makes())
    known = {name: row for name, row in rows(out).items() if row.status in _DONE}
    todo = [clip for clip in clips if not _is_known(clip, known)]
    done = len(clips) - len(todo)
    if progress:
        progress(done, len(clips))
    if todo:
        # A network that is not there is no fault of the first clip's.
        backends(_text(config, config.devices[0] if config.devices else None))
    if config.workers > 1:
        backends.cache_clear()  # the processes have their own
    for row in _rows(todo, config):
        append(out, row)
        known[row.clip] = row
        done += 1
        if progress:
            progress(done, len(clips))
    return [known[clip.id] for clip in clips]


@lru_cache(maxsize=2)
def backends(text: str) -> tuple[Detector, Follower]:
    """Detector and follower of a configuration, given as JSON; loaded once in each process."""
    config = SegmentConfig.model_validate_json(text)
    return (
        load_detector(config.detector.name, config.detector.options),
        load_follower(config.follower.name, config.follower.options),
    )


def cut_clip(task: Task) -> Row:
    """Cut out one clip and write its masks; why not, where that fails."""
    began = time.monotonic()
    clip, config = task.clip, task.config
    key = key_of(clip)
    try:
        identity = clip.frames.identity()
        frames = clip.frames.read(range(clip.frames.info().length))
        search = Search(config.mode, config.search_frames, config.least_score)
        cut = cut_out(frames, *backends(_text(config, task.device)), search)
        if cut.masks is not None:
            write_masks(Path(config.out), key, cut.masks)
            if config.human_only:
                write_alone(Path(config.out), key, black(frames, cut.masks, 0.0))
        return _row(clip, identity, key, cut, len(frames), time.monotonic() - began)
    except Exception as failure:  # whatever a strange clip makes a library do costs that clip alone
        told = f"{type(failure).__name__}: {failure}".replace("\n", " ")
        return Row(clip.id, "", key, "failed", seconds=round(time.monotonic() - began, 2), detail=told)


def _rows(todo: Sequence[Clip], config: SegmentConfig) -> Iterator[Row]:
    devices: Sequence[str | None] = config.devices or (None,)
    tasks = [Task(clip, config, devices[n % len(devices)]) for n, clip in enumerate(todo)]
    if config.workers == 1:
        yield from map(cut_clip, tasks)
        return
    for number, result in isolated(cut_clip, tasks, config.workers, config.seconds):
        if isinstance(result, Lost):
            clip = tasks[number].clip
            result = Row(clip.id, "", key_of(clip), "failed", detail=f"cutting it out {result.reason}")
        yield result


def _text(config: SegmentConfig, device: str | None) -> str:
    """The configuration as a key of ``backends``, with the process's device as an option of both."""
    if device is None:
        return config.model_dump_json()
    made = config.model_dump()
    for name in ("detector", "follower"):
        made[name]["options"] = {**made[name]["options"], "device": device}
    return SegmentConfig.model_validate(made).model_dump_json()


def _is_known(clip: Clip, known: dict[str, Row]) -> bool:
    row = known.get(clip.id)
    if row is None:
        return False
    try:
        return row.identity == clip.frames.identity()
    except Exception:  # its files are gone: say so again
        return False


def _row(clip: Clip, identity: str, key: str, cut: Cut, frames: int, seconds: float) -> Row:
    covered = 0.0 if cut.masks is None else float(np.count_nonzero(cut.masks) / cut.masks.size)
    told = round(covered, 5), round(seconds, 2)
    return Row(clip.id, identity, key, cut.status, cut.people, frames, *told)
