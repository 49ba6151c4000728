"""X3D-M: depthwise 3D bottlenecks, 16 frames at 224 as published (Feichtenhofer, CVPR 2020).

Video [B, 3, T, S, S] with width w (24; 12 times a factor of 2 in the builder):

    stem [B, w, T, S/2, S/2]   res2 [B, w, T, S/4, S/4]   res3 [B, 2w, T, S/8, S/8]  <- fusion point
    res4 [B, 4w, T, S/16, S/16]   res5 [B, 8w, T, S/32, S/32] -> head [B, classes]

``depth`` is percent of the published number of blocks (100; 46 leaves 1, 1, 3 and 2).
"""

from torch import nn

from classifiers.models import Size
from classifiers.models.builders import builder
from classifiers.models.stages import Chain, Ending, Joined, Stages, Whole

_FUSED = 3
_STEM, _DEPTH = 12, 2.2


def build(size: Size) -> nn.Module:
    """Video [B, 3, T, S, S] -> logits [B, classes]."""
    return Whole(stages(size))


def stages(size: Size, doubled: bool = False) -> Stages:
    """Cut after res3; a stack is brought back to width by a 1x1x1 layer."""
    made = builder("x3d").create_x3d(
        input_clip_length=size.frames,
        input_crop_size=size.pixels,
        model_num_class=size.classes,
        dropout_rate=size.dropout,
        width_factor=2.0 * (size.width or 24) / 24,
        depth_factor=_DEPTH * (size.depth or 100) / 100,
        head_dim_out=2048 * (size.width or 24) // 24,
        head_activation=None,
        inner_act=nn.SiLU,  # the builder's own Swish reads what torch has deprecated
    )
    blocks = list(made.blocks)
    channels = (_channels(blocks[_FUSED - 1]),)
    late: nn.Module = Ending(*blocks[_FUSED:])
    late = Joined(late, channels) if doubled else late
    return Stages(Chain(*blocks[:_FUSED]), late, channels, (True,))


def _channels(stage: nn.Module) -> int:
    """Out of a stage: of its last normalisation."""
    norms = [one for one in stage.modules() if isinstance(one, nn.BatchNorm3d)]
    return norms[-1].num_features
