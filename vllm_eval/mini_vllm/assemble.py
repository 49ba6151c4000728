"""The mini VLLM put together: language model, trained vision tower and deltas, as one Qwen2-VL checkpoint."""

import json
import logging
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.cache import cache_dir
from assets.errors import UserError
from assets.verify import digest
from vllm_eval.mini_vllm.base import BaseParts, base_hash, base_parts
from vllm_eval.mini_vllm.config import (
    VISION_TOKENS,
    model_config,
    padded_vocab,
    processor_files,
    with_vision_tokens,
)
from vllm_eval.mini_vllm.sealed import build_sealed
from vllm_eval.mini_vllm.weights import WEIGHTS, Trained, merge_low_rank, read_trained
from vllm_eval.quiet import no_bars

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast, Qwen2VLForConditionalGeneration

__all__ = ["WEIGHTS", "MiniModel", "base_parts", "build_model", "checkpoint"]

VERSION = 1  # of the files assembled here: raise it when the same inputs give another checkpoint
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MiniModel:
    """The model in memory, in evaluation mode, and its tokenizer."""

    model: "Qwen2VLForConditionalGeneration"
    tokenizer: "PreTrainedTokenizerFast"


def build_model(dtype: "torch.dtype | None" = None, weights: Path | None = WEIGHTS) -> MiniModel:
    """The model in memory, float32 unless told otherwise.

    ``weights`` None, or a file that is not there, leaves the language model as it is and the vision tower at
    its seeded random start: good for training, not for asking.
    """
    import torch

    parts = base_parts()
    tokenizer = with_vision_tokens(parts.tokenizer)
    trained = _trained(weights)
    state = _text_state(parts, trained)
    config = model_config(parts.facts, tokenizer)
    model = _unset_model(config) if trained.visual else _empty_model(config)
    _load(model.model.language_model, state)
    if trained.visual:
        _load(model.model.visual, trained.visual)
    model.tie_weights()
    for parameter in model.parameters():  # not model.to(): that would round the rotary frequencies as well
        parameter.data = parameter.data.to(dtype or torch.float32)
    model.train(False)
    return MiniModel(model, tokenizer)


def checkpoint(weights: Path | None = WEIGHTS) -> Path:
    """The assembled bfloat16 checkpoint's folder, built on first use and again when a file is damaged."""

    def write(folder: Path) -> None:
        _write(folder, weights)

    return build_sealed(cache_dir() / f"mini-vllm-{_identity(weights)}", write)


def _identity(weights: Path | None) -> str:
    trained = digest(weights) if weights and weights.is_file() else "untrained"
    return sha256(f"{VERSION} {base_hash()} {trained}".encode()).hexdigest()[:16]


def _write(folder: Path, weights: Path | None) -> None:
    import torch

    mini = build_model(torch.bfloat16, weights)
    with no_bars():
        mini.model.save_pretrained(folder)
    mini.tokenizer.save_pretrained(folder)
    for name, content in processor_files().items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n")


def _trained(weights: Path | None) -> Trained:
    if weights and weights.is_file():
        return read_trained(weights)
    _log.warning("the mini VLLM has no trained weights: its vision tower is random, its answers mean nothing")
    return Trained()


def _text_state(parts: BaseParts, trained: Trained) -> "dict[str, torch.Tensor]":
    """The text model's tensors: deltas merged, vision tokens embedded, zero query/key/value biases."""
    import torch

    state = dict(parts.state)
    merge_low_rank(state, trained)
    rows = state["embed_tokens.weight"]
    extra = rows.mean(dim=0, keepdim=True).repeat(padded_vocab(parts.facts) - len(rows), 1)
    for token, row in trained.rows.items():
        if token not in VISION_TOKENS:
            raise UserError(f"trained embedding of {token!r}, expected one of: {', '.join(VISION_TOKENS)}")
        extra[VISION_TOKENS.index(token)] = row
    state["embed_tokens.weight"] = torch.cat([rows, extra])
    for key in [key for key in state if key.endswith(("q_proj.weight", "k_proj.weight", "v_proj.weight"))]:
        state[key.replace(".weight", ".bias")] = torch.zeros(len(state[key]))
    return state


def _empty_model(config: Any) -> "Qwen2VLForConditionalGeneration":
    """A model of seeded random weights; nobody else's random state is touched."""
    import torch
    from transformers import Qwen2VLForConditionalGeneration

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Qwen2VLForConditionalGeneration(config)


def _unset_model(config: Any) -> "Qwen2VLForConditionalGeneration":
    """A model whose weights are all loaded afterwards: drawing them takes longer than all the rest."""
    from transformers import Qwen2VLForConditionalGeneration
    from transformers.initialization import no_init_weights

    with no_init_weights():
        return Qwen2VLForConditionalGeneration(config)


def _load(module: "torch.nn.Module", state: "dict[str, torch.Tensor]") -> None:
    try:
        module.load_state_dict(state)
    except RuntimeError as failure:
        raise UserError(f"weights do not fit the mini VLLM's {type(module).__name__}: {failure}") from failure
