"""What goes to an OpenAI-compatible endpoint, and what comes back. Nothing in a reply is trusted."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from agents.llm.base import Conversation, Message, Reply, ToolCall, ToolSpec

_SILENT = "(nothing)"  # a turn without a word: some endpoints refuse an empty one


class Empty(Exception):
    """An answer without a completion, though it came with status 200. ``lasting``: no other will come."""

    def __init__(self, said: str, lasting: bool = False) -> None:
        super().__init__(said)
        self.lasting = lasting


def pictured(conversation: Conversation) -> bool:
    """Whether pictures are shown in it."""
    return not isinstance(conversation, str) and any(turn.images for turn in conversation)


def offered(tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """Tools as the API takes them."""
    return [
        {
            "type": "function",
            "function": {"name": t.name, "description": t.description, "parameters": dict(t.parameters)},
        }
        for t in tools
    ]


def turn_of(turn: Message, pictures: bool) -> dict[str, Any]:
    """A message as the API takes it."""
    said = turn.content or (_SILENT if turn.role == "assistant" and not turn.calls else "")
    sent: dict[str, Any] = {"role": turn.role, "content": said}
    if turn.images and pictures:
        urls = [f"data:image/png;base64,{base64.b64encode(image).decode()}" for image in turn.images]
        shown = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        sent["content"] = [{"type": "text", "text": turn.content}, *shown]
    if turn.calls:
        sent["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _object(call.arguments)},
            }
            for call in turn.calls
        ]
    if turn.call_id:
        sent["tool_call_id"] = turn.call_id
    return sent


def _object(arguments: str) -> str:
    """Arguments to be repeated to the endpoint, {} for what is no JSON: servers refuse their model's own."""
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except (ValueError, RecursionError):
        return "{}"


def choice_of(answer: Any) -> Any:
    """The first choice of an answer, None where there is none.

    Raises Empty for what is no completion, as some servers say with status 200 that nothing is at this
    address, and for one that broke off on its way.
    """
    choices = getattr(answer, "choices", None)
    if choices is None:
        raise Empty(str(getattr(answer, "error", None) or answer), lasting=True)
    if not isinstance(choices, list) or not choices:
        return None
    choice = choices[0]
    broken = getattr(choice, "error", None) or (getattr(choice, "finish_reason", None) == "error")
    if broken or (getattr(choice, "message", None) is None and not hasattr(choice, "text")):
        raise Empty(str(getattr(choice, "error", None) or choice))
    return choice


def reply_of(answer: Any, begin: str, seconds: float) -> Reply:
    """The reply in an answer; an empty one where it holds no choice."""
    usage = answer.usage
    read = _count(getattr(usage, "prompt_tokens", 0))
    written = _count(getattr(usage, "completion_tokens", 0))
    choice = choice_of(answer)
    if choice is None:
        return Reply(begin, read, written, seconds)
    text = choice.text if hasattr(choice, "text") else choice.message.content
    cut = choice.finish_reason == "length"
    return Reply(begin + _joined(text), read, written, seconds, cut, _calls(choice))


def _count(told: Any) -> int:
    return told if isinstance(told, int) and told > 0 else 0


def _joined(content: Any) -> str:
    """The text of a content, which some servers send in parts, thoughts among them."""
    if isinstance(content, list):
        parts = [part if isinstance(part, dict) else dict(part) for part in content]
        return "".join(str(part.get("text") or "") for part in parts if part.get("type", "text") == "text")
    return str(content or "")


def _calls(choice: Any) -> tuple[ToolCall, ...]:
    """Tool calls of a reply, those without a name left out."""
    said = getattr(getattr(choice, "message", None), "tool_calls", None) or ()
    named = [call for call in said if getattr(call, "function", None) and call.function.name]
    return tuple(
        ToolCall(str(call.id or ""), str(call.function.name), _text(call.function.arguments))
        for call in named
    )


def _text(arguments: Any) -> str:
    """Arguments as JSON: some servers send the object itself."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments or {}, default=str)
