"""Tiny random checkpoints of six video language architectures, for tests of the general path."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "internvl", "llava_onevision", "smolvlm")
_VISION = ("<|vision_start|>", "<|vision_end|>", "<|video_pad|>", "<|image_pad|>")
_IMAGE = ("<image>", "<video>", "<img>", "</img>", "<IMG_CONTEXT>")
_SMOL = ("<fake_token_around_image>", "<global-img>", "<end_of_utterance>")
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *_VISION, *_IMAGE, *_SMOL)
SIDE = 56  # of a frame where the family fixes it

_TURN = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'video' %}VIDEO{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_WORDS = {"qwen": "<|vision_start|><|video_pad|><|vision_end|>", "else": "<video>\n"}
_TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "bos_token_id": None,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "initializer_range": 0.3,
    "tie_word_embeddings": False,
}
_MROPE = {"rope_type": "default", "rope_theta": 10000.0}
_SQUARE = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
_PATCHES = {"patch_size": 14, "temporal_patch_size": 2, "spatial_merge_size": 2, "num_heads": 2, "depth": 2}


def write_general(folder: Path, family: str, seed: int = 0) -> Path:
    """A checkpoint with weights strong enough for clips and questions to differ."""
    import torch

    tokenizer = _tokenizer(folder, family)
    kind, config = _config(family, tokenizer)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built = kind(config)
    made = torch.Generator().manual_seed(seed)
    for name, parameter in built.named_parameters():
        if name.endswith("bias") or "newline" in name:
            parameter.data.normal_(std=0.2, generator=made)
        elif parameter.dim() > 1:
            parameter.data.normal_(std=0.3, generator=made)
    built.generation_config.eos_token_id = tokenizer.eos_token_id
    built.save_pretrained(folder)
    (folder / "video_preprocessor_config.json").write_text(json.dumps(_processor(family)))
    return folder


def _tokenizer(folder: Path, family: str) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: number for number, token in enumerate([*SPECIAL, *letters])}
    bpe = Tokenizer(models.BPE(vocab, []))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.add_special_tokens([AddedToken(token, normalized=False) for token in SPECIAL])
    end = "<end_of_utterance>" if family == "smolvlm" else "<|im_end|>"
    named = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    wrap: Any = PreTrainedTokenizerFast
    extra = {"extra_special_tokens": named} if family == "internvl" else {}
    tokenizer = wrap(tokenizer_object=bpe, eos_token=end, pad_token="<|endoftext|>", **extra)
    words = _WORDS["qwen" if family.startswith("qwen") else "else"]
    tokenizer.chat_template = _TURN.replace("VIDEO", words)
    tokenizer.save_pretrained(folder)
    return tokenizer


def _config(family: str, tokenizer: Any) -> tuple[Any, Any]:
    import transformers

    ids = dict(zip(SPECIAL, tokenizer.convert_tokens_to_ids(list(SPECIAL)), strict=True))
    text = {**_TEXT, "vocab_size": len(tokenizer)}
    get: Any = transformers
    if family.startswith("qwen"):
        names = ("vision_start", "vision_end", "video", "image")
        named = {f"{name}_token_id": ids[token] for name, token in zip(names, _VISION, strict=True)}
        prefix = {"qwen2_vl": "Qwen2VL", "qwen2_5_vl": "Qwen2_5_VL", "qwen3_vl": "Qwen3VL"}[family]
        rope = {**_MROPE, "mrope_section": [2, 1, 1], "mrope_interleaved": family == "qwen3_vl"}
        config = getattr(get, f"{prefix}Config")(
            text_config={**text, "rope_parameters": rope, "head_dim": 8},
            vision_config=_tower(family),
            tie_word_embeddings=False,
            **named,
        )
        return getattr(get, f"{prefix}ForConditionalGeneration"), config
    if family == "internvl":
        sides = {"image_size": [SIDE, SIDE], "patch_size": [14, 14]}
        config = get.InternVLConfig(
            text_config={**text, "model_type": "qwen2"},
            vision_config={**_SQUARE, **sides},
            image_token_id=ids["<IMG_CONTEXT>"],
            image_seq_length=4,
        )
        return get.InternVLForConditionalGeneration, config
    square = {**_SQUARE, "image_size": SIDE, "patch_size": 14}
    if family == "llava_onevision":
        config = get.LlavaOnevisionConfig(
            text_config={**text, "model_type": "qwen2"},
            vision_config={**square, "model_type": "siglip_vision_model", "vision_use_head": False},
            image_token_index=ids["<image>"],
            video_token_index=ids["<video>"],
        )
        return get.LlavaOnevisionForConditionalGeneration, config
    config = get.SmolVLMConfig(
        text_config={**text, "model_type": "llama"},
        vision_config=square,
        image_token_id=ids["<image>"],
        scale_factor=2,
        pad_token_id=0,
        tie_word_embeddings=False,
    )
    return get.SmolVLMForConditionalGeneration, config


def _tower(family: str) -> Mapping[str, Any]:
    if family == "qwen2_vl":
        return {**_PATCHES, "embed_dim": 32, "hidden_size": 32, "mlp_ratio": 2}
    shared = {**_PATCHES, "hidden_size": 32, "intermediate_size": 48, "out_hidden_size": 32}
    if family == "qwen2_5_vl":
        return {**shared, "window_size": 56, "fullatt_block_indexes": [1], "tokens_per_second": 2}
    return {**shared, "patch_size": 16, "num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1]}


def _processor(family: str) -> Mapping[str, Any]:
    if family == "qwen3_vl":
        sizes = {"size": {"shortest_edge": 32 * 32 * 4, "longest_edge": 96 * 96 * 4}}
        return {**sizes, "video_processor_type": "Qwen3VLVideoProcessor", "do_sample_frames": False}
    if family.startswith("qwen"):
        sizes = {"size": {"shortest_edge": 56 * 56, "longest_edge": 112 * 112}}
        return {**sizes, "video_processor_type": "Qwen2VLVideoProcessor"}
    if family == "smolvlm":
        longest = {"size": {"longest_edge": 100}, "max_image_size": {"longest_edge": SIDE}}
        return {**longest, "video_processor_type": "SmolVLMVideoProcessor", "resample": 1}
    name = {"internvl": "InternVL", "llava_onevision": "LlavaOnevision"}[family]
    square = {"size": {"height": SIDE, "width": SIDE}, "resample": 3}
    return {**square, "video_processor_type": f"{name}VideoProcessor"}
