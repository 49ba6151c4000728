"""SAM2's video predictor as its authors' package has it (``sam2``, Apache-2.0), which the paper used."""

import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from assets.errors import UserError
from videos.clip import Pixels
from videos.masks.detectors import Detector
from videos.masks.followers import Start

_QUALITY = 95


class Sam2Follower:
    """``model``: id on the hub; or, with ``checkpoint``, the name of one of the package's configurations."""

    def __init__(
        self,
        model: str = "facebook/sam2.1-hiera-large",
        checkpoint: str | None = None,
        device: str = "cuda",
    ) -> None:
        try:
            build = import_module("sam2.build_sam").build_sam2_video_predictor
            predictor = import_module("sam2.sam2_video_predictor").SAM2VideoPredictor
        except ImportError as failure:
            raise UserError(
                "the package sam2 is not installed; pip install sam2==1.1.0, or use the follower transformers"
            ) from failure
        try:
            self._predictor = (
                build(model, checkpoint, device=device)
                if checkpoint
                else predictor.from_pretrained(model, device=device)
            )
        except Exception as failure:  # hub, file, configuration, device: each fails in its library's own way
            told = (str(failure).splitlines() or [type(failure).__name__])[0][:200]
            raise UserError(
                f"SAM2 model {model!r} cannot be loaded ({told}); name a model of the hub, or a "
                "configuration of the package with its checkpoint"
            ) from failure

    def watch(self, frames: Pixels, detector: Detector) -> "WatchedFolder":
        """See Follower. The predictor reads a folder of JPEGs, which is written for it and removed."""
        with tempfile.TemporaryDirectory() as folder:
            for number, frame in enumerate(frames):
                Image.fromarray(frame).save(Path(folder) / f"{number:06d}.jpg", quality=_QUALITY)
            state = self._predictor.init_state(video_path=folder, offload_video_to_cpu=True)
        return WatchedFolder(self._predictor, state, frames.shape[:3])


class WatchedFolder:
    """See Watched."""

    def __init__(self, predictor: Any, state: Any, shape: tuple[int, ...]) -> None:
        self._predictor, self._state, self._shape = predictor, state, shape

    def follow(self, start: Start) -> Pixels:
        """See Watched."""
        import torch

        masks = np.zeros(self._shape, np.uint8)
        with torch.inference_mode():
            self._predictor.reset_state(self._state)
            box = np.array(start.box, np.float32)
            self._predictor.add_new_points_or_box(self._state, frame_idx=start.index, obj_id=1, box=box)
            for reverse in (False, True) if start.backwards else (False,):
                found = self._predictor.propagate_in_video(
                    self._state, start_frame_idx=start.index, reverse=reverse
                )
                for index, _, logits in found:
                    masks[index] = np.where((logits > 0).any(dim=0)[0].cpu().numpy(), 255, 0)
        return masks
