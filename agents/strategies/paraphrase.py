"""The `paraphrase` strategy, a control: hand-written prompts in other words, without a look at any score.

A search that does not beat it at the same budget has found nothing by searching.
"""

from collections.abc import Iterator
from random import Random

from agents.strategies.metaprompt import OPENERS
from agents.strategies.picking import pick
from agents.strategies.writing import ATTEMPTS, WritingStrategy, Written, write_idea, write_line
from agents.strategy import Proposal
from prompts.library import HUMAN_FOCUSED, NEUTRAL
from prompts.prompt import Prompt
from prompts.view import HistoryView

ORIGINALS: tuple[Prompt, ...] = (NEUTRAL.prompt, HUMAN_FOCUSED.prompt)

REQUEST = """\
Say this in other words, with the same meaning, in at most 50 words:
{text}
Answer with a JSON object whose "prompts" hold one object with an empty "hypothesis" and the "prompt"."""

LINE = "Instruction: {text}\nThe same instruction in other words:"


class Paraphrase(WritingStrategy):
    """Depends on (seed, how much was proposed) alone, as far as the model does: scores change nothing."""

    name = "paraphrase"

    def ask(self, view: HistoryView, n: int) -> list[Proposal]:
        """n paraphrases as long as the model writes anything new."""
        return pick(self._written(view, n), view, n, self._guard)

    def _written(self, view: HistoryView, n: int) -> Iterator[Proposal]:
        write = self._by_request if self._chats else self._by_line
        for attempt in range(ATTEMPTS * n):
            rng = Random(f"{self._seed}/{view.round}/{attempt}")
            original = rng.choice(ORIGINALS)
            yield write(original.text, rng).proposal((original.id,), "says it in other words")

    def _by_request(self, original: str, rng: Random) -> Written:
        system = "You answer with JSON and nothing else."
        return write_idea(self._llm, system, REQUEST.format(text=original), rng)

    def _by_line(self, original: str, rng: Random) -> Written:
        begin = rng.choice(OPENERS)
        return write_line(self._llm, LINE.format(text=original), begin, rng)
