"""What is done to an example before training. Each takes a generator and leaves its input alone."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from classifiers.data.backgrounds import Backgrounds
from classifiers.data.examples import Example
from videos.clip import Pixels
from videos.compose import blend

_AREA, _ASPECT = (0.4, 1.0), (3 / 4, 4 / 3)  # of random crops
_SHIFT, _GROW = 0.06, 0.04  # of the picture's side: how far a spoilt mask is off


@dataclass(frozen=True)
class Box:
    """A part of the picture, in pixels."""

    left: int
    top: int
    width: int
    height: int


def generator(seed: int, epoch: int, index: int) -> np.random.Generator:
    """The randomness of one example in one epoch, the same in whichever process it is prepared."""
    return np.random.default_rng((seed, epoch, index))


def elsewhere(example: Example, backgrounds: Backgrounds, rng: np.random.Generator) -> Example:
    """The person in front of a background drawn afresh: mask * frame + (1 - mask) * background."""
    count, height, width = example.mask.shape
    scene = backgrounds.frames(backgrounds.pick(example.label, rng), count, height, width)
    mixed = (blend(*one) for one in zip(example.pixels, example.mask, scene, strict=True))
    return Example(np.stack(list(mixed)), example.mask, example.label)


def spoil(mask: Pixels, rng: np.random.Generator) -> Pixels:
    """uint8 [T, H, W] as segmenters fail: grown or shrunk, moved, or the person lost for some frames."""
    side = min(mask.shape[1:3])
    kind = rng.integers(3)
    if kind == 0:
        size = 2 * max(1, round(side * _GROW * rng.uniform(0.5, 1.5))) + 1
        kernel = ImageFilter.MaxFilter(size) if rng.random() < 0.5 else ImageFilter.MinFilter(size)
        return np.stack([np.asarray(Image.fromarray(one).filter(kernel)) for one in mask])
    if kind == 1:
        reach = max(1, round(side * _SHIFT))
        return np.roll(mask, tuple(int(one) for one in rng.integers(-reach, reach + 1, 2)), (1, 2))
    lost = rng.random(len(mask)) < 0.5
    return np.where(lost[:, None, None], 0, mask).astype(np.uint8)


def random_crop(shape: tuple[int, int], rng: np.random.Generator) -> Box:
    """40 to 100 % of the area at an aspect of 3/4 to 4/3: the same box for all frames and masks of a clip."""
    height, width = shape
    for _ in range(10):
        area = height * width * rng.uniform(*_AREA)
        aspect = float(np.exp(rng.uniform(*np.log(_ASPECT))))
        wide, high = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
        if wide <= width and high <= height:
            left, top = int(rng.integers(width - wide + 1)), int(rng.integers(height - high + 1))
            return Box(left, top, wide, high)
    side = min(height, width)
    return Box((width - side) // 2, (height - side) // 2, side, side)


def cut(example: Example, box: Box, side: int) -> Example:
    """The box, scaled to ``side`` by ``side`` pixels."""
    return Example(_cut(example.pixels, box, side), _cut(example.mask, box, side), example.label)


def _cut(images: Pixels, box: Box, side: int) -> Pixels:
    corners = (box.left, box.top, box.left + box.width, box.top + box.height)
    resized = (
        Image.fromarray(np.asarray(one)).resize((side, side), Image.Resampling.BILINEAR, box=corners)
        for one in images
    )
    return np.stack([np.asarray(one) for one in resized])


def flipped(example: Example) -> Example:
    """Left and right exchanged."""
    return Example(
        np.ascontiguousarray(example.pixels[:, :, ::-1]),
        np.ascontiguousarray(example.mask[:, :, ::-1]),
        example.label,
    )
