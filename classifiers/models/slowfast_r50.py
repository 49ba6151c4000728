"""SlowFast R50: a slow pathway on every fourth frame, a fast one of an eighth of the width on all of them.

Video [B, 3, T, S, S], T a multiple of 4. After res3, where fusions take place:

    slow [B, 8w + 2w, T/4, S/8, S/8] (the fast pathway's features are stacked on), fast [B, w, T, S/8, S/8]

Published: 32 frames at 256 (8x8 slow). Eight frames leave the slow pathway two.
"""

from typing import Any, cast

from torch import Tensor, nn

from assets.errors import UserError
from classifiers.models import Size
from classifiers.models.builders import builder
from classifiers.models.slow_only import DEPTHS
from classifiers.models.stages import Joined, Maps, Stages, Whole, check_depth

ALPHA = 4  # fast frames to a slow one
_FUSED = 3


class _Early(nn.Module):
    """Video -> (slow, fast) after res3."""

    def __init__(self, blocks: list[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, video: Tensor) -> Maps:
        x = [video[:, :, ::ALPHA], video]
        for block in self.blocks:
            x = block(x)
        return tuple(x)


class _Late(nn.Module):
    """(slow, fast) -> logits [B, classes]."""

    def __init__(self, blocks: list[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, maps: Maps) -> Tensor:
        x: Any = list(maps)
        for block in self.blocks:
            x = block(x)
        return cast(Tensor, x)


def build(size: Size) -> nn.Module:
    """Video [B, 3, T, S, S] -> logits [B, classes]."""
    return Whole(stages(size))


def stages(size: Size, doubled: bool = False) -> Stages:
    """Cut after res3 with its lateral connection; a stack is brought back to width by 1x1x1 layers."""
    if size.frames % ALPHA:
        raise UserError(f"slowfast_r50: {size.frames} frames, expected a multiple of {ALPHA}")
    width, side = size.width or 64, min(7, size.pixels // 32)
    if width % 8:
        raise UserError(f"slowfast_r50: width {width}, expected a multiple of 8")
    made = builder("slowfast").create_slowfast(
        model_depth=check_depth(size, DEPTHS, "SlowFast"),
        model_num_class=size.classes,
        dropout_rate=size.dropout,
        stem_dim_outs=(width, width // 8),
        slowfast_fusion_conv_kernel_size=(7, 1, 1),
        slowfast_fusion_conv_stride=(ALPHA, 1, 1),
        head_pool_kernel_sizes=((size.frames // ALPHA, side, side), (size.frames, side, side)),
    )
    blocks, channels = list(made.blocks), (10 * width, width)
    late: nn.Module = _Late(blocks[_FUSED:])
    late = Joined(late, channels) if doubled else late
    return Stages(_Early(blocks[:_FUSED]), late, channels, (True, True))
