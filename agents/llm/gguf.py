"""A GGUF file run in this process by llama.cpp (xllamacpp), on the CPU."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.llm.base import Conversation, Reply, Schema
from assets.errors import UserError

CONTEXT = 4096  # tokens; a meta-prompt and its reply take about a quarter


class GgufLLM:
    """The same input gives the same reply, whatever was asked before and however many threads there are.

    That takes care: llama.cpp's sums depend on how a text is cut into batches, so a text that shares a cached
    prefix with the one before gets slightly other numbers than the same text asked first. Here a new text is
    always read whole, and only its exact repetition (another sample) uses the cache.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        temperature: float = 1.0,
        threads: int = 1,
        follows_instructions: bool = True,
    ) -> None:
        self.name = name
        self.temperature = temperature
        self.follows_instructions = follows_instructions
        self._server: Any = _load(path, threads)
        self._cached: object = None
        # A server that is freed before its loop runs never ends; an answer shows that the loop runs.
        self._ask({"prompt": ".", "max_tokens": 1})

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
        started = time.monotonic()
        request: dict[str, Any] = {
            **_content(conversation),
            "max_tokens": max_tokens,
            "temperature": self.temperature if temperature is None else temperature,
            "seed": seed % 2**31,
            "stop": list(stop),
            "cache_prompt": True,
        }
        if json_schema:
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "reply", "schema": dict(json_schema)},
            }
        if begin and isinstance(conversation, str):
            # Not appended to the text, which would have to be read anew for each beginning: 1 to 5 s.
            request["grammar"] = _grammar(begin)
        self._prime(request)
        return _reply(self._ask(request), time.monotonic() - started)

    def close(self) -> None:
        """Free the model."""
        self._server = None
        self._cached = None

    def _prime(self, request: dict[str, Any]) -> None:
        """Read a new text whole, so that sampling starts from the same numbers every time."""
        content = request.get("prompt") or request.get("messages")
        if content == self._cached:
            return
        self._cached = None
        self._ask({**request, "max_tokens": 1, "cache_prompt": False})
        self._cached = content

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._server is None:
            raise RuntimeError(f"{self.name} was closed")
        handle = (
            self._server.handle_completions if "prompt" in request else self._server.handle_chat_completions
        )
        answer: dict[str, Any] = handle(request)
        if "error" in answer:
            raise UserError(f"optimizer model {self.name}: {answer['error'].get('message', answer['error'])}")
        return answer


def _grammar(begin: str) -> str:
    """The beginning, the end of its last word, then anything: held to "the", models like to write "thelp"."""
    return f"root ::= {json.dumps(begin, ensure_ascii=False)} ([^a-zA-Z0-9] [^\\x00]*)?"


def _content(conversation: Conversation) -> dict[str, Any]:
    if isinstance(conversation, str):
        return {"prompt": conversation}
    return {"messages": [{"role": turn.role, "content": turn.content} for turn in conversation]}


def _reply(answer: dict[str, Any], seconds: float) -> Reply:
    choice, usage = answer["choices"][0], answer["usage"]
    text = choice["text"] if "text" in choice else choice["message"]["content"] or ""
    cut = choice["finish_reason"] == "length"
    return Reply(text, usage["prompt_tokens"], usage["completion_tokens"], seconds, cut)


def _load(path: Path, threads: int) -> Any:
    _check(path)
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.n_gpu_layers = 0
    # Flash attention shares its sums among the threads, so that their number would change what is written.
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.cache_ram_mib = 0  # finished texts are not kept: see the class
    params.warmup = False
    params.ui = False
    params.verbosity = -1
    try:
        return xllamacpp.Server(params)
    except Exception as failure:
        raise UserError(f"optimizer model {path} cannot be loaded by llama.cpp: {failure}") from failure


def _check(path: Path) -> None:
    """llama.cpp says little about a file that is none of its own."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as failure:
        raise UserError(f"cannot read optimizer model {path}: {failure.strerror}") from failure
    if magic != b"GGUF":
        raise UserError(f"optimizer model {path} is not a GGUF file (it begins with {magic!r})")
