"""Pixels from files: which frames and what size (FramePolicy), out of videos (PyAV) and folders of images."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from PIL import Image, UnidentifiedImageError

from assets.errors import UserError
from videos.clip import Frames, FrameSource, Pixels, SourceInfo

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

Sampling = Literal["uniform", "centre", "dense"]
VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm")

_DENSE_SECONDS = 8 / 30  # Slow-Only 8x8: every eighth frame of a 30 fps video
_PIECE = 1 << 16  # bytes read at head, middle and tail of a file to identify it
_USUAL_FPS = 30.0
_TIMED = re.compile(r".{11}_(\d{6})_(\d{6})")
_FRAME_NAME = re.compile(r"(\d{6})(\.jpg|\.jpeg|\.png)")


@dataclass(frozen=True)
class FramePolicy:
    """How many frames, which ones and at what size; part of every cache key.

    ``uniform``: the middle of each of ``frames`` equal segments. ``centre``: consecutive frames around the
    middle. ``dense``: around the middle too, 8/30 s apart, closer where the clip is shorter than that.
    ``size`` is the short side in pixels, aspect kept; None keeps the source's size.
    """

    frames: int = 8
    sampling: Sampling = "uniform"
    size: int | None = None

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise UserError(f"frames: {self.frames} is too few, expected at least 1")
        if self.sampling not in get_args(Sampling):
            known = ", ".join(get_args(Sampling))
            raise UserError(f"sampling: {self.sampling!r} is unknown, expected one of {known}")
        if self.size is not None and self.size < 1:
            raise UserError(f"size: {self.size} is no size, expected pixels of the short side, or none")

    @property
    def key(self) -> str:
        """All of it in one word."""
        return f"{self.sampling}-{self.frames}-{self.size or 'full'}"

    def indices(self, info: SourceInfo) -> tuple[int, ...]:
        """0-based frame numbers, ``frames`` of them, ascending; a clip with fewer frames repeats some."""
        if self.sampling == "uniform":
            return tuple((2 * i + 1) * info.length // (2 * self.frames) for i in range(self.frames))
        step = 1 if self.sampling == "centre" else max(1, round(info.fps * _DENSE_SECONDS))
        if self.frames > 1:
            step = max(1, min(step, (info.length - 1) // (self.frames - 1)))
        start = max(0, (info.length - 1 - step * (self.frames - 1)) // 2)
        return tuple(min(start + i * step, info.length - 1) for i in range(self.frames))


def decode(source: FrameSource, policy: FramePolicy) -> Frames:
    """The frames the policy asks for, resized. Raises UserError where the source cannot give them."""
    info = source.info()
    indices = policy.indices(info)
    return Frames(resize(source.read(indices), policy.size), indices, info.fps, info.length)


def resize(pixels: Pixels, short_side: int | None) -> Pixels:
    """uint8 [T, H, W, 3] with its short side at ``short_side`` pixels, aspect kept."""
    height, width = pixels.shape[1:3]
    if short_side is None or short_side == min(height, width):
        return pixels
    scale = short_side / min(height, width)
    size = (max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5)))
    whole = width % size[0] == 0 and height % size[1] == 0
    # Pillow's BOX is the exact area mean at whole factors only; elsewhere it drops or doubles rows.
    kernel = Image.Resampling.BOX if whole else Image.Resampling.BICUBIC
    return np.stack([np.asarray(Image.fromarray(frame).resize(size, kernel)) for frame in pixels])


@dataclass(frozen=True)
class VideoFile:
    """A video in any container FFmpeg reads; frames are counted in display order and stand upright."""

    path: Path

    def identity(self) -> str:
        """Hash of the file's size and of 64 KiB at its head, middle and tail (all of it up to 192 KiB).

        Reading whole files would cost seconds per thousand clips at each start. An edited or re-encoded
        video changes its size or its head, so only a deliberate forgery keeps this hash.
        """
        return _file_identity(*self._version())

    def info(self) -> SourceInfo:
        """Frames that can be shown, counted without decoding: headers are wrong where edit lists cut."""
        return _video_info(*self._version())

    def read(self, indices: Sequence[int]) -> Pixels:
        """See FrameSource. Decodes from the start, so that indices are exact whatever the key frames."""
        found: dict[int, Pixels] = {}
        wanted, last = set(indices), max(indices)
        with _opened(self.path) as (container, stream):
            for number, frame in enumerate(container.decode(stream)):
                if number in wanted:
                    found[number] = _upright(frame)
                if number >= last:
                    break
            else:
                raise UserError(f"{self.path}: ends before frame {last}, the file is cut off; fetch it again")
        return np.stack([found[index] for index in indices])

    def _version(self) -> tuple[str, int, int]:
        try:
            status = os.stat(self.path)
        except OSError as failure:
            raise UserError(f"{self.path}: {failure.strerror}; expected a video file") from failure
        return str(self.path), status.st_size, status.st_mtime_ns


@contextmanager
def _opened(path: Path) -> Iterator[tuple["InputContainer", "VideoStream"]]:
    import av  # here, because loading FFmpeg's libraries costs more than reading a folder of images

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise UserError(f"{path}: no video in it, expected a video file")
            yield container, container.streams.video[0]
    except av.FFmpegError as failure:
        reason = failure.strerror or type(failure).__name__
        raise UserError(f"{path}: {reason}; the file is cut off or no video, fetch it again") from failure


def _upright(frame: "av.VideoFrame") -> Pixels:
    pixels = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    return np.rot90(pixels, k=round(frame.rotation / 90)) if frame.rotation else pixels


@lru_cache(maxsize=1 << 16)
def _file_identity(path: str, size: int, changed: int) -> str:
    digest = sha256(f"video {size} ".encode())
    middle, tail = (_PIECE, 2 * _PIECE) if size <= 3 * _PIECE else ((size - _PIECE) // 2, size - _PIECE)
    with open(path, "rb") as file:
        for start in (0, middle, tail):
            file.seek(start)
            digest.update(file.read(_PIECE))
    return digest.hexdigest()


@lru_cache(maxsize=1 << 16)
def _video_info(path: str, size: int, changed: int) -> SourceInfo:
    with _opened(Path(path)) as (container, stream):
        length = sum(packet.size > 0 and not packet.is_discard for packet in container.demux(stream))
        rate = stream.average_rate or stream.guessed_rate
    if not length or not rate:
        raise UserError(f"{path}: {length} frames, {rate} a second; the file is cut off, fetch it again")
    return SourceInfo(length, float(rate))


@dataclass(frozen=True)
class FramesFolder:
    """A folder of frames as HAT keeps them: 000001.jpg, 000002.jpg, ... (or .png), none left out.

    Without ``fps`` the folder's name tells the rate, where it says how long the clip is.
    """

    path: Path
    fps: float | None = None

    def identity(self) -> str:
        """Hash of all names and sizes and of the bytes of the first, middle and last frame.

        Modification times are left out, so that a copy is the same clip. What this cannot see: frames
        replaced in place by others of equal sizes in bytes, first, middle and last excepted.
        """
        return self._folder().identity

    def info(self) -> SourceInfo:
        """As many frames as there are files."""
        length = self._folder().length
        return SourceInfo(length, self.fps or frames_per_second(self.path.name, length))

    def read(self, indices: Sequence[int]) -> Pixels:
        """See FrameSource."""
        return self._images(indices, "RGB")

    def read_grey(self, indices: Sequence[int]) -> Pixels:
        """The same as grey levels uint8 [len(indices), H, W]: how masks are stored."""
        return self._images(indices, "L")

    def _images(self, indices: Sequence[int], mode: str) -> Pixels:
        folder = self._folder()
        images = [_image(self.path / f"{index + 1:06d}{folder.suffix}", mode) for index in indices]
        if len({image.shape for image in images}) > 1:
            raise UserError(f"{self.path}: frames of different sizes, expected one size; extract them again")
        return np.stack(images)

    def _folder(self) -> "_Folder":
        try:
            return _folder(str(self.path), os.stat(self.path).st_mtime_ns)
        except OSError as failure:
            raise UserError(f"{self.path}: {failure.strerror}; expected a folder of frames") from failure


@dataclass(frozen=True)
class _Folder:
    length: int
    suffix: str
    identity: str


def frames_per_second(name: str, frames: int) -> float:
    """The rate frames were extracted at, from ``<YouTube id>_<start second>_<end second>``; else 30."""
    match = _TIMED.fullmatch(name)
    seconds = int(match[2]) - int(match[1]) if match else 0
    return frames / seconds if seconds > 0 else _USUAL_FPS


@lru_cache(maxsize=1 << 16)
def _folder(path: str, changed: int) -> _Folder:
    with os.scandir(path) as entries:
        files = sorted((e.name, e.stat().st_size) for e in entries if _FRAME_NAME.fullmatch(e.name))
    length = len(files)
    suffix = files[0][0][6:] if files else ""
    gap = next((i for i, (name, _) in enumerate(files, 1) if name != f"{i:06d}{suffix}"), None)
    if not files or gap:
        missing = f"no frame {gap or 1:06d}, expected 000001.jpg (or .png) and all that follow"
        raise UserError(f"{path}: {missing}; extract it again")
    digest = sha256(repr(files).encode())
    for name, _ in (files[0], files[length // 2], files[-1]):
        digest.update(Path(path, name).read_bytes())
    return _Folder(length, suffix, digest.hexdigest())


def _image(path: Path, mode: str) -> Pixels:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert(mode))
    except (UnidentifiedImageError, OSError, SyntaxError) as failure:
        raise UserError(f"{path}: not a whole image ({failure}); extract it again") from failure
