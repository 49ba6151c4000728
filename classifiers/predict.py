"""What a classifier says of clips: one view or the published thirty."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classifiers.checkpoints import Trained
from classifiers.data.examples import ClipExamples, Example
from classifiers.data.masks import fitted
from classifiers.data.sets import examples_of, kept
from videos.clip import Clip, ClipSet, Pixels
from videos.decode import resize

if TYPE_CHECKING:
    pass

Scores = NDArray[np.float64]
TIMES, CROPS = 10, 3  # of the thirty views
_STRIDE = 8 / 30  # seconds between frames of a view


def predict(trained: Trained, clips: ClipSet, views: int = 1, batch: int = 32) -> Scores:
    """Class probabilities [clips, classes]; of several views the mean. ``views`` is 1 or 30."""
    source = examples_of(clips, trained.classes, trained.config)
    if views == 1:
        return _single(trained, source, clips.name, batch)
    rows = [
        np.mean(_scores(trained, list(_views(source, clip, trained.config.size.pixels))), 0)
        for clip in clips.clips
    ]
    return np.stack(rows)


def _single(trained: Trained, source: ClipExamples, name: str, batch: int) -> Scores:
    from classifiers.data.pipeline import Pipeline

    pipeline = Pipeline(kept(source, trained.config, f"reading {name}"), trained.config.size.pixels, 0)
    rows = []
    for start in range(0, len(pipeline), batch):
        items = [pipeline[0, index] for index in range(start, min(start + batch, len(pipeline)))]
        rows.append(_scores(trained, [Example(*item) for item in items]))
    return np.concatenate(rows)


def _scores(trained: Trained, examples: Sequence[Example]) -> Scores:
    """Probabilities [examples, classes]."""
    import torch

    from classifiers.train.batches import inputs

    device = next(trained.model.parameters()).device
    on = trained.config.recipe.precision == "bfloat16"
    pixels, masks = (
        torch.from_numpy(np.stack([getattr(one, field) for one in examples])) for field in ("pixels", "mask")
    )
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=on):
        logits: torch.Tensor = trained.model(*inputs(pixels, masks, device))
    return np.asarray(logits.float().softmax(1).double().cpu().numpy())


def _views(source: ClipExamples, clip: Clip, side: int) -> Iterator[Example]:
    """Ten stretches of the clip, 8/30 s between frames, three squares across each: the Slow-Only protocol."""
    info = clip.frames.info()
    frames = source.policy.frames
    step = max(1, round(info.fps * _STRIDE))
    room = max(0, info.length - 1 - step * (frames - 1))
    for number in range(TIMES):
        start = round(room * number / (TIMES - 1))
        indices = [min(start + step * k, info.length - 1) for k in range(frames)]
        pixels = clip.frames.read(indices)
        mask = resize(fitted(source.masks, clip, indices, pixels.shape), side)
        yield from _crops(resize(pixels, side), mask, side)


def _crops(pixels: Pixels, mask: Pixels, side: int) -> Iterator[Example]:
    """Start, middle and end of the long side."""
    down, right = pixels.shape[1] - side, pixels.shape[2] - side
    for part in range(CROPS):
        top, left = down * part // (CROPS - 1), right * part // (CROPS - 1)
        box = (slice(None), slice(top, top + side), slice(left, left + side))
        yield Example(pixels[box], mask[box], 0)
