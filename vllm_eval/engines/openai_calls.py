"""One call of the engine: every request answered once, whatever the server does."""

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import vllm_eval.engines.openai_reply as reply
import vllm_eval.engines.openai_request as ask
from vllm_eval.engine import Answer, Request
from vllm_eval.engines.openai_bridge import Bridge
from vllm_eval.engines.openai_media import Clips, Encoder
from vllm_eval.engines.openai_pace import Gate, backoff
from vllm_eval.engines.openai_request import Sent
from vllm_eval.engines.openai_state import State
from vllm_eval.engines.openai_verdict import Verdict, judge

if TYPE_CHECKING:
    from openai import AsyncOpenAI

log = logging.getLogger(__name__)

# So many requests in a row given up for the server's sake, and the server has failed, not the clips.
GIVE_UP_AFTER = 20
GIVE_UP_AT_START = 3  # before any reply


class _Over(Exception):
    """Nothing more is sent."""


@dataclass
class _Question:
    """A request on its way. ``ends``: when its deadline passes; ``silent``: one reply was empty."""

    request: Request
    sent: Sent
    ends: float | None = None
    tries: int = 0
    failures: int = 0
    silent: bool = False


class Calls:
    """Answers requests concurrently. One object per call of the engine; ``state`` outlives it."""

    def __init__(self, state: State, encoder: Encoder, client: "AsyncOpenAI", out: Bridge[Answer]) -> None:
        self._state, self._settings = state, state.settings
        self._encoder, self._client, self._out = encoder, client, out
        self._gate = Gate(self._settings.concurrency, state.limit, state.cuts, state.affords)
        self._alone = asyncio.Lock()
        self._failure: Exception | None = None
        self._in_a_row = 0

    async def run(self, requests: Sequence[Request]) -> None:
        """Put out an answer for each request. Raises UserError where the server, not a clip, is at fault;
        what was under way then is waited for, because it may be paid for."""
        tasks: set[asyncio.Task[None]] = set()
        with ThreadPoolExecutor(1, "openai-frames") as executor:
            clips = Clips(self._encoder, executor)
            try:
                for request in requests:
                    await self._out.room.acquire()
                    if self._failure is not None:
                        break
                    task = asyncio.create_task(self._one(request, clips))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                if tasks:
                    await asyncio.wait(tasks)
            finally:
                executor.shutdown(wait=False, cancel_futures=True)
                await _cancelled(tasks)
                if self._gate.proven and self._failure is None:
                    self._state.limit, self._state.cuts = self._gate.limit, self._gate.cuts
        if self._failure is not None:
            raise self._failure

    async def _one(self, request: Request, clips: Clips) -> None:
        try:
            sent = await clips.get(request)
        except Exception as failure:  # whatever a decoder raises: it is about this clip
            self._out.put(reply.failed(request, f"{type(failure).__name__}: {failure}"))
            return
        try:
            self._out.put(await self._answer(_Question(request, sent)))
        except _Over:
            pass
        except Exception as failure:
            self._stop(failure)
        finally:
            if self._failure is not None:
                self._out.room.release()  # whoever waits for room must hear of it

    async def _answer(self, question: _Question) -> Answer:
        """The answer, or why there is none. Raises UserError where it makes no sense to go on.

        Until the server has answered once, the next question waits until this one is through.
        """
        if not self._gate.proven:
            async with self._alone:
                if not self._gate.proven:
                    return await self._settle(question)
        return await self._settle(question)

    async def _settle(self, question: _Question) -> Answer:
        while True:
            outcome = await self._attempt(question)
            if isinstance(outcome, Answer):
                return outcome

    async def _attempt(self, question: _Question) -> Answer | None:
        """One attempt, and the wait after it where there must be another (None)."""
        seen = await self._enter()
        began = time.monotonic()
        ends = question.ends = question.ends or began + self._settings.deadline
        options = ask.options(question.request.question, self._settings, self._state.refused)
        try:
            if began >= ends:
                return self._given_up(question, f"no answer within {self._settings.deadline:g} s")
            async with asyncio.timeout(min(self._settings.timeout, ends - began)):
                said = await self._send(question, options)
            return self._read(question, said, time.monotonic() - began)
        except Exception as failure:
            if isinstance(failure, reply.Garbled) and failure.paid:
                self._state.took(failure.paid)
            verdict = judge(failure, self._state.access, options)
        finally:
            self._gate.leave()
        self._state.count(failed=1)
        question.tries += 1
        question.failures += verdict.meaning in ("busy", "broken")
        answer = self._settled(question, verdict, options)
        if answer is None and verdict.option is None:
            await self._wait(question, verdict, seen)
        return answer

    async def _enter(self) -> int:
        seen = await self._gate.enter()
        try:
            if self._failure is not None:
                raise _Over
            self._state.check_money(self._gate.busy)
        except BaseException:
            self._gate.leave()
            raise
        return seen

    async def _send(self, question: _Question, options: dict[str, Any]) -> reply.Reply:
        self._state.count(calls=1)
        turns: Any = ask.messages(question.request.question, question.sent, self._settings.system)
        body = ask.body(self._settings, question.sent) or None
        create = self._client.chat.completions.with_raw_response.create
        raw = await create(model=self._settings.model, messages=turns, extra_body=body, **options)
        return reply.read_completion(raw.http_response.content)

    def _read(self, question: _Question, said: reply.Reply, seconds: float) -> Answer | None:
        """The answer in a reply. An empty one may be a hiccup: asked once more, then taken as it is."""
        self._in_a_row = 0
        self._gate.grow()
        self._state.took(said)
        if not (said.text or said.refusal or said.cut or question.silent):
            question.silent = True
            return None
        share = seconds / self._gate.busy
        return reply.to_answer(question.request, said, share, self._settings.letters == "logprobs")

    def _settled(self, question: _Question, verdict: Verdict, options: dict[str, Any]) -> Answer | None:
        """The answer a verdict amounts to; None to try again. Raises UserError for a fatal one."""
        deadline, too_long = self._settings.deadline, (verdict.wait or 0.0) > self._settings.deadline
        asked = f"asks to wait {verdict.wait:.0f} s, over the deadline of {deadline:g} s" if too_long else ""
        if verdict.meaning == "fatal":
            raise self._state.told(verdict.reason)
        if verdict.meaning == "throttled":
            if too_long:
                raise self._state.told(f"{asked}: {verdict.reason}")
            return None
        if verdict.meaning == "refused":
            self._in_a_row = 0
            return reply.refused(question.request, verdict.reason)
        if verdict.option is not None:
            self._leave_out(verdict.option, options)
            return None
        if verdict.meaning == "wrong":
            # Once the server has answered, a request it does not take is the clip's or the prompt's fault.
            return self._given_up(question, verdict.reason, counts=not self._gate.proven)
        if too_long or question.failures >= self._settings.attempts:
            return self._given_up(question, f"{asked or f'{question.failures} attempts'}: {verdict.reason}")
        return None

    async def _wait(self, question: _Question, verdict: Verdict, seen: int) -> None:
        if verdict.meaning in ("throttled", "busy"):
            self._gate.cut(seen)
        if verdict.meaning == "throttled" and verdict.wait is not None:
            self._gate.pause(verdict.wait)
            return
        left = (question.ends or 0.0) - time.monotonic()
        seconds = max(backoff(self._settings.first_wait, question.tries), verdict.wait or 0.0)
        await asyncio.sleep(max(0.0, min(seconds, left)))

    def _leave_out(self, option: str, options: dict[str, Any]) -> None:
        """Leave an option out from now on. First fewer log-probabilities are asked for, then none."""
        few = option == "top_logprobs" and options.get(option) == ask.FEW_LOGPROBS
        name = "logprobs" if few else option
        if name not in self._state.refused:
            log.info("%s does not take %s as sent: going on without", self._state.access.shown, name)
        self._state.refused.add(name)

    def _given_up(self, question: _Question, reason: str, counts: bool = True) -> Answer:
        self._in_a_row += counts
        most = GIVE_UP_AFTER if self._gate.proven else GIVE_UP_AT_START
        if counts and self._in_a_row >= most:
            self._stop(self._state.told(f"{self._in_a_row} requests in a row failed, the last: {reason}"))
        return reply.failed(question.request, reason)

    def _stop(self, failure: Exception) -> None:
        self._failure = self._failure or failure
        self._gate.free()


async def _cancelled(tasks: set[asyncio.Task[None]]) -> None:
    """End what still runs."""
    left = list(tasks)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
