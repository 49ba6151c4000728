"""The seam between the loop and what proposes prompts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from agents.llm.base import Conversation
    from prompts.prompt import Prompt
    from prompts.view import HistoryView, ScoredPrompt
    from videos.clip import ClipSet, Frames
    from vllm_eval.evaluator import AnswerRow


STOP = "stop"  # the kind of the events that keep why a model stopped proposing: round and reason


@dataclass(frozen=True)
class Proposal:
    """A prompt text put forward, before the guard. ``raw`` is the optimizer's reply it was read from.

    ``request``: all that the optimizer had been sent before that reply; None where no model was asked.
    ``clips``: ids of the tune clips that whoever proposes wants it scored on; none: what the run decides.
    ``spare``: the guard refuses it, as its strategy knows; it is handed over to be put on record, beyond the
    number that was asked for.
    """

    text: str
    parents: tuple[str, ...] = ()
    hypothesis: str = ""
    raw: str = ""
    clips: tuple[str, ...] = ()
    request: "Conversation | None" = None
    spare: bool = False


class Strategy(Protocol):
    """Proposes prompts from the history. Its state is rebuilt from there: it holds none that matters.

    One that needs more than the view also has ``connect`` (see Connected), one that holds something open
    ``close`` (see Closing).
    """

    @property
    def name(self) -> str: ...

    def ask(self, view: "HistoryView", n: int) -> list[Proposal]:
        """Up to n proposals, and any number of spare ones; fewer is allowed, none means "no idea left"."""

    def tell(self, results: Sequence["ScoredPrompt"]) -> None:
        """Results of what was asked for, in the order of the proposals that passed the guard."""


class SearchContext(Protocol):
    """What a strategy may look up and buy, beyond the view. Used from the loop's own thread alone."""

    @property
    def clips(self) -> "ClipSet":
        """The tune side: what proposals are scored on."""

    @property
    def prompts(self) -> int:
        """How many proposed prompts the run will score in all."""

    def answers(self, prompt_id: str) -> Sequence["AnswerRow"]:
        """The answers to a prompt on the tune side so far, in the order of the clips; any number of them."""

    def evaluate(self, jobs: Sequence[tuple["Prompt", Sequence[str]]]) -> Mapping[str, Sequence["AnswerRow"]]:
        """Answers of scored prompts on these clips (ids), by prompt id, in the order of the ids.

        What is known costs nothing; the rest is bought in one engine call through the run's budget, answer
        store and history. Raises OutOfBudget before a cap is overshot.
        """

    def frames(self, clip_id: str) -> "Frames":
        """The frames of a clip as the target model sees them. Raises UserError for one that can't be read."""

    def remember(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Write an event into the run's history."""

    def recalled(self, kind: str) -> list[Mapping[str, Any]]:
        """The run's events of a kind, oldest first, those of earlier processes included."""


@runtime_checkable
class Connected(Protocol):
    """A strategy that wants the context. ``connect`` is called once, before the first ``ask``."""

    def connect(self, context: SearchContext) -> None: ...


@runtime_checkable
class Closing(Protocol):
    """A strategy that holds threads or files. ``close`` is called once, after the last ``ask``."""

    def close(self) -> None: ...


def connect(strategy: Strategy, context: SearchContext) -> Strategy:
    """The strategy, with the context if it wants it."""
    if isinstance(strategy, Connected):
        strategy.connect(context)
    return strategy


def close(strategy: Strategy) -> None:
    """Give back what the strategy holds."""
    if isinstance(strategy, Closing):
        strategy.close()
