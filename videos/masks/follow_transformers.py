"""SAM2's video predictor as transformers has it (Apache-2.0): ``Sam2VideoModel``."""

from typing import Any

import numpy as np

from assets.errors import UserError
from videos.clip import Pixels
from videos.masks.detectors import Detector
from videos.masks.followers import Start

_KEPT = 16  # frames whose features stay on the device


class TransformersFollower:
    """``model``: id or folder of a SAM2 checkpoint, "facebook/sam2.1-hiera-large" in the paper."""

    def __init__(
        self,
        model: str = "facebook/sam2.1-hiera-tiny",
        revision: str | None = None,
        device: str = "cpu",
        dtype: str = "float32",
    ) -> None:
        import torch
        import transformers

        library: Any = transformers

        try:
            self._processor = library.Sam2VideoProcessor.from_pretrained(model, revision=revision)
            loaded = library.Sam2VideoModel.from_pretrained(
                model, revision=revision, dtype=getattr(torch, dtype)
            )
        except (OSError, ValueError, AttributeError) as failure:
            told = str(failure).splitlines()[0][:200]
            raise UserError(f"follower {model!r} cannot be loaded ({told}); name a folder or id") from failure
        self._model, self._device = loaded.to(device).eval(), device

    def watch(self, frames: Pixels, detector: Detector) -> "WatchedSession":
        """See Follower; the detector is not asked again."""
        return WatchedSession(self._model, self._processor, frames, self._device)


class WatchedSession:
    """See Watched. One session holds the frames; it forgets one person before the next."""

    def __init__(self, model: Any, processor: Any, frames: Pixels, device: str) -> None:
        self._model, self._processor, self._shape = model, processor, frames.shape[:3]
        self._session = processor.init_video_session(
            video=list(frames),
            inference_device=device,
            video_storage_device="cpu",
            max_vision_features_cache_size=_KEPT,
            dtype=model.dtype,
        )

    def follow(self, start: Start) -> Pixels:
        """See Watched."""
        import torch

        masks = np.zeros(self._shape, np.uint8)
        self._session.reset_inference_session()
        self._processor.add_inputs_to_inference_session(
            self._session, frame_idx=start.index, obj_ids=1, input_boxes=[[list(map(float, start.box))]]
        )
        with torch.inference_mode():
            self._fill(masks, self._model(inference_session=self._session, frame_idx=start.index))
            for reverse in (False, True) if start.backwards else (False,):
                for output in self._model.propagate_in_video_iterator(
                    self._session, start_frame_idx=start.index, reverse=reverse
                ):
                    self._fill(masks, output)
        return masks

    def _fill(self, masks: Pixels, output: Any) -> None:
        height, width = self._shape[1:]
        (found,) = self._processor.post_process_masks(
            [output.pred_masks], original_sizes=[[height, width]], binarize=True
        )
        masks[output.frame_idx] = np.where(found.reshape(-1, height, width).any(dim=0).cpu().numpy(), 255, 0)
