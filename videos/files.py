"""Video files: what they are (a hash of their bytes), how long they are, and their frames."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from assets.errors import UserError
from videos.clip import Pixels, SourceInfo
from videos.containers import declared_size
from videos.decoders import Scan, read, scan
from videos.workers import Lost, alone

VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm")

_PIECE = 1 << 16  # bytes read at head, middle and tail of a file to identify it
_SCAN_SECONDS = 120.0
_SLOW_DISK = 5e6  # bytes a second


@dataclass(frozen=True)
class _Version:
    """A file as it is now: another version has other numbers."""

    path: str
    size: int
    changed: int
    moved: int
    inode: int


@dataclass(frozen=True)
class VideoFile:
    """A video in any container FFmpeg reads; frames are counted in display order and stand upright."""

    path: Path

    def identity(self) -> str:
        """Hash of the file's size and of 64 KiB at its head, middle and tail (all of it up to 192 KiB).

        Reading whole files would cost seconds per thousand clips at each start. An edited or re-encoded
        video changes its size or its head, so only a deliberate forgery keeps this hash.
        """
        return _identity(self._version())

    def info(self) -> SourceInfo:
        """Frames that can be shown, and the rate they are filmed at: over all of it, where that varies.

        Raises UserError where the file is cut off, no video, or hangs or crashes the reader, which runs in
        another process.
        """
        return _scan(self._version()).info

    def read(self, indices: Sequence[int]) -> Pixels:
        """See FrameSource. Decodes in this process: FrameStore does it in others, with a time limit."""
        version = self._version()
        pixels = read(self.path, indices, _scan(version))
        if self._version() != version:
            raise UserError(f"{self.path}: changed while it was read; start again once it is all written")
        return pixels

    def _version(self) -> _Version:
        try:
            found = os.stat(self.path)
        except OSError as failure:
            raise UserError(f"{self.path}: {failure.strerror}; expected a video file") from failure
        if not stat.S_ISREG(found.st_mode):  # to open a pipe would wait for ever
            raise UserError(f"{self.path}: a folder or device, expected a video file")
        return _Version(str(self.path), found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


@lru_cache(maxsize=1 << 16)
def _identity(version: _Version) -> str:
    size = version.size
    digest = sha256(f"video {size} ".encode())
    middle, tail = (_PIECE, 2 * _PIECE) if size <= 3 * _PIECE else ((size - _PIECE) // 2, size - _PIECE)
    try:
        with open(version.path, "rb") as file:
            for start in (0, middle, tail):
                file.seek(start)
                digest.update(file.read(_PIECE))
    except OSError as failure:
        raise UserError(f"{version.path}: {failure.strerror}; expected a readable video file") from failure
    return digest.hexdigest()


@lru_cache(maxsize=1 << 16)
def _scan(version: _Version) -> Scan:
    _check_whole(version)
    found = alone(scan, Path(version.path), _SCAN_SECONDS + version.size / _SLOW_DISK)
    if isinstance(found, Lost):
        raise UserError(f"{version.path}: reading it {found.reason}; the file is damaged, fetch it again")
    return found


def _check_whole(version: _Version) -> None:
    try:
        declared = declared_size(Path(version.path))
    except OSError as failure:
        raise UserError(f"{version.path}: {failure.strerror}; expected a readable video file") from failure
    if not version.size or (declared is not None and declared > version.size):
        of = f" of {declared:,}" if declared else ""
        raise UserError(f"{version.path}: {version.size:,}{of} bytes, the file is cut off; fetch it again")
