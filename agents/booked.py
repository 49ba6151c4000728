"""A language model whose tokens are booked, and which is loaded only when it is needed."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from math import isfinite

from agents.around import AroundLLM
from agents.budget import Ledger, OutOfBudget
from agents.llm.base import (
    LLM,
    Conversation,
    Message,
    Remote,
    Reply,
    Schema,
    TimedOut,
    ToolSpec,
    with_tools,
)
from agents.pricing import FREE, Price, most_tokens
from assets.errors import UserError

PROBE = 16  # tokens of the reply that shows whether an endpoint works
THINKING = 4096  # tokens to think in, for a model that was seen to need some and was given none
_ATTEMPTS = 2  # calls for one reply, each paid for, where one times out or is all thinking


class BookedLLM(AroundLLM):
    """An LLM. A resumed run that has nothing left to propose never loads it.

    ``price``: dollars a token read and a token written costs. ``thinking``: tokens a reply may take besides
    its text. ``notify`` is told what is worth a line.
    """

    def __init__(
        self,
        load: Callable[[], LLM],
        ledger: Ledger,
        price: Price = FREE,
        thinking: int = 0,
        notify: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._load, self._ledger, self._price = load, ledger, price
        self._thinking, self._notify = thinking, notify
        self._loaded: LLM | None = None

    def load(self) -> None:
        """Load it now, so that what is wrong with it shows now. Raises UserError as ``load_llm``."""
        if self._loaded is not None:
            return
        self._loaded = self._load()
        if isinstance(self._loaded, Remote):
            self._loaded.notify = self._notify
            with suppress(OutOfBudget):
                self._paid(self._loaded.probe, "Say yes.", most=PROBE)

    def converse(
        self, turns: Sequence[Message], tools: Sequence[ToolSpec], *, max_tokens: int, seed: int = 0
    ) -> Reply | None:
        """As ToolLLM.converse."""
        taking = with_tools(self._llm)
        if taking is None:
            return None
        return self._said(
            [*turns, *tools],
            max_tokens,
            lambda most: taking.converse(turns, tools, max_tokens=most, seed=seed),
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
        """As LLM.complete."""
        said = [conversation] if isinstance(conversation, str) else list(conversation)
        reply = self._said(
            [*said, begin, json_schema or {}],
            max_tokens,
            lambda most: self._llm.complete(
                conversation,
                max_tokens=most,
                temperature=temperature,
                seed=seed,
                stop=stop,
                json_schema=json_schema,
                begin=begin,
            ),
        )
        assert reply is not None, "what is no conversation with tools is replied to"
        return reply

    def _said(
        self, sent: Sequence[object], max_tokens: int, call: Callable[[int], Reply | None]
    ) -> Reply | None:
        """The reply, asked for once more where the first attempt was lost or all thinking.

        Raises UserError when the second was, too.
        """
        for attempt in range(_ATTEMPTS):
            most = max_tokens + self._thinking
            try:
                reply = self._paid(partial(call, most), *sent, most=most)
            except TimedOut:
                if attempt + 1 == _ATTEMPTS:
                    raise
                self._notify("the optimizer's model did not reply in time, it is asked once more")
                continue
            if reply is None or not reply.starved or not isinstance(self._llm, Remote):
                return reply
            self._thinking = max(self._thinking, THINKING)
        raise UserError(
            f"optimizer model {self.name}: a reply was cut after {most} tokens without any text; raise "
            f"optimizer.llm.thinking_tokens above {self._thinking}, or let it think less by "
            "optimizer.llm.extra_body"
        )

    def _paid(self, call: Callable[[], Reply | None], *sent: object, most: int) -> Reply | None:
        """Make a call that writes at most ``most`` tokens, and book it. Raises OutOfBudget before it."""
        read = self._allow(sent, most)
        began = self._ledger.seconds
        try:
            reply = call()
        except TimedOut:
            self._ledger.tokens(read + most, self._price.dollars(read, most))
            raise
        finally:
            self._ledger.thought(self._ledger.seconds - began)
        if reply:
            self._book(reply, read, most)
        return reply

    def _allow(self, sent: Sequence[object], max_tokens: int) -> int:
        """Tokens read at most. Raises OutOfBudget when this call could go over a cap."""
        read = sum(most_tokens(part) for part in sent)
        self._ledger.require_call(read + max_tokens, self._price.dollars(read, max_tokens))
        left = self._ledger.seconds_for_calls()
        if isfinite(left) and isinstance(self._loaded, Remote):
            self._loaded.within(left)
        return read

    def _book(self, reply: Reply, most_read: int, most_written: int) -> None:
        """What the reply took; an endpoint that does not tell is booked at what it can have taken at most."""
        told = reply.prompt_tokens + reply.completion_tokens > 0
        read = reply.prompt_tokens if told else most_read
        written = reply.completion_tokens if told else most_written
        self._ledger.tokens(read + written, self._price.dollars(read, written))

    def close(self) -> None:
        """As LLM.close."""
        if self._loaded is not None:
            self._loaded.close()

    @property
    def _llm(self) -> LLM:
        self.load()
        assert self._loaded is not None
        return self._loaded
