"""The `file` strategy: the lines of a text file, in order. For published prompts and for controls."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agents.strategy import Proposal
from assets.errors import UserError

if TYPE_CHECKING:
    from prompts.view import HistoryView, ScoredPrompt


class FileStrategy:
    """One prompt a line; empty lines and lines that start with # are passed over.

    Raises UserError for a file that cannot be read or holds no prompt.
    """

    name = "file"

    def __init__(self, path: str) -> None:
        try:
            lines = Path(path).expanduser().read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as failure:
            raise UserError(f"cannot read optimizer.file {path}: {failure}") from None
        texts = [line.strip() for line in lines]
        self._texts = [text for text in dict.fromkeys(texts) if text and not text.startswith("#")]
        if not self._texts:
            raise UserError(f"optimizer.file {path} holds no prompt; write one a line")

    def ask(self, view: "HistoryView", n: int) -> list[Proposal]:
        """The next n texts that were neither scored nor refused so far."""
        seen = {scored.prompt.text for scored in view.scored} | {refusal.text for refusal in view.refused}
        return [Proposal(text) for text in self._texts if text not in seen][:n]

    def tell(self, results: Sequence["ScoredPrompt"]) -> None:
        """Nothing to learn."""
