"""A data set through the pipeline: what is done already is passed over, a clip that fails is a row."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from videos.clip import Clip, Pixels
from videos.masks import kept
from videos.masks.config import SegmentConfig
from videos.masks.cut import Cut, Search, cut_out, taken
from videos.masks.detectors import Detector, load_detector
from videos.masks.followers import Follower, load_follower
from videos.masks.kept import Row, key_of
from videos.views.pictures import black
from videos.workers import Lost, isolated, worker_number

Progress = Callable[[int, int], None]
_DONE = ("kept", "empty", "missing")


@dataclass(frozen=True)
class Task:
    """One clip to cut out, in whichever process."""

    clip: Clip
    config: SegmentConfig


def segment(clips: Sequence[Clip], config: SegmentConfig, progress: Progress | None = None) -> list[Row]:
    """Cut out every clip that the folder does not have yet; failed ones are tried again.

    Returns a row for each clip, in their order. A clip whose process crashes or hangs is failed. Raises
    UserError where the folder holds masks of other settings or is being written, and where the networks
    cannot be had.
    """
    out = Path(config.out)
    with kept.held(out):
        kept.remember(out, config.makes())
        kept.mend(out)
        known = {row.clip: row for row in kept.rows(out).values() if row.status in _DONE}
        todo = [clip for clip in clips if not _is_known(clip, known, config)]
        done = len(clips) - len(todo)
        if progress:
            progress(done, len(clips))
        if todo:
            _try_networks(config)
        for row in _rows(todo, config):
            kept.append(out, row)
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
        cut = _cut(frames, key, config)
        if cut.masks is not None:
            kept.write_masks(Path(config.out), key, cut.masks)
            if config.human_only:
                kept.write_alone(Path(config.out), key, black(frames, cut.masks, 0.0))
        return _row(clip, identity, key, cut, len(frames), time.monotonic() - began)
    except Exception as failure:  # whatever a strange clip makes a library do costs that clip alone
        told = f"{type(failure).__name__}: {failure}".replace("\n", " ")
        return Row(clip.id, "", key, "failed", seconds=round(time.monotonic() - began, 2), detail=told)


def _cut(frames: Pixels, key: str, config: SegmentConfig) -> Cut:
    if config.files is not None:
        return taken(frames, Path(config.files) / key, config.mode)
    search = Search(config.mode, config.search_frames, config.least_score)
    return cut_out(frames, *backends(_text(config)), search)


def _try_networks(config: SegmentConfig) -> None:
    """A network that is not there is no fault of the first clip's."""
    if config.files is None:
        backends(_text(config))
        if config.workers > 1:
            backends.cache_clear()  # the processes have their own


def _rows(todo: Sequence[Clip], config: SegmentConfig) -> Iterator[Row]:
    tasks = [Task(clip, config) for clip in todo]
    if config.workers == 1:
        yield from map(cut_clip, tasks)
        return
    for number, result in isolated(cut_clip, tasks, config.workers, config.seconds):
        if isinstance(result, Lost):
            clip = tasks[number].clip
            result = Row(clip.id, "", key_of(clip), "failed", detail=f"cutting it out {result.reason}")
        yield result


def _text(config: SegmentConfig) -> str:
    """The configuration as a key of ``backends``, with this process's device as an option of both.

    A process keeps its device: networks that moved from card to card would be loaded again for each clip.
    """
    if not config.devices:
        return config.model_dump_json()
    made = config.model_dump()
    device = config.devices[worker_number() % len(config.devices)]
    for name in ("detector", "follower"):
        made[name]["options"] = {**made[name]["options"], "device": device}
    return SegmentConfig.model_validate(made).model_dump_json()


def _is_known(clip: Clip, known: dict[str, Row], config: SegmentConfig) -> bool:
    row = known.get(clip.id)
    if row is None or not kept.is_whole(Path(config.out), row, config.human_only):
        return False
    try:
        return row.identity == clip.frames.identity()
    except Exception:  # its files are gone: say so again
        return False


def _row(clip: Clip, identity: str, key: str, cut: Cut, frames: int, seconds: float) -> Row:
    covered = 0.0 if cut.masks is None else float(np.count_nonzero(cut.masks) / cut.masks.size)
    told = round(covered, 5), round(seconds, 2)
    return Row(clip.id, identity, key, cut.status, cut.people, frames, *told)
