"""YOLO of the package ultralytics, which the paper used (YOLOv5s). Package and weights are AGPL-3.0.

It is no dependency of this project and of none of its extras: whoever installs it accepts its licence, which
asks of programs that use it, also over a network, to be given away as source.
"""

from collections.abc import Sequence
from importlib import import_module

from assets.errors import UserError
from videos.clip import Pixels
from videos.masks.detectors import Found, surest_first

_PERSON = 0  # class of COCO, counted from 0


class UltralyticsDetector:
    """``model``: a weights file or a name that ultralytics downloads."""

    def __init__(self, model: str = "yolov5su.pt", device: str = "cpu") -> None:
        try:
            package = import_module("ultralytics")
        except ImportError as failure:
            raise UserError(
                "ultralytics is not installed; its licence is AGPL-3.0, pip install ultralytics accepts it, "
                "or use the detector yolox"
            ) from failure
        self._model, self._device = package.YOLO(model), device

    def people(self, frames: Pixels, least: float) -> Sequence[Sequence[Found]]:
        """See Detector."""
        results = self._model.predict(
            [frame[..., ::-1] for frame in frames],
            conf=least,
            classes=[_PERSON],
            device=self._device,
            verbose=False,
        )
        said = [(one.boxes.xyxy.tolist(), one.boxes.conf.tolist()) for one in results]
        return [surest_first(zip(boxes, scores, strict=True)) for boxes, scores in said]
