"""A language model whose replies are kept in the run's history: what was paid for is never asked again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import Any, Protocol

from agents.around import AroundLLM
from agents.llm.base import (
    LLM,
    Conversation,
    Message,
    Reply,
    Schema,
    ToolCall,
    ToolSpec,
    plain_conversation,
    with_tools,
)
from prompts.records import clean

REPLY = "optimizer_reply"  # the kind of the events that keep replies


class Memory(Protocol):
    """Where events of a run are kept; a SearchContext is one."""

    def remember(self, kind: str, detail: Mapping[str, Any]) -> None: ...

    def recalled(self, kind: str) -> list[Mapping[str, Any]]: ...


class KeptLLM(AroundLLM):
    """An LLM. A process stopped between a reply and the proposals made of it leaves the reply behind.

    The next one asks the same again, with the same seed, and reads it from the history: free of cost, and
    without the model. Within one process nothing is read back.
    """

    def __init__(self, llm: LLM, memory: Memory) -> None:
        self._asked, self._memory = llm, memory
        self._earlier = {str(one.get("key")): one for one in memory.recalled(REPLY)}

    @property
    def _llm(self) -> LLM:
        return self._asked

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
        """As LLM.complete."""
        said = plain_conversation(conversation)
        key = _key(said, max_tokens, temperature, seed, list(stop), json_schema, begin)
        return self._found(key) or self._keep(
            key,
            self._llm.complete(
                conversation,
                max_tokens=max_tokens,
                temperature=temperature,
                seed=seed,
                stop=stop,
                json_schema=json_schema,
                begin=begin,
            ),
        )

    def converse(
        self, turns: Sequence[Message], tools: Sequence[ToolSpec], *, max_tokens: int, seed: int = 0
    ) -> Reply | None:
        """As ToolLLM.converse."""
        key = _key(plain_conversation(turns), max_tokens, seed, [tool.name for tool in tools])
        found, taking = self._found(key), with_tools(self._llm)
        if found or taking is None:
            return found
        reply = taking.converse(turns, tools, max_tokens=max_tokens, seed=seed)
        return reply and self._keep(key, reply)

    def close(self) -> None:
        """As LLM.close."""
        self._llm.close()

    def _found(self, key: str) -> Reply | None:
        kept = self._earlier.get(key)
        if kept is None:
            return None
        calls = tuple(ToolCall(**call) for call in kept["calls"])
        return Reply(kept["text"], 0, 0, 0.0, bool(kept["cut"]), calls, kept=True)

    def _keep(self, key: str, reply: Reply) -> Reply:
        """The reply as it is kept, so that a replay reads the same: a history holds no half characters."""
        calls = tuple(ToolCall(clean(c.id), clean(c.name), clean(c.arguments)) for c in reply.calls)
        kept = Reply(
            clean(reply.text), reply.prompt_tokens, reply.completion_tokens, reply.seconds, reply.cut, calls
        )
        self._memory.remember(
            REPLY,
            {"key": key, "text": kept.text, "cut": kept.cut, "calls": [asdict(call) for call in calls]},
        )
        return kept


def _key(*request: Any) -> str:
    return sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:16]
