"""Which frames of a clip are looked at and at what size (FramePolicy), and getting them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from PIL import Image

from assets.errors import UserError
from videos.clip import Frames, FrameSource, Pixels, SourceInfo
from videos.files import VIDEO_SUFFIXES, VideoFile
from videos.folders import FramesFolder, frames_per_second

__all__ = [
    "VIDEO_SUFFIXES",
    "FramePolicy",
    "FramesFolder",
    "Sampling",
    "VideoFile",
    "decode",
    "frames_per_second",
    "resize",
]

Sampling = Literal["uniform", "centre", "dense", "paper", "paper_internvl3"]

_DENSE_SECONDS = 8 / 30  # Slow-Only 8x8: every eighth frame of a 30 fps video


@dataclass(frozen=True)
class FramePolicy:
    """How many frames, which ones and at what size; part of every cache key.

    With N frames in the clip and n asked for, 0-based:

    - ``uniform``: the middle of each of n equal segments, floor((2i + 1) N / 2n).
    - ``centre``: consecutive frames around the middle.
    - ``dense``: around the middle too, 8/30 s apart, closer where the clip is shorter than that.
    - ``paper``: from the first to the last, round(i (N - 1) / (n - 1) + 1) - 1, halves to even: the 8 frames
      GPT-4o-mini and all classifiers of arXiv 2512.17953 saw (its code's ``sample_indices``). One frame: its
      centre frame for CLIP and SigLIP, floor(N / 2) - 1.
    - ``paper_internvl3``: int(s / 2 + round(s i)) with s = (N - 1) / n: what InternVL3 saw there.

    ``size`` is the short side in pixels, aspect kept; None keeps the source's size.

    ``view`` is what is shown of the clip (``videos.views``), with the person masks in the folder ``masks``
    that `videos segment` wrote, else the data set's own. Frame numbers are those of the view.
    """

    frames: int = 8
    sampling: Sampling = "uniform"
    size: int | None = None
    view: str = "original"
    masks: str | None = None

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
        shown = "" if self.view == "original" else f"-{self.view}"
        return f"{self.sampling}-{self.frames}-{self.size or 'full'}{shown}"

    @classmethod
    def parse(cls, text: str) -> "FramePolicy":
        """The policy with this ``key``: ``paper-8-224``; ``paper-8`` and ``paper`` mean 8 frames, in full.

        A view may follow: ``paper-8-224-black``.
        """
        sampling, *numbers = text.split("-", 3)
        view = _known_view(numbers.pop()) if len(numbers) == 3 else "original"
        if len(numbers) > 2 or not all(number.isdecimal() or number == "full" for number in numbers):
            raise UserError(f"{text!r} is no frame policy, expected one like uniform-8-224 or paper-8-full")
        frames, size = (*numbers, *("8", "full")[len(numbers) :])
        if frames == "full":
            raise UserError(f"{text!r} is no frame policy, expected a number of frames: uniform-8-full")
        return cls(int(frames), sampling, None if size == "full" else int(size), view)  # type: ignore[arg-type]

    def seen(self, source: FrameSource) -> FrameSource:
        """The clip as the view shows it. Raises UserError where that needs masks the clip does not have."""
        if self.view == "original":
            return source
        from videos.views import view_of  # here, because it builds on this module

        return view_of(source, self.view, self.masks)

    def indices(self, info: SourceInfo) -> tuple[int, ...]:
        """0-based frame numbers, ``frames`` of them, ascending; a clip with fewer frames repeats some."""
        return _SAMPLERS[self.sampling](self.frames, info)


def _uniform(frames: int, info: SourceInfo) -> tuple[int, ...]:
    return tuple((2 * i + 1) * info.length // (2 * frames) for i in range(frames))


def _centre(frames: int, info: SourceInfo) -> tuple[int, ...]:
    return _around_middle(frames, info, 1)


def _dense(frames: int, info: SourceInfo) -> tuple[int, ...]:
    return _around_middle(frames, info, max(1, round(info.fps * _DENSE_SECONDS)))


def _around_middle(frames: int, info: SourceInfo, step: int) -> tuple[int, ...]:
    if frames > 1:
        step = max(1, min(step, (info.length - 1) // (frames - 1)))
    start = max(0, (info.length - 1 - step * (frames - 1)) // 2)
    return tuple(min(start + i * step, info.length - 1) for i in range(frames))


def _paper(frames: int, info: SourceInfo) -> tuple[int, ...]:
    if frames == 1:
        return (max(0, info.length // 2 - 1),)
    # One added before rounding, as there: 1-based halves go to the even file name.
    return tuple(round(i * (info.length - 1) / (frames - 1) + 1) - 1 for i in range(frames))


def _paper_internvl3(frames: int, info: SourceInfo) -> tuple[int, ...]:
    step = (info.length - 1) / frames
    return tuple(int(step / 2 + round(step * i)) for i in range(frames))


_SAMPLERS: dict[str, Callable[[int, SourceInfo], tuple[int, ...]]] = {
    "uniform": _uniform,
    "centre": _centre,
    "dense": _dense,
    "paper": _paper,
    "paper_internvl3": _paper_internvl3,
}


def decode(source: FrameSource, policy: FramePolicy) -> Frames:
    """The frames the policy asks for, resized. Raises UserError where the source cannot give them."""
    source = policy.seen(source)
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


def _known_view(text: str) -> str:
    from videos.views import parse_view  # here, because it builds on this module

    return parse_view(text).text
