"""The seam to person detectors: a batch of frames in, boxes of people out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from assets.errors import UserError
from videos.clip import Pixels

BATCH = 8  # frames that a detector sees at once

Corners = tuple[float, float, float, float]  # left, top, right, bottom, in pixels


@dataclass(frozen=True)
class Found:
    """One person: where, and how sure the detector is, 0 to 1."""

    box: Corners
    score: float


class Detector(Protocol):
    """Finds people."""

    def people(self, frames: Pixels, least: float) -> Sequence[Sequence[Found]]:
        """Per frame of uint8 [N, H, W, 3] those with a score of at least ``least``, the surest first."""


# Name -> module and class, imported when used: each needs other libraries.
DETECTORS: Mapping[str, str] = {
    "yolox": "videos.masks.detect_yolox:Yolox",
    "transformers": "videos.masks.detect_transformers:TransformersDetector",
    "torchvision": "videos.masks.detect_torchvision:TorchvisionDetector",
    "ultralytics": "videos.masks.detect_ultralytics:UltralyticsDetector",
}


def load_detector(name: str, options: Mapping[str, Any]) -> Detector:
    """The detector of that name. Raises UserError for an unknown name or option."""
    made: Detector = built("detector", name, DETECTORS, options)
    return made


def built(kind: str, name: str, known: Mapping[str, str], options: Mapping[str, Any]) -> Any:
    """What a registry's ``module:Class`` makes of the options. Raises UserError."""
    if name not in known:
        raise UserError(f"{kind} {name!r} is unknown, expected one of: {', '.join(known)}")
    module, _, attribute = known[name].partition(":")
    make: Callable[..., Any] = getattr(import_module(module), attribute)
    try:
        return make(**options)
    except ImportError as failure:
        raise UserError(
            f"{kind} {name} needs a package that is not here ({failure}); install sceneproof[segment]"
        ) from failure
    except TypeError as failure:
        raise UserError(f"{kind} {name}: {failure}; change its options") from failure


def people_in(detector: Detector, frames: Pixels, least: float) -> list[Sequence[Found]]:
    """As ``Detector.people``, ``BATCH`` frames at a time: many large frames would not fit in memory."""
    parts = (frames[start : start + BATCH] for start in range(0, len(frames), BATCH))
    return [found for part in parts for found in detector.people(part, least)]


def surest_first(rows: Iterable[tuple[Sequence[float], float]]) -> list[Found]:
    """People of (box, score) rows."""
    found = [Found((left, top, right, bottom), score) for (left, top, right, bottom), score in rows]
    return sorted(found, key=lambda one: -one.score)


def of_class(results: Iterable[Mapping[str, Any]], person: int, least: float) -> list[list[Found]]:
    """People of each frame's boxes, scores and labels, tensors as torchvision and transformers give them."""
    kept = [(one, (one["labels"] == person) & (one["scores"] >= least)) for one in results]
    return [
        surest_first(zip(one["boxes"][mask].tolist(), one["scores"][mask].tolist(), strict=True))
        for one, mask in kept
    ]


def overlap(a: Corners, b: Corners) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, wide) * max(0.0, high)
    total = _area(a) + _area(b) - shared
    return shared / total if total > 0 else 0.0


def _area(box: Corners) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
