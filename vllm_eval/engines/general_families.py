"""Which model types the general path runs, and how each of them is shown a clip."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.errors import UserError
from videos.clip import Frames
from vllm_eval.engines.general_media import Media, Source, internvl, llava_onevision, qwen2, qwen3, smolvlm


@dataclass(frozen=True)
class Family:
    """``architecture``: the class in transformers. ``marks``: what the chat template may have for the video,
    the first that is there is replaced. ``area``: its frames have no fixed size."""

    architecture: str
    prepare: Callable[[Frames, Source], Media]
    marks: tuple[str, ...]
    area: bool = False


_QWEN_MARK = "<|vision_start|><|video_pad|><|vision_end|>"

FAMILIES: dict[str, Family] = {
    "qwen2_vl": Family("Qwen2VLForConditionalGeneration", qwen2, ("<|video_pad|>",), area=True),
    "qwen2_5_vl": Family("Qwen2_5_VLForConditionalGeneration", qwen2, ("<|video_pad|>",), area=True),
    "qwen3_vl": Family("Qwen3VLForConditionalGeneration", qwen3, (_QWEN_MARK, "<|video_pad|>"), area=True),
    "internvl": Family("InternVLForConditionalGeneration", internvl, ("<video>",)),
    "llava_onevision": Family("LlavaOnevisionForConditionalGeneration", llava_onevision, ("<video>",)),
    "smolvlm": Family("SmolVLMForConditionalGeneration", smolvlm, ("<video>",)),
}


def family_of(path: str, model_type: str) -> Family:
    """Raises UserError for a type that is not supported."""
    if model_type not in FAMILIES:
        raise UserError(f"{path} is of type {model_type}, expected one of: {', '.join(FAMILIES)}")
    return FAMILIES[model_type]


def processor_settings(find: Callable[[str], Path | None]) -> Mapping[str, Any]:
    """What the processor files say about videos. ``find``: file name -> path."""
    whole = _read(find("processor_config.json"))
    if video := whole.get("video_processor"):
        return dict(video)
    for name in ("video_preprocessor_config.json", "preprocessor_config.json"):
        if path := find(name):
            return _read(path)
    return dict(whole.get("image_processor") or {})


def chat_template(find: Callable[[str], Path | None], model_type: str, tokenizer: Any) -> str | None:
    """The processor's chat template, else the tokenizer's own (None). SmolVLM's processor has one of its own
    for videos and overrides the checkpoint's."""
    if model_type == "smolvlm":
        from transformers.models.smolvlm.processing_smolvlm import DEFAULT_CHAT_TEMPLATE

        return str(DEFAULT_CHAT_TEMPLATE)
    if path := find("chat_template.jinja"):
        return path.read_text(encoding="utf-8")
    if path := find("chat_template.json"):
        return str(_read(path)["chat_template"])
    if tokenizer.chat_template is None:
        raise UserError("the model has no chat template: use an instruction-tuned checkpoint")
    return None


def _read(path: Path | None) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path else {}
