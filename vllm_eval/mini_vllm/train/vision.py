"""The vision tower during training: transformers' own module, run batched, with heads for dense supervision.

transformers walks through the frame pairs one by one on a CPU; here all pairs of all clips are one batch.
``tests/vllm_eval/test_mini_train.py`` holds both to the same numbers.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from videos.mini.actions import ACTIONS
from videos.mini.body import JOINTS
from vllm_eval.mini_vllm.train.clips import LIMBS, PATCH, PICKS, PLACES, SIDE

if TYPE_CHECKING:
    from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VisionTransformerPretrainedModel

GRID, PAIRS, WIDTH, TOKEN = SIDE // PATCH, PICKS // 2, 192, 576
TOKENS = (GRID // 2) ** 2  # merged tokens per frame pair
_MEAN, _STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # CLIP's, as Qwen2-VL


def new_tower() -> "Qwen2VisionTransformerPretrainedModel":
    """The untrained tower, in float32."""
    from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLVisionConfig
    from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VisionTransformerPretrainedModel

    config = Qwen2VLVisionConfig(
        depth=6, embed_dim=WIDTH, hidden_size=TOKEN, num_heads=3, mlp_ratio=4, patch_size=PATCH,
        temporal_patch_size=2, spatial_merge_size=2,
    )  # fmt: skip
    return Qwen2VisionTransformerPretrainedModel(config)


def patches(clips: NDArray[np.uint8] | Tensor) -> Tensor:
    """uint8 [B, 2P, 84, 84, 3] -> normalised patches float32 [B * P, 36, 1176] in Qwen2-VL's order."""
    pixels = torch.as_tensor(clips).float().div_(255)
    pixels = (pixels - torch.tensor(_MEAN)) / torch.tensor(_STD)
    half = GRID // 2
    cut = pixels.view(clips.shape[0], -1, 2, half, 2, PATCH, half, 2, PATCH, 3)
    #      b  pair  t  Y  y  py  X  x  px  c  ->  b pair Y X y x c t py px
    return cut.permute(0, 1, 3, 6, 4, 7, 9, 2, 5, 8).reshape(-1, GRID * GRID, 3 * 2 * PATCH * PATCH)


def blocks_out(tower: Any, cut: Tensor) -> Tensor:
    """Patches [N, 36, 1176] -> hidden states [N, 36, 192] before the merger."""
    x = F.linear(cut, tower.patch_embed.proj.weight.view(WIDTH, -1))
    cos, sin = rotary(tower)
    for block in tower.blocks:
        x = x + _attend(block.attn, block.norm1(x), cos, sin)
        x = x + block.mlp(block.norm2(x))
    return x


def rotary(tower: Any) -> tuple[Tensor, Tensor]:
    """cos and sin [36, 64] of the patches of one frame pair, in merge order."""
    heads = tower.blocks[0].attn
    inv = 1.0 / (10000.0 ** (torch.arange(0, heads.head_dim // 2, 2).float() / (heads.head_dim // 2)))
    half = GRID // 2
    y, x = torch.meshgrid(torch.arange(GRID), torch.arange(GRID), indexing="ij")
    merged = [p.view(half, 2, half, 2).permute(0, 2, 1, 3).reshape(-1, 1).float() * inv for p in (y, x)]
    angles = torch.cat(merged, 1)
    angles = torch.cat((angles, angles), -1)
    return angles.cos(), angles.sin()


def _attend(attn: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    n, length, _ = x.shape
    q, k, v = attn.qkv(x).view(n, length, 3, attn.num_heads, attn.head_dim).permute(2, 0, 3, 1, 4).unbind(0)
    q, k = _rotate(q, cos.to(q.dtype), sin.to(q.dtype)), _rotate(k, cos.to(k.dtype), sin.to(k.dtype))
    out = F.scaled_dot_product_attention(q, k, v)
    return attn.proj(out.transpose(1, 2).reshape(n, length, -1))  # type: ignore[no-any-return]


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


class Heads(nn.Module):
    """What the tower is asked during its training; thrown away afterwards.

    From merged tokens [B, P, 9, 576]: the action per clip and per pair, the place, limb directions of both
    frames of a pair. From patches [N, 36, 192]: the person's share of each, and in which of them each joint
    is in either frame, [N, 34, 36]. 600 steps without the joints brought 32 % of the actions,
    500 more with them 69 %.
    """

    def __init__(self) -> None:
        super().__init__()
        self.action = nn.Linear(TOKEN, len(ACTIONS))
        self.place = nn.Linear(TOKEN, len(PLACES))
        self.pool = nn.Linear(TOKEN, 1)
        self.limbs = nn.Sequential(
            nn.Linear(TOKEN * TOKENS, 192), nn.GELU(), nn.Linear(192, 2 * len(LIMBS) * 2)
        )
        self.norm = nn.LayerNorm(TOKEN)
        self.coverage = nn.Linear(WIDTH, 1)
        self.joints = nn.Linear(WIDTH, 2 * len(JOINTS))

    def forward(self, merged: Tensor, hidden: Tensor) -> dict[str, Tensor]:
        """Logits and directions; see the class."""
        x = self.norm(merged)
        weights = self.pool(x).softmax(2)
        per_pair = self.action((x * weights).sum(2))
        return {
            "action": per_pair.mean(1), "pair": per_pair, "place": self.place(x.mean((1, 2))),
            "limbs": self.limbs(x.flatten(2)), "coverage": self.coverage(hidden).squeeze(-1),
            "joints": self.joints(hidden).transpose(1, 2),
        }  # fmt: skip


def coverage_order(coverage: Tensor) -> Tensor:
    """[B, P, 6, 6] -> [B * P, 36] in the tower's merge order."""
    half = GRID // 2
    return coverage.view(-1, half, 2, half, 2).permute(0, 1, 3, 2, 4).reshape(-1, GRID * GRID)


def merge_order() -> Tensor:
    """For each patch number, row by row, its place in the tower's order; int64 [36]."""
    order = coverage_order(torch.arange(GRID * GRID).view(1, 1, GRID, GRID))[0]
    return torch.argsort(order)
