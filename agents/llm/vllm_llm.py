"""A text model run in this process by vLLM, by name at the hub or by folder."""

import time
from collections.abc import Sequence
from typing import Any

from agents.llm.base import Conversation, Reply, Schema
from assets.errors import UserError


class VllmLLM:
    """Structured output is enforced by vLLM's grammars, sampling is seeded per request.

    vLLM takes most of a GPU's memory for itself; where the target model needs it, serve the optimizer model
    elsewhere and name it with ``base_url``.
    """

    follows_instructions = True

    def __init__(self, model: str, temperature: float = 1.0, memory: float = 0.3) -> None:
        self.name = f"vllm:{model}"
        self.temperature = temperature
        self._llm: Any = _load(model, memory)

    def complete(
        self,
        conversation: Conversation,
        *,
        max_tokens: int,
        temperature: float | None = None,
        seed: int = 0,
        stop: Sequence[str] = (),
        json_schema: Schema | None = None,
        begin: str = "",
    ) -> Reply:
        """As ``LLM.complete``."""
        if self._llm is None:
            raise RuntimeError(f"{self.name} was closed")
        started = time.monotonic()
        options = sampling(
            max_tokens, self.temperature if temperature is None else temperature, seed, stop, json_schema
        )
        plain = isinstance(conversation, str)
        try:
            done = self._answer(conversation, begin, options)
        except ValueError as failure:  # a text longer than the context, a schema vLLM cannot compile
            raise UserError(f"optimizer model {self.name}: {str(failure).splitlines()[0]}") from failure
        said = done.outputs[0]
        return Reply(
            (begin if plain else "") + said.text,
            len(done.prompt_token_ids or ()),
            len(said.token_ids),
            time.monotonic() - started,
            said.finish_reason == "length",
        )

    def close(self) -> None:
        """Free the model."""
        self._llm = None

    def _answer(self, conversation: Conversation, begin: str, options: dict[str, Any]) -> Any:
        from vllm import SamplingParams

        params = SamplingParams(**_structured(options))
        if isinstance(conversation, str):
            return self._llm.generate([f"{conversation}{begin}"], params, use_tqdm=False)[0]
        turns = [{"role": turn.role, "content": turn.content} for turn in conversation]
        return self._llm.chat([turns], params, use_tqdm=False)[0]


def sampling(most: int, heat: float, seed: int, stop: Sequence[str], schema: Schema | None) -> dict[str, Any]:
    """What a request asks for, as plain values; ``json`` is the schema a reply is held to."""
    options: dict[str, Any] = {"max_tokens": most, "temperature": heat, "seed": seed % 2**31}
    if stop:
        options["stop"] = list(stop)
    if schema:
        options["json"] = dict(schema)
    return options


def _structured(options: dict[str, Any]) -> dict[str, Any]:
    from vllm.sampling_params import StructuredOutputsParams

    kept = {key: value for key, value in options.items() if key != "json"}
    if "json" in options:
        kept["structured_outputs"] = StructuredOutputsParams(json=options["json"])
    return kept


def _load(model: str, memory: float) -> Any:
    try:
        from vllm import LLM
    except ImportError:
        raise UserError(
            f"optimizer model vllm:{model} needs vLLM, which is not installed: pip install 'sceneproof[vllm]'"
        ) from None
    try:
        return LLM(model=model, gpu_memory_utilization=memory, disable_log_stats=True)
    except (OSError, ValueError, RuntimeError) as failure:
        told = (str(failure).splitlines() or [type(failure).__name__])[0]
        raise UserError(f"optimizer model {model} cannot be loaded by vLLM: {told}") from failure
