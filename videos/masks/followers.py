"""The seam to what follows a person through a clip: frames and a box in, a mask for each frame out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from videos.clip import Pixels
from videos.masks.detectors import Corners, Detector, built


@dataclass(frozen=True)
class Start:
    """A person to follow: seen in frame ``index``, there in ``box``; ``backwards`` too, or onwards only."""

    index: int
    box: Corners
    backwards: bool = True


class Watched(Protocol):
    """One clip, open for following."""

    def follow(self, start: Start) -> Pixels:
        """That person's masks, uint8 [T, H, W], 255 where they are; empty where they are lost."""


class Follower(Protocol):
    """Opens clips."""

    def watch(self, frames: Pixels, detector: Detector) -> Watched:
        """Frames uint8 [T, H, W, 3]. What follows frame by frame may ask the detector again."""


# Name -> module and class, imported when used: each needs other libraries.
FOLLOWERS: Mapping[str, str] = {
    "onnx": "videos.masks.follow_onnx:OnnxFollower",
    "transformers": "videos.masks.follow_transformers:TransformersFollower",
    "sam2": "videos.masks.follow_sam2:Sam2Follower",
}


def load_follower(name: str, options: Mapping[str, Any]) -> Follower:
    """The follower of that name. Raises UserError for an unknown name or option."""
    made: Follower = built("follower", name, FOLLOWERS, options)
    return made


def orders(start: Start, length: int) -> Sequence[range]:
    """Frame numbers to go through: from the start onwards, then backwards from just before it."""
    onwards = range(start.index, length)
    return (onwards, range(start.index - 1, -1, -1)) if start.backwards else (onwards,)
