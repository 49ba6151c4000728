"""Decode once: frames of (clip, policy) as memory-mapped uint8 files, shared by all processes."""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from assets.cache import cache_dir
from assets.errors import UserError
from videos.clip import Clip, Frames, FrameSource
from videos.decode import FramePolicy, decode
from videos.decoders import without_decord
from videos.entries import entry_path, evict, load, save
from videos.workers import Lost, default_workers, isolated

RULES = 1  # raise when decoding or resizing gives other pixels for the same files
GIB = 1 << 30
DECODE_SECONDS = 120.0

_FEW = 8  # fewer clips than this for each worker are decoded sooner than another one starts

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Job:
    """One entry to make, in whichever process. ``keep`` it on disk, or hand the frames back; ``careful``:
    without the decoder that may have hung or crashed."""

    clip_id: str
    source: FrameSource
    policy: FramePolicy
    media_id: str
    path: Path
    keep: bool = True
    careful: bool = False


@dataclass(frozen=True)
class _Made:
    """An entry of ``size`` bytes; or the frames themselves and, where they should have been kept, why not."""

    size: int = 0
    frames: Frames | None = None
    unkept: OSError | None = None


class FrameStore:
    """Frames on disk under ``root`` (default: the user's cache), at most ``max_bytes``, oldest use evicted.

    Decodes in worker processes, so that a file that crashes the decoder or keeps it for over ``seconds``
    costs its own clip: it is tried once more, with the other decoder, then given up. Safe with several
    processes on one folder, which at worst decode a clip twice. Frames stay readable while their entry is
    evicted. Without ``max_bytes``: ``default_bytes()``.
    """

    def __init__(
        self,
        root: Path | None = None,
        max_bytes: int | None = None,
        seconds: float | None = DECODE_SECONDS,
    ) -> None:
        self.root = cache_dir() / "frames" if root is None else root
        self.max_bytes = default_bytes() if max_bytes is None else max_bytes
        self.seconds = seconds
        self._room = 0  # bytes that may be added before the folder is measured again
        self._warned = False
        self._named: dict[tuple[Clip, FramePolicy], str] = {}

    def media_id(self, clip: Clip, policy: FramePolicy) -> str:
        """Hash of all that decides the pixels: content, frame numbers, size, rules. Raises UserError."""
        media_id = self._named[clip, policy] = _media_id(clip.frames, policy)
        return media_id

    def get(self, clip: Clip, policy: FramePolicy) -> Frames:
        """The clip's frames, decoded now if they never were. Writable, but writes stay in this process.

        Raises UserError where they cannot be had, and where the clip's files are no longer those that
        ``media_id`` named last: who has that name would take the new frames for the old ones.
        """
        job = self._job(clip, policy)
        frames = load(job.path) or self._made(job)
        return frames or self._decoded(job)

    def fill(
        self,
        clips: Sequence[Clip],
        policy: FramePolicy,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> dict[str, str]:
        """Decode what is missing, in worker processes. Returns why, by clip id, where that failed.

        ``progress`` receives (clips done, clips in all). ``workers``: default one for each core. On a disk
        that takes no more it stops with a warning: the rest is decoded when asked for.
        """
        jobs, names, failed = self._missing(clips, policy)
        done = len(clips) - sum(len(ids) for ids in names)
        if progress:
            progress(done, len(clips))
        most = default_workers() if workers is None else workers
        for number, result in _results(jobs, min(most, -(-len(jobs) // _FEW)), self.seconds):
            if isinstance(result, str):
                failed.update(dict.fromkeys(names[number], result))
            elif not self._keeps(result):
                break
            done += len(names[number])
            if progress:
                progress(done, len(clips))
        return failed

    def _missing(
        self, clips: Sequence[Clip], policy: FramePolicy
    ) -> tuple[list[_Job], list[list[str]], dict[str, str]]:
        """A job for each entry that is not there, the ids of the clips it serves, and what failed already."""
        jobs: dict[Path, _Job] = {}
        names: dict[Path, list[str]] = {}
        failed: dict[str, str] = {}
        for clip in clips:
            try:
                job = self._job(clip, policy)
            except (UserError, OSError, ValueError, RuntimeError) as failure:
                failed[clip.id] = str(failure)
                continue
            if job.path in jobs or load(job.path) is None:
                jobs.setdefault(job.path, job)
                names.setdefault(job.path, []).append(clip.id)
        return list(jobs.values()), list(names.values()), failed

    def _job(self, clip: Clip, policy: FramePolicy) -> _Job:
        media_id = _media_id(clip.frames, policy)
        if self._named.setdefault((clip, policy), media_id) != media_id:
            raise UserError(f"{clip.id}: its files changed during this run; start again to use the new ones")
        return _Job(clip.id, clip.frames, policy, media_id, entry_path(self.root, media_id))

    def _made(self, job: _Job) -> Frames | None:
        """Frames decoded now; None where their entry was evicted as soon as it was written."""
        made = self._result(job)
        self._keeps(made)
        return made.frames or load(job.path)

    def _decoded(self, job: _Job) -> Frames:
        """Frames decoded now, past the disk."""
        frames = self._result(replace(job, keep=False)).frames
        assert frames is not None
        return frames

    def _result(self, job: _Job) -> _Made:
        ((_, result),) = _results([job], 1, self.seconds)
        if isinstance(result, str):
            raise UserError(result)
        return result

    def _keeps(self, made: _Made) -> bool:
        """Count an entry in. False, and a warning the first time, where it could not be written."""
        if made.unkept is None:
            self._room -= made.size
            if self._room < 0:
                self._room = evict(self.root, self.max_bytes)
            return True
        if not self._warned:
            self._warned = True
            told = f"frames cannot be kept in {self.root}: {made.unkept}"
            warnings.warn(f"{told}; clips are decoded whenever they are needed", stacklevel=4)
        return False


def default_bytes() -> int:
    """``$SCENEPROOF_FRAMES_GB`` times 2**30, else 8. Raises UserError where that is no positive number."""
    told = os.environ.get("SCENEPROOF_FRAMES_GB", "8")
    try:
        gigabytes = float(told)
    except ValueError:
        gigabytes = 0.0
    if not 0 < gigabytes < float("inf"):
        raise UserError(f"SCENEPROOF_FRAMES_GB: {told!r}, expected gigabytes for decoded frames, such as 50")
    return int(gigabytes * GIB)


def _media_id(source: FrameSource, policy: FramePolicy) -> str:
    source = policy.seen(source)
    indices = policy.indices(source.info())
    return sha256(f"{RULES} {source.identity()} {indices} {policy.size}".encode()).hexdigest()[:40]


def _results(jobs: Sequence[_Job], workers: int, seconds: float | None) -> Iterator[tuple[int, _Made | str]]:
    """Each job once, as they end: what was made, or why not. Those that lost their worker get a second try:
    the other decoder may manage, and when memory ran out they may have been the victim, not the cause."""
    again = []
    for number, result in isolated(_make, jobs, workers, seconds):
        if isinstance(result, Lost):
            again.append(number)
        else:
            yield number, result
    careful = [replace(jobs[number], careful=True) for number in again]
    for place, result in isolated(_make, careful, workers, seconds):
        number = again[place]
        if isinstance(result, Lost):
            yield number, f"{jobs[number].clip_id}: decoding it {result.reason}, twice; look at its file"
        else:
            yield number, result


def _make(job: _Job) -> _Made | str:
    """Write one entry, unless another process just did; or why it cannot be made."""
    try:
        if job.keep and load(job.path) is not None:
            return _Made()
        with without_decord() if job.careful else nullcontext():
            frames = decode(job.source, job.policy)
        if _media_id(job.source, job.policy) != job.media_id:
            return f"{job.clip_id}: its files changed while they were read; start again once they are written"
    except UserError as failure:
        return str(failure)
    except Exception as failure:  # whatever a strange file makes a library do costs that file alone
        return f"{job.clip_id}: {type(failure).__name__} {failure}; look at its file".replace("\n", " ")
    try:
        return _Made(save(job.path, frames)) if job.keep else _Made(frames=frames)
    except OSError as failure:
        return _Made(frames=frames, unkept=failure)
