"""Any OpenAI-compatible endpoint, through the openai SDK."""

import base64
import re
import time
from collections.abc import Iterable, Sequence
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agents.llm.base import Conversation, Message, Reply, Schema, ToolCall, TooLong, ToolSpec
from assets.errors import UserError

if TYPE_CHECKING:
    from openai import BadRequestError, OpenAIError

RETRIES = 5  # after 429, 5xx and lost connections; the SDK waits 0.5 s doubling to 8 s, or as the server says
TIMEOUT = 600.0  # seconds for one attempt: a server on a processor takes minutes for a long reply
CONNECT = 20.0  # seconds of them until somebody answers at all

# What not every endpoint takes. Without max_tokens its newer name is sent, without tools none are offered.
_OPTIONAL = ("response_format", "seed", "stop", "temperature", "max_tokens", "tool_choice", "tools")
_HOTTEST = 2.0  # what endpoints take; strategies warm a retry up beyond what is configured
_TOO_LONG = re.compile(r"context.?(?:length|window|size)|too long|too many tokens", re.I)
_TOOLS_UNKNOWN = re.compile(r"\b(?:tools?|tool_choice|tool-call-parser|function.?calling)\b", re.I)


class OpenAILLM:
    """Replies come as the endpoint gives them; the seed is a wish that many endpoints ignore.

    An option the endpoint refuses is left out from then on. The key stands in no error and no log.
    """

    follows_instructions = True

    def __init__(
        self, model: str, base_url: str, key: str | None, key_name: str, temperature: float = 1.0
    ) -> None:
        from openai import OpenAI, Timeout

        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError(f"base_url {base_url!r} is no endpoint, expected e.g. https://api.openai.com/v1")
        if not key and parts.scheme == "https":
            raise UserError(f"{key_name} is not set: put the key of {parts.hostname} into that variable")
        self.name = model
        self.temperature = temperature
        self._where = parts.hostname
        self._key, self._key_name = key or "none", key_name
        self._refused: set[str] = set()
        self._client = OpenAI(
            base_url=base_url,
            api_key=self._key,
            max_retries=RETRIES,
            timeout=Timeout(TIMEOUT, connect=CONNECT),
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
        options: dict[str, Any] = {
            "max_tokens": max_tokens,
            "temperature": min(_HOTTEST, self.temperature if temperature is None else temperature),
            "seed": seed % 2**31,
        }
        if stop:
            options["stop"] = list(stop)
        if json_schema:
            schema = {"name": "reply", "schema": dict(json_schema)}
            options["response_format"] = {"type": "json_schema", "json_schema": schema}
        plain = isinstance(conversation, str)
        answer = self._ask(f"{conversation}{begin}" if plain else conversation, options)
        return _reply(answer, begin if plain else "", time.monotonic() - started)

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
        """As ``ToolLLM.converse``."""
        started = time.monotonic()
        offered = [
            {
                "type": "function",
                "function": {"name": t.name, "description": t.description, "parameters": dict(t.parameters)},
            }
            for t in tools
        ]
        options = {"max_tokens": max_tokens, "temperature": self.temperature, "seed": seed % 2**31}
        answer = self._ask(turns, {**options, "tools": offered, "tool_choice": "auto"})
        return None if answer is None else _reply(answer, "", time.monotonic() - started)

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def _ask(self, conversation: Conversation, options: dict[str, Any]) -> Any:
        """What the endpoint answers; None when it takes no tools: a reply without is paid for in vain."""
        from openai import BadRequestError, OpenAIError

        while True:
            try:
                return self._completion(self._send(conversation, self._allowed(options)))
            except BadRequestError as failure:
                refused = self._blame(failure, self._allowed(options), _pictured(conversation))
                if refused is None:
                    raise self._told(failure) from None
                self._refused.add(refused)
                if refused == "tools":
                    return None
            except OpenAIError as failure:
                # "from None": the chain would show what the server said, the key perhaps among it.
                raise self._told(failure) from None
            except JSONDecodeError as failure:
                raise self._nothing(failure.doc) from None

    def _completion(self, answer: Any) -> Any:
        """The answer, if it is one: some servers say with status 200 that nothing is at this address."""
        if getattr(answer, "choices", None) is not None:
            return answer
        raise self._nothing(str(getattr(answer, "error", None) or answer))

    def _nothing(self, said: str) -> UserError:
        shown = self._without_key(" ".join(said.split()))[:200]
        return UserError(
            f"optimizer model {self.name} at {self._where}: the answer is no completion: {shown!r}; "
            "check optimizer.llm.base_url, it usually ends in /v1"
        )

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key != "none" else text

    def _send(self, conversation: Conversation, options: dict[str, Any]) -> Any:
        if isinstance(conversation, str):
            return self._client.completions.create(model=self.name, prompt=conversation, **options)
        turns: Any = [_turn(turn, self.sees_images) for turn in conversation]
        return self._client.chat.completions.create(model=self.name, messages=turns, **options)

    def _allowed(self, options: dict[str, Any]) -> dict[str, Any]:
        """Without what this endpoint refused; newer models know max_tokens by another name."""
        gone = self._refused | ({"tool_choice"} if "tools" in self._refused else set())
        kept = {key: value for key, value in options.items() if key not in gone}
        if "max_tokens" in self._refused:
            kept["max_completion_tokens"] = options["max_tokens"]
        return kept

    def _blame(self, failure: "BadRequestError", sent: Iterable[str], pictured: bool) -> str | None:
        """What a refusal names, and that was sent and can go; None when it is about something else."""
        if _too_long(failure):  # it may name max_tokens, which is no reason to send none
            return None
        named = f"{failure.param or ''} {failure}"
        droppable = [name for name in _OPTIONAL if name in sent]
        found = next((name for name in droppable if re.search(rf"\b{name}\b", named)), None)
        if not found and "tools" in droppable and _TOOLS_UNKNOWN.search(named):
            return "tools"
        if not found and pictured and self.sees_images and re.search(r"image|multimodal|vision", named, re.I):
            return "images"
        return found

    def _told(self, failure: "OpenAIError") -> UserError:
        from openai import AuthenticationError, BadRequestError, NotFoundError

        text = self._without_key(str(failure).splitlines()[0] if str(failure) else "")
        hint = ""
        if isinstance(failure, AuthenticationError):
            hint = f"; check the key in {self._key_name}"
        elif isinstance(failure, NotFoundError):
            hint = "; check optimizer.llm.model and base_url"
        too_long = isinstance(failure, BadRequestError) and _too_long(failure)
        return (TooLong if too_long else UserError)(
            f"optimizer model {self.name} at {self._where}: {type(failure).__name__}: {text[:300]}{hint}"
        )


def _too_long(failure: "BadRequestError") -> bool:
    return bool(_TOO_LONG.search(f"{failure.code} {failure}"))


def _pictured(conversation: Conversation) -> bool:
    return not isinstance(conversation, str) and any(turn.images for turn in conversation)


def _turn(turn: Message, pictures: bool) -> dict[str, Any]:
    """A message as the API takes it."""
    sent: dict[str, Any] = {"role": turn.role, "content": turn.content}
    if turn.images and pictures:
        urls = [f"data:image/png;base64,{base64.b64encode(image).decode()}" for image in turn.images]
        shown = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        sent["content"] = [{"type": "text", "text": turn.content}, *shown]
    if turn.calls:
        sent["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in turn.calls
        ]
    if turn.call_id:
        sent["tool_call_id"] = turn.call_id
    return sent


def _reply(answer: Any, begin: str, seconds: float) -> Reply:
    usage = answer.usage
    read, written = (usage.prompt_tokens or 0, usage.completion_tokens or 0) if usage else (0, 0)
    if not answer.choices:
        return Reply(begin, read, written, seconds)
    choice = answer.choices[0]
    text = choice.text if hasattr(choice, "text") else choice.message.content
    cut = choice.finish_reason == "length"
    return Reply(begin + (text or ""), read, written, seconds, cut, _calls(choice))


def _calls(choice: Any) -> tuple[ToolCall, ...]:
    """Tool calls of a reply, those without a name left out."""
    said = getattr(getattr(choice, "message", None), "tool_calls", None) or ()
    named = [call for call in said if getattr(call, "function", None) and call.function.name]
    return tuple(ToolCall(call.id or "", call.function.name, call.function.arguments or "") for call in named)
