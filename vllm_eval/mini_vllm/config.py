"""The mini VLLM on paper: its Qwen2-VL configuration, vision tokens, chat template and processor files."""

from typing import TYPE_CHECKING, Any

from vllm_eval.mini_vllm.base import TextFacts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast, Qwen2VLConfig

VISION_TOKENS = ("<|vision_start|>", "<|vision_end|>", "<|video_pad|>", "<|image_pad|>")

TOWER = {
    "embed_dim": 192,
    "depth": 6,
    "num_heads": 3,
    "mlp_ratio": 4,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "spatial_merge_size": 2,
}
MROPE_SECTION = [8, 12, 12]
SIDE = 84  # the tower was trained on frames of this side; square frames of any size are brought to it

# Qwen2-VL's layout in ChatML, without the system message it adds by itself: every token of it would be paid
# for again and again. The video comes first whatever the order of a message's parts.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{%- if message['content'] is string -%}{{ message['content'] }}{%- else -%}"
    "{%- for part in message['content'] if part['type'] == 'image' -%}"
    "<|vision_start|><|image_pad|><|vision_end|>{%- endfor -%}"
    "{%- for part in message['content'] if part['type'] == 'video' -%}"
    "<|vision_start|><|video_pad|><|vision_end|>{%- endfor -%}"
    "{%- for part in message['content'] if part['type'] == 'text' -%}{{ part['text'] }}{%- endfor -%}"
    "{%- endif -%}"
    "{{ '<|im_end|>\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)


def padded_vocab(facts: TextFacts) -> int:
    """Rows of the embedding: base, vision tokens, and padding to a multiple of 64."""
    return -(-(facts.vocab + len(VISION_TOKENS)) // 64) * 64


def with_vision_tokens(tokenizer: "PreTrainedTokenizerFast") -> "PreTrainedTokenizerFast":
    """The same tokenizer, now knowing vision tokens and the chat template."""
    from tokenizers import AddedToken

    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in VISION_TOKENS], True)
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def model_config(facts: TextFacts, tokenizer: "PreTrainedTokenizerFast") -> "Qwen2VLConfig":
    """The checkpoint's configuration."""
    from transformers import Qwen2VLConfig

    ids: Any = tokenizer.convert_tokens_to_ids(list(VISION_TOKENS))
    return Qwen2VLConfig(
        text_config=_text(facts, tokenizer),
        vision_config={**TOWER, "hidden_size": facts.hidden, "in_channels": 3, "hidden_act": "quick_gelu"},
        vision_start_token_id=ids[0],
        vision_end_token_id=ids[1],
        video_token_id=ids[2],
        image_token_id=ids[3],
        tie_word_embeddings=True,
        architectures=["Qwen2VLForConditionalGeneration"],
    )


def _text(facts: TextFacts, tokenizer: "PreTrainedTokenizerFast") -> dict[str, Any]:
    rope = {"rope_type": "default", "rope_theta": facts.rope_theta, "mrope_section": MROPE_SECTION}
    return {
        "vocab_size": padded_vocab(facts),
        "hidden_size": facts.hidden,
        "intermediate_size": facts.intermediate,
        "num_hidden_layers": facts.layers,
        "num_attention_heads": facts.heads,
        "num_key_value_heads": facts.kv_heads,
        "max_position_embeddings": facts.positions,
        "rms_norm_eps": facts.rms_eps,
        "rope_parameters": rope,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "tie_word_embeddings": True,
    }


def processor_files() -> dict[str, dict[str, Any]]:
    """File name -> content: what image and video processors of transformers and vLLM read."""
    pixels = {
        "do_convert_rgb": True,
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"shortest_edge": SIDE * SIDE, "longest_edge": SIDE * SIDE},
        "patch_size": TOWER["patch_size"],
        "temporal_patch_size": TOWER["temporal_patch_size"],
        "merge_size": TOWER["spatial_merge_size"],
        "processor_class": "Qwen2VLProcessor",
    }
    image = {**pixels, "min_pixels": SIDE * SIDE, "max_pixels": SIDE * SIDE}
    return {
        "preprocessor_config.json": {**image, "image_processor_type": "Qwen2VLImageProcessor"},
        "video_preprocessor_config.json": {
            **pixels,
            "do_sample_frames": False,
            "video_processor_type": "Qwen2VLVideoProcessor",
        },
    }
