"""What a user says about a model run by vLLM, validated; what of it changes answers."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assets.errors import UserError

# vLLM's options that change how fast an answer comes, not which. Any other option counts as changing it.
_SPEED = frozenset(
    {
        "block_size",
        "cpu_offload_gb",
        "enable_prefix_caching",
        "enforce_eager",
        "gpu_memory_utilization",
        "kv_cache_memory_bytes",
        "limit_mm_per_prompt",
        "load_format",
        "max_model_len",
        "max_num_batched_tokens",
        "max_num_seqs",
        "mm_processor_cache_gb",
        "pipeline_parallel_size",
        "tensor_parallel_size",
        "trust_remote_code",
    }
)
_OURS = ("model", "revision", "system", "chat_template", "max_new_tokens", "constrain", "engine_args")
# Would silently change what this engine reads from vLLM's replies, or which processes it talks to.
_RESERVED = (*_OURS, "runner", "logprobs_mode", "max_logprobs", "data_parallel_size", "skip_tokenizer_init")


class Settings(BaseModel):
    """Options of the engine, as docs/vllm_engine.md explains them; None leaves vLLM's own default.

    ``system``: system message (the chat template's own). ``chat_template``: a file that replaces the model's.
    ``constrain`` False asks for class names in free text. ``max_new_tokens`` bounds free answers. All others
    are vLLM's own; ``engine_args`` holds those of them that have no field here, by their vLLM names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str = Field(min_length=1)
    revision: str | None = None
    system: str | None = None
    chat_template: str | None = None
    max_new_tokens: int = Field(default=16, ge=1)
    constrain: bool = True
    dtype: str = "auto"
    quantization: str | None = None
    tensor_parallel_size: int | None = Field(default=None, ge=1)
    pipeline_parallel_size: int | None = Field(default=None, ge=1)
    max_model_len: int | None = None
    max_num_seqs: int | None = Field(default=None, ge=1)
    max_num_batched_tokens: int | None = Field(default=None, ge=1)
    gpu_memory_utilization: float | None = Field(default=None, gt=0, le=1)
    kv_cache_memory_bytes: int | None = Field(default=None, ge=1)
    kv_cache_dtype: str | None = None
    block_size: int | None = Field(default=None, ge=1)
    enable_prefix_caching: bool | None = None
    enforce_eager: bool | None = None
    cpu_offload_gb: float | None = Field(default=None, ge=0)
    load_format: str | None = None
    trust_remote_code: bool | None = None
    limit_mm_per_prompt: dict[str, Any] = Field(default_factory=lambda: {"image": 0, "video": 1})
    mm_processor_cache_gb: float | None = Field(default=None, ge=0)
    mm_processor_kwargs: dict[str, Any] | None = None
    engine_args: dict[str, Any] = Field(default_factory=dict)

    def arguments(self) -> dict[str, Any]:
        """vLLM's own arguments, less the model and its revision."""
        named = self.model_dump(exclude=set(_OURS))
        return {name: value for name, value in named.items() if value is not None} | self.engine_args

    @property
    def keeps_media(self) -> bool:
        """vLLM remembers processed clips, so that a repeat can be named without its pixels."""
        return self.arguments().get("mm_processor_cache_gb") != 0

    def pixels_key(self, identity: str) -> str:
        """Hash of what, besides the frames themselves, decides what a clip is to this model: part of every
        media uuid, because vLLM takes equal uuids for equal pixels without looking."""
        changing = self._changing()
        return _hash({"model": identity, **changing})

    def fingerprint(self, identity: str, version: str, dtype: str) -> str:
        """All that changes an answer, in one line."""
        scoring = f"letters-or-{'choice' if self.constrain else 'text'}-or-greedy{self.max_new_tokens}"
        told = "" if self.system is None else f" system={self.system!r}"
        if self.chat_template is not None:
            told += f" template={_hash(read_chat_template(self.chat_template))}"
        changing = {name: value for name, value in self._changing().items() if name != "dtype"}
        options = f" options={_hash(changing)}" if changing else ""
        return f"vllm {version} {identity} {dtype} {scoring}{options}{told}"

    def _changing(self) -> dict[str, Any]:
        return {name: value for name, value in self.arguments().items() if name not in _SPEED}


def read_settings(options: Mapping[str, Any]) -> Settings:
    """Validated options. Raises UserError."""
    try:
        settings = Settings(**options)
    except ValidationError as failure:
        first = failure.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise UserError(
            f"engine vllm, option {name}: {first['msg']}, not {first['input']!r}; see docs/vllm_engine.md"
        ) from None
    for name in settings.engine_args:
        if name in _RESERVED:
            raise UserError(f"engine_args.{name} cannot be set: the engine decides it or has its own option")
    if settings.chat_template is not None:
        read_chat_template(settings.chat_template)
    return settings


def read_chat_template(path: str) -> str:
    """A chat template's text. Raises UserError."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        raise UserError(f"cannot read chat_template {path}: {failure}; give a jinja file") from None


def _hash(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True, default=repr).encode()).hexdigest()[:12]
