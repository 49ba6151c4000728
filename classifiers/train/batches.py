"""The order of clips, and batches of them: fixed by (seed, epoch), wherever training was interrupted."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from classifiers.data.pipeline import Pipeline
from classifiers.models.stages import MEAN, STD

Places = list[tuple[int, int]]


@dataclass(frozen=True)
class Plan:
    """How an epoch is cut: ``batch`` clips a step over ``world`` processes in ``parts`` each."""

    length: int
    batch: int
    parts: int = 1
    rank: int = 0
    world: int = 1

    @property
    def steps(self) -> int:
        """Optimizer steps of an epoch; a rest smaller than a batch waits for another epoch's order."""
        return max(1, self.length // self.batch)

    def epoch(self, seed: int, epoch: int, start: int = 0) -> Iterator[Places]:
        """Per step and part the (epoch, index) of this process's clips, from step ``start`` on."""
        order = np.random.default_rng((seed, epoch)).permutation(self.length)
        for step in range(start, self.steps):
            mine = order[step * self.batch : (step + 1) * self.batch][self.rank :: self.world]
            for part in np.array_split(mine, self.parts):
                yield [(epoch, int(index)) for index in part]

    def once(self) -> Iterator[Places]:
        """All clips in their order, as epoch 0: for validation."""
        mine = range(self.rank, self.length, self.world)
        for start in range(0, len(mine), self.batch):
            yield [(0, index) for index in mine[start : start + self.batch]]


def loader(
    pipeline: Pipeline, places: Iterator[Places], workers: int, pin: bool
) -> "DataLoader[list[Tensor]]":
    """Batches (pixels uint8 [B, T, S, S, 3], mask uint8 [B, T, S, S], labels int64 [B])."""
    return DataLoader(
        pipeline,  # type: ignore[arg-type]
        batch_sampler=list(places),
        num_workers=workers,
        pin_memory=pin,
        prefetch_factor=4 if workers else None,
        multiprocessing_context="spawn" if workers else None,
        # Its own, or every new loader would draw from the generator that dropout uses.
        generator=torch.Generator().manual_seed(0),
    )


def inputs(pixels: Tensor, mask: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
    """What models take: video float [B, 3, T, S, S] normalised, mask float [B, 1, T, S, S], channels last."""
    video = pixels.to(device, non_blocking=True).permute(0, 4, 1, 2, 3).float()
    masks = mask.to(device, non_blocking=True)[:, None].float().div_(255)
    return video.div_(255).sub_(MEAN).div_(STD), masks
