"""The language model during stage 2: frozen bfloat16 weights with low-rank deltas, several questions a clip.

A row is one video followed by several questions that see the video and not one another, so that the video is
paid for once. ``tests/vllm_eval/test_mini_train.py`` holds it to transformers' own Qwen2-VL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vllm_eval.mini_vllm.train.vision import GRID, PAIRS, TOKENS

PREFIX = "<|im_start|>user\n<|vision_start|>"
SUFFIX_END = "<|im_end|>\n<|im_start|>assistant\n"
VIDEO_TOKENS = PAIRS * TOKENS
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Asked:
    """One question as tokens, and the tokens of its answer."""

    question: Sequence[int]
    answer: Sequence[int]


@dataclass(frozen=True)
class Packed:
    """Rows of token ids [B, L], positions [3, B, L], the attention mask [B, 1, L, L] and where answers stand:
    ``rows``, ``columns`` of the positions that predict ``targets``."""

    ids: Tensor
    positions: Tensor
    mask: Tensor
    rows: Tensor
    columns: Tensor
    targets: Tensor


def video_positions(start: int) -> Tensor:
    """[3, 27]: time, row and column of each merged token, counted from ``start`` as Qwen2-VL does."""
    half = GRID // 2
    t, y, x = torch.meshgrid(torch.arange(PAIRS), torch.arange(half), torch.arange(half), indexing="ij")
    return torch.stack([t.flatten(), y.flatten(), x.flatten()]) + start


def pack(head: Sequence[int], tail: int, video: int, asked: Sequence[Sequence[Asked]], pad: int) -> Packed:
    """Rows: ``head``, ``video`` once per video token, ``tail``, then the questions about that clip."""
    prefix = [*head, *[video] * VIDEO_TOKENS, tail]
    before = torch.arange(len(head)).expand(3, -1)
    seen = video_positions(len(head))
    base = int(seen.max()) + 1
    prefix_positions = torch.cat([before, seen, torch.full((3, 1), base)], 1)
    lengths = [len(prefix) + sum(len(a.question) + len(a.answer) - 1 for a in row) for row in asked]
    width = -(-max(lengths) // 8) * 8
    ids = torch.full((len(asked), width), pad)
    positions = torch.zeros(3, len(asked), width, dtype=torch.long)
    segment = torch.full((len(asked), width), -1)
    rows, columns, targets = [], [], []
    for r, row in enumerate(asked):
        ids[r, : len(prefix)] = torch.tensor(prefix)
        positions[:, r, : len(prefix)] = prefix_positions
        segment[r, : len(prefix)] = 0
        at = len(prefix)
        for k, one in enumerate(row, 1):
            tokens = [*one.question, *one.answer[:-1]]
            ids[r, at : at + len(tokens)] = torch.tensor(tokens)
            positions[:, r, at : at + len(tokens)] = base + 1 + torch.arange(len(tokens))
            segment[r, at : at + len(tokens)] = k
            for j, target in enumerate(one.answer):
                rows.append(r)
                columns.append(at + len(one.question) - 1 + j)
                targets.append(target)
            at += len(tokens)
    return Packed(ids, positions, _mask(segment), *(torch.tensor(v) for v in (rows, columns, targets)))


def _mask(segment: Tensor) -> Tensor:
    width = segment.shape[1]
    earlier = torch.ones(width, width, dtype=torch.bool).tril()
    same = segment[:, :, None] == segment[:, None, :]
    prefix = (segment[:, None, :] == 0) & (segment[:, :, None] >= 0)
    return (earlier & (same | prefix))[:, None]


class LowRankText(nn.Module):
    """The text model's layers with deltas ``scale * B @ A`` on every projection."""

    def __init__(self, text_model: Any, rank: int, scale: float, dtype: torch.dtype = torch.bfloat16) -> None:
        super().__init__()
        self.dtype = dtype
        self.scale, config = scale, text_model.config
        self.heads, self.kv_heads = config.num_attention_heads, config.num_key_value_heads
        self.eps, self.theta = config.rms_norm_eps, config.rope_parameters["rope_theta"]
        self.section = config.rope_parameters["mrope_section"]
        self.embed = text_model.embed_tokens.weight.detach().to(dtype)
        self.final = text_model.norm.weight.detach().to(dtype)
        self.frozen = [self._layer(layer, dtype) for layer in text_model.layers]
        self.deltas = nn.ParameterDict()
        for k, layer in enumerate(self.frozen):
            for name in PROJECTIONS:
                rows, width = layer[name].shape
                self.deltas[f"a{k}_{name}"] = nn.Parameter(torch.randn(rank, width) / width**0.5)
                self.deltas[f"b{k}_{name}"] = nn.Parameter(torch.zeros(rows, rank))

    @staticmethod
    def _layer(layer: Any, dtype: torch.dtype) -> dict[str, Tensor]:
        parts = {name: getattr(layer.self_attn, name).weight for name in PROJECTIONS[:4]}
        parts |= {name: getattr(layer.mlp, name).weight for name in PROJECTIONS[4:]}
        parts |= {"before": layer.input_layernorm.weight, "after": layer.post_attention_layernorm.weight}
        return {name: weight.detach().to(dtype) for name, weight in parts.items()}

    def forward(self, packed: Packed, video: Tensor) -> Tensor:
        """Logits float32 [answers, vocabulary] at ``rows``, ``columns``; video [B, 27, 576]."""
        x = F.embedding(packed.ids, self.embed)
        at = self._at
        x = torch.cat([x[:, :at], video.to(x.dtype), x[:, at + VIDEO_TOKENS :]], 1)
        cos, sin = self._rotary(packed.positions)
        for k, layer in enumerate(self.frozen):
            x = x + self._attend(k, layer, self._norm(x, layer["before"]), cos, sin, packed.mask)
            x = x + self._mlp(k, layer, self._norm(x, layer["after"]))
        picked = self._norm(x[packed.rows, packed.columns], self.final)
        return F.linear(picked, self.embed).float()

    _at = 4  # tokens of PREFIX: <|im_start|>, user, newline, <|vision_start|>

    def _norm(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), weight, self.eps)

    def _project(self, k: int, layer: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
        a, b = self.deltas[f"a{k}_{name}"].to(x.dtype), self.deltas[f"b{k}_{name}"].to(x.dtype)
        return F.linear(x, layer[name]) + F.linear(F.linear(x, a), b * self.scale)

    def _attend(
        self, k: int, layer: dict[str, Tensor], x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor
    ) -> Tensor:
        n, length, _ = x.shape
        q, key, value = (
            self._project(k, layer, name, x).view(n, length, -1, 64).transpose(1, 2)
            for name in ("q_proj", "k_proj", "v_proj")
        )
        q, key = q * cos + _half(q) * sin, key * cos + _half(key) * sin
        group = self.heads // self.kv_heads
        key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
        out = F.scaled_dot_product_attention(q, key, value, attn_mask=mask)
        return self._project(k, layer, "o_proj", out.transpose(1, 2).reshape(n, length, -1))

    def _mlp(self, k: int, layer: dict[str, Tensor], x: Tensor) -> Tensor:
        gate = F.silu(self._project(k, layer, "gate_proj", x))
        return self._project(k, layer, "down_proj", gate * self._project(k, layer, "up_proj", x))

    def _rotary(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """cos and sin [B, 1, L, 64]: each slice of the frequencies follows time, row or column."""
        inv = 1.0 / (self.theta ** (torch.arange(0, 64, 2).float() / 64))
        angles = positions[..., None].float() * inv  # [3, B, L, 32]
        parts = [part[k % 3] for k, part in enumerate(angles.split(self.section, -1))]
        whole = torch.cat(parts, -1)
        whole = torch.cat([whole, whole], -1)[:, None]
        return whole.cos().to(self.dtype), whole.sin().to(self.dtype)


def _half(x: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)
