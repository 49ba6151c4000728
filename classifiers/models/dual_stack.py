"""Dual-Branch Stack: as Sum, but features are stacked by channel, [B, 2C, T', H', W'], before the late half.

On Slow-Only the first block of res4 reads 16w instead of 8w channels, as in the paper's code.
"""

from typing import cast

from torch import Tensor, cat, nn

from classifiers.models import Size
from classifiers.models.stages import MakeStages, Stages, person_on_black


class DualStack(nn.Module):
    """Video first, person second."""

    def __init__(self, stages: Stages, person: nn.Module) -> None:
        super().__init__()
        self.stages, self.person = stages, person

    def forward(self, video: Tensor, mask: Tensor) -> Tensor:
        """video [B, 3, T, S, S], mask [B, 1, T, S, S] -> logits [B, classes]."""
        seen = self.stages.early(video)
        acting = self.person(person_on_black(video, mask))
        return cast(Tensor, self.stages.late(tuple(cat(pair, 1) for pair in zip(seen, acting, strict=True))))


def build(stages: MakeStages, size: Size) -> nn.Module:
    """Two early halves, one late that reads both."""
    return DualStack(stages(size, doubled=True), stages(size).early)
