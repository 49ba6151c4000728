"""Where the person is: masks of clips, from wherever they are known.

Soft masks are 0..255; ``hard`` ones 0 or 255, person above 128 (HAT's rule).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from assets.errors import UserError
from videos.clip import Clip, Pixels
from videos.compose import (
    HARD,
    ActionSwap,
    HumanOnly,
    Stored,
    UnalignedSwap,
    nearest,
)
from videos.decode import FramesFolder
from videos.files import VideoFile
from videos.masks.kept import key_of


class MaskSource(Protocol):
    """Masks of clips. ``key`` spells all that decides them. A segmenter plugs in here."""

    @property
    def key(self) -> str: ...

    def knows(self, clip: Clip) -> bool:
        """Whether it has any masks of the clip, told without reading them."""

    def levels(self, clip: Clip, indices: Sequence[int]) -> Pixels | None:
        """uint8 [len(indices), H, W] at the clip's 0-based frames, any size; None where none is known."""


@dataclass(frozen=True)
class ComposedMasks:
    """What the published folders tell: a swap's person where it was pasted, HAT's seg beside its frames."""

    key: str = "composed"

    def knows(self, clip: Clip) -> bool:
        """See MaskSource."""
        frames = clip.frames
        beside = isinstance(frames, FramesFolder) and (_emptied(frames.path) or bool(_seg(frames.path)))
        return beside or isinstance(frames, ActionSwap | UnalignedSwap | HumanOnly)

    def levels(self, clip: Clip, indices: Sequence[int]) -> Pixels | None:
        """See MaskSource. A background-only clip has nobody in it."""
        frames = clip.frames
        if isinstance(frames, ActionSwap):
            return frames.person_levels(indices)
        if isinstance(frames, UnalignedSwap | HumanOnly):
            return frames.person_mask.read_grey(indices)
        if isinstance(frames, FramesFolder):
            return _beside(frames.path, indices)
        return None


def _beside(path: Path, indices: Sequence[int]) -> Pixels | None:
    """For .../ori/class/clip its .../seg/class/clip; nobody in .../inp/class/clip."""
    if _emptied(path):
        return np.zeros((len(indices), 1, 1), np.uint8)
    folder = _seg(path)
    if folder is None:
        return None
    frames, masks = FramesFolder(path).info().length, FramesFolder(folder).info().length
    if frames != masks:
        raise UserError(f"{folder}: {masks} masks of {frames} frames; segment the clip again")
    return FramesFolder(folder).read_grey(indices)


def _emptied(path: Path) -> bool:
    return path.parent.parent.name in ("inp", "inpaint")


def _seg(path: Path) -> Path | None:
    part = path.parent.parent
    folder = part.parent / "seg" / path.parent.name / path.name
    return folder if part.name in ("ori", "original", "rawframes") and folder.is_dir() else None


@dataclass(frozen=True)
class FolderMasks:
    """A folder of masks, ``class/clip/000001.png``: one a frame, or 32 a clip as the paper keeps.

    What `videos segment` leaves may be named too: its masks lie in ``seg``, under names of its own. Composed
    and emptied clips are known by such names alone: by the clip they are made of its masks would be another
    person's, or that of one who was taken out.
    """

    root: Path

    @property
    def key(self) -> str:
        """Another one when clips come or go: times of the folders of classes."""
        times = [(one.name, one.stat().st_mtime_ns) for one in sorted(self._masks.iterdir()) if one.is_dir()]
        return f"folder {self.root} {sha256(repr(times).encode()).hexdigest()}"

    @property
    def _masks(self) -> Path:
        """Raises UserError where there is no such folder: every clip would be black."""
        if not self.root.is_dir():
            raise UserError(f"{self.root}: no folder; expected person masks, class/clip/000001.png")
        return self.root / "seg" if (self.root / "seg").is_dir() else self.root

    def knows(self, clip: Clip) -> bool:
        """See MaskSource."""
        return self._folder(clip) is not None

    def levels(self, clip: Clip, indices: Sequence[int]) -> Pixels | None:
        """See MaskSource. With fewer masks than frames the nearest in time is taken."""
        folder = self._folder(clip)
        if folder is None:
            return None
        stored: Stored = FramesFolder(folder)
        masks, frames = stored.info().length, clip.frames.info().length
        return stored.read_grey([min(index * masks // frames, masks - 1) for index in indices])

    def _folder(self, clip: Clip) -> Path | None:
        name, root, frames = _clip_name(clip), self._masks, clip.frames
        found = [root / key_of(clip)]
        if isinstance(frames, FramesFolder) and _emptied(frames.path):
            return None
        if not isinstance(frames, ActionSwap | UnalignedSwap):
            found += [root / clip.human / name, root / clip.human.replace(" ", "_") / name, root / name]
        return next((path for path in found if path.is_dir()), None)


@dataclass(frozen=True)
class MiniMasks:
    """Exact masks of the bundled benchmark's videos, drawn again: its mp4 files are written without them."""

    key: str = "mini"

    def knows(self, clip: Clip) -> bool:
        """See MaskSource."""
        return _clip_name(clip) in _mini_specs() and isinstance(clip.frames, VideoFile)

    def levels(self, clip: Clip, indices: Sequence[int]) -> Pixels | None:
        """See MaskSource."""
        spec = _mini_specs().get(_clip_name(clip))
        if spec is None or not isinstance(clip.frames, VideoFile):
            return None
        from videos.mini.render import render

        return render(spec, indices, with_background=False).mask


@lru_cache(maxsize=1)
def _mini_specs() -> dict[str, Any]:
    from videos.mini.plan import Sizes, kinetics_clips, mimetics_clips

    sizes = Sizes()
    planned = [*kinetics_clips(sizes, "val"), *kinetics_clips(sizes, "train"), *mimetics_clips(sizes)]
    return {one.name: one.spec for one in planned}


@dataclass(frozen=True)
class FirstOf:
    """The first source that knows a clip; else all black or all person, as ``missing`` says."""

    sources: tuple[MaskSource, ...]
    missing: str = "black"
    kind: str = "soft"

    @property
    def key(self) -> str:
        return f"{'+'.join(one.key for one in self.sources)} {self.missing} {self.kind}"

    def knows(self, clip: Clip) -> bool:
        """See MaskSource."""
        return any(source.knows(clip) for source in self.sources)

    def levels(self, clip: Clip, indices: Sequence[int]) -> Pixels | None:
        """See MaskSource; never None."""
        for source in self.sources:
            found = source.levels(clip, indices)
            if found is not None:
                return hard(found) if self.kind == "hard" else found
        return np.full((len(indices), 1, 1), 255 if self.missing == "whole" else 0, np.uint8)


def mask_source(folder: str | None, missing: str, kind: str, mini: bool) -> FirstOf:
    """A folder the user names, then what the data set tells, then the mini benchmark's renderer."""
    sources: list[MaskSource] = [FolderMasks(Path(folder).expanduser())] if folder else []
    sources.append(ComposedMasks())
    if mini:
        sources.append(MiniMasks())
    return FirstOf(tuple(sources), missing, kind)


def fitted(source: MaskSource, clip: Clip, indices: Sequence[int], shape: Sequence[int]) -> Pixels:
    """The clip's masks as large as its frames [T, H, W, 3], antialiased if they shrink; black if unknown."""
    levels = source.levels(clip, indices)
    size = (shape[1], shape[2])
    if levels is None:
        return np.zeros((len(indices), *size), np.uint8)
    if levels.shape[1:3] == size:
        return levels
    if levels.shape[1] < size[0]:
        return np.stack([nearest(mask, *size) for mask in levels])
    small = (Image.fromarray(mask).resize(size[::-1], Image.Resampling.BOX) for mask in levels)
    return np.stack([np.asarray(mask) for mask in small])


def hard(mask: Pixels) -> Pixels:
    """0 or 255."""
    return np.where(mask > HARD, 255, 0).astype(np.uint8)


def _clip_name(clip: Clip) -> str:
    path = getattr(clip.frames, "path", None)
    return Path(path).stem if path is not None else clip.id.rpartition("/")[2]
