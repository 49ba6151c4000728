"""The `paraphrase` strategy, a control: hand-written prompts in other words, without a look at any score.

A search that does not beat it at the same budget has found nothing by searching.
"""

from collections.abc import Iterator, Sequence
from random import Random

from agents.guard import Guard
from agents.llm.base import LLM, Message
from agents.strategies.metaprompt import OPENERS, schema
from agents.strategies.opro import FORMS, Form
from agents.strategies.picking import pick
from agents.strategies.replies import continuation, ideas
from agents.strategy import Proposal, SearchContext
from assets.errors import UserError
from prompts.library import HUMAN_FOCUSED, NEUTRAL
from prompts.prompt import Prompt
from prompts.view import HistoryView, ScoredPrompt

ORIGINALS: tuple[Prompt, ...] = (NEUTRAL.prompt, HUMAN_FOCUSED.prompt)

_ATTEMPTS = 4  # replies for one proposal at most
_TOKENS = 150

REQUEST = """\
Say this in other words, with the same meaning, in at most 50 words:
{text}
Answer with a JSON object whose "prompts" hold one object with an empty "hypothesis" and the "prompt"."""

LINE = "Instruction: {text}\nThe same instruction in other words:"


class Paraphrase:
    """Depends on (seed, how much was proposed) alone, as far as the model does: scores change nothing."""

    name = "paraphrase"

    def __init__(self, llm: LLM, form: Form = "auto", seed: int = 0) -> None:
        if form not in FORMS:
            raise UserError(f"unknown form {form!r} of paraphrase, expected one of: {', '.join(FORMS)}")
        follows = form == "chat" or (form == "auto" and llm.follows_instructions)
        self._write = self._by_request if follows else self._by_line
        self._llm, self._seed = llm, seed
        self._guard = Guard(())

    def connect(self, context: SearchContext) -> None:
        """With the context it knows the classes a prompt must not name."""
        self._guard = Guard(context.clips.classes)

    def ask(self, view: HistoryView, n: int) -> list[Proposal]:
        """n paraphrases as long as the model writes anything new."""
        return pick(self._written(view, n), view, n, self._guard)

    def tell(self, results: Sequence[ScoredPrompt]) -> None:
        """Nothing to learn: that is the point."""

    def _written(self, view: HistoryView, n: int) -> Iterator[Proposal]:
        for attempt in range(_ATTEMPTS * n):
            rng = Random(f"{self._seed}/{view.round}/{attempt}")
            original = rng.choice(ORIGINALS)
            text, raw = self._write(original.text, rng)
            yield Proposal(text, (original.id,), "says it in other words", raw)

    def _by_request(self, original: str, rng: Random) -> tuple[str, str]:
        reply = self._llm.complete(
            [
                Message("system", "You answer with JSON and nothing else."),
                Message("user", REQUEST.format(text=original)),
            ],
            max_tokens=_TOKENS,
            seed=rng.getrandbits(31),
            json_schema=schema(1),
        )
        found = ideas(reply.text)
        return (found[0].prompt if found else ""), reply.text

    def _by_line(self, original: str, rng: Random) -> tuple[str, str]:
        begin = rng.choice(OPENERS)
        reply = self._llm.complete(
            LINE.format(text=original),
            max_tokens=56 + len(begin) // 3,
            temperature=self._llm.temperature * rng.uniform(0.7, 1.1),
            seed=rng.getrandbits(31),
            stop=("\n",),
            begin=f" {begin}",
        )
        return continuation(reply.text, reply.cut), reply.text
