"""Detectors of transformers (RT-DETR, DETR, ...; Apache-2.0), by model id or folder."""

from collections.abc import Sequence
from typing import Any

from assets.errors import UserError
from videos.clip import Pixels
from videos.masks.detectors import Found, of_class


class TransformersDetector:
    """``model``: any that AutoModelForObjectDetection opens and that has a class "person"."""

    def __init__(
        self, model: str = "PekingU/rtdetr_r18vd", revision: str | None = None, device: str = "cpu"
    ) -> None:
        import transformers

        library: Any = transformers
        try:
            self._processor = library.AutoImageProcessor.from_pretrained(model, revision=revision)
            self._model = library.AutoModelForObjectDetection.from_pretrained(model, revision=revision)
        except (OSError, ValueError) as failure:
            told = str(failure).splitlines()[0][:200]
            raise UserError(f"detector {model!r} cannot be loaded ({told}); name a folder or id") from failure
        self._model.to(device).eval()
        labels = self._model.config.id2label
        person = next((int(key) for key, name in labels.items() if name.lower() == "person"), None)
        if person is None:
            raise UserError(f"detector {model!r} knows no class person, expected one; name another model")
        self._person = person

    def people(self, frames: Pixels, least: float) -> Sequence[Sequence[Found]]:
        """See Detector."""
        import torch

        inputs = self._processor(images=list(frames), return_tensors="pt").to(self._model.device)
        with torch.inference_mode():
            outputs = self._model(**inputs)
        sizes = torch.tensor([frames.shape[1:3]] * len(frames))
        results = self._processor.post_process_object_detection(outputs, least, sizes)
        return of_class(results, self._person, least)
