"""The `file` strategy: the lines of a text file, in order. For published prompts and for controls."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agents.strategy import Proposal
from vllm_eval.prompt_file import prompt_lines

if TYPE_CHECKING:
    from prompts.view import HistoryView, ScoredPrompt


class FileStrategy:
    """One prompt a line; empty lines and lines that start with # are passed over.

    Raises UserError for a file that cannot be read or holds no prompt.
    """

    name = "file"

    def __init__(self, path: str) -> None:
        self._texts = list(dict.fromkeys(line.text for line in prompt_lines(path, "optimizer.file")))

    def ask(self, view: "HistoryView", n: int) -> list[Proposal]:
        """The next n texts that were neither scored nor refused so far."""
        seen = {scored.prompt.text for scored in view.scored} | {refusal.text for refusal in view.refused}
        return [Proposal(text) for text in self._texts if text not in seen][:n]

    def tell(self, results: Sequence["ScoredPrompt"]) -> None:
        """Nothing to learn."""
