"""From a server's reply to an Answer. Nothing in a reply is trusted. Pure functions."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from vllm_eval.engine import Answer, Request
from vllm_eval.engines.openai_settings import Prices
from vllm_eval.parse import kind_of, read_reply
from vllm_eval.question import Question

T = TypeVar("T")
Probabilities = tuple[float, ...]

# What stops an answer, in the words of OpenAI, Azure, Anthropic and Gemini.
_FILTERED = re.compile(
    r"content_filter|refusal|safety|prohibited_content|blocklist|recitation", re.IGNORECASE
)
_DECLINED = re.compile(
    r"^\W*((i'?m|i am) (very )?sorry|sorry|i apologi[sz]e|unfortunately)?[\s,.]*(but )?"
    r"i(( can(no|')?t)|( am|'m) (unable|not able) to|( won't| will not)) ?"
    r"(be able to )?(assist|help|comply|fulfil|provide|engage|discuss|"
    r"identify (people|persons?|anyone|who|the (person|people|individual)))\b",
    re.IGNORECASE,
)


class Garbled(Exception):
    """A reply that cannot be read: half of it, another shape, no choice. Asking again may help.

    ``paid``: what it took all the same, as far as it tells.
    """

    def __init__(self, reason: str, paid: "Reply | None" = None) -> None:
        super().__init__(reason)
        self.paid = paid


def _lenient(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """None for what is malformed: a broken extra must not cost the answer that was paid for."""
    try:
        return read(value)
    except ValidationError:
        return None


Lenient = Annotated[T | None, WrapValidator(_lenient)]


class _Details(BaseModel):
    cached_tokens: Lenient[Annotated[int, Field(ge=0)]] = None


class _Usage(BaseModel):
    prompt_tokens: Annotated[int, Field(ge=0)] = 0
    completion_tokens: Annotated[int, Field(ge=0)] = 0
    prompt_tokens_details: Lenient[_Details] = None


class _Listed(BaseModel):
    token: str
    logprob: float


class _Token(BaseModel):
    top_logprobs: list[_Listed] = Field(default_factory=list)


class _Logprobs(BaseModel):
    content: list[_Token] | None = None


def _joined(content: Any) -> Any:
    """The text of a content that comes in parts, as some servers send it."""
    if not isinstance(content, list):
        return content
    return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))


class _Message(BaseModel):
    content: Annotated[str | None, BeforeValidator(_joined)] = None
    refusal: Lenient[str] = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: Lenient[str] = None
    logprobs: Lenient[_Logprobs] = None


class _Bill(BaseModel):
    usage: Lenient[_Usage] = None


class _Completion(BaseModel):
    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: Lenient[_Usage] = None


@dataclass(frozen=True)
class Reply:
    """What a server said. ``first``: (token, log-probability) of the likeliest first tokens, if it told.

    ``refusal``: why it declined. ``cut``: it ran out of tokens. Token counts are 0 where it does not tell.
    """

    text: str
    refusal: str | None = None
    cut: bool = False
    first: tuple[tuple[str, float], ...] = ()
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0

    def dollars(self, prices: Prices | None) -> float:
        """What it cost; 0 without prices."""
        if prices is None:
            return 0.0
        cached = prices.prompt if prices.cached is None else prices.cached
        new = self.prompt_tokens - self.cached_tokens
        return (
            new * prices.prompt + self.cached_tokens * cached + self.completion_tokens * prices.completion
        ) / 1e6


def read_completion(content: bytes) -> Reply:
    """The reply in a body. Raises Garbled."""
    try:
        found = _Completion.model_validate_json(content)
    except ValidationError as failure:
        first = failure.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        start = content[:80].decode("utf-8", "replace")
        raise Garbled(f"unreadable reply, {where}: {first['msg']}: {start!r}", _billed(content)) from None
    choice, taken = found.choices[0], _taken(found.usage)
    reason, text = choice.finish_reason or "", (choice.message.content or "").strip()
    if reason == "error":
        raise Garbled("the server broke off with finish_reason error", taken)
    refusal = choice.message.refusal or (f"finish_reason {reason[:80]}" if _FILTERED.match(reason) else None)
    return replace(taken, text=text, refusal=refusal, cut=reason == "length", first=_first(choice.logprobs))


def _taken(usage: _Usage | None) -> Reply:
    """An empty reply that took so many tokens."""
    usage = usage or _Usage()
    cached = (usage.prompt_tokens_details or _Details()).cached_tokens or 0
    return Reply(
        "",
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=min(cached, usage.prompt_tokens),
        completion_tokens=usage.completion_tokens,
    )


def _billed(content: bytes) -> Reply | None:
    try:
        return _taken(_Bill.model_validate_json(content).usage)
    except ValidationError:
        return None


def to_answer(request: Request, reply: Reply, seconds: float, by_logprobs: bool = False) -> Answer:
    """The answer. ``by_logprobs``: the likeliest letter decides, whatever the text says."""
    question = request.question
    letters = letter_logprobs(question.letters, reply.first)
    label = None if reply.refusal else _label(question, reply, letters, by_logprobs)
    refusal = label is None and (reply.refusal is not None or declines(reply.text))
    return Answer(
        key=request.key,
        text=reply.text or reply.refusal or "",
        label=label,
        kind="refused" if refusal else kind_of(label, request.clip),
        logprobs=letters,
        prompt_tokens=reply.prompt_tokens,
        cached_tokens=reply.cached_tokens,
        seconds=seconds,
    )


def refused(request: Request, reason: str) -> Answer:
    """The answer of a service that filters the question itself."""
    return Answer(request.key, reason, None, "refused", None, 0, 0, 0.0)


def failed(request: Request, reason: str) -> Answer:
    """The answer to a clip that could not be asked."""
    return Answer(request.key, "", None, "error", None, 0, 0, 0.0, reason)


def letter_logprobs(letters: Sequence[str], first: Sequence[tuple[str, float]]) -> Probabilities | None:
    """Log-probability of each letter as first token, spellings with blanks summed; None if none is listed.

    Over the whole vocabulary, as the server has it. A letter it does not list gets -infinity.
    """
    found: dict[str, list[float]] = {letter: [] for letter in letters}
    for token, value in first:
        if token.strip() in found and not math.isnan(value):
            found[token.strip()].append(min(value, 0.0))
    values = tuple(_log_sum(found[letter]) for letter in letters)
    return values if any(map(math.isfinite, values)) else None


def _label(question: Question, reply: Reply, letters: Probabilities | None, by_logprobs: bool) -> str | None:
    """The likeliest letter where the model means to answer by letter, else what the text says, else the
    likeliest letter listed: "The answer is C" starts with no letter, though one is among the likeliest."""
    if letters is None:
        return read_reply(reply.text, question)
    likeliest = question.labels[max(range(len(letters)), key=letters.__getitem__)]
    if by_logprobs or sum(map(math.exp, letters)) >= 0.5:
        return likeliest
    return read_reply(reply.text, question) or (None if declines(reply.text) else likeliest)


def _first(logprobs: _Logprobs | None) -> tuple[tuple[str, float], ...]:
    tokens = logprobs.content if logprobs else None
    return tuple((one.token, one.logprob) for one in tokens[0].top_logprobs) if tokens else ()


def declines(text: str) -> bool:
    """Whether a reply is a refusal in words; "I can't tell" is an answer, if an unreadable one."""
    return _DECLINED.match(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")) is not None


def _log_sum(values: Sequence[float]) -> float:
    top = max(values, default=-math.inf)
    return top if top == -math.inf else min(0.0, top + math.log(sum(math.exp(v - top) for v in values)))
