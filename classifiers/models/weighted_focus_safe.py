"""Weighted-Focus that cannot collapse: the score is standardised over clips, its common part bounded.

    s  [B]  score of the features: the published net with a leak instead of ReLU and a random last layer
    z  [B]  (s - mean) / sd: mean and sd of the batch in training, running ones afterwards, nothing learned
    r  [B]  tanh((z + LIMIT tanh(offset)) / 2), offset learned: as 2 sigmoid(.) - 1

z has spread 1 over clips whatever the weights are, so r differs between clips: by how much is bounded from
below, because the learned common part stays within +-LIMIT and cannot push all clips into one saturated end.
Weights and shapes otherwise as in ``weighted_focus``.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from classifiers.models import Size
from classifiers.models.stages import MakeStages
from classifiers.models.weighted_focus import Score, WeightedFocus

LIMIT = 1.5  # of the common part: the average clip's alpha stays within 1 +- 0.64
_TINY = 1e-12


class SafeScore(Score):
    """The published layers; no unit can die, and a random direction is there from the start."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.out = nn.Linear(self.out.in_features, 1, bias=False)  # standardising would take a bias away
        nn.init.normal_(self.out.weight, std=0.1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.pool(self.squeeze(x)).flatten(1)
        score: Tensor = self.out(F.leaky_relu(self.hidden(pooled), 0.2)).squeeze(1)
        return score


class SafeRatio(nn.Module):
    """Features [B, C, T', H', W'] -> r [B] in -1..1. A lone clip in training takes the running moments."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.score = SafeScore(channels)
        self.offset = nn.Parameter(torch.zeros(()))
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("variance", torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        score = self.score(x).float()[:, None]
        batch = self.training and len(score) > 1
        mean: Tensor = self.get_buffer("mean")
        variance: Tensor = self.get_buffer("variance")
        z = F.batch_norm(score, mean, variance, training=batch, momentum=0.1, eps=_TINY).squeeze(1)
        return torch.tanh((z + LIMIT * torch.tanh(self.offset)) / 2).to(x.dtype)


def build(stages: MakeStages, size: Size) -> nn.Module:
    """The safe ratio on any backbone."""
    made = stages(size)
    return WeightedFocus(made, SafeRatio(made.channels[0]))
