"""The language model of the Qwen2-VL family over packed tokens and a shared key/value workspace.

All tokens of a batch lie one after another without padding, so that matrix products waste nothing; only
attention sees them in rows. A row of the workspace holds a clip's prefix and, behind it, the suffix in play:
the next round overwrites the suffix and finds the prefix where it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.errors import UserError

if TYPE_CHECKING:
    import torch

_LINEARS = (("self_attn", "q_proj k_proj v_proj o_proj"), ("mlp", "gate_proj up_proj down_proj"))


@dataclass(frozen=True)
class Layout:
    """Where each of N packed tokens stands among R rows. ``width`` is the longest row's count of new tokens,
    ``reach`` the longest row with what was there before; ``causal``: equal rows with nothing before them."""

    rows: int
    width: int
    reach: int
    causal: bool
    slots: "torch.Tensor"  # [N] row of the flattened workspace each token's key and value go to
    queries: "torch.Tensor"  # [N * heads] row of the flattened, padded queries
    mask: "torch.Tensor | None"  # additive [R, 1, group * width, reach]
    last: "torch.Tensor"  # [R] packed index of each row's last token


class TextStack:
    """Decoder layers of a loaded transformers model. Its weights stay the model's, joined in memory."""

    def __init__(self, language_model: Any) -> None:
        config = language_model.config
        _check(language_model)
        self.embed = language_model.embed_tokens
        self.norm = language_model.norm
        self.rotary = language_model.rotary_emb
        self.heads = int(config.num_attention_heads)
        self.kv_heads = int(config.num_key_value_heads)
        self.head_dim = int(getattr(config, "head_dim", None) or config.hidden_size // self.heads)
        self.layers = [_Layer(layer) for layer in language_model.layers]
        self.dtype = self.embed.weight.dtype
        self.device = self.embed.weight.device

    @property
    def kv_width(self) -> int:
        """Numbers in one token's key."""
        return self.kv_heads * self.head_dim

    def workspace(self, rows: int, reach: int) -> "torch.Tensor":
        """Zeros [layers, 2, rows, reach, kv_width]: finite everywhere, since masked values are still read."""
        import torch

        shape = (len(self.layers), 2, rows, reach, self.kv_width)
        return torch.zeros(shape, dtype=self.dtype, device=self.device)

    def layout(self, before: Sequence[int], new: Sequence[int], capacity: int) -> Layout:
        """For rows of ``before`` tokens that receive ``new`` ones, in a workspace of ``capacity`` a row."""
        import torch

        counts, starts = torch.tensor(new), torch.tensor(before)
        ends = counts.cumsum(0)
        row = torch.repeat_interleave(torch.arange(len(new)), counts)
        place = torch.arange(int(ends[-1])) - (ends - counts)[row]
        width, reach = max(new), int((starts + counts).max())
        causal = not any(before) and len(set(new)) == 1
        mask = None if causal else self._mask(starts, width, reach)
        head = torch.arange(self.heads)
        queries = (row[:, None] * self.heads + head) * width + place[:, None]
        indices = (row * capacity + starts[row] + place, queries.flatten(), ends - 1)
        slots, flat, last = (index.to(self.device) for index in indices)
        return Layout(len(new), width, reach, causal, slots, flat, mask, last)

    def run(
        self, hidden: "torch.Tensor", positions: "torch.Tensor", layout: Layout, workspace: "torch.Tensor"
    ) -> None:
        """Keys and values of packed embeddings [N, hidden] at ``positions`` [3, N] into the workspace."""
        self._run(hidden, positions, layout, workspace, answer=False)

    def last_hidden(
        self, hidden: "torch.Tensor", positions: "torch.Tensor", layout: Layout, workspace: "torch.Tensor"
    ) -> "torch.Tensor":
        """As ``run``, and the normalised last hidden state of each row [R, hidden]."""
        hidden = self._run(hidden, positions, layout, workspace, answer=True)
        return self._rms(hidden, self.norm)

    def _run(
        self,
        hidden: "torch.Tensor",
        positions: "torch.Tensor",
        layout: Layout,
        workspace: "torch.Tensor",
        answer: bool,
    ) -> "torch.Tensor":
        cos, sin = (one[0, :, None] for one in self.rotary(hidden, positions[:, None]))
        for number, layer in enumerate(self.layers):
            final = number == len(self.layers) - 1
            query = self._store(layer, hidden, cos, sin, layout, workspace[number])
            if final and not answer:
                break  # the keys and values of the last layer are all that was missing
            attended = self._attend(query, layout, workspace[number])
            if final:  # nothing reads the other tokens any more
                attended, hidden = attended[layout.last], hidden[layout.last]
            hidden = hidden + layer.o(attended)
            hidden = hidden + layer.mlp(self._rms(hidden, layer.norm2))
        return hidden

    def _store(
        self,
        layer: "_Layer",
        hidden: "torch.Tensor",
        cos: "torch.Tensor",
        sin: "torch.Tensor",
        layout: Layout,
        states: "torch.Tensor",
    ) -> "torch.Tensor":
        """Write keys and values into ``states`` [2, rows, capacity, kv_width]; return queries [N, H, D]."""
        joined = layer.qkv(self._rms(hidden, layer.norm1)).view(len(hidden), -1, self.head_dim)
        rotated = _rotate(joined[:, : self.heads + self.kv_heads], cos, sin)
        keys, values = states.view(2, -1, self.kv_width)
        keys.index_copy_(0, layout.slots, rotated[:, self.heads :].reshape(len(hidden), -1))
        values.index_copy_(0, layout.slots, joined[:, self.heads + self.kv_heads :].reshape(len(hidden), -1))
        return rotated[:, : self.heads]

    def _attend(self, query: "torch.Tensor", layout: Layout, states: "torch.Tensor") -> "torch.Tensor":
        """Attention of queries [N, H, D] over their rows of ``states``: [N, H * D]."""
        from torch.nn.functional import scaled_dot_product_attention

        group = self.heads // self.kv_heads
        padded = query.new_zeros(layout.rows * self.heads * layout.width, self.head_dim)
        padded.index_copy_(0, layout.queries, query.reshape(-1, self.head_dim))
        # Query heads that share a key head stand one below the other as one longer query: no key is copied.
        folded = padded.view(layout.rows, self.kv_heads, group * layout.width, self.head_dim)
        keys, values = (
            one[: layout.rows, : layout.reach].unflatten(-1, (self.kv_heads, self.head_dim)).transpose(1, 2)
            for one in states
        )
        if layout.causal:
            folded = folded.view(layout.rows, self.heads, layout.width, self.head_dim)
            keys, values = keys.repeat_interleave(group, 1), values.repeat_interleave(group, 1)
        out = scaled_dot_product_attention(folded, keys, values, layout.mask, is_causal=layout.causal)
        return out.reshape(-1, self.head_dim).index_select(0, layout.queries).view(len(query), -1)

    def _mask(self, starts: "torch.Tensor", width: int, reach: int) -> "torch.Tensor":
        """A row's token i sees the workspace up to its own place; what lies beyond is another round's."""
        import torch

        own = starts[:, None, None] + torch.arange(width)[:, None]
        hidden = (torch.arange(reach) > own).repeat(1, self.heads // self.kv_heads, 1)
        mask = torch.zeros(hidden.shape, dtype=self.dtype).masked_fill_(hidden, float("-inf"))
        return mask[:, None].to(self.device)

    def _rms(self, hidden: "torch.Tensor", norm: Any) -> "torch.Tensor":
        from torch.nn.functional import rms_norm

        return rms_norm(hidden, hidden.shape[-1:], norm.weight, norm.variance_epsilon)


class _Layer:
    """One decoder layer with its projections joined: fewer, larger matrix products."""

    def __init__(self, layer: Any) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.norm1, self.norm2 = layer.input_layernorm, layer.post_attention_layernorm
        self.o, self.down = attention.o_proj, mlp.down_proj
        self.qkv = _joined([attention.q_proj, attention.k_proj, attention.v_proj])
        self.gate_up = _joined([mlp.gate_proj, mlp.up_proj])

    def mlp(self, hidden: "torch.Tensor") -> "torch.Tensor":
        from torch.nn.functional import silu

        gate, up = self.gate_up(hidden).chunk(2, dim=-1)
        return self.down(silu(gate).mul_(up))  # type: ignore[no-any-return]


def _joined(linears: Sequence[Any]) -> Any:
    """One linear layer for several of the same input. Their weights become views of its own."""
    import torch

    weight = torch.cat([one.weight.data for one in linears])
    biases = [one.bias for one in linears]
    joined = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=biases[0] is not None, device="meta")
    joined.weight = torch.nn.Parameter(weight, requires_grad=False)
    if biases[0] is not None:
        joined.bias = torch.nn.Parameter(torch.cat([one.data for one in biases]), requires_grad=False)
    at = 0
    for one in linears:
        rows = len(one.weight)
        one.weight.data = weight[at : at + rows]
        at += rows
    return joined


def _rotate(states: "torch.Tensor", cos: "torch.Tensor", sin: "torch.Tensor") -> "torch.Tensor":
    """Rotary embedding of [N, heads, D], rounded where transformers rounds."""
    half = states.shape[-1] // 2
    rotated = states * cos
    rotated[..., :half] -= states[..., half:] * sin[..., :half]
    rotated[..., half:] += states[..., :half] * sin[..., half:]
    return rotated


def _check(language_model: Any) -> None:
    """Raises UserError for a language model this module would compute wrongly."""
    import torch

    config = language_model.config
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    linears = [
        getattr(getattr(layer, part, None), name, None)
        for layer in language_model.layers
        for part, names in _LINEARS
        for name in names.split()
    ]
    if kinds != {"full_attention"} or config.hidden_act != "silu":
        raise UserError(
            f"the model's layers are {', '.join(sorted(kinds))} with {config.hidden_act}: not supported"
        )
    if any(type(one) is not torch.nn.Linear for one in linears):
        raise UserError("the model's weights are not plain dense ones (quantised?): use a dense checkpoint")
