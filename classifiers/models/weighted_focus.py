"""Weighted-Focus (v2, the reported one): one stem, features weighed inside and outside the mask after res3.

    x      [B, C, T', H', W']   features after res3;  M [B, 1, T', H', W'] the mask at their resolution
    r      [B] = 2 sigmoid(net(x)) - 1 in -1..1: 1x1x1 conv C -> 16, pool to 8x4x4, 2048 -> 64, ReLU, 64 -> 1
    x'     = (1 + r) M x + (1 - r) (1 - M) x -> late half -> logits [B, classes]

The last layer starts at zero, so training starts from r = 0. As published it collapses: hidden units that
died never come back, and a ratio that has run to +-1 has no slope left; both leave r the same for every input
(``weighted_focus_safe`` cannot). ``ratio`` keeps the last batch's r: log its mean and spread.
"""

from typing import cast

import torch
from torch import Tensor, nn

from classifiers.models import Size
from classifiers.models.stages import MakeStages, Maps, Stages, mask_for

_SQUEEZED, _GRID, _HIDDEN = 16, (8, 4, 4), 64


class Score(nn.Module):
    """Features [B, C, T', H', W'] -> one number per clip [B], as published."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv3d(channels, _SQUEEZED, 1)
        self.pool = nn.AdaptiveAvgPool3d(_GRID)
        self.hidden = nn.Linear(_SQUEEZED * _GRID[0] * _GRID[1] * _GRID[2], _HIDDEN)
        self.out = nn.Linear(_HIDDEN, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.pool(self.squeeze(x)).flatten(1)
        return cast(Tensor, self.out(torch.relu(self.hidden(pooled)))).squeeze(1)


class PublishedRatio(nn.Module):
    """Features -> r [B] in -1..1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.score = Score(channels)

    def forward(self, x: Tensor) -> Tensor:
        return 2 * torch.sigmoid(self.score(x)) - 1


class WeightedFocus(nn.Module):
    """Any backbone; of several maps the first one's features decide r, which weighs all that show places."""

    def __init__(self, stages: Stages, ratio: nn.Module) -> None:
        super().__init__()
        self.stages, self.net = stages, ratio
        self.ratio: Tensor | None = None

    def forward(self, video: Tensor, mask: Tensor) -> Tensor:
        maps = self.stages.early(video)
        r = self.net(maps[0])
        self.ratio = r.detach()
        return cast(Tensor, self.stages.late(self._weighed(maps, mask, r[:, None, None, None, None])))

    def _weighed(self, maps: Maps, mask: Tensor, r: Tensor) -> Maps:
        weighed = []
        for one, places in zip(maps, self.stages.places, strict=True):
            if places:
                m = mask_for(mask, one)
                one = one * ((1 + r) * m + (1 - r) * (1 - m))
            weighed.append(one)
        return tuple(weighed)


def build(stages: MakeStages, size: Size) -> nn.Module:
    """The published ratio on any backbone."""
    made = stages(size)
    return WeightedFocus(made, PublishedRatio(made.channels[0]))
