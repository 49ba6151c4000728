"""The clips of stage 2, seen once by the finished tower: what it makes of each is kept, pixels are not."""

from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vllm_eval.mini_vllm.train.clips import BODIES, Sample, make_sample, make_swap, sample_spec
from vllm_eval.mini_vllm.train.vision import GRID, PAIRS, WIDTH, blocks_out, patches

CHUNK = 50


@dataclass(frozen=True)
class Pool:
    """hidden bfloat16 [N, 3, 36, 192]; action and place numbers [N] (places: clips.PLACES)."""

    hidden: Tensor
    action: Tensor
    place: Tensor

    @property
    def agrees(self) -> Tensor:
        """Where the action is in its usual place: places are listed in the order of the actions."""
        return self.action == self.place


def _render(job: tuple[int, float]) -> list[Sample]:
    seed, agree = job
    rng = np.random.default_rng((seed, BODIES))
    specs = [sample_spec(rng, agree) for _ in range(CHUNK)]
    # Half of the swapped clips are pasted together, so that cut edges are nothing new.
    return [
        make_swap(spec, rng) if spec.action != spec.scene and rng.random() < 0.5 else make_sample(spec, rng)
        for spec in specs
    ]


def build(tower: Any, clips: int, agree: float, seed: int, workers: int = 2) -> Pool:
    """Render that many clips and run the tower's blocks over them."""
    hidden, action, place = [], [], []
    jobs = [(seed * 1_000_003 + k, agree) for k in range(clips // CHUNK)]
    with get_context("fork").Pool(workers) as processes, torch.inference_mode():
        for samples in processes.imap(_render, jobs):
            cut = patches(np.stack([s.pixels for s in samples]))
            with torch.autocast("cpu", torch.bfloat16):
                seen = blocks_out(tower, cut)
            hidden.append(seen.to(torch.bfloat16).view(-1, PAIRS, GRID * GRID, WIDTH))
            action += [s.action for s in samples]
            place += [s.place for s in samples]
    return Pool(torch.cat(hidden), torch.tensor(action), torch.tensor(place))


def load_or_build(path: Path, tower: Any, clips: int, agree: float, seed: int) -> Pool:
    """From a file, or built and written there."""
    if not path.exists():
        pool = build(tower, clips, agree, seed)
        torch.save({"hidden": pool.hidden, "action": pool.action, "place": pool.place}, path)
    return Pool(**torch.load(path, weights_only=True))
