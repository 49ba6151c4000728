"""Clips with a person of known shape, and detectors and followers that see it, without any network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from videos.clip import Clip, Pixels
from videos.decode import FramesFolder
from videos.masks import run
from videos.masks.config import SegmentConfig
from videos.masks.detectors import Detector, Found
from videos.masks.followers import Follower, Start
from videos.masks.kept import Row, rows

HIGH, WIDE = 48, 64
PERSON, PLACE = (250, 40, 40), (20, 120, 60)


def mask_of(index: int, left: int = 10, wide: int = 12) -> Pixels:
    """The person of frame ``index``: a block that moves two pixels to the right a frame."""
    mask = np.zeros((HIGH, WIDE), np.uint8)
    mask[12:40, left + 2 * index : left + 2 * index + wide] = 255
    return mask


def frame_of(mask: Pixels, place: tuple[int, int, int] = PLACE) -> Pixels:
    return np.where(mask[..., None] > 0, np.array(PERSON, np.uint8), np.array(place, np.uint8))


def write(folder: Path, frames: Sequence[Pixels], suffix: str = ".png") -> FramesFolder:
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames, 1):
        Image.fromarray(frame).save(folder / f"{number:06d}{suffix}")
    return FramesFolder(folder)


def a_clip(root: Path, key: str, length: int = 6, people: bool = True, masks: bool = True) -> FramesFolder:
    """A clip in HAT's folders: ori, and seg where it has masks."""
    shapes = [mask_of(i) if people else np.zeros((HIGH, WIDE), np.uint8) for i in range(length)]
    if masks:
        write(root / "seg" / key, shapes)
    return write(root / "ori" / key, [frame_of(shape) for shape in shapes])


def there(frame: Pixels) -> Pixels:
    """Person pixels of a frame: what is red."""
    return np.where(frame[..., 0] > 150, 255, 0).astype(np.uint8)


@dataclass(frozen=True)
class Eyes:
    """Detects the red block, with this score."""

    score: float = 0.9

    def people(self, frames: Pixels, least: float) -> Sequence[Sequence[Found]]:
        return [self.see(frame, least) for frame in frames]

    def see(self, frame: Pixels, least: float) -> Sequence[Found]:
        rows, columns = np.nonzero(there(frame))
        if self.score < least or not len(rows):
            return []
        corners = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        left, top, right, bottom = map(float, corners)
        return [Found((left, top, right, bottom), self.score)]


@dataclass
class Hands:
    """Follows by colour; ``starts`` tells what it was asked."""

    starts: list[Start]

    def watch(self, frames: Pixels, detector: Detector) -> "Watching":
        return Watching(frames, self.starts)


@dataclass
class Watching:
    frames: Pixels
    starts: list[Start]

    def follow(self, start: Start) -> Pixels:
        self.starts.append(start)
        masks = np.stack([there(frame) for frame in self.frames])
        if not start.backwards:
            masks[: start.index] = 0
        return masks


def interrupted(follower: Follower, folder: Path, length: int, patch: pytest.MonkeyPatch) -> list[Row]:
    """Two clips cut out by a run that ends behind the first, and by another one; the rows of that."""
    patch.setattr(run, "backends", lambda text: (Eyes(), follower))
    sources = [a_clip(folder, f"yoga/{name}", length, masks=False) for name in ("one", "two")]
    clips = [Clip(source.path.name, "yoga", None, ("x",), source) for source in sources]
    config = SegmentConfig(dataset="hat:original", out=str(folder / "out"), mode="paper")

    def stop(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.segment(clips, config, stop)
    assert list(rows(folder / "out")) == ["one"]
    return run.segment(clips, config)


def written(folder: Path) -> list[list[str]]:
    """Names of the masks of both clips."""
    seg = folder / "out" / "seg" / "yoga"
    return [sorted(file.name for file in (seg / name).iterdir()) for name in ("one", "two")]
