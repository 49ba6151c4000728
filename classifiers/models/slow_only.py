"""Slow-Only: a ResNet over slowly sampled frames (Feichtenhofer et al., ICCV 2019), as in pytorchvideo.

Video [B, 3, T, S, S]; with width w (64), T frames kept throughout:

    stem  [B,   w, T, S/4,  S/4]      res3  [B,  8w, T, S/8,  S/8]   <- fusion point
    res2  [B,  4w, T, S/4,  S/4]      res4  [B, 16w, T, S/16, S/16]
                                      res5  [B, 32w, T, S/32, S/32] -> head [B, classes]
"""

from typing import Any, cast

from torch import Tensor, nn

from classifiers.models import Size
from classifiers.models.builders import EXTRA_DEPTHS, builder
from classifiers.models.stages import Chain, Ending, Stages, check_depth

DEPTHS = (50, 101, 152, *EXTRA_DEPTHS)
_FUSED = 3  # stem, res2 and res3 come before the fusion


class SlowOnly(nn.Module):
    """State-dict keys as in the published ``SLOW_8x8_R50.pyth``: ``blocks.0`` stem to ``blocks.5`` head."""

    def __init__(self, blocks: nn.ModuleList) -> None:
        super().__init__()
        self.blocks = blocks

    def forward(self, video: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits [B, classes]; the mask is ignored."""
        x = video
        for block in self.blocks:
            x = block(x)
        return x


def resnet(size: Size, depths: tuple[int, ...] = DEPTHS) -> nn.ModuleList:
    """The six blocks; the first of ``depths`` where the size names none."""
    # At 256 the published 7x7 pool leaves 2x2 places, which the head averages.
    side = min(7, size.pixels // 32)
    made: Any = builder("resnet").create_resnet(
        stem_conv_kernel_size=(1, 7, 7),
        head_pool_kernel_size=(size.frames, side, side),
        model_depth=check_depth(size, depths, "Slow-Only"),
        model_num_class=size.classes,
        stem_dim_out=size.width or 64,
        dropout_rate=size.dropout,
    )
    return cast(nn.ModuleList, made.blocks)


def build(size: Size) -> nn.Module:
    """Slow-Only R50 or another depth; strictly loads ``SLOW_8x8_R50.pyth`` at 400 classes."""
    return SlowOnly(resnet(size))


def stages(size: Size, doubled: bool = False, depths: tuple[int, ...] = DEPTHS) -> Stages:
    """Cut after res3 (8w channels). ``doubled``: res4 reads 16w, as in the paper's Stack design."""
    blocks = list(resnet(size, depths))
    if doubled:
        _double(blocks[_FUSED])
    channels = 8 * (size.width or 64)
    return Stages(Chain(*blocks[:_FUSED]), Ending(*blocks[_FUSED:]), (channels,), (True,))


def _double(stage: Any) -> None:
    """The paper's surgery on res4's first block: ``branch1_conv`` and ``conv_a`` read twice the channels."""
    first = stage.res_blocks[0]
    first.branch1_conv = _wider(first.branch1_conv)
    first.branch2.conv_a = _wider(first.branch2.conv_a)


def _wider(old: nn.Conv3d) -> nn.Conv3d:
    new = nn.Conv3d(
        2 * old.in_channels,
        old.out_channels,
        cast(Any, old.kernel_size),
        stride=cast(Any, old.stride),
        padding=cast(Any, old.padding),
        bias=False,
    )
    builder("resnet")  # whose initialisation, as for its neighbours
    from fvcore.nn.weight_init import c2_msra_fill

    c2_msra_fill(new)
    return new
