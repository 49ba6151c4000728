"""Faster R-CNN and its like of torchvision (BSD-3-Clause)."""

from collections.abc import Sequence
from importlib import import_module

import numpy as np

from assets.errors import UserError
from videos.clip import Pixels
from videos.masks.detectors import Found, of_class

_PERSON = 1  # class of COCO as torchvision counts them


class TorchvisionDetector:
    """``model``: a name torchvision knows; ``weights``: "DEFAULT", or a file of a state dict."""

    def __init__(
        self,
        model: str = "fasterrcnn_mobilenet_v3_large_fpn",
        weights: str = "DEFAULT",
        device: str = "cpu",
    ) -> None:
        import torch

        try:
            get_model = import_module("torchvision.models").get_model
        except ImportError as failure:
            raise UserError(
                "torchvision is not installed; install it, or use the detector yolox"
            ) from failure
        if weights == "DEFAULT":
            self._model = get_model(model, weights=weights)
        else:
            self._model = get_model(model, weights=None, weights_backbone=None)
            self._model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        self._model.to(device).eval()
        self._device = device

    def people(self, frames: Pixels, least: float) -> Sequence[Sequence[Found]]:
        """See Detector."""
        import torch

        pixels = torch.from_numpy(np.ascontiguousarray(frames.transpose(0, 3, 1, 2))).float() / 255
        with torch.inference_mode():
            results = self._model(list(pixels.to(self._device)))
        return of_class(results, _PERSON, least)
