"""The transformers engine: a video language model in this process, each clip computed once for all prompts.

Two paths answer alike. The fast one has its own text stack for dense Qwen2-VL and Qwen2.5-VL models; the
general one runs every supported model through its own forward. See docs/transformers_engine.md.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

from assets.errors import UserError
from vllm_eval.engine import Answer, Request
from vllm_eval.engines.checkpoints import resolve, revision_of
from vllm_eval.engines.fast import FastEngine
from vllm_eval.engines.general import GeneralEngine
from vllm_eval.engines.prefix_cache import PrefixCache
from vllm_eval.rendered import Rendered

Path = Literal["auto", "fast", "general"]


class TransformersEngine:
    """Qwen2-VL, Qwen2.5-VL, Qwen3-VL, InternVL3 (hf), LLaVA-OneVision and SmolVLM2 on CPU or one GPU.

    ``dtype``: auto, bfloat16, float16 or float32. ``batch_size``: clips asked at a time (fast path: 32 on
    CPU, 64 on GPU; general path: what free memory holds, up to as many). ``cache_bytes`` bounds the kept
    key/value caches (fast path on a CPU: 1 GiB; else two fifths of free memory). ``reuse`` False computes
    everything for every question, for comparison. ``max_new_tokens`` bounds free answers, ``max_pixels`` a
    frame's area. ``system``: system message (the chat template's own). ``revision``: branch, tag or commit of
    a model of the hub. ``trust_remote_code``: run code that comes with a checkpoint. ``path``: auto, fast or
    general.
    """

    def __init__(
        self,
        model: str,
        dtype: str = "auto",
        device: str = "auto",
        batch_size: int | None = None,
        cache_bytes: int | None = None,
        reuse: bool = True,
        max_new_tokens: int = 16,
        max_pixels: int | None = None,
        system: str | None = None,
        revision: str | None = None,
        trust_remote_code: bool = False,
        path: Path = "auto",
    ) -> None:
        from vllm_eval.engines.video_model import VideoModel

        _check_counts(batch_size=batch_size, max_new_tokens=max_new_tokens)
        folder = resolve(model)
        loading = (folder, dtype, device, max_pixels, system, revision)
        asking = (batch_size, cache_bytes, reuse, max_new_tokens, system)
        self._engine: FastEngine | GeneralEngine
        if _takes_fast(folder, revision, trust_remote_code, path):
            self._engine = FastEngine(VideoModel(*loading), *asking)
        else:
            from vllm_eval.engines.general_model import GeneralModel

            self._engine = GeneralEngine(GeneralModel(*loading, trust_remote_code), *asking)

    @property
    def fingerprint(self) -> str:
        """Model, revision, backend, version, number format and scoring."""
        return self._engine.fingerprint

    @property
    def reuse(self) -> bool:
        """A clip's key/value cache serves all questions about it."""
        return self._engine.reuse

    @property
    def batch_size(self) -> int:
        """Clips asked at a time."""
        return self._engine.batch_size

    @property
    def cache(self) -> PrefixCache:
        """The kept key/value caches."""
        return self._engine.cache

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """One answer per request, batch by batch. Finish a call before the next begins."""
        return self._engine.answer(requests)

    def rendered(self, request: Request) -> Rendered:
        """The prompt of a request as the model reads it. Raises UserError as ``answer`` does."""
        return self._engine.rendered(request)

    def close(self) -> None:
        """Give back the model's memory."""
        self._engine.close()

    def _loaded(self) -> Any:
        return self._engine._loaded()


def _check_counts(**counts: int | None) -> None:
    for name, value in counts.items():
        if value is not None and value < 1:
            raise UserError(f"{name} is {value}, expected at least 1")


def _takes_fast(folder: str, revision: str | None, trust: bool, path: str) -> bool:
    """Whether the fast path runs this model. Raises UserError for an unknown path or an unreadable model."""
    from vllm_eval.engines.video_model import FAMILIES, plain_errors

    if path not in get_args(Path):
        raise UserError(f"unknown path {path!r}, expected one of: {', '.join(get_args(Path))}")
    if path != "auto":
        return path == "fast"
    from transformers import AutoConfig

    with plain_errors(folder):
        config = AutoConfig.from_pretrained(folder, trust_remote_code=trust, **revision_of(folder, revision))
    text = config.get_text_config()
    kinds = set(getattr(text, "layer_types", None) or ["full_attention"])
    dense = getattr(config, "quantization_config", None) is None
    plain = kinds == {"full_attention"} and getattr(text, "hidden_act", "silu") == "silu"
    return config.model_type in FAMILIES and dense and plain
