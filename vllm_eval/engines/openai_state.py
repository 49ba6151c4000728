"""What the openai engine learns over its life, and what it has spent."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assets.errors import UserError
from vllm_eval.engines.openai_reply import Reply
from vllm_eval.engines.openai_settings import Access, Settings

_HINTS = {
    "HTTP 401": "check the key in {key}",
    "HTTP 402": "add credit or give another key in {key}",
    "HTTP 403": "check what the key in {key} may do",
    "HTTP 404": "check target.model and base_url",
}


@dataclass(frozen=True)
class Spent:
    """What the engine used so far. ``calls`` are attempts, ``failed`` of them without a readable reply;
    ``dollars`` is 0 without prices. A call that was broken off may have cost what nobody told."""

    calls: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    dollars: float = 0.0


@dataclass
class State:
    """Outlives a call of the engine: options the server refuses, its pace (``limit`` None: unknown), bills.

    ``dearest``: dollars of the dearest request so far.
    """

    settings: Settings
    access: Access
    known: Sequence[str] = ()
    refused: set[str] = field(default_factory=set)
    limit: float | None = None
    cuts: int = 0
    spent: Spent = Spent()
    dearest: float = 0.0

    def count(self, **more: float) -> None:
        """Add to what was spent."""
        spent: Any = self.spent
        self.spent = replace(spent, **{name: getattr(spent, name) + n for name, n in more.items()})

    def took(self, said: Reply) -> None:
        """Add a reply's tokens and price."""
        dollars = said.dollars(self.settings.prices)
        self.dearest = max(self.dearest, dollars)
        self.count(
            prompt_tokens=said.prompt_tokens,
            cached_tokens=said.cached_tokens,
            completion_tokens=said.completion_tokens,
            dollars=dollars,
        )

    def affords(self, requests: int) -> bool:
        """Whether so many at once, each as dear as the dearest so far, keep within ``max_dollars``."""
        cap = self.settings.max_dollars
        return cap is None or self.spent.dollars + requests * self.dearest <= cap

    def check_money(self, busy: int) -> None:
        """Raises UserError when ``busy`` requests would go over ``max_dollars``."""
        if not self.affords(busy):
            spent = f"${self.spent.dollars:.4g} of max_dollars {self.settings.max_dollars:g} is spent"
            raise UserError(f"{spent}: raise it and start again, the answers so far are kept")

    def told(self, reason: str) -> UserError:
        """What is wrong with the server, in one line, with the next step where the reason has one."""
        hint = next((f"; {said}" for start, said in _HINTS.items() if start in reason), "")
        names = f"; it serves: {', '.join(self.known[:20])}" if self.known and "HTTP 404" in reason else ""
        where = f"model {self.settings.model} at {self.access.shown}"
        return UserError(f"{where}: {reason}{hint.format(key=self.access.key_name)}{names}")
