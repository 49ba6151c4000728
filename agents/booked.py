"""A language model whose tokens are booked, and which is loaded only when it is needed."""

from collections.abc import Callable, Sequence

from agents.budget import Ledger
from agents.llm.base import LLM, Conversation, Message, Reply, Schema, ToolSpec, sees_images, with_tools
from agents.pricing import FREE, Price, most_tokens


class BookedLLM:
    """An LLM. A resumed run that has nothing left to propose never loads it.

    ``price``: dollars a token read and a token written costs.
    """

    def __init__(self, load: Callable[[], LLM], ledger: Ledger, price: Price = FREE) -> None:
        self._load, self._ledger, self._price = load, ledger, price
        self._loaded: LLM | None = None

    def load(self) -> None:
        """Load it now, so that what is wrong with it shows now. Raises UserError as ``load_llm``."""
        if self._loaded is None:
            self._loaded = self._load()

    @property
    def name(self) -> str:
        """As LLM.name."""
        return self._llm.name

    @property
    def temperature(self) -> float:
        """As LLM.temperature."""
        return self._llm.temperature

    @property
    def follows_instructions(self) -> bool:
        """As LLM.follows_instructions."""
        return self._llm.follows_instructions

    @property
    def sees_images(self) -> bool:
        """Whether pictures in its messages are of use."""
        return sees_images(self._llm)

    @property
    def calls_tools(self) -> bool:
        """As ToolLLM.calls_tools; False for models that know of no tools."""
        return with_tools(self._llm) is not None

    def converse(
        self, turns: Sequence[Message], tools: Sequence[ToolSpec], *, max_tokens: int, seed: int = 0
    ) -> Reply | None:
        """As ToolLLM.converse."""
        taking = with_tools(self._llm)
        if taking is None:
            return None
        read = self._allow([*turns, *tools], max_tokens)
        began = self._ledger.seconds
        reply = taking.converse(turns, tools, max_tokens=max_tokens, seed=seed)
        self._ledger.thought(self._ledger.seconds - began)
        if reply:
            self._book(reply, read, max_tokens)
        return reply

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
        read = self._allow([*said, begin, json_schema or {}], max_tokens)
        began = self._ledger.seconds
        reply = self._llm.complete(
            conversation,
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed,
            stop=stop,
            json_schema=json_schema,
            begin=begin,
        )
        self._ledger.thought(self._ledger.seconds - began)
        self._book(reply, read, max_tokens)
        return reply

    def _allow(self, sent: Sequence[object], max_tokens: int) -> int:
        """Tokens read at most. Raises OutOfBudget when this call could go over a cap."""
        read = sum(most_tokens(part) for part in sent)
        self._ledger.require_call(read + max_tokens, self._price.dollars(read, max_tokens))
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
