"""UCF101 with HAT's masks and emptied scenes, swapped as DEVIAS (Bae et al., ECCV 2024) pairs its clips."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from assets.errors import UserError
from videos.clip import ClipSet, Pixels, SourceInfo
from videos.datasets.hat import find_folders, mix_and_mode, read_swaps
from videos.datasets.pairs import find_pickle, in_order, places, read_list, read_pairs
from videos.datasets.reading import LeftOut, Outcome

PARTS = "<rand|close|far>_<number>[:paper]"

_DEEP = ("filelist/hat/ucf101/*", "ucf101/*", "hat/ucf101/*")  # where DEVIAS keeps its pickles
_FRAME = re.compile(r"(?P<start>(?:image_|img_|frame_)?)(?P<number>\d{5,6})(?P<end>\.jpe?g|\.png)")
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_GROUP = re.compile(r"_c\d+$")
_FPS = 25.0  # of every video of UCF101


def read_ucf101_hat(root: Path, part: str) -> Outcome:
    """The swaps of ``actionswap_<part>.pickle`` (``rand_1``, close, far), and every pair that gave none.

    Labels are written in words: ``ApplyEyeMakeup`` is "apply eye makeup". A clip's source is its group,
    ``v_Archery_g01``, since UCF101 cuts the clips of a group from one video. Frames may be numbered from 0 or
    1 and called ``image_00001.jpg``, ``img_00000.png`` or ``000001.jpg``, as copies of this set mix them.
    """
    mix, mode = mix_and_mode("ucf101_hat", part)
    folders = places(root, _DEEP)
    pairs = read_pairs(find_pickle(folders, mix, "ucf101_hat"))
    listed = read_list(folders, "*list_rawframes.txt")
    order = in_order(pairs, listed)
    kind = (mix.partition("_")[0], mode)
    frames = find_folders(root, _DEEP, NumberedFrames)
    swaps = [(key, pairs[key]) for key in order]
    clips, left_out = read_swaps("ucf101_hat", swaps, frames, kind, label_of, group_of)
    unlisted = [key for key in pairs if key not in set(order)]
    told = f"not in {listed.path.name}" if listed.path else ""
    left_out += [LeftOut(f"ucf101_hat/{key}+{pairs[key]}", "missing", told) for key in unlisted]
    keys = (*order, *(pairs[key] for key in order))
    classes = sorted({label_of(key.partition("/")[0]) for key in keys})
    return ClipSet(f"ucf101_hat:{part}", tuple(clips), tuple(classes)), tuple(left_out)


def label_of(name: str) -> str:
    """A class of UCF101 in words."""
    return _WORD.sub(" ", name).lower()


def group_of(key: str) -> str:
    """The video a clip was cut from."""
    return _GROUP.sub("", key)


@dataclass(frozen=True)
class NumberedFrames:
    """A folder of frames numbered without gaps from 0 or 1, whatever stands before the number."""

    path: Path
    fps: float = _FPS

    def identity(self) -> str:
        """Hash of all names and sizes and of the bytes of the first, middle and last frame."""
        names = self._names()
        digest = sha256(repr([(name, (self.path / name).stat().st_size) for name in names]).encode())
        for name in (names[0], names[len(names) // 2], names[-1]):
            digest.update((self.path / name).read_bytes())
        return digest.hexdigest()

    def info(self) -> SourceInfo:
        """As many frames as there are files."""
        return SourceInfo(len(self._names()), self.fps)

    def read(self, indices: Sequence[int]) -> Pixels:
        """See FrameSource."""
        return self._images(indices, "RGB")

    def read_grey(self, indices: Sequence[int]) -> Pixels:
        """The same as grey levels uint8 [len(indices), H, W]."""
        return self._images(indices, "L")

    def _images(self, indices: Sequence[int], mode: str) -> Pixels:
        names = self._names()
        images = [_image(self.path / names[index], mode) for index in indices]
        if len({image.shape for image in images}) > 1:
            raise UserError(f"{self.path}: frames of different sizes, expected one size; extract them again")
        return np.stack(images)

    def _names(self) -> tuple[str, ...]:
        try:
            return _names(self.path, self.path.stat().st_mtime_ns)
        except OSError as failure:
            raise UserError(f"{self.path}: {failure.strerror}; expected a folder of frames") from failure


@lru_cache(maxsize=1 << 14)
def _names(path: Path, changed: int) -> tuple[str, ...]:
    matches = (match for entry in path.iterdir() if (match := _FRAME.fullmatch(entry.name)))
    found = sorted(matches, key=lambda match: (int(match["number"]), match.string))
    numbers = [int(match["number"]) for match in found]
    if not found or numbers[0] > 1 or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        numbered = f"{len(found)} frames that are not numbered from 0 or 1 without gaps"
        raise UserError(f"{path}: {numbered}, expected image_00001.jpg and all that follow; extract it again")
    return tuple(match.string for match in found)


def _image(path: Path, mode: str) -> Pixels:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert(mode))
    except (UnidentifiedImageError, OSError, SyntaxError) as failure:
        raise UserError(f"{path}: not a whole image ({failure}); extract it again") from failure
