"""From examples to arrays a model takes, by recipe: ``Pipeline[epoch, index]``, the same in every process."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifiers.data.augment import cut, elsewhere, flipped, generator, random_crop, spoil
from classifiers.data.backgrounds import Backgrounds
from classifiers.data.examples import Example, Examples, square

Item = tuple[NDArray[np.uint8], NDArray[np.uint8], int]


@dataclass(frozen=True)
class Pipeline:
    """Training or validation items.

    With ``backgrounds`` the set is doubled (the paper's mix): items n.. are those of 0..n-1 with the person
    in front of a background drawn afresh each epoch. ``modern`` crops and flips; otherwise the middle square
    is taken. An item is (pixels uint8 [T, S, S, 3], mask uint8 [T, S, S], label).
    """

    source: Examples
    pixels: int
    seed: int
    modern: bool = False
    backgrounds: Backgrounds | None = None
    corrupt_masks: float = 0.0

    def __len__(self) -> int:
        return len(self.source) * (1 if self.backgrounds is None else 2)

    def __getitem__(self, place: tuple[int, int]) -> Item:
        epoch, index = place
        rng = generator(self.seed, epoch, index)
        example = self.source.example(index % len(self.source))
        if index >= len(self.source) and self.backgrounds is not None:
            example = elsewhere(example, self.backgrounds, rng)
        if self.corrupt_masks and rng.random() < self.corrupt_masks:
            example = Example(example.pixels, spoil(example.mask, rng), example.label)
        example = self._framed(example, rng)
        return np.array(example.pixels), np.array(example.mask), example.label

    def _framed(self, example: Example, rng: np.random.Generator) -> Example:
        if not self.modern:
            side = self.pixels
            return Example(square(example.pixels, side), square(example.mask, side), example.label)
        example = cut(example, random_crop((example.mask.shape[1], example.mask.shape[2]), rng), self.pixels)
        return flipped(example) if rng.random() < 0.5 else example
