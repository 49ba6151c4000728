"""Engines by name: what answers questions about clips."""

import inspect
from collections.abc import Callable
from typing import Any

from assets.errors import UserError
from vllm_eval.engine import Engine
from vllm_eval.engines.openai import OpenAIEngine
from vllm_eval.engines.transformers import TransformersEngine
from vllm_eval.engines.vllm import VLLMEngine

__all__ = ["ENGINES", "load_engine"]

ENGINES: dict[str, Callable[..., Engine]] = {
    "openai": OpenAIEngine,
    "transformers": TransformersEngine,
    "vllm": VLLMEngine,
}


def load_engine(engine: str, model: str, **options: Any) -> Engine:
    """The named engine with this model loaded; ``model`` "mini" is the bundled one.

    Raises UserError for an unknown engine, model or option.
    """
    if engine not in ENGINES:
        raise UserError(f"unknown engine {engine!r}, expected one of: {', '.join(ENGINES)}")
    known = [name for name in inspect.signature(ENGINES[engine]).parameters if name != "model"]
    unknown = sorted(options.keys() - set(known))
    if unknown:
        raise UserError(f"engine {engine} has no option {unknown[0]!r}, expected one of: {', '.join(known)}")
    return ENGINES[engine](model, **options)
