"""YOLOX-tiny trained on people in photographs and art (Apache-2.0), by onnxruntime."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from videos.clip import Pixels
from videos.masks.detectors import Found, surest_first
from videos.masks.onnx_session import Floats, network

_SIDE = 416
_PAD = 114


class Yolox:
    """Non-maximum suppression is part of the network."""

    def __init__(self, threads: int = 1) -> None:
        self._network = network("yolox-tiny-people", threads)

    def people(self, frames: Pixels, least: float) -> Sequence[Sequence[Found]]:
        """See Detector. The network's file takes one picture at a time."""
        return [self._one(frame, least) for frame in frames]

    def _one(self, frame: Pixels, least: float) -> list[Found]:
        image, scale = letterboxed(frame)
        height, width = frame.shape[:2]
        limits = np.array((width, height, width, height))
        rows = self._network(input=image)["dets"][0]
        boxes = ((np.clip(row[:4] / scale, 0, limits).tolist(), float(row[4])) for row in rows)
        return surest_first((box, score) for box, score in boxes if score >= least)


def letterboxed(frame: Pixels) -> tuple[Floats, float]:
    """float32 [1, 3, 416, 416] in BGR, levels 0 to 255, the frame in its upper left corner; and its scale."""
    height, width = frame.shape[:2]
    scale = min(_SIDE / height, _SIDE / width)
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    canvas = np.full((_SIDE, _SIDE, 3), _PAD, np.float32)
    canvas[: size[1], : size[0]] = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR))
    return np.ascontiguousarray(canvas[..., ::-1].transpose(2, 0, 1)[None]), scale
