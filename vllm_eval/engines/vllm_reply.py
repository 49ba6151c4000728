"""From vLLM's reply to an Answer. Pure functions, no vLLM."""

from collections.abc import Mapping
from dataclasses import dataclass

from vllm_eval.engine import Answer, Request
from vllm_eval.engines.vllm_request import Sampling
from vllm_eval.parse import kind_of, read_reply


@dataclass(frozen=True)
class Reply:
    """What vLLM said to the request it calls ``id``; ``logprobs`` of its first token, by token id."""

    id: str
    text: str
    tokens: tuple[int, ...]
    logprobs: Mapping[int, float] | None
    prompt_tokens: int
    cached_tokens: int


def read_answer(reply: Reply, request: Request, sampling: Sampling, seconds: float) -> Answer:
    """The answer. A lettered reply whose log-probabilities are incomplete is read by its token alone."""
    text = reply.text.strip()
    logprobs = _letter_logprobs(reply, sampling)
    label = read_reply(text, request.question)
    place = _letter_place(reply, sampling, logprobs)
    if place is not None:
        text, label = request.question.letters[place], request.question.labels[place]
    return Answer(
        key=request.key,
        text=text,
        label=label,
        kind=kind_of(label, request.clip),
        logprobs=logprobs,
        prompt_tokens=reply.prompt_tokens,
        cached_tokens=reply.cached_tokens,
        seconds=seconds,
    )


def failed(request: Request, reason: str) -> Answer:
    """An answer that could not be had, in one line."""
    return Answer(request.key, "", None, "error", None, 0, 0, 0.0, " ".join(reason.split()))


def _letter_logprobs(reply: Reply, sampling: Sampling) -> tuple[float, ...] | None:
    found = reply.logprobs or {}
    if not sampling.letters or any(token not in found for token in sampling.letters):
        return None
    return tuple(found[token] for token in sampling.letters)


def _letter_place(reply: Reply, sampling: Sampling, logprobs: tuple[float, ...] | None) -> int | None:
    """Which letter: the likeliest, the first of equals; without log-probabilities the one that was said."""
    if logprobs is not None:
        return max(range(len(logprobs)), key=logprobs.__getitem__)
    said = reply.tokens[0] if reply.tokens else None
    return sampling.letters.index(said) if said in sampling.letters else None
