"""SAM2 hiera-tiny as two ONNX files (Apache-2.0), on the processor, seconds a frame.

That export is the image model, without SAM2's memory of earlier frames. A person is followed from frame to
frame by a box: the detector's there that fits the last one best, else the last mask's own, a little larger.
"""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from PIL import Image

from videos.clip import Pixels
from videos.masks.detectors import BATCH, Corners, Detector, overlap
from videos.masks.followers import Start, orders
from videos.masks.onnx_session import Floats, network, normalised
from videos.views.pictures import box_of

_SIDE = 1024
_KEPT = 64  # frames whose features are kept, 9 MB each
_LARGER = 0.06  # of the last box, on each side, where the detector sees nothing
_UNSEEN = 2  # frames in a row that the detector may see nobody in
_AGAIN = 0.3  # overlap of a detection with the last box at which it is the same person
_SURE = 0.5  # the network's own estimate of its mask's IoU; below this the person is lost
_JUMP = 4.0  # a mask that grows or shrinks to this many times its area at once is another thing
_LEAST_SCORE = 0.25


class OnnxFollower:
    """``threads`` of onnxruntime."""

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    def watch(self, frames: Pixels, detector: Detector) -> "WatchedImages":
        """See Follower."""
        return WatchedImages(frames, detector, self._threads)


class WatchedImages:
    """See Watched. Features and detections of a frame are computed once for all people in it."""

    def __init__(self, frames: Pixels, detector: Detector, threads: int) -> None:
        self._frames, self._detector = frames, detector
        self._encoder = network("sam2-tiny-encoder", threads)
        self._decoder = network("sam2-tiny-decoder", threads)
        self._features: OrderedDict[int, dict[str, Floats]] = OrderedDict()
        self._boxes: dict[int, Sequence[Corners]] = {}

    def follow(self, start: Start) -> Pixels:
        """See Watched."""
        masks = np.zeros(self._frames.shape[:3], np.uint8)
        first, _ = self._mask(start.index, start.box)
        for order in orders(start, len(self._frames)):
            self._go(order, start, int((first > 0).sum()), masks)
        return masks

    def _go(self, order: range, start: Start, area: int, masks: Pixels) -> None:
        """Fill in masks in this order of frames until the person is lost."""
        box: Corners = start.box
        unseen: list[int] = []
        for index in order:
            seen = True
            if index != start.index:
                box, seen = self._next_box(index, box)
            mask, sure = self._mask(index, box)
            now = int((mask > 0).sum())
            there = box_of(mask)
            if there is None or sure < _SURE or not area / _JUMP <= now <= area * _JUMP:
                break
            unseen = [] if seen else [*unseen, index]
            masks[index] = mask
            if len(unseen) > _UNSEEN:
                break
            top, bottom, left, right = there
            box, area = (left, top, right, bottom), now
        # What no detection came back to was no longer that person: a box that stays behind finds things.
        masks[unseen] = 0

    def _next_box(self, index: int, last: Corners) -> tuple[Corners, bool]:
        """Where to look next, and whether the detector sees somebody there."""
        seen = self._seen(index)
        best = max(seen, key=lambda box: overlap(box, last), default=None)
        if best is not None and overlap(best, last) >= _AGAIN:
            return best, True
        wide, high = _LARGER * (last[2] - last[0]), _LARGER * (last[3] - last[1])
        height, width = self._frames.shape[1:3]
        left, top = max(0.0, last[0] - wide), max(0.0, last[1] - high)
        return (left, top, min(width, last[2] + wide), min(height, last[3] + high)), False

    def _seen(self, index: int) -> Sequence[Corners]:
        """People of a frame; those of its neighbours are looked for in the same batch."""
        if index not in self._boxes:
            first = index - index % BATCH
            batch = self._frames[first : first + BATCH]
            for place, found in enumerate(self._detector.people(batch, _LEAST_SCORE), first):
                self._boxes[place] = [one.box for one in found]
        return self._boxes[index]

    def _mask(self, index: int, box: Corners) -> tuple[Pixels, float]:
        """The best of the network's masks for a box, 0 or 255, and what IoU it expects of it."""
        height, width = self._frames.shape[1:3]
        scale = np.array((_SIDE / width, _SIDE / height), np.float32)
        corners = np.array(box, np.float32).reshape(1, 2, 2) * scale
        said = self._decoder(
            **{name: value.astype(np.float32) for name, value in self._encoded(index).items()},
            point_coords=corners,
            point_labels=np.array([[2, 3]], np.float32),
            mask_input=np.zeros((1, 1, 256, 256), np.float32),
            has_mask_input=np.zeros(1, np.float32),
        )
        best = int(said["iou_predictions"][0].argmax())
        logits = Image.fromarray(said["masks"][0, best]).resize((width, height), Image.Resampling.BILINEAR)
        mask = np.where(np.asarray(logits) > 0, 255, 0).astype(np.uint8)
        return mask, float(said["iou_predictions"][0, best])

    def _encoded(self, index: int) -> dict[str, Floats]:
        if index in self._features:
            self._features.move_to_end(index)
            return self._features[index]
        found = self._encoder(image=normalised(self._frames[index], _SIDE))
        self._features[index] = {name: value.astype(np.float16) for name, value in found.items()}
        if len(self._features) > _KEPT:
            self._features.popitem(last=False)
        return self._features[index]
