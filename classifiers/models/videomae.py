"""A plain ViT over space-time tubes, as in VideoMAE (Tong et al., NeurIPS 2022): ViT-B, 16 frames at 224.

Video [B, 3, T, S, S], tubes of 2 frames and 16x16 pixels (8x8 below 128 pixels), width w (768):

    tokens [B, w, T/2, S/16, S/16] throughout; fusion after a third of the ``depth`` (12) layers;
    mean over tokens, norm, head -> [B, classes]
"""

from typing import Any, cast

from torch import Tensor, nn

from assets.errors import UserError
from classifiers.models import Size
from classifiers.models.stages import Joined, Maps, Stages, Whole

_HEAD = 64  # channels of an attention head


class _Early(nn.Module):
    """Video -> tokens as a map [B, w, T/2, S/p, S/p]."""

    def __init__(self, embeddings: nn.Module, layers: list[nn.Module], grid: tuple[int, int, int]) -> None:
        super().__init__()
        self.embeddings, self.layers, self.grid = embeddings, nn.ModuleList(layers), grid

    def forward(self, video: Tensor) -> Maps:
        x = self.embeddings(video.transpose(1, 2), None)
        for layer in self.layers:
            x = _tokens(layer(x))
        return (x.transpose(1, 2).unflatten(2, self.grid),)


class _Late(nn.Module):
    """Tokens -> logits [B, classes]."""

    def __init__(self, layers: list[nn.Module], size: Size, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.norm, self.dropout = nn.LayerNorm(width), nn.Dropout(size.dropout)
        self.head = nn.Linear(width, size.classes)

    def forward(self, maps: Maps) -> Tensor:
        x = maps[0].flatten(2).transpose(1, 2)
        for layer in self.layers:
            x = _tokens(layer(x))
        return cast(Tensor, self.head(self.dropout(self.norm(x.mean(1)))))


def build(size: Size) -> nn.Module:
    """Video [B, 3, T, S, S] -> logits [B, classes]."""
    return Whole(stages(size))


def stages(size: Size, doubled: bool = False) -> Stages:
    """Cut after a third of the layers; a stack is brought back to width by a 1x1x1 layer."""
    from transformers import VideoMAEConfig, VideoMAEModel

    depth, width = size.depth or 12, size.width or 768
    heads = max(1, width // _HEAD)
    if depth < 3 or size.frames % 2 or width % heads:
        raise UserError(
            f"videomae: depth {depth}, width {width}, {size.frames} frames: expected 3 or more layers, "
            f"width below or a multiple of {_HEAD}, even frames"
        )
    patch = 16 if size.pixels >= 128 else 8
    config = VideoMAEConfig(
        image_size=size.pixels, patch_size=patch, num_frames=size.frames, hidden_size=width,
        num_hidden_layers=depth, num_attention_heads=heads, intermediate_size=4 * width,
        use_mean_pooling=True,
    )  # fmt: skip
    whole: Any = VideoMAEModel(config)
    layers, cut = list(whole.encoder.layer), depth // 3
    grid = (size.frames // 2, size.pixels // patch, size.pixels // patch)
    late: nn.Module = _Late(layers[cut:], size, width)
    late = Joined(late, (width,)) if doubled else late
    return Stages(_Early(whole.embeddings, layers[:cut], grid), late, (width,), (True,))


def _tokens(out: Any) -> Tensor:
    """Of a layer, which transformers has returned alone and in a tuple."""
    return cast(Tensor, out[0] if isinstance(out, tuple) else out)
