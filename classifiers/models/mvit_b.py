"""MViT-B: attention over pooled tokens, 16 frames at 224 as published (Fan et al., ICCV 2021).

Video [B, 3, T, S, S] with width w (96), patches of 2 frames and 4x4 pixels (kernel 3x7x7):

    tokens   [B, w, T/2, S/4, S/4] and a class token [B, w, 1, 1, 1]
    block 3  [B, 4w, T/2, S/8, S/8]  <- fusion point: before the grid shrinks a second time
    then 4w at S/16, 8w at S/32; norm, class token -> head [B, classes]

``depth`` blocks (16): dimensions double at blocks 1 and 3 and two before the last.
"""

from typing import Any, cast

from torch import Tensor, cat, nn

from assets.errors import UserError
from classifiers.models import Size
from classifiers.models.builders import builder
from classifiers.models.stages import Joined, Maps, Stages, Whole

_FUSED = 3  # blocks before the fusion


class _Early(nn.Module):
    """Video -> (map [B, 4w, T/2, S/8, S/8], class token [B, 4w, 1, 1, 1])."""

    def __init__(self, whole: Any) -> None:
        super().__init__()
        self.patch_embed, self.position = whole.patch_embed, whole.cls_positional_encoding
        self.blocks = nn.ModuleList(list(whole.blocks)[:_FUSED])

    def forward(self, video: Tensor) -> Maps:
        x = self.position(self.patch_embed(video))
        grid = list(self.position.patch_embed_shape)
        for block in self.blocks:
            x, grid = block(x, grid)
        x = x.transpose(1, 2)
        return x[:, :, 1:].unflatten(2, tuple(grid)), x[:, :, :1, None, None]


class _Late(nn.Module):
    """The two maps -> logits [B, classes]."""

    def __init__(self, whole: Any) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(list(whole.blocks)[_FUSED:])
        self.norm, self.head = whole.norm_embed, whole.head

    def forward(self, maps: Maps) -> Tensor:
        places, token = maps
        grid = list(places.shape[2:])
        x = cat([token.flatten(2), places.flatten(2)], 2).transpose(1, 2)
        for block in self.blocks:
            x, grid = block(x, grid)
        return cast(Tensor, self.head(self.norm(x)))


def build(size: Size) -> nn.Module:
    """Video [B, 3, T, S, S] -> logits [B, classes]."""
    return Whole(stages(size))


def stages(size: Size, doubled: bool = False) -> Stages:
    """Cut after three blocks, 4w channels; a stack is brought back to width by 1x1x1 layers."""
    depth, width = size.depth or 16, size.width or 96
    if depth < 6 or size.frames % 2:
        raise UserError(
            f"mvit_b: depth {depth}, {size.frames} frames: expected 6 or more blocks, even frames"
        )
    grow = [[1, 2.0], [3, 2.0], [depth - 2, 2.0]]
    whole = builder("vision_transformers").create_multiscale_vision_transformers(
        spatial_size=size.pixels,
        temporal_size=size.frames,
        depth=depth,
        patch_embed_dim=width,
        embed_dim_mul=grow,
        atten_head_mul=grow,
        pool_q_stride_size=[[int(place), 1, 2, 2] for place, _ in grow],
        pool_kv_stride_adaptive=[1, 8, 8],
        pool_kvq_kernel=[3, 3, 3],
        head_num_classes=size.classes,
        head_dropout_rate=size.dropout,
    )
    channels = (4 * width, 4 * width)
    late: nn.Module = _Late(whole)
    return Stages(_Early(whole), Joined(late, channels) if doubled else late, channels, (True, False))
