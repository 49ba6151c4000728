"""Segmented: the backbone sees the person on black and nothing else (arXiv 2512.17953).

video [B, 3, T, S, S], mask [B, 1, T, S, S] -> mask * RGB -> backbone -> logits [B, classes].
"""

from typing import cast

from torch import Tensor, nn

from classifiers.models import Size
from classifiers.models.stages import MakeStages, Stages, person_on_black


class Segmented(nn.Module):
    """Any backbone on the human-only video. Where the mask is empty it sees black, as in the paper."""

    def __init__(self, stages: Stages) -> None:
        super().__init__()
        self.stages = stages

    def forward(self, video: Tensor, mask: Tensor) -> Tensor:
        return cast(Tensor, self.stages.late(self.stages.early(person_on_black(video, mask))))


def build(stages: MakeStages, size: Size) -> nn.Module:
    """The backbone's size and cost are unchanged."""
    return Segmented(stages(size))
