"""Several processes of one training run, as torchrun starts them; alone where it did not."""

import os
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist

from assets.errors import UserError


@dataclass(frozen=True)
class Processes:
    """This process's ``rank`` among ``world``, and its device."""

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Who writes and prints."""
        return self.rank == 0

    def summed(self, *values: float) -> list[float]:
        """Each summed over processes."""
        if self.world == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return [float(one) for one in total]

    def gathered(self, value: Any) -> list[Any]:
        """Everybody's, by rank."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value)
        return values


def device_of(name: str, local: int = 0) -> torch.device:
    """A device by name; ``auto``: this machine's GPU number ``local``, else the CPU. Raises UserError."""
    if name == "auto":
        name = f"cuda:{local}" if torch.cuda.is_available() else "cpu"
    try:
        return torch.device(name)
    except RuntimeError:
        raise UserError(f"device {name!r} is unknown, expected auto, cpu, cuda or cuda:1") from None


def join(device: str) -> Processes:
    """Join the group torchrun's variables describe (NCCL on GPUs, gloo on CPUs), or stand alone."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    rank, local = int(os.environ.get("RANK", "0")), int(os.environ.get("LOCAL_RANK", "0"))
    chosen = device_of(device, local)
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    if world > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    return Processes(rank, world, chosen)


def leave() -> None:
    """Out of the group, where there is one."""
    if dist.is_initialized():
        dist.destroy_process_group()
