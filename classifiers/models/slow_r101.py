"""Slow-Only R101: the shapes of ``slow_only``, 23 blocks in res4 instead of 6. Fusion after res3."""

from torch import nn

from classifiers.models import Size
from classifiers.models import slow_only as slow
from classifiers.models.stages import Stages

_DEPTHS = (101, *(one for one in slow.DEPTHS if one != 101))


def build(size: Size) -> nn.Module:
    """Video [B, 3, T, S, S] -> logits [B, classes]."""
    return slow.SlowOnly(slow.resnet(size, _DEPTHS))


def stages(size: Size, doubled: bool = False) -> Stages:
    """Cut after res3: [B, 8w, T, S/8, S/8]."""
    return slow.stages(size, doubled, _DEPTHS)
