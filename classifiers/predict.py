"""What a classifier says of clips: one view or the published thirty."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assets.errors import UserError
from classifiers.data.examples import FAILURES, ClipExamples, Example
from classifiers.data.masks import fitted
from classifiers.data.pipeline import Pipeline
from classifiers.data.sets import examples_of, read
from videos.clip import Clip, ClipSet, Pixels, SourceInfo
from videos.decode import resize

if TYPE_CHECKING:
    from classifiers.checkpoints import Trained

Scores = NDArray[np.float64]
Failed = Mapping[str, str]  # why, by id of clips that cannot be read
TIMES, CROPS = 10, 3  # of the thirty views
_SPAN = 64 / 30  # seconds of a view: 8 frames at 8/30 s, 16 at 4/30, 32 at 2/30, as published


def predict(trained: "Trained", clips: ClipSet, views: int = 1, batch: int = 32) -> tuple[Scores, Failed]:
    """Class probabilities [clips, classes], of several views the mean. ``views`` is 1 or 30.

    Clips that cannot be read get zeros, and why. Raises UserError where none can.
    """
    source = examples_of(clips, trained.classes, trained.config)
    return _single(trained, source, batch) if views == 1 else _many(trained, source)


def _single(trained: "Trained", source: ClipExamples, batch: int) -> tuple[Scores, Failed]:
    found = read(source, trained.config, f"reading {source.name}")
    pipeline = Pipeline(found.examples, trained.config.size.pixels, 0)
    scores = np.zeros((len(source), len(trained.classes)))
    for start in range(0, len(found.good), batch):
        some = list(found.good[start : start + batch])
        scores[some] = scores_of(trained, [Example(*pipeline[0, index]) for index in some])
    return scores, {source.clips[number].id: why for number, why in found.failed.items()}


def _many(trained: "Trained", source: ClipExamples) -> tuple[Scores, Failed]:
    side, failed = trained.config.size.pixels, {}
    scores = np.zeros((len(source), len(trained.classes)))
    for number, clip in enumerate(source.clips):
        try:
            examples = list(_views(source, clip, side))
        except FAILURES as failure:
            failed[clip.id] = str(failure)
            continue
        scores[number] = np.mean(scores_of(trained, examples), 0)
    if len(failed) == len(source):
        raise UserError(f"{source.name}: no clip can be read, for one {next(iter(failed.values()))}")
    return scores, failed


def scores_of(trained: "Trained", examples: Sequence[Example]) -> Scores:
    """Probabilities [examples, classes], of one batch."""
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
    """Ten stretches of the clip, three squares across each frame: the protocol of Slow-Only and SlowFast."""
    stretches = _stretches(clip.frames.info(), source.policy.frames)
    indices = sorted({index for one in stretches for index in one})
    pixels = clip.frames.read(indices)  # once: a video is decoded from its beginning
    masks = resize(fitted(source.masks, clip, indices, pixels.shape), side)
    pixels, place = resize(pixels, side), {index: number for number, index in enumerate(indices)}
    for one in stretches:
        chosen = [place[index] for index in one]
        yield from _crops(pixels[chosen], masks[chosen], side)


def _stretches(info: SourceInfo, frames: int) -> list[list[int]]:
    """Numbers of frames of each stretch, evenly spread starts; what is beyond the end is the last frame."""
    step = max(1, round(info.fps * _SPAN / frames))
    room = max(0, info.length - 1 - step * (frames - 1))
    starts = [round(room * number / (TIMES - 1)) for number in range(TIMES)]
    return [[min(start + step * k, info.length - 1) for k in range(frames)] for start in starts]


def _crops(pixels: Pixels, mask: Pixels, side: int) -> Iterator[Example]:
    """Start, middle and end of the long side."""
    down, right = pixels.shape[1] - side, pixels.shape[2] - side
    for part in range(CROPS):
        top, left = down * part // (CROPS - 1), right * part // (CROPS - 1)
        box = (slice(None), slice(top, top + side), slice(left, left + side))
        yield Example(pixels[box], mask[box], 0)
