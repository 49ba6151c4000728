"""A text model of the transformers library, by name, by folder or from a GGUF file; on the CPU."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.llm.base import Conversation, Reply, Schema
from assets.errors import UserError


class TransformersLLM:
    """The same input and seed give the same reply on the same machine.

    Nothing here can hold a model to a grammar: ``json_schema`` is left to the request's own words, and
    callers parse replies as they come.
    """

    follows_instructions = True

    def __init__(self, model: str, temperature: float = 1.0) -> None:
        self.name = f"transformers:{model}"
        self.temperature = temperature
        self._tokenizer, self._model = _load(model)
        if self._tokenizer.chat_template is None:
            self.follows_instructions = False  # a base model: it continues texts

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
        if self._model is None:
            raise RuntimeError(f"{self.name} was closed")
        started = time.monotonic()
        plain = isinstance(conversation, str)
        ids = self._ids(f"{conversation}{begin}" if plain else conversation)
        self._check_fits(ids.shape[1] + max_tokens)
        heat = self.temperature if temperature is None else temperature
        written = self._generate(ids, max_tokens, heat, seed, stop)
        text, ended = _before(self._tokenizer.decode(written, skip_special_tokens=True), stop)
        cut = len(written) >= max_tokens and not ended
        return Reply(
            (begin if plain else "") + text, ids.shape[1], len(written), time.monotonic() - started, cut
        )

    def close(self) -> None:
        """Free the model."""
        self._model = None

    def _ids(self, conversation: Conversation) -> Any:
        if isinstance(conversation, str):
            return self._tokenizer(conversation, return_tensors="pt").input_ids
        turns = [{"role": turn.role, "content": turn.content} for turn in conversation]
        text = self._tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        return self._tokenizer(text, return_tensors="pt", add_special_tokens=False).input_ids

    def _check_fits(self, tokens: int) -> None:
        most = getattr(self._model.config, "max_position_embeddings", None)
        if most and tokens > most:
            raise UserError(
                f"optimizer model {self.name}: {tokens} tokens exceed its context of {most}; "
                "use a model with a longer one"
            )

    def _generate(self, ids: Any, most: int, heat: float, seed: int, stop: Sequence[str]) -> Any:
        import torch

        sampling = (
            {"do_sample": True, "temperature": heat, "top_k": 0, "top_p": 1.0}
            if heat > 0
            else {"do_sample": False}
        )
        strings = {"stop_strings": list(stop), "tokenizer": self._tokenizer} if stop else {}
        end = self._tokenizer.eos_token_id
        pad = self._tokenizer.pad_token_id if self._tokenizer.pad_token_id is not None else end
        with torch.random.fork_rng(devices=[]), torch.inference_mode():
            torch.manual_seed(seed % 2**31)
            out = self._model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=most,
                pad_token_id=pad,
                **sampling,
                **strings,
            )
        return out[0, ids.shape[1] :]


def _before(text: str, stop: Sequence[str]) -> tuple[str, bool]:
    """The text up to the first of the stops, and whether there was one."""
    places = [place for one in stop if (place := text.find(one)) >= 0]
    return (text[: min(places)], True) if places else (text, False)


def _load(model: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    path = Path(model).expanduser()
    if model.endswith(".gguf") and not path.is_file():
        raise UserError(f"cannot read optimizer model {path}: no such file")
    named: tuple[str, dict[str, Any]] = (str(path if path.exists() else model), {})
    if path.is_file():
        named = (str(path.parent), {"gguf_file": path.name})
    try:
        tokenizer = AutoTokenizer.from_pretrained(named[0], **named[1])
        loaded = AutoModelForCausalLM.from_pretrained(named[0], dtype=torch.float32, **named[1])
    except (OSError, ValueError, ImportError) as failure:
        told = (str(failure).splitlines() or [type(failure).__name__])[0]
        raise UserError(f"optimizer model {model} cannot be loaded by transformers: {told}") from failure
    # A checkpoint's own sampling settings would be mixed into ours.
    ends = loaded.generation_config.eos_token_id
    fresh: Any = GenerationConfig
    loaded.generation_config = fresh(eos_token_id=tokenizer.eos_token_id if ends is None else ends)
    loaded.train(False)
    return tokenizer, loaded
