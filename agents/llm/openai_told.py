"""What a failed call of the optimizer's model means: leave an option out, wait, or tell the user."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from json import JSONDecodeError
from typing import Any, Protocol

from agents.llm.base import TimedOut, TooLong
from agents.llm.openai_parts import Empty
from assets.errors import UserError
from vllm_eval.engines.openai_settings import Access
from vllm_eval.engines.openai_verdict import judge

# What not every endpoint takes. Without max_tokens its newer name is sent, without tools none are offered.
_OPTIONAL = ("response_format", "seed", "stop", "temperature", "max_tokens", "tool_choice", "tools")
_OPTION_STATUS = (400, 422)  # of what is said of an option; of tools and pictures, others also
_ABILITY_STATUS = (*_OPTION_STATUS, 404, 500, 501)
_TOO_LONG = re.compile(r"context.?(?:length|window|size)|too long|too many tokens", re.I)
_TOOLS_UNKNOWN = re.compile(r"\b(?:tools?|tool_choice|tool-call-parser|function.?calling)\b", re.I)
_PICTURES = re.compile(r"image|multimodal|vision", re.I)
_SLIP = "tool_use_failed"  # the model wrote a call its server cannot read; nothing is wrong with the request
_WARM = 1.0


class Waiting(Protocol):
    """How long is waited, in seconds."""

    @property
    def timeout(self) -> float: ...

    @property
    def deadline(self) -> float: ...


@dataclass(frozen=True)
class Trouble:
    """``problem``: for the user, when nothing helps. ``wait``: seconds until asking again may; None: never.

    ``option``: what the endpoint does not take and can be left out. ``slip``: the reply went wrong, not the
    request; ``of_tools``: in how a tool was called.
    """

    problem: UserError
    wait: float | None = None
    option: str | None = None
    slip: bool = False
    of_tools: bool = False


def trouble(
    failure: Exception,
    who: str,
    access: Access,
    waiting: Waiting,
    sent: Mapping[str, Any],
    pictures: bool,
    wait: float,
) -> Trouble:
    """What to do about a failure of a request with the options ``sent``; ``wait`` where no server says it."""
    from openai import APITimeoutError

    if isinstance(failure, (Empty, JSONDecodeError)):
        lost = isinstance(failure, JSONDecodeError) or failure.lasting
        shown = access.clean(failure.doc if isinstance(failure, JSONDecodeError) else str(failure))[:200]
        problem = UserError(
            f"{who}: the answer is no completion: {shown!r}; check optimizer.llm.base_url, it "
            "usually ends in /v1"
        )
        return Trouble(problem, None if lost else 0.0, slip=True)
    line = f"{who}: {told(failure, access, waiting)}"
    if isinstance(failure, APITimeoutError):
        return Trouble(TimedOut(line)) if _lasting(failure) else Trouble(UserError(line), wait)
    if "tools" in sent and _tool_slip(failure):
        return Trouble(UserError(line), 0.0, slip=True, of_tools=True)
    option = blamed(failure, sent, pictures)
    problem = TooLong(line) if too_long(failure) else UserError(line)
    return Trouble(problem, _waits(failure, access, wait), option)


def _lasting(failure: Exception) -> bool:
    """Whether a timeout came after somebody had taken the request; before, nothing can have been charged."""
    return type(failure.__cause__).__name__ not in ("ConnectTimeout", "PoolTimeout")


def _tool_slip(failure: Any) -> bool:
    """Whether the model, not the endpoint, got a tool call wrong."""
    return getattr(failure, "status_code", 0) == 400 and _SLIP in _said(failure)


def is_hot(sent: Mapping[str, Any]) -> bool:
    """Whether a request is warmer than all endpoints take it."""
    return bool(sent.get("temperature", 0.0) > _WARM)


def blamed(failure: Any, sent: Mapping[str, Any], pictures: bool) -> str | None:
    """What a refusal names, and that was sent and can go; None when it is about something else."""
    status = getattr(failure, "status_code", 0)
    if status not in _ABILITY_STATUS or too_long(failure):  # that may name max_tokens: no reason to send none
        return None
    named = f"{getattr(failure, 'param', None) or ''} {_said(failure)}"
    droppable = [name for name in _OPTIONAL if name in sent] if status in _OPTION_STATUS else []
    found = next((name for name in droppable if re.search(rf"\b{name}\b", named)), None)
    if not found and "tools" in sent and _TOOLS_UNKNOWN.search(named):
        return "tools"
    if not found and pictures and _PICTURES.search(named):
        return "images"
    return found


def too_long(failure: Any) -> bool:
    """Whether what was sent exceeds the model's context, or what the server takes at once."""
    status = getattr(failure, "status_code", 0)
    return status == 413 or (status in (400, 422) and bool(_TOO_LONG.search(_said(failure))))


def _waits(failure: Exception, access: Access, otherwise: float) -> float | None:
    """Seconds until asking again may help, ``otherwise`` where the server names none; None: it cannot."""
    verdict = judge(failure, access, ())
    if verdict.meaning not in ("throttled", "busy", "broken"):
        return None
    return otherwise if verdict.wait is None else max(verdict.wait, 0.01)


def told(failure: Any, access: Access, waiting: Waiting) -> str:
    """What happened, in one line without any secret, and what to do about it."""
    from openai import APIConnectionError, APITimeoutError, AuthenticationError, NotFoundError

    text, hint = _said(failure), ""
    if isinstance(failure, APITimeoutError):
        text = f"no reply within {waiting.timeout:g} s" if _lasting(failure) else "nobody answers"
        hint = "; raise optimizer.llm.timeout, or check the server" if _lasting(failure) else ""
    elif isinstance(failure, APIConnectionError):
        text = f"{text} {failure.__cause__ or ''}"
        hint = "; check optimizer.llm.base_url and that the server runs"
    elif isinstance(failure, AuthenticationError):
        hint = f"; check the key in {access.key_name}"
    elif isinstance(failure, NotFoundError):
        hint = "; check optimizer.llm.model and base_url"
    return f"{type(failure).__name__}: {access.clean(text)}{hint}"


def _said(failure: Any) -> str:
    """All a failure says, its code and the server's own words included."""
    body = getattr(failure, "body", None)
    words = str(failure)
    return " ".join(str(part) for part in (getattr(failure, "code", None) or "", words) if part) + (
        f" {body}" if body and str(body) not in words and not _message_in(body, words) else ""
    )


def _message_in(body: Any, words: str) -> bool:
    """Whether the server's message stands in the words already."""
    message = body.get("message") if isinstance(body, dict) else None
    return bool(message) and str(message) in words
