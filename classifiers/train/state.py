"""All that an interrupted run needs to go on as if nothing had happened, written atomically."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from assets.errors import UserError

Weights = dict[str, torch.Tensor]


@dataclass
class Progress:
    """Where training stands: ``step`` of ``epoch`` comes next; sums are over this epoch's steps so far."""

    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    right: int = 0
    seen: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    best: float = -1.0
    best_epoch: int = -1
    stale: int = 0
    lr: float = 0.0
    plateau_best: float = -1.0
    plateau_stale: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)

    def next_epoch(self) -> None:
        """Sums begin anew."""
        self.epoch, self.step = self.epoch + 1, 0
        self.loss, self.right, self.seen, self.seconds, self.waited = 0.0, 0, 0, 0.0, 0.0


def write(path: Path, values: dict[str, Any]) -> None:
    """Never half: written beside, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    torch.save(values, partial)
    os.replace(partial, path)


def read(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """A checkpoint; nothing in it is executed. Raises UserError for a file that is none."""
    try:
        loaded: Any = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{path}: no such checkpoint; train it with python -m classifiers.train") from None
    except Exception as failure:
        reason = str(failure).splitlines()[0] if str(failure) else type(failure).__name__
        raise UserError(f"{path}: {reason}; expected a checkpoint of python -m classifiers.train") from None
    if not isinstance(loaded, dict):
        raise UserError(f"{path}: holds a {type(loaded).__name__}, expected a checkpoint")
    return loaded


def randomness(device: torch.device) -> list[torch.Tensor]:
    """The generators dropout draws from."""
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state(device)] if device.type == "cuda" else states


def restore_randomness(states: list[torch.Tensor], device: torch.device) -> None:
    """Back to where they were."""
    torch.set_rng_state(states[0].cpu())
    if device.type == "cuda" and len(states) > 1:
        torch.cuda.set_rng_state(states[1].cpu(), device)


class Average:
    """Exponential moving average of weights and running statistics; counters are copied."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights: Weights = {name: one.detach().clone() for name, one in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """After optimizer step ``step`` (from 0); early ones count more, or short runs average nothing."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, one in model.state_dict().items():
            if one.dtype.is_floating_point:
                self.weights[name].lerp_(one, 1 - decay)
            else:
                self.weights[name].copy_(one)
