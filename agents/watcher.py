"""What the loop tells whoever watches it. Watching changes nothing."""

from dataclasses import dataclass
from typing import Protocol

from prompts.view import ScoredPrompt


@dataclass(frozen=True)
class Standing:
    """Where a run stands. ``scored`` of ``budget`` proposed prompts are scored; ``best`` of all so far."""

    scored: int
    budget: int
    refused: int
    best: ScoredPrompt | None
    neutral: ScoredPrompt | None


class Watcher(Protocol):
    """Told in order. Texts may come from a model and are not safe to show as they are."""

    def line(self, text: str) -> None:
        """Something worth a line of its own."""

    def plan(self, answers: int) -> None:
        """The whole run needs about so many answers."""

    def phase(self, name: str) -> None:
        """What is being done now."""

    def answered(self, new: int, known: int) -> None:
        """So many more answers were bought, so many more were known already."""

    def standing(self, standing: Standing) -> None:
        """The standing changed."""
