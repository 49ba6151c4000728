"""The language model under the mini VLLM: SmolLM2-135M-Instruct, read from its GGUF file as plain tensors.

Reading it here rather than through transformers keeps one thing in view: llama.cpp stores query and key rows
in another rotary order than transformers, and they are put back in ``_rotary_order``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast

BASE = "smollm2-135m-instruct"

_CONTROL = 3  # llama.cpp's type of tokens that text never produces
_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


@dataclass(frozen=True)
class TextFacts:
    """Sizes of the language model."""

    vocab: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    positions: int
    rope_theta: float
    rms_eps: float


@dataclass(frozen=True)
class BaseParts:
    """``state``: float32 tensors, named as in a transformers text model (``layers.0.mlp.up_proj.weight``).

    The output layer is tied to ``embed_tokens.weight``. ``tokenizer`` knows no vision tokens yet.
    """

    facts: TextFacts
    state: "dict[str, torch.Tensor]"
    tokenizer: "PreTrainedTokenizerFast"


def base_parts(path: Path | None = None) -> BaseParts:
    """The base model from a GGUF file; fetched on first use when no path is given."""
    from assets.fetch import fetch

    reader = _reader(path or fetch(BASE))
    facts = _facts(reader)
    return BaseParts(facts, _state(reader, facts), _tokenizer(reader))


def base_hash() -> str:
    """What the base file is known by."""
    from assets.catalogue import asset

    return asset(BASE).sha256


def _reader(path: Path) -> Any:
    import numpy as np
    from gguf import GGUFReader

    class Plain(GGUFReader):
        """Slices plain arrays: np.memmap's bookkeeping of a million slices takes as long as all the rest."""

        def _build_fields(self, offs: int, count: int) -> int:
            self.data: Any = np.asarray(self.data)
            return int(super()._build_fields(offs, count))

    return Plain(path)


def _facts(reader: Any) -> TextFacts:
    def value(key: str) -> Any:
        return reader.fields[f"llama.{key}"].contents()

    return TextFacts(
        vocab=int(value("vocab_size")),
        hidden=int(value("embedding_length")),
        intermediate=int(value("feed_forward_length")),
        layers=int(value("block_count")),
        heads=int(value("attention.head_count")),
        kv_heads=int(value("attention.head_count_kv")),
        positions=int(value("context_length")),
        rope_theta=float(value("rope.freq_base")),
        rms_eps=float(f"{value('attention.layer_norm_rms_epsilon'):.3g}"),  # stored as float32: 9.99e-6
    )


def _state(reader: Any, facts: TextFacts) -> "dict[str, torch.Tensor]":
    import torch
    from gguf import dequantize

    state = {}
    for tensor in reader.tensors:
        # A copy: dequantize hands float32 tensors through as views of the mapped file.
        dense = torch.from_numpy(dequantize(tensor.data, tensor.tensor_type).copy()).float()
        if ".attn_q." in tensor.name:
            dense = _rotary_order(dense, facts.heads)
        if ".attn_k." in tensor.name:
            dense = _rotary_order(dense, facts.kv_heads)
        state[_name(tensor.name)] = dense
    return state


def _name(gguf_name: str) -> str:
    """``blk.3.attn_q.weight`` -> ``layers.3.self_attn.q_proj.weight``."""
    fixed = {"token_embd.weight": "embed_tokens.weight", "output_norm.weight": "norm.weight"}
    if gguf_name in fixed:
        return fixed[gguf_name]
    _, layer, part, kind = gguf_name.split(".")
    return f"layers.{layer}.{_NAMES[part]}.{kind}"


def _rotary_order(weight: "torch.Tensor", heads: int) -> "torch.Tensor":
    """From pairs (0, 1), (2, 3), ... of a head's rows to halves: row i beside row i + head_dim / 2."""
    rows, width = weight.shape
    return weight.view(heads, rows // heads // 2, 2, width).transpose(1, 2).reshape(rows, width)


def _tokenizer(reader: Any) -> "PreTrainedTokenizerFast":
    """SmolLM2's byte-level BPE: each digit is a token of its own."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokens = reader.fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(merge.split(" ")) for merge in reader.fields["tokenizer.ggml.merges"].contents()]
    kinds = reader.fields["tokenizer.ggml.token_type"].contents()
    bpe = Tokenizer(models.BPE({token: index for index, token in enumerate(tokens)}, merges))
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    control = [token for token, kind in zip(tokens, kinds, strict=True) if kind == _CONTROL]
    bpe.add_special_tokens([AddedToken(token, normalized=False) for token in control])
    wrap: Any = PreTrainedTokenizerFast
    tokenizer: PreTrainedTokenizerFast = wrap(
        tokenizer_object=bpe,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        unk_token="<|endoftext|>",
        clean_up_tokenization_spaces=False,
    )
    return tokenizer
