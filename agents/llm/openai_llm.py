"""Any OpenAI-compatible endpoint, through the openai SDK."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from json import JSONDecodeError
from typing import Any

from agents.llm.base import Conversation, Message, Reply, Schema, ToolSpec
from agents.llm.openai_parts import Empty, choice_of, offered, pictured, reply_of, turn_of
from agents.llm.openai_told import Trouble, is_hot, trouble
from vllm_eval.engines.openai_pace import backoff
from vllm_eval.engines.openai_settings import Access

CONNECT = 20.0  # seconds until somebody answers at all
FIRST_WAIT = 0.5  # seconds before the second attempt, then doubling, or as the server says
SLIPS = 3  # attempts at a reply that comes broken
_TELL = 5.0  # seconds of a wait that are worth a line

_HOTTEST = 2.0  # what endpoints take; strategies warm a retry up beyond what is configured
_HOTTEST_OF_SOME = 1.0


@dataclass(frozen=True)
class Patience:
    """Seconds. ``timeout``: for one reply; a server on a processor takes minutes. ``deadline``: for a call
    with all its attempts and waits, while the endpoint is busy or out of reach."""

    timeout: float = 600.0
    deadline: float = 900.0


class OpenAILLM:
    """Replies come as the endpoint gives them; the seed is a wish that many endpoints ignore.

    An option the endpoint refuses is left out from then on, which ``notify`` is told. A busy endpoint is
    asked again until the deadline; one that did not reply in time is not: it may charge for that. The key
    stands in no error and no log.
    """

    follows_instructions = True

    def __init__(
        self,
        model: str,
        access: Access,
        temperature: float = 1.0,
        patience: Patience = Patience(),
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        from openai import OpenAI

        self.name, self.temperature = model, temperature
        self.notify: Callable[[str], None] = lambda line: None
        self._access, self._patience, self._extra = access, patience, dict(extra_body or {})
        self._where = access.base_url.partition("://")[2].partition("/")[0]
        self._refused: set[str] = set()
        self._hottest, self._within = _HOTTEST, float("inf")
        self._client = OpenAI(
            base_url=access.base_url, api_key=access.key, max_retries=0, default_headers=dict(access.headers)
        )

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
        warmth = self.temperature if temperature is None else temperature
        options: dict[str, Any] = {"max_tokens": max_tokens, "temperature": warmth, "seed": seed % 2**31}
        if stop:
            options["stop"] = list(stop)
        if json_schema:
            schema = {"name": "reply", "schema": dict(json_schema)}
            options["response_format"] = {"type": "json_schema", "json_schema": schema}
        plain = isinstance(conversation, str)
        answer = self._ask(f"{conversation}{begin}" if plain else conversation, options)
        return reply_of(answer, begin if plain else "", time.monotonic() - started)

    @property
    def calls_tools(self) -> bool:
        """Until the endpoint refuses them."""
        return "tools" not in self._refused

    @property
    def sees_images(self) -> bool:
        """Until the endpoint refuses a picture."""
        return "images" not in self._refused

    def converse(
        self, turns: Sequence[Message], tools: Sequence[ToolSpec], *, max_tokens: int, seed: int = 0
    ) -> Reply | None:
        """As ``ToolLLM.converse``. None also where the model cannot write a call that its server can read."""
        started = time.monotonic()
        options = {"max_tokens": max_tokens, "temperature": self.temperature, "seed": seed % 2**31}
        answer = self._ask(turns, {**options, "tools": offered(tools), "tool_choice": "auto"})
        return None if answer is None else reply_of(answer, "", time.monotonic() - started)

    def within(self, seconds: float) -> None:
        """As ``Remote.within``."""
        self._within = max(1.0, seconds)

    def probe(self) -> Reply:
        """As ``Remote.probe``."""
        return self.complete([Message("user", "Say yes.")], max_tokens=16)

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def _ask(self, conversation: Conversation, options: dict[str, Any]) -> Any:
        """What the endpoint answers; None when it takes no tools: a reply without is paid for in vain."""
        from openai import OpenAIError

        end, slips = time.monotonic() + min(self._patience.deadline, self._within), 0
        for tries in count(1):
            sent = self._allowed(options)
            try:
                return self._completion(self._send(conversation, sent, end))
            except (Empty, JSONDecodeError, OpenAIError) as failure:
                found = self._trouble(failure, sent, conversation, backoff(FIRST_WAIT, tries))
            slips += found.slip
            if found.option:
                self._leave_out(found.option, sent)
            if found.option == "tools" or (found.of_tools and slips == SLIPS):
                return None
            if not found.option:
                self._wait(found, end, last=slips == SLIPS)

    def _trouble(
        self, failure: Exception, sent: Mapping[str, Any], conversation: Conversation, wait: float
    ) -> Trouble:
        who = f"optimizer model {self.name} at {self._where}"
        pictures = pictured(conversation) and self.sees_images
        return trouble(failure, who, self._access, self._patience, sent, pictures, wait)

    def _wait(self, found: Trouble, end: float, last: bool) -> None:
        """Until the next attempt. Raises the problem where there is to be none."""
        if found.wait is None or last or time.monotonic() + found.wait >= end:
            raise found.problem
        if found.wait >= _TELL:
            self.notify(f"{found.problem}; asked again in {found.wait:.0f} s")
        time.sleep(found.wait)

    def _leave_out(self, option: str, sent: Mapping[str, Any]) -> None:
        """From now on; of the temperature only what is too much."""
        if option == "temperature" and is_hot(sent) and self._hottest > _HOTTEST_OF_SOME:
            self._hottest = _HOTTEST_OF_SOME
            self.notify(f"optimizer model {self.name} takes no temperature above {self._hottest:g}")
            return
        self._refused.add(option)
        instead = "; max_completion_tokens is sent instead" if option == "max_tokens" else ""
        self.notify(f"optimizer model {self.name} at {self._where} takes no {option}: left out{instead}")

    def _completion(self, answer: Any) -> Any:
        """The answer, if it is one. Raises Empty for one that is none, or failed on its way."""
        choice_of(answer)
        return answer

    def _send(self, conversation: Conversation, options: dict[str, Any], end: float) -> Any:
        from openai import Timeout

        most = max(1.0, min(self._patience.timeout, end - time.monotonic()))
        known: dict[str, Any] = {"model": self.name, "timeout": Timeout(most, connect=min(CONNECT, most))}
        if self._extra:
            known["extra_body"] = self._extra
        if isinstance(conversation, str):
            return self._client.completions.create(prompt=conversation, **known, **options)
        turns: Any = [turn_of(turn, self.sees_images) for turn in conversation]
        return self._client.chat.completions.create(messages=turns, **known, **options)

    def _allowed(self, options: dict[str, Any]) -> dict[str, Any]:
        """Without what this endpoint refused; newer models know max_tokens by another name."""
        gone = self._refused | ({"tool_choice"} if "tools" in self._refused else set())
        kept = {key: value for key, value in options.items() if key not in gone}
        if "temperature" in kept:
            kept["temperature"] = min(self._hottest, kept["temperature"])
        if "max_tokens" in self._refused:
            kept["max_completion_tokens"] = options["max_tokens"]
        return kept
