"""What a failed call means: try again, wait, send less, give this clip up, or stop altogether."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from vllm_eval.engines.openai_reply import Garbled
from vllm_eval.engines.openai_settings import Access

Meaning = Literal["throttled", "busy", "broken", "refused", "wrong", "fatal"]

# What not every server takes, and can be left out. Order: what contains another name comes first.
_OPTIONAL = ("top_logprobs", "logprobs", "max_tokens", "temperature", "seed")
_BUSY = (408, 409, 425, 503, 529)
_NO_MONEY = re.compile(r"billing|credit", re.IGNORECASE)
_NO_QUOTA = "insufficient_quota"
# Limits on the pace, some of which advertise billing, too.
_PASSES = re.compile(r"rate.?limit|\b(?:again|retry)\b.{0,20}\bin\b", re.IGNORECASE)
_FILTER = re.compile(
    r"content_filter|content_policy|content management policy|moderation|flagged|data_inspection_failed",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Verdict:
    """``throttled``: 429; ``busy``: try again, with less at once; ``broken``: try again; ``refused``: the
    service filters this question; ``wrong``: this clip cannot be asked; ``fatal``: nothing can be.

    ``reason`` is one line without secrets. ``wait``: seconds the server asks for. ``option``: what the server
    does not take, and can be left out.
    """

    meaning: Meaning
    reason: str
    wait: float | None = None
    option: str | None = None


def judge(failure: Exception, access: Access, sent: Collection[str]) -> Verdict:
    """The verdict on an exception of a call with the options ``sent``. Raises it again if it is no call's."""
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(failure, (TimeoutError, APITimeoutError)):
        return Verdict("busy", "no complete reply in time")
    if isinstance(failure, APIStatusError):
        return _of_status(failure, access, sent)
    if isinstance(failure, (APIConnectionError, Garbled)):
        cause = f" ({failure.__cause__})" if failure.__cause__ else ""
        return Verdict("broken", access.clean(f"{failure}{cause}"))
    raise failure


def _of_status(failure: Any, access: Access, sent: Collection[str]) -> Verdict:
    status, told = failure.status_code, f"{failure.code or ''} {failure}"
    reason = access.clean(f"HTTP {status}: {_message(failure)}")
    wait = retry_after(failure.response.headers)
    if status == 429:
        return Verdict("fatal" if _broke(told, wait) else "throttled", reason, wait)
    if status in _BUSY:
        return Verdict("busy", reason, wait)
    if status >= 500:
        return Verdict("broken", reason, wait)
    if status in (400, 403, 422) and _FILTER.search(told):
        return Verdict("refused", reason)
    if status in (401, 402, 403, 404):
        return Verdict("fatal", reason)
    option = _blamed(f"{failure.param or ''} {failure}", sent) if status in (400, 422) else None
    return Verdict("wrong", reason, option=option)


def _broke(told: str, wait: float | None) -> bool:
    """Whether a 429 is about money, which waiting does not bring, and not about the pace."""
    if _NO_QUOTA in told.lower():
        return True
    return bool(_NO_MONEY.search(told)) and wait is None and not _PASSES.search(told)


def retry_after(headers: Any) -> float | None:
    """Seconds to wait, by Retry-After-Ms or Retry-After (seconds or a date); None where none is readable."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        return seconds if 0 <= seconds < float("inf") else None
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _message(failure: Any) -> str:
    """The server's own words where it has some; the SDK's otherwise."""
    body = failure.body
    said = body.get("message") if isinstance(body, dict) else None
    return str(said or failure)


def _blamed(told: str, sent: Collection[str]) -> str | None:
    return next((name for name in _OPTIONAL if name in sent and re.search(rf"\b{name}\b", told)), None)
