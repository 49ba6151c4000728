"""SAM2's video predictor as transformers has it (Apache-2.0): ``Sam2VideoModel``.

Frames and boxes are prepared here, as its processor does, which would want torchvision for it.
"""

from typing import Any

import numpy as np

from assets.errors import UserError
from videos.clip import Pixels
from videos.masks.detectors import Corners, Detector
from videos.masks.followers import Start
from videos.masks.onnx_session import normalised

_KEPT = 16  # frames whose features stay on the device, for all people of a clip
_CORNERS = (2, 3)  # labels of points that are a box's upper left and lower right corner


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
            options = {"revision": revision} if revision else {}
            loaded = library.Sam2VideoModel.from_pretrained(model, dtype=getattr(torch, dtype), **options)
        except (OSError, ValueError, AttributeError) as failure:
            told = str(failure).splitlines()[0][:200]
            raise UserError(f"follower {model!r} cannot be loaded ({told}); name a folder or id") from failure
        self._model, self._device = loaded.to(device).eval(), device

    def watch(self, frames: Pixels, detector: Detector) -> "WatchedSession":
        """See Follower; the detector is not asked again."""
        return WatchedSession(self._model, frames, self._device)


class WatchedSession:
    """See Watched. One session holds the frames; it forgets one person before the next."""

    def __init__(self, model: Any, frames: Pixels, device: str) -> None:
        import torch
        from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

        self._model, self._shape, self._side = model, frames.shape[:3], int(model.config.image_size)
        prepared = np.empty((len(frames), 3, self._side, self._side), np.float32)
        for index, frame in enumerate(frames):  # one by one: 13 MB each at 1024 pixels
            prepared[index] = normalised(frame, self._side)[0]
        make: Any = Sam2VideoInferenceSession
        self._session = make(
            video=torch.from_numpy(prepared),
            video_height=frames.shape[1],
            video_width=frames.shape[2],
            inference_device=device,
            inference_state_device=device,
            video_storage_device="cpu",
            dtype=model.dtype,
            max_vision_features_cache_size=_KEPT,
        )

    def follow(self, start: Start) -> Pixels:
        """See Watched."""
        import torch

        masks = np.zeros(self._shape, np.uint8)
        self._session.reset_tracking_data()
        self._point(start.index, start.box)
        with torch.inference_mode():
            self._fill(masks, self._model(inference_session=self._session, frame_idx=start.index))
            for reverse in (False, True) if start.backwards else (False,):
                for output in self._model.propagate_in_video_iterator(
                    self._session, start_frame_idx=start.index, reverse=reverse
                ):
                    self._fill(masks, output)
        return masks

    def _point(self, index: int, box: Corners) -> None:
        import torch

        height, width = self._shape[1:]
        scale = torch.tensor((self._side / width, self._side / height))
        inputs = {
            "point_coords": torch.tensor(box).reshape(1, 1, 2, 2) * scale,
            "point_labels": torch.tensor(_CORNERS, dtype=torch.int32).reshape(1, 1, 2),
        }
        self._session.add_point_inputs(self._session.obj_id_to_idx(1), index, inputs)
        self._session.obj_with_new_inputs = [1]

    def _fill(self, masks: Pixels, output: Any) -> None:
        from torch.nn.functional import interpolate

        logits = interpolate(output.pred_masks.float(), self._shape[1:], mode="bilinear", align_corners=False)
        found = (logits > 0).any(dim=0)[0].cpu().numpy()
        masks[output.frame_idx] = np.where(found, 255, 0)
