"""Tiny random Qwen2-VL and Qwen2.5-VL checkpoints with their own tokenizer, for tests of real code paths."""

import json
from pathlib import Path
from typing import Any

from vllm_eval.mini_vllm.config import CHAT_TEMPLATE, VISION_TOKENS

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *VISION_TOKENS)
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]},
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "initializer_range": 0.3,
}
TOWER = {"depth": 2, "num_heads": 2, "patch_size": 14, "temporal_patch_size": 2, "spatial_merge_size": 2}


def write_tokenizer(folder: Path) -> Any:
    """One token per byte, and the special tokens."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: number for number, token in enumerate([*SPECIAL, *letters])}
    bpe = Tokenizer(models.BPE(vocab, []))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.add_special_tokens([AddedToken(token, normalized=False) for token in SPECIAL])
    wrap: Any = PreTrainedTokenizerFast
    tokenizer = wrap(tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    return tokenizer


def write_tiny(folder: Path, family: str, seed: int = 0) -> Path:
    """A checkpoint of ``qwen2_vl`` or ``qwen2_5_vl``: some 60,000 random weights, strong enough to differ."""
    import torch

    tokenizer = write_tokenizer(folder)
    start, end, video, image = map(tokenizer.convert_tokens_to_ids, VISION_TOKENS)
    shared = {
        "text_config": {**TEXT, "vocab_size": len(tokenizer)},
        "vision_start_token_id": start,
        "vision_end_token_id": end,
        "video_token_id": video,
        "image_token_id": image,
    }
    config, model = _classes(family)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built = model(config(vision_config=_tower(family), **shared))
    for name, parameter in built.named_parameters():
        if name.endswith("bias"):  # zero at birth: an engine that forgets them must not pass
            parameter.data.normal_(std=0.2, generator=torch.Generator().manual_seed(seed))
    built.save_pretrained(folder)
    size = {"min_pixels": 56 * 56, "max_pixels": 112 * 112}
    (folder / "preprocessor_config.json").write_text(json.dumps(size))
    return folder


def _classes(family: str) -> tuple[Any, Any]:
    import transformers

    if family == "qwen2_vl":
        return transformers.Qwen2VLConfig, transformers.Qwen2VLForConditionalGeneration
    return transformers.Qwen2_5_VLConfig, transformers.Qwen2_5_VLForConditionalGeneration


def _tower(family: str) -> dict[str, Any]:
    if family == "qwen2_vl":
        return {**TOWER, "embed_dim": 32, "hidden_size": 32, "mlp_ratio": 2}
    windows = {"window_size": 56, "fullatt_block_indexes": [1], "tokens_per_second": 2}
    return {**TOWER, **windows, "hidden_size": 32, "intermediate_size": 48, "out_hidden_size": 32}
