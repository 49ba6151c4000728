"""What strategies that let a language model write share: the form it is asked in, and one text of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from agents.guard import Guard, GuardSettings
from agents.llm.base import LLM, Conversation, Message
from agents.strategies.metaprompt import schema
from agents.strategies.replies import Idea, continuation, ideas
from agents.strategy import Proposal, SearchContext
from assets.errors import UserError
from prompts.view import ScoredPrompt

Form = Literal["auto", "chat", "ranked"]
FORMS = ("auto", "chat", "ranked")

ATTEMPTS = 4  # replies for one proposal at most
_IDEA_TOKENS, _LINE_TOKENS = 150, 56


@dataclass(frozen=True)
class Written:
    """A text that a model wrote: ``reply`` is where it was found, ``request`` what had been sent."""

    text: str
    reply: str
    request: Conversation
    hypothesis: str = ""

    def proposal(self, parents: tuple[str, ...], hypothesis: str) -> Proposal:
        """It, put forward."""
        return Proposal(self.text, parents, hypothesis, self.reply, request=self.request)


class WritingStrategy:
    """Depends on (seed, history) alone, as far as the model does. Raises UserError for an unknown form."""

    name = ""

    def __init__(
        self, llm: LLM, form: Form = "auto", seed: int = 0, limits: GuardSettings | None = None
    ) -> None:
        check_form(self.name, form)
        self._llm, self._form, self._seed, self._limits = llm, form, seed, limits
        self._context: SearchContext | None = None
        self._guard = Guard.of((), limits)

    def connect(self, context: SearchContext) -> None:
        """With the context it knows single clips, and the classes a prompt must not name."""
        self._context = context
        self._guard = Guard.of(context.clips.classes, self._limits)

    def tell(self, results: Sequence[ScoredPrompt]) -> None:
        """Nothing to learn that the history does not hold."""

    @property
    def _chats(self) -> bool:
        return chats(self._llm, self._form)


def check_form(strategy: str, form: str) -> None:
    """Raises UserError for a form there is none of."""
    if form not in FORMS:
        raise UserError(f"unknown form {form!r} of {strategy}, expected one of: {', '.join(FORMS)}")


def chats(llm: LLM, form: Form) -> bool:
    """Whether the model gets requests, rather than a text to continue."""
    return form == "chat" or (form == "auto" and llm.follows_instructions)


def write_idea(llm: LLM, system: str, request: str, rng: Random) -> Written:
    """The first idea of a JSON reply, empty where there is none."""
    turns = (Message("system", system), Message("user", request))
    reply = llm.complete(
        turns,
        max_tokens=_IDEA_TOKENS,
        seed=rng.getrandbits(31),
        json_schema=schema(1),
    )
    idea = next(iter(ideas(reply.text)), Idea(""))
    return Written(idea.prompt, reply.text, turns, idea.hypothesis)


def write_line(llm: LLM, text: str, begin: str, rng: Random) -> Written:
    """The line that continues a text and begins so, at about the model's temperature."""
    reply = llm.complete(
        text,
        max_tokens=_LINE_TOKENS + len(begin) // 3,
        temperature=llm.temperature * rng.uniform(0.7, 1.1),
        seed=rng.getrandbits(31),
        stop=("\n",),
        begin=f" {begin}" if begin else "",
    )
    return Written(continuation(reply.text, reply.cut), reply.text, text)
