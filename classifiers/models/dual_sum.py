"""Dual-Branch Sum: two stems to res3, one for the video, one for the person on black; features are added.

video [B, 3, T, S, S] -> early  -> [B, C, T', H', W'] \
                                                        + -> shared late half -> logits [B, classes]
person [B, 3, T, S, S] -> early2 -> [B, C, T', H', W'] /
"""

from typing import cast

from torch import Tensor, nn

from classifiers.models import Size
from classifiers.models.stages import MakeStages, Stages, person_on_black


class DualSum(nn.Module):
    """The branches share nothing before the sum and everything after it."""

    def __init__(self, stages: Stages, person: nn.Module) -> None:
        super().__init__()
        self.stages, self.person = stages, person

    def forward(self, video: Tensor, mask: Tensor) -> Tensor:
        seen = self.stages.early(video)
        acting = self.person(person_on_black(video, mask))
        return cast(Tensor, self.stages.late(tuple(a + b for a, b in zip(seen, acting, strict=True))))


def build(stages: MakeStages, size: Size) -> nn.Module:
    """Two early halves, one late."""
    return DualSum(stages(size), stages(size).early)
