"""Language models that propose prompts: GGUF files, transformers and vLLM models here, or any endpoint."""

from pathlib import Path

from agents.llm.base import LLM, LLMSettings, Message, Reply, ToolCall, ToolSpec
from agents.llm.idle import idle_threads
from assets.errors import UserError

__all__ = ["BUNDLED", "LLM", "LLMSettings", "Message", "Reply", "ToolCall", "ToolSpec", "load_llm"]

# Fetched by content hash. False: better at continuing a list than at obeying. The larger two do write JSON
# when held to it, and fill it with copies of the prompts shown, the worst as readily as the best.
BUNDLED: dict[str, bool] = {
    "smollm2-135m-instruct": False,
    "qwen2.5-coder-0.5b-instruct": False,
    "qwen2.5-coder-1.5b-instruct": False,
}


def load_llm(config: LLMSettings, threads: int | None = None) -> LLM:
    """The model the settings name, fetched first where need be.

    ``threads`` is for GGUF files; by default one for each core that is idle now. Raises UserError.
    """
    if config.base_url:
        from agents.llm.openai_llm import OpenAILLM, Patience
        from vllm_eval.engines.openai_settings import read_access

        access = read_access(config.base_url, config.api_key_env)
        patience = Patience(config.timeout, config.deadline)
        return OpenAILLM(config.model, access, config.temperature, patience, config.extra_body)
    runtime, _, named = config.model.partition(":")
    if runtime == "transformers" and named:
        from agents.llm.transformers_llm import TransformersLLM

        return TransformersLLM(named, config.temperature)
    if runtime == "vllm" and named:
        from agents.llm.vllm_llm import VllmLLM

        return VllmLLM(named, config.temperature)
    path, follows = _local(config.model)
    from agents.llm.gguf import GgufLLM

    return GgufLLM(path, config.model, config.temperature, threads or idle_threads(), follows)


def _local(model: str) -> tuple[Path, bool]:
    """The file of a local model, and whether it follows instructions."""
    if model in BUNDLED:
        from assets.fetch import fetch

        return fetch(model), BUNDLED[model]
    if model.endswith(".gguf"):
        return Path(model).expanduser(), True
    raise UserError(
        f"unknown optimizer model {model!r}, expected one of: {', '.join(BUNDLED)}; "
        "the path of a .gguf file; transformers:NAME or vllm:NAME, a text model's name or folder; "
        "or any name together with base_url"
    )
