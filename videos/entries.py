"""Files of a frame store: one for each entry, whole or ignored, and the folder kept within its bound.

An entry is one file: pixels, a JSON footer, the footer's length, a magic word. It is written under another
name and renamed, so that a reader sees all of it or nothing; a file that is not whole is decoded anew.
"""

import json
import mmap
import os
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

from videos.clip import Frames, Pixels

_MAGIC = b"SPFRAME1"
_TAIL = struct.Struct("<I8s")
_SUFFIX, _DRAFT = ".frames", ".part"
_TOUCH_SECONDS = 60  # how exactly the time of last use is kept
_STALE_SECONDS = 3600  # a half-written file older than this was left by a killed process
_SMALL = 1 << 20  # bytes
_SLACK = 0.1  # of the bound: freed at once, so that the folder is not measured for every entry


def entry_path(root: Path, media_id: str) -> Path:
    """Where an entry lies, in one of 256 folders."""
    return root / media_id[:2] / f"{media_id}{_SUFFIX}"


def load(path: Path) -> Frames | None:
    """The entry, small ones read and large ones mapped; None where it is absent or not whole."""
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
    except (OSError, ValueError):  # ValueError: emptied between the two looks at its size
        return None
    if time.time() - status.st_mtime > _TOUCH_SECONDS:
        _quietly(partial(os.utime, path))
    return _parse(data)


def save(path: Path, frames: Frames) -> int:
    """Write the entry; its size in bytes. Raises OSError where the disk takes no more."""
    footer = json.dumps(
        {"shape": frames.pixels.shape, "indices": frames.indices, "fps": frames.fps, "total": frames.total}
    ).encode()
    draft = path.with_name(f"{path.stem}.{os.getpid()}-{time.monotonic_ns()}{_DRAFT}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(draft, "wb") as file:
            file.write(np.ascontiguousarray(frames.pixels).data)
            file.write(footer + _TAIL.pack(len(footer), _MAGIC))
            size = file.tell()
        os.replace(draft, path)
    except BaseException:
        _quietly(draft.unlink)
        raise
    return size


def evict(root: Path, max_bytes: int) -> int:
    """Hold ``root`` to ``max_bytes``; how many bytes may be added before it must be measured again.

    Entries used longest ago go first. Other processes add too: a tenth of the bound is kept free, and no
    more than a twentieth of it is given out at a time.
    """
    entries = []
    for path in root.glob(f"??/*{_SUFFIX}"):
        with suppress(OSError):  # another process evicts too
            status = path.stat()
            entries.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in entries) + _drafts(root)
    if total > (1 - _SLACK / 2) * max_bytes:
        for _, size, path in sorted(entries):
            if total <= (1 - _SLACK) * max_bytes:
                break
            _quietly(path.unlink)
            total -= size
    return int(min(max(0.0, (1 - _SLACK / 2) * max_bytes - total), _SLACK / 2 * max_bytes))


def _drafts(root: Path) -> int:
    """Bytes being written now; what killed processes left half-written is swept."""
    total = 0
    for path in root.glob(f"??/*{_DRAFT}"):
        with suppress(OSError):
            status = path.stat()
            if time.time() - status.st_mtime > _STALE_SECONDS:
                path.unlink()
            else:
                total += status.st_size
    return total


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


def _quietly(action: Callable[[], object]) -> None:
    """Housekeeping must not fail a clip: another process may have been there first."""
    with suppress(OSError):
        action()
