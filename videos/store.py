"""Decode once: frames of (clip, policy) as memory-mapped uint8 files, shared by all processes.

An entry is one file: pixels, a JSON footer, the footer's length, a magic word. It is written under another
name and renamed, so that a reader sees all of it or nothing; a file that is not whole is decoded anew.
"""

import json
import mmap
import os
import struct
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np

from assets.cache import cache_dir
from assets.errors import UserError
from videos.clip import Clip, Frames, FrameSource, Pixels
from videos.decode import FramePolicy, decode
from videos.workers import default_workers, spread

RULES = 1  # raise when decoding or resizing gives other pixels for the same files
GIB = 1 << 30

_MAGIC = b"SPFRAME1"
_TAIL = struct.Struct("<I8s")
_SUFFIX = ".frames"
_TOUCH_SECONDS = 60  # how exactly the time of last use is kept
_STALE_SECONDS = 3600  # a half-written file older than this was left by a killed process
_SMALL = 1 << 20  # bytes
_FEW = 24  # fewer clips than this are decoded sooner than workers start

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Job:
    """One entry to make, in whichever process."""

    source: FrameSource
    policy: FramePolicy
    path: Path


class FrameStore:
    """Frames on disk under ``root`` (default: the user's cache), at most ``max_bytes``, oldest use evicted.

    Safe with several processes on one folder. Frames stay readable while their entry is evicted.
    """

    def __init__(self, root: Path | None = None, max_bytes: int = 8 * GIB) -> None:
        self.root = cache_dir() / "frames" if root is None else root
        self.max_bytes = max_bytes
        self._room = 0  # bytes that may be added before the folder is measured again

    def media_id(self, clip: Clip, policy: FramePolicy) -> str:
        """Hash of all that decides the pixels: content, frame numbers, size, rules."""
        return _media_id(clip.frames, policy)

    def get(self, clip: Clip, policy: FramePolicy) -> Frames:
        """The clip's frames, decoded now if they never were. Writable, but writes stay in this process."""
        path = self._path(self.media_id(clip, policy))
        frames = _load(path)
        if frames is None:
            frames = decode(clip.frames, policy)
            self._grew(_save(path, frames))
        return frames

    def fill(
        self,
        clips: Sequence[Clip],
        policy: FramePolicy,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> dict[str, str]:
        """Decode what is missing, in worker processes. Returns why, by clip id, where that failed.

        ``progress`` receives (clips done, clips in all). ``workers``: default one for each core.
        """
        jobs, names, failed = self._missing(clips, policy)
        done = len(clips) - sum(len(ids) for ids in names)
        if progress:
            progress(done, len(clips))
        count = (default_workers() if workers is None else workers) if len(jobs) >= _FEW else 1
        for number, result in spread(_make, jobs, count):
            if isinstance(result, str):
                failed.update(dict.fromkeys(names[number], result))
            else:
                self._grew(result)
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
                path = self._path(self.media_id(clip, policy))
            except (UserError, OSError) as failure:
                failed[clip.id] = str(failure)
                continue
            if path in jobs or _load(path) is None:
                jobs.setdefault(path, _Job(clip.frames, policy, path))
                names.setdefault(path, []).append(clip.id)
        return list(jobs.values()), list(names.values()), failed

    def _path(self, media_id: str) -> Path:
        return self.root / media_id[:2] / f"{media_id}{_SUFFIX}"

    def _grew(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            self._room = self.max_bytes - _evict(self.root, self.max_bytes)


def _media_id(source: FrameSource, policy: FramePolicy) -> str:
    indices = policy.indices(source.info())
    return sha256(f"{RULES} {source.identity()} {indices} {policy.size}".encode()).hexdigest()[:40]


def _make(job: _Job) -> int | str:
    """Write one entry; its size in bytes, or why it cannot be made."""
    try:
        return _save(job.path, decode(job.source, job.policy))
    except (UserError, OSError, ValueError) as failure:
        return str(failure)


def _load(path: Path) -> Frames | None:
    """The entry; None where it is absent or not whole."""
    try:
        with open(path, "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            if status.st_size <= _TAIL.size:
                return None
            if status.st_size <= _SMALL:  # a mapping keeps a file handle, and those are few
                data = np.empty(status.st_size, np.uint8)
                if file.readinto(data.data) != status.st_size:
                    return None
            else:
                data = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), np.uint8)
    except OSError:
        return None
    if time.time() - status.st_mtime > _TOUCH_SECONDS:
        _quietly(partial(os.utime, path))
    return _parse(data)


def _parse(data: Pixels) -> Frames | None:
    length, magic = _TAIL.unpack_from(data.data, len(data) - _TAIL.size)
    start = len(data) - _TAIL.size - length
    if magic != _MAGIC or start < 0:
        return None
    try:
        footer = json.loads(data[start : start + length].tobytes().decode())
        pixels = data[:start].reshape(footer["shape"])
        return Frames(pixels, tuple(footer["indices"]), footer["fps"], footer["total"])
    except (ValueError, KeyError, TypeError):
        return None


def _save(path: Path, frames: Frames) -> int:
    """Write the entry; its size. A disk that takes no more costs time, not the clip: a warning says so."""
    footer = json.dumps(
        {"shape": frames.pixels.shape, "indices": frames.indices, "fps": frames.fps, "total": frames.total}
    ).encode()
    draft = path.with_name(f"{path.stem}.{os.getpid()}-{time.monotonic_ns()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(draft, "wb") as file:
            file.write(np.ascontiguousarray(frames.pixels).data)
            file.write(footer + _TAIL.pack(len(footer), _MAGIC))
            size = file.tell()
        os.replace(draft, path)
    except OSError as failure:
        _quietly(draft.unlink)
        warnings.warn(f"frames cannot be kept in {path.parent}: {failure}", stacklevel=2)
        return 0
    return size


def _evict(root: Path, max_bytes: int) -> int:
    """Remove the entries used longest ago until a tenth of ``max_bytes`` is free; the bytes that remain."""
    entries = []
    for path in root.glob("??/*"):
        try:
            status = path.stat()
        except OSError:  # another process evicts too
            continue
        if path.suffix == _SUFFIX:
            entries.append((status.st_mtime, status.st_size, path))
        elif time.time() - status.st_mtime > _STALE_SECONDS:
            _quietly(path.unlink)
    total = sum(size for _, size, _ in entries)
    if total > max_bytes:
        for _, size, path in sorted(entries):
            if total <= 0.9 * max_bytes:
                break
            _quietly(path.unlink)
            total -= size
    return total


def _quietly(action: Callable[[], object]) -> None:
    """Housekeeping must not fail a clip: another process may have been there first."""
    with suppress(OSError):
        action()
