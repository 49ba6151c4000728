"""One call of the engine: requests in, answers out as they are ready, never more under way than is useful."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from assets.errors import UserError
from videos.clip import Frames
from vllm_eval.engine import Answer, Request
from vllm_eval.engines.vllm_ahead import ReadAhead
from vllm_eval.engines.vllm_backend import Backend, CacheMiss, EngineDied
from vllm_eval.engines.vllm_blocks import Resident, blocks
from vllm_eval.engines.vllm_reply import Reply, failed, read_answer
from vllm_eval.engines.vllm_report import Round
from vllm_eval.engines.vllm_request import Asked, Sampling, Template, prompt, sampling
from vllm_eval.engines.vllm_settings import Settings


@dataclass
class Memory:
    """What an engine knows of the clips vLLM has seen, by media id. ``prefix``: tokens up to a clip's end,
    ``suffix``: most tokens of a question; ``sent``: vLLM has had the pixels; ``asked``: at least one question
    was handed over."""

    resident: Resident
    prefix: dict[str, int] = field(default_factory=dict)
    suffix: int = 0
    sent: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Sent:
    """A request under way; ``again``: its clip had been asked about before."""

    request: Request
    asked: Asked
    sampling: Sampling
    again: bool


class Call:
    """Asks ``requests``. ``pixels_key`` goes into every media uuid."""

    def __init__(
        self, backend: Backend, template: Template, settings: Settings, pixels_key: str, memory: Memory
    ) -> None:
        self.done = Round()
        self.blocks = 0
        self._backend = backend
        self._template = template
        self._settings = settings
        self._pixels_key = pixels_key
        self._memory = memory
        self._flight: dict[str, _Sent] = {}
        self._unreadable: dict[str, str] = {}  # by media id, why its frames cannot be had
        self._ahead: ReadAhead | None = None
        self._clock = time.perf_counter()

    def run(self, clips: Sequence[list[Request]]) -> Iterator[Answer]:
        """Answers to all requests of these clips. The very first prompt of an engine goes alone: what a clip
        costs decides in which order the others are asked."""
        left = [list(clip) for clip in clips]
        while left and not self._memory.prefix:
            yield from self._send(left[0].pop(0))
            yield from self._until(0)
            left = [clip for clip in left if clip]
        plan = blocks(left, self._memory.resident, self._costs(left))
        self.blocks = len(plan)
        ordered = [clip for block in plan for clip in block]
        self._ahead = ReadAhead(clip[0] for clip in ordered if self._needs_pixels(clip[0]))
        for clip in ordered:
            for request in clip:
                yield from self._send(request)
                yield from self._until(self._backend.facts.window - 1)
        yield from self._until(0)

    def prompt_tokens(self, request: Request) -> int:
        """How many tokens a request's prompt has. Raises UserError where vLLM does not take it."""
        asked = self._template.ask(request.question)
        given = prompt(asked, self._uuid(request), self._read(request), salt="shown")
        request_id = self._backend.submit(given, Sampling(1))
        self._memory.sent.add(request.media_id)
        while True:
            for reply in self._backend.step():
                if reply.id == request_id:
                    return reply.prompt_tokens

    def close(self) -> None:
        """Leave nothing under way."""
        if self._ahead is not None:
            self._ahead.close()
        if self._flight:
            self._backend.abort(list(self._flight))
            self._flight.clear()

    def _costs(self, clips: Sequence[list[Request]]) -> dict[str, int]:
        """Tokens of the KV cache that each clip takes with all its questions, where its length is known."""
        prefix, suffix = self._memory.prefix, self._memory.suffix
        known = [clip for clip in clips if clip[0].media_id in prefix]
        return {clip[0].media_id: prefix[clip[0].media_id] + suffix * len(clip) for clip in known}

    def _send(self, request: Request) -> Iterator[Answer]:
        """Hand it over; an answer at once only where that fails."""
        reason = self._unreadable.get(request.media_id)
        if reason is None:
            try:
                frames = self._frames(request) if self._needs_pixels(request) else None
            except Exception as failure:  # whatever a decoder raises: it is about this clip
                reason = self._unreadable[request.media_id] = f"{type(failure).__name__}: {failure}"
        if reason is None:
            try:
                self._submit(request, frames)
            except EngineDied:
                raise
            except Exception as failure:  # too long a prompt, frames the processor refuses
                reason = f"{type(failure).__name__}: {failure}"
                yield from self._until(0)
                # vLLM may have the clip on one side of its cache only, and would fail on it later.
                self._backend.forget_media()
                self._memory.sent.clear()
        if reason is not None:
            self.done.errors += 1
            yield failed(request, reason)

    def _submit(self, request: Request, frames: Frames | None) -> None:
        asked = self._template.ask(request.question)
        how = sampling(
            self._template, request.question, self._settings.max_new_tokens, self._settings.constrain
        )
        uuid = self._uuid(request)
        try:
            request_id = self._backend.submit(prompt(asked, uuid, frames), how)
        except CacheMiss:
            if frames is not None:
                raise
            self.done.resent += 1
            request_id = self._backend.submit(prompt(asked, uuid, self._read(request)), how)
        memory, media_id = self._memory, request.media_id
        self._flight[request_id] = _Sent(request, asked, how, media_id in memory.asked)
        memory.asked.add(media_id)
        if self._settings.keeps_media:
            memory.sent.add(media_id)

    def _until(self, most: int) -> Iterator[Answer]:
        """Answers until at most so many requests are under way."""
        while len(self._flight) > most:
            replies = [reply for reply in self._backend.step() if reply.id in self._flight]
            now = time.perf_counter()
            seconds, self._clock = now - self._clock, now
            for reply in replies:
                yield self._answer(reply, seconds / len(replies))

    def _answer(self, reply: Reply, seconds: float) -> Answer:
        sent = self._flight.pop(reply.id)
        media_id = sent.request.media_id
        prefix = max(0, reply.prompt_tokens - sent.asked.suffix)
        self._memory.prefix[media_id] = prefix
        self._memory.suffix = max(self._memory.suffix, sent.asked.suffix)
        self._memory.resident.touch(media_id, prefix, sent.asked.suffix)
        answer = read_answer(reply, sent.request, sent.sampling, seconds)
        self.done.add(media_id, prefix, reply.prompt_tokens, reply.cached_tokens, sent.again)
        self.done.unscored += bool(sent.sampling.letters) and answer.logprobs is None
        return answer

    def _needs_pixels(self, request: Request) -> bool:
        return request.media_id not in self._memory.sent

    def _frames(self, request: Request) -> Frames:
        return self._ahead.get(request) if self._ahead else request.frames()

    def _read(self, request: Request) -> Frames:
        try:
            return request.frames()
        except UserError:
            raise
        except Exception as failure:
            raise UserError(f"{request.clip.id}: {type(failure).__name__} {failure}") from failure

    def _uuid(self, request: Request) -> str:
        return f"{request.media_id}-{self._pixels_key}"
