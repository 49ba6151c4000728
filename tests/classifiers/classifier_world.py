"""Examples in memory, a configuration that trains in a second, and two processes that train together."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.config import Config
from classifiers.data.examples import Example
from classifiers.data.pipeline import Pipeline
from classifiers.data.sets import Sets
from videos.clip import Clip, ClipSet, Pixels, SourceInfo

CLASSES = ("archery", "bowling", "deadlifting", "hurdling", "juggling balls", "surfing water")
FRAMES, SIDE = 4, 32


@dataclass(frozen=True)
class Squares:
    """A bright square that moves by class over a background that is another for every clip."""

    count: int = 24
    frames: int = FRAMES
    side: int = SIDE
    key: str = "squares"

    def __len__(self) -> int:
        return self.count

    def example(self, index: int) -> Example:
        label = index % len(CLASSES)
        rng = np.random.default_rng(index)
        pixels = rng.integers(0, 120, (self.frames, self.side, self.side, 3), dtype=np.uint8)
        mask = np.zeros((self.frames, self.side, self.side), np.uint8)
        for frame in range(self.frames):
            left = 4 + label * frame
            mask[frame, 8:20, left : left + 10] = 255
        pixels[mask > 0] = 40 * label + 50
        return Example(pixels, mask, label)


def config(output: Path, **values: Any) -> Config:
    """Small and quick."""
    size = {"frames": FRAMES, "pixels": SIDE, "depth": 14, "width": 8, "dropout": 0.3}
    recipe = {"epochs": 2, "batch": 6, "accumulate": 2}
    given = {"size": size, "recipe": recipe, "output": str(output)} | values
    return Config.model_validate(given)


def sets(run: Config, count: int = 24) -> Sets:
    """Training and validation items of the squares."""
    modern = run.recipe.name == "modern"
    train = Pipeline(Squares(count), run.size.pixels, run.seed, modern)
    return Sets(train, Pipeline(Squares(12), run.size.pixels, 0), CLASSES)


def train_together(rank: int, output: str, port: int) -> None:
    """One of two processes; for a spawned worker."""
    os.environ |= {
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "RANK": str(rank),
        "LOCAL_RANK": str(rank),
    }  # fmt: skip
    from classifiers.train import processes
    from classifiers.train.loop import Trainer

    run = without_batch_statistics(Path(output))
    group = processes.join("cpu")
    Trainer(run, sets(run), group).run(lambda row: None)
    processes.leave()
    # A model once wrapped for several processes keeps gloo's threads alive, and one that takes Python's lock
    # while the interpreter ends aborts the process, seldom and after all work (torch 2.13).
    os._exit(0)


def without_batch_statistics(output: Path, **recipe: Any) -> Config:
    """An MViT without dropout: what it learns does not depend on how a batch is divided."""
    size = {"frames": FRAMES, "pixels": SIDE, "depth": 6, "width": 8, "dropout": 0.0}
    return config(output, model="mvit_b", size=size, recipe={"epochs": 1, "batch": 6} | recipe)


@dataclass(frozen=True)
class Noise:
    """Eight frames of noise, 48x40, another for every clip."""

    number: int

    def identity(self) -> str:
        return f"{self.number:064x}"

    def info(self) -> SourceInfo:
        return SourceInfo(8, 10.0)

    def read(self, indices: Sequence[int]) -> Pixels:
        return np.random.default_rng(self.number).integers(0, 255, (len(indices), 40, 48, 3), np.uint8)


def clips_of_noise(name: str, root: object) -> ClipSet:
    """Twelve clips; swaps where the name says so."""
    scene = [CLASSES[(k + 1) % 6] if name.startswith("hat") else None for k in range(12)]
    clips = (
        Clip(f"{name}/{k:011d}_000001_000002", CLASSES[k % 6], scene[k], (f"video{k}",), Noise(k))
        for k in range(12)
    )
    return ClipSet(name, tuple(clips), CLASSES)
