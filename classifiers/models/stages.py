"""A backbone in two halves, cut where the paper fuses, and what all fusions share.

The paper cuts after res3 (arXiv 2512.17953, ``custom_models.py``). Features travel as a tuple of maps
[B, C, T', H', W'], one per pathway: SlowFast has two, MViT's class token is one of size 1x1x1.
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from classifiers.models import Size

Maps = tuple[Tensor, ...]
MEAN, STD = 0.45, 0.225
BLACK = -MEAN / STD


class Stages(nn.Module):
    """``early(video) -> maps``, ``late(maps) -> logits``.

    ``channels`` per map; ``places`` per map whether its cells are places of the picture. ``late`` takes maps
    of twice the channels where ``stages(size, doubled=True)`` made it.
    """

    def __init__(
        self, early: nn.Module, late: nn.Module, channels: tuple[int, ...], places: tuple[bool, ...]
    ) -> None:
        super().__init__()
        self.early, self.late = early, late
        self.channels, self.places = channels, places


MakeStages = Callable[..., Stages]  # (size, doubled=False)


class Chain(nn.Module):
    """Modules one after the other, between tuples: maps -> maps."""

    def __init__(self, *modules: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(modules)

    def forward(self, maps: Maps | Tensor) -> Maps:
        x = maps if isinstance(maps, Tensor) else maps[0]
        for block in self.blocks:
            x = block(x)
        return (x,)


class Ending(Chain):
    """The same with logits [B, classes] at the end."""

    def forward(self, maps: Maps | Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(maps)[0]


class Joined(nn.Module):
    """``late`` after a pointwise layer per map that brings doubled channels back to what it expects.

    Where the paper says nothing of how a backbone takes a stack: 1x1x1, 2C -> C.
    """

    def __init__(self, late: nn.Module, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.join = nn.ModuleList(nn.Conv3d(2 * one, one, 1) for one in channels)
        self.late = late

    def forward(self, maps: Maps) -> Tensor:
        joined = tuple(layer(one) for layer, one in zip(self.join, maps, strict=True))
        return cast(Tensor, self.late(joined))


class Whole(nn.Module):
    """A backbone alone: video [B, 3, T, H, W] -> logits [B, classes]; the mask is ignored."""

    def __init__(self, stages: Stages) -> None:
        super().__init__()
        self.stages = stages

    def forward(self, video: Tensor, mask: Tensor | None = None) -> Tensor:
        return cast(Tensor, self.stages.late(self.stages.early(video)))


def person_on_black(video: Tensor, mask: Tensor) -> Tensor:
    """Segmented video as in the paper: mask * RGB, black elsewhere. Shapes as in ``classifiers.models``.

    Black is (0 - 0.45) / 0.225 after normalisation, so the fill is not 0.
    """
    return mask * video + (1 - mask) * BLACK


def mask_for(mask: Tensor, features: Tensor) -> Tensor:
    """The mask [B, 1, T, H, W] at the resolution of features [B, C, T', H', W']: cell means."""
    size = features.shape[2:]
    if mask.shape[2:] == size:
        return mask.to(features.dtype)
    return F.adaptive_avg_pool3d(mask.float(), (size[0], size[1], size[2])).to(features.dtype)


def check_depth(size: Size, known: tuple[int, ...], name: str) -> int:
    """The depth asked for, the first known where none is. Raises UserError."""
    from assets.errors import UserError

    depth = known[0] if size.depth is None else size.depth
    if depth not in known:
        raise UserError(f"{name} has no depth {depth}, expected one of {', '.join(map(str, sorted(known)))}")
    return depth


def parameters(model: nn.Module) -> int:
    """Number of trained values."""
    return sum(one.numel() for one in model.parameters())


def multiply_adds(model: nn.Module, frames: int, pixels: int) -> int:
    """Multiply-adds of one clip, as papers count FLOPs. Computes nothing when the model is on ``meta``."""
    from torch.utils.flop_counter import FlopCounterMode

    device = next(model.parameters()).device
    video = torch.zeros(1, 3, frames, pixels, pixels, device=device)
    counter = FlopCounterMode(display=False)
    was = model.training
    model.eval()
    with counter, torch.no_grad():
        model(video, video[:, :1])
    model.train(was)
    return int(counter.get_total_flops()) // 2
