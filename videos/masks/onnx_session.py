"""Networks in ONNX files, run on the processor by onnxruntime."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assets.errors import UserError
from assets.fetch import fetch
from videos.clip import Pixels

Floats = NDArray[np.float32]

_MEAN = np.array((0.485, 0.456, 0.406), np.float32)
_SPREAD = np.array((0.229, 0.224, 0.225), np.float32)


class Network:
    """One ONNX file. Raises UserError where onnxruntime is not installed."""

    def __init__(self, path: Path, threads: int) -> None:
        try:
            import onnxruntime
        except ImportError as failure:
            raise UserError("onnxruntime is not installed; install sceneproof[segment]") from failure
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads  # more wait for each other in a spin: slower on busy cores
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._names = [one.name for one in self._session.get_outputs()]

    def __call__(self, **inputs: NDArray[Any]) -> dict[str, Floats]:
        """Outputs by name."""
        return dict(zip(self._names, self._session.run(None, inputs), strict=True))


@lru_cache(maxsize=8)
def network(asset: str, threads: int) -> Network:
    """A network of the catalogue, fetched and loaded once in each process."""
    return Network(fetch(asset), threads)


def normalised(frame: Pixels, side: int) -> Floats:
    """What SAM2 sees of a frame: float32 [1, 3, side, side], with ImageNet's mean and spread."""
    image = Image.fromarray(frame).resize((side, side), Image.Resampling.BILINEAR)
    pixels = (np.asarray(image, np.float32) / 255 - _MEAN) / _SPREAD
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
