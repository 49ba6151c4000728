"""The seam to the language models that propose prompts: text or messages in, one Reply out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from assets.errors import UserError


class TooLong(UserError):
    """What was sent and what was asked for exceed a model's context together."""


class TimedOut(UserError):
    """Nothing came in time. The endpoint may have been at work all the same, and charge for it."""


@dataclass(frozen=True)
class ToolCall:
    """A tool a model wants to use: ``arguments`` as the model wrote them, JSON if all is well."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class ToolSpec:
    """What a model is told of a tool. ``parameters``: the JSON schema of its arguments, an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Message:
    """One turn of a conversation.

    ``images``: PNG files, shown after the text to models that see. ``calls``: tools an assistant's turn asked
    for; each is answered by a turn of role "tool" whose ``call_id`` names it.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    images: tuple[bytes, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""


Conversation: TypeAlias = str | Sequence[Message]  # a str is continued as it stands, without a chat template
Schema: TypeAlias = Mapping[str, Any]


def plain_conversation(conversation: Conversation) -> str | list[dict[str, Any]]:
    """What was sent, for the history: text as it is, messages as mappings with role and content.

    Tool calls and what answered them are kept whole; of a picture its size and hash, not its bytes.
    """
    return conversation if isinstance(conversation, str) else [_plain(turn) for turn in conversation]


def _plain(turn: Message) -> dict[str, Any]:
    told: dict[str, Any] = {"role": turn.role, "content": turn.content}
    if turn.images:
        told["images"] = [{"bytes": len(png), "sha256": sha256(png).hexdigest()} for png in turn.images]
    if turn.calls:
        told["calls"] = [asdict(call) for call in turn.calls]
    return told | ({"call_id": turn.call_id} if turn.call_id else {})


@dataclass(frozen=True)
class Reply:
    """One generated text. ``cut`` when it ended at max_tokens. ``seconds`` include waiting and retries.

    ``calls``: tools it asks for, in place of a text or beside one. ``kept``: it is read from the history, for
    nothing.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    cut: bool = False
    calls: tuple[ToolCall, ...] = ()
    kept: bool = False

    @property
    def starved(self) -> bool:
        """It was cut before it said anything: all its tokens went into what a model thinks beforehand."""
        return self.cut and not self.text.strip() and not self.calls


class LLM(Protocol):
    """A language model that proposes.

    ``temperature`` is what its user set; a strategy may go around it. ``follows_instructions`` is False for
    models that continue a text well and obey badly.
    """

    @property
    def name(self) -> str: ...

    @property
    def temperature(self) -> float: ...

    @property
    def follows_instructions(self) -> bool: ...

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
        """One reply; ``temperature`` None takes the user's. A local model answers the same to the same input.

        ``stop`` strings end the reply and are left out of it. ``begin``: how the continuation of a str
        begins, in whole words; it is part of the reply, and of no use in a conversation. ``json_schema``
        constrains the reply where the model can be constrained; callers parse it as if it were not. Raises
        UserError when the model cannot be used as it is set up (no key, unknown model, nobody answers, text
        longer than its context).
        """

    def close(self) -> None:
        """Give back memory and connections. Calling it twice is harmless."""


@runtime_checkable
class ToolLLM(Protocol):
    """A language model that can be given tools. ``calls_tools`` turns False once it shows that it cannot."""

    @property
    def calls_tools(self) -> bool: ...

    def converse(
        self, turns: Sequence[Message], tools: Sequence[ToolSpec], *, max_tokens: int, seed: int = 0
    ) -> Reply | None:
        """One reply, which may ask for tools; None when the endpoint takes no tools. Else as ``complete``."""


def with_tools(llm: LLM) -> ToolLLM | None:
    """The model as one that takes tools, if it does."""
    return llm if isinstance(llm, ToolLLM) and llm.calls_tools else None


def sees_images(llm: LLM) -> bool:
    """Whether pictures in its messages are of use."""
    return bool(getattr(llm, "sees_images", False))


@runtime_checkable
class Remote(Protocol):
    """A model at an endpoint, which can be waited for, out of reach or set up wrongly."""

    @property
    def notify(self) -> Callable[[str], None]:
        """Told of waits and of options left out, one line each."""

    @notify.setter
    def notify(self, told: Callable[[str], None]) -> None: ...

    def within(self, seconds: float) -> None:
        """The next calls are given up after so long, if that is sooner than what is set."""

    def probe(self) -> Reply:
        """One short reply, to see that address, key and name are right. Raises UserError."""


class LLMSettings(Protocol):
    """What ``load_llm`` needs to know: ``model`` is a bundled name, the path of a .gguf file, a name with
    ``transformers:`` or ``vllm:`` before it, or, with ``base_url``, a name at that endpoint; ``api_key_env``
    names the environment variable of its key. ``timeout`` and ``deadline`` are seconds, of one attempt and of
    a call with all its attempts and waits; ``extra_body`` goes into every request as it stands."""

    @property
    def model(self) -> str: ...

    @property
    def base_url(self) -> str | None: ...

    @property
    def api_key_env(self) -> str: ...

    @property
    def temperature(self) -> float: ...

    @property
    def timeout(self) -> float: ...

    @property
    def deadline(self) -> float: ...

    @property
    def extra_body(self) -> Mapping[str, Any]: ...
