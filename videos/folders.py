"""Folders of frames, as HAT and many other sets keep their clips."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from assets.errors import UserError
from videos.clip import Pixels, SourceInfo

_USUAL_FPS = 30.0
_TIMED = re.compile(r".{11}_(\d{6})_(\d{6})")
_FRAME = re.compile(r"(?P<start>(?:image_|img_|frame_)?)(?P<number>\d{4,8})(?P<end>\.jpe?g|\.png)")


@dataclass(frozen=True)
class FramesFolder:
    """A folder of frames: 000001.jpg, 000002.jpg, ... as HAT keeps them, or img_00001.jpg as mmaction2 does.

    Before the number may stand ``image_``, ``img_`` or ``frame_``; it counts from 0 or 1, none left out.
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
        length = len(self._folder().names)
        return SourceInfo(length, self.fps or frames_per_second(self.path.name, length))

    def read(self, indices: Sequence[int]) -> Pixels:
        """See FrameSource."""
        return self._images(indices, "RGB")

    def read_grey(self, indices: Sequence[int]) -> Pixels:
        """The same as grey levels uint8 [len(indices), H, W]: how masks are stored."""
        return self._images(indices, "L")

    def _images(self, indices: Sequence[int], mode: str) -> Pixels:
        names = self._folder().names
        images = [_image(self.path / names[index], mode) for index in indices]
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
    names: tuple[str, ...]
    identity: str


def frames_per_second(name: str, frames: int) -> float:
    """The rate frames were extracted at, from ``<YouTube id>_<start second>_<end second>``; else 30."""
    match = _TIMED.fullmatch(name)
    seconds = int(match[2]) - int(match[1]) if match else 0
    return frames / seconds if seconds > 0 else _USUAL_FPS


@lru_cache(maxsize=1 << 16)
def _folder(path: str, changed: int) -> _Folder:
    with os.scandir(path) as entries:
        files = sorted((e.name, e.stat().st_size) for e in entries if _FRAME.fullmatch(e.name))
    names = tuple(name for name, _ in files)
    missing = _missing(names)
    if missing:
        expected = "expected 000001.jpg or img_00001.jpg (or .png) and all that follow; extract it again"
        raise UserError(f"{path}: {missing}, {expected}")
    digest = sha256(repr(files).encode())
    for name in (names[0], names[len(names) // 2], names[-1]):
        digest.update(Path(path, name).read_bytes())
    return _Folder(names, digest.hexdigest())


def _missing(names: Sequence[str]) -> str:
    """The first frame that is not where it should be in sorted names, in words; "" when all are there."""
    if not names:
        return "no frames"
    first = _FRAME.fullmatch(names[0])
    assert first, "only such names were kept"
    start, end, digits = first["start"], first["end"], len(first["number"])
    began = min(int(first["number"]), 1)
    expected = (f"{start}{number:0{digits}d}{end}" for number in range(began, began + len(names)))
    return next(
        (f"no frame {wanted}" for wanted, name in zip(expected, names, strict=True) if wanted != name), ""
    )


def _image(path: Path, mode: str) -> Pixels:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert(mode))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as failure:
        raise UserError(f"{path}: not a whole image ({failure}); extract it again") from failure
