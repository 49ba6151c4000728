"""What a person can be put in front of: pictures of a folder, emptied clips, drawn places.

The choice is drawn from a generator the caller seeds per (run, epoch, clip). The code published with
arXiv 2512.17953 drew in forked processes that shared a seed: 761 pictures for 6,167 clips, nearly all eight
times. Nothing here keeps a generator of its own, so no worker can repeat another.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image, UnidentifiedImageError

from assets.errors import UserError
from videos.clip import Clip, Pixels
from videos.compose import bilinear
from videos.decode import FramePolicy
from videos.store import FrameStore

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


class Backgrounds(Protocol):
    """A pool of backgrounds. ``key`` spells all that decides them."""

    @property
    def key(self) -> str: ...

    def pick(self, label: int, rng: np.random.Generator) -> int:
        """A background's number for a clip of that class."""

    def frames(self, number: int, count: int, height: int, width: int) -> Pixels:
        """Background ``number`` as uint8 [count, height, width, 3]."""


@dataclass(frozen=True)
class Pictures:
    """All pictures below a folder, such as Places365's validation images; each stands still for a clip."""

    root: Path

    @property
    def key(self) -> str:
        return f"pictures {self.root} {len(self)}"

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """Sorted. Raises UserError where there is none."""
        found = sorted(path for path in self.root.rglob("*") if path.suffix.lower() in _SUFFIXES)
        if not found:
            raise UserError(
                f"{self.root}: no pictures ({', '.join(_SUFFIXES)}); name a folder that holds some"
            )
        return tuple(found)

    def __len__(self) -> int:
        return len(self.paths)

    def pick(self, label: int, rng: np.random.Generator) -> int:
        """Any."""
        return int(rng.integers(len(self)))

    def frames(self, number: int, count: int, height: int, width: int) -> Pixels:
        """Stretched, as the paper does. Raises UserError for a file that is no picture."""
        path = self.paths[number]
        try:
            with Image.open(path) as opened:
                # draft() decodes large photographs at a fraction of their size.
                opened.draft("RGB", (2 * width, 2 * height))
                picture = opened.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
        except (OSError, UnidentifiedImageError) as failure:
            raise UserError(f"{path}: {failure}; expected a picture, mend or remove it") from None
        return np.repeat(np.asarray(picture)[None], count, 0)


@dataclass(frozen=True)
class EmptiedClips:
    """Clips without people, moving, such as hat:background_only: action swaps made while training.

    A person is never put where their own action takes place. ``classes``: names by label.
    """

    clips: tuple[Clip, ...]
    policy: FramePolicy
    classes: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"emptied {len(self)} {self.policy.key}"

    @cached_property
    def _store(self) -> FrameStore:
        return FrameStore()

    def __len__(self) -> int:
        return len(self.clips)

    @cached_property
    def _elsewhere(self) -> dict[str, list[int]]:
        """By action the clips of all others."""
        return {name: [k for k, clip in enumerate(self.clips) if clip.human != name] for name in self.classes}

    def pick(self, label: int, rng: np.random.Generator) -> int:
        """Any of another action. Raises UserError where there is none."""
        others = self._elsewhere[self.classes[label]]
        if not others:
            raise UserError(f"backgrounds: only those of {self.classes[label]!r}; name a set of more actions")
        return others[int(rng.integers(len(others)))]

    def frames(self, number: int, count: int, height: int, width: int) -> Pixels:
        """Stretched; frames at the same relative position."""
        pixels = self._store.get(self.clips[number], self.policy).pixels
        chosen = [index * len(pixels) // count for index in range(count)]
        return np.stack([bilinear(np.asarray(pixels[index]), height, width) for index in chosen])


@dataclass(frozen=True)
class DrawnPlaces:
    """Places drawn by the bundled benchmark's painter, seeds its clips never use."""

    each: int = 12
    first: int = 5_000_000

    @property
    def key(self) -> str:
        return f"drawn {self.each} {self.first}"

    def __len__(self) -> int:
        return self.each * len(_places())

    def pick(self, label: int, rng: np.random.Generator) -> int:
        """Any."""
        return int(rng.integers(len(self)))

    def frames(self, number: int, count: int, height: int, width: int) -> Pixels:
        """Still, cut from the middle of the painted place."""
        picture = _drawn(_places()[number // self.each], self.first + number % self.each, max(height, width))
        return np.repeat(np.asarray(picture)[None, :height, :width], count, 0)


@lru_cache(maxsize=1)
def _places() -> tuple[str, ...]:
    from videos.mini.scenes import PLAIN, SCENES

    return (*SCENES, *PLAIN)


@lru_cache(maxsize=1024)
def _drawn(scene: str, seed: int, side: int) -> Image.Image:
    from videos.mini.render import SIZE, empty_place

    place = empty_place(scene, seed)
    margin = (place.width - SIZE) // 2
    cut = place.crop((margin, margin, margin + SIZE, margin + SIZE))
    return cut.resize((side, side), Image.Resampling.BOX)
