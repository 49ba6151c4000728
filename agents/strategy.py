"""The seam between the loop and what proposes prompts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from prompts.view import HistoryView, ScoredPrompt


@dataclass(frozen=True)
class Proposal:
    """A prompt text put forward, before the guard. ``raw`` is the optimizer's reply it was read from."""

    text: str
    parents: tuple[str, ...] = ()
    hypothesis: str = ""
    raw: str = ""


class Strategy(Protocol):
    """Proposes prompts from the history. Its state is rebuilt from there: it holds none that matters."""

    @property
    def name(self) -> str: ...

    def ask(self, view: "HistoryView", n: int) -> list[Proposal]:
        """Up to n proposals; fewer is allowed, none means "no idea left"."""

    def tell(self, results: Sequence["ScoredPrompt"]) -> None:
        """Results of what was asked for, in the order of the proposals that passed the guard."""
