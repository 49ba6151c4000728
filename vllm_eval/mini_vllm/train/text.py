"""The language model during stage 2: frozen bfloat16 weights with low-rank deltas, several questions a clip.

A row is one video followed by several questions that see the video and not one another, so that the video is
paid for once. ``tests/vllm_eval/test_mini_train.py`` holds it to transformers' own Qwen2-VL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vllm_eval.mini_vllm.train.vision import GRID, PAIRS, TOKENS

PREFIX = "<|im_start|>user\n<|vision_start|>"
SUFFIX_END = "<|im_end|>\n<|im_start|>assistant\n"
VIDEO_TOKENS = PAIRS * TOKENS
# After these layers of 30, a choice's last token must know what it needs to be told right, and whether it is.
FACT_LAYER, MATCH_LAYER = 13, 17
FACTS = 4  # the person's action, the place's action, asked for the place, asked for the person
QKV, GATE_UP = ("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj")
PROJECTIONS = (*QKV, "o_proj", *GATE_UP, "down_proj")


@dataclass(frozen=True)
class Asked:
    """One question as tokens, and the tokens of its answer. ``marks``: where in the question each choice
    ends; ``right``: the number of the right one. There, too, it is asked whether a choice is right, and for
    its ``facts``: FACTS shares per mark."""

    question: Sequence[int]
    answer: Sequence[int]
    marks: Sequence[int] = ()
    right: int = -1
    facts: Sequence[Sequence[float]] = ()

    @property
    def tokens(self) -> int:
        """How many it takes up in a row: the last token of the answer is predicted, not read."""
        return len(self.question) + len(self.answer) - 1


@dataclass(frozen=True)
class Packed:
    """Rows of token ids [B, L], positions [3, B, L], the attention mask [B, 1, L, L], where answers stand:
    ``rows``, ``columns`` of the positions that predict ``targets``, and where choices end: ``marks`` [M, 2],
    with 1.0 in ``matches`` [M] for the right ones and ``facts`` [M, FACTS]."""

    ids: Tensor
    positions: Tensor
    mask: Tensor
    rows: Tensor
    columns: Tensor
    targets: Tensor
    marks: Tensor
    matches: Tensor
    facts: Tensor


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
    lengths = [len(prefix) + sum(one.tokens for one in row) for row in asked]
    width = -(-max(lengths) // 8) * 8
    ids = torch.full((len(asked), width), pad)
    positions = torch.zeros(3, len(asked), width, dtype=torch.long)
    segment = torch.full((len(asked), width), -1)
    rows, columns, targets = [], [], []
    marks: list[tuple[int, int]] = []
    matches: list[float] = []
    facts: list[Sequence[float]] = []
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
            marks += [(r, at + mark) for mark in one.marks]
            matches += [float(number == one.right) for number in range(len(one.marks))]
            facts += one.facts
            for j, target in enumerate(one.answer):
                rows.append(r)
                columns.append(at + len(one.question) - 1 + j)
                targets.append(target)
            at += len(tokens)
    return Packed(
        ids=ids,
        positions=positions,
        mask=_mask(segment),
        rows=torch.tensor(rows),
        columns=torch.tensor(columns),
        targets=torch.tensor(targets),
        marks=torch.tensor(marks, dtype=torch.long).view(-1, 2),
        matches=torch.tensor(matches),
        facts=torch.tensor(facts).view(-1, FACTS),
    )


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
        for k, layer in enumerate(text_model.layers):
            for name in PROJECTIONS:
                parent = layer.mlp if name in (*GATE_UP, "down_proj") else layer.self_attn
                rows, width = getattr(parent, name).weight.shape
                self.deltas[f"a{k}_{name}"] = nn.Parameter(torch.randn(rank, width) / width**0.5)
                self.deltas[f"b{k}_{name}"] = nn.Parameter(torch.zeros(rows, rank))
        self.match = nn.Linear(config.hidden_size, 1)
        self.facts = nn.Linear(config.hidden_size, FACTS)
        # Logits of the last forward pass, per mark.
        self.matched, self.told = torch.zeros(0), torch.zeros(0, FACTS)

    def start_from(self, low_rank: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        """Take over deltas as ``weights.read_trained`` gives them: ``layers.0.mlp.up_proj`` -> (A, B)."""
        with torch.no_grad():
            for module, (a, b) in low_rank.items():
                _, layer, _, name = module.split(".")
                self.deltas[f"a{layer}_{name}"].copy_(a)
                self.deltas[f"b{layer}_{name}"].copy_(b)

    @staticmethod
    def _layer(layer: Any, dtype: torch.dtype) -> dict[str, Tensor]:
        parents = dict.fromkeys((*QKV, "o_proj"), layer.self_attn)
        parents |= dict.fromkeys((*GATE_UP, "down_proj"), layer.mlp)
        parts = {
            "+".join(names): torch.cat([getattr(parents[name], name).weight for name in names])
            for names in (QKV, ("o_proj",), GATE_UP, ("down_proj",))
        }
        parts |= {"before": layer.input_layernorm.weight, "after": layer.post_attention_layernorm.weight}
        return {name: weight.detach().to(dtype) for name, weight in parts.items()}

    def forward(self, packed: Packed, video: Tensor) -> Tensor:
        """Logits float32 [answers, vocabulary] at ``rows``, ``columns``; video [B, 27, 576]."""
        x = F.embedding(packed.ids, self.embed)
        x = torch.cat([x[:, : self._at], video.to(x.dtype), x[:, self._at + VIDEO_TOKENS :]], 1)
        cos, sin = self._rotary(packed.positions)
        mask = torch.zeros(packed.mask.shape, dtype=self.dtype).masked_fill(~packed.mask, -3e4)
        for k, layer in enumerate(self.frozen):
            x = x + self._attend(k, layer, self._norm(x, layer["before"]), cos, sin, mask)
            x = x + self._mlp(k, layer, self._norm(x, layer["after"]))
            if k == FACT_LAYER:
                self.told = self.facts(_ends(x, packed))
            if k == MATCH_LAYER:
                self.matched = self.match(_ends(x, packed)).squeeze(-1)
        picked = self._norm(x[packed.rows, packed.columns], self.final)
        return F.linear(picked, self.embed).float()

    _at = 4  # tokens of PREFIX: <|im_start|>, user, newline, <|vision_start|>

    def _norm(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), weight, self.eps)

    def _project(self, k: int, layer: dict[str, Tensor], names: Sequence[str], x: Tensor) -> Tensor:
        """The named projections side by side: a few wide products are much faster than many thin ones."""
        a = torch.cat([self.deltas[f"a{k}_{name}"] for name in names]).to(x.dtype)
        blocks = [self.deltas[f"b{k}_{name}"] for name in names]
        b: Tensor = torch.block_diag(*blocks).to(x.dtype)  # type: ignore[no-untyped-call]
        return F.linear(x, layer["+".join(names)]) + F.linear(F.linear(x, a), b * self.scale)

    def _attend(
        self, k: int, layer: dict[str, Tensor], x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor
    ) -> Tensor:
        n, length, _ = x.shape
        heads = self._project(k, layer, QKV, x).view(n, length, -1, 64).transpose(1, 2)
        q, key, value = torch.split(heads, [self.heads, self.kv_heads, self.kv_heads], 1)
        q, key = q * cos + _half(q) * sin, key * cos + _half(key) * sin
        group = self.heads // self.kv_heads
        key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
        # Written out: with a mask, the fused kernel's backward pass takes a quarter of a step on a CPU.
        scores = (q @ key.transpose(2, 3)) * 0.125 + mask
        out = scores.softmax(-1) @ value
        return self._project(k, layer, ("o_proj",), out.transpose(1, 2).reshape(n, length, -1))

    def _mlp(self, k: int, layer: dict[str, Tensor], x: Tensor) -> Tensor:
        gate, up = self._project(k, layer, GATE_UP, x).chunk(2, -1)
        return self._project(k, layer, ("down_proj",), F.silu(gate) * up)

    def _rotary(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """cos and sin [B, 1, L, 64]: each slice of the frequencies follows time, row or column."""
        inv = 1.0 / (self.theta ** (torch.arange(0, 64, 2).float() / 64))
        angles = positions[..., None].float() * inv  # [3, B, L, 32]
        parts = [part[k % 3] for k, part in enumerate(angles.split(self.section, -1))]
        whole = torch.cat(parts, -1)
        whole = torch.cat([whole, whole], -1)[:, None]
        return whole.cos().to(self.dtype), whole.sin().to(self.dtype)


def _ends(x: Tensor, packed: Packed) -> Tensor:
    """What stands where choices end, normalised: float32 [M, hidden]."""
    ends = x[packed.marks[:, 0], packed.marks[:, 1]].float()
    return F.rms_norm(ends, (ends.shape[-1],))


def _half(x: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)
