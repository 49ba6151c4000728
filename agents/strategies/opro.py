"""The `opro` strategy: a language model sees scored prompts and writes better ones.

After arXiv 2309.03409 and 2512.17953, in two forms. A model that follows instructions gets a request and
answers in JSON (chat). A small one that does not continues a ranked list, "Score 22: ... Score 57: ...
Score 90:" (ranked): it only has to write one line in the manner of the lines above, several times. Left
alone, small models repeat the list, so each sample begins differently: with an opening, with all of a good
prompt, or with its first half.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from agents.guard import Guard, GuardSettings
from agents.llm.base import LLM
from agents.strategies.metaprompt import OPENERS, candidates, chat, percent, ranked, schema
from agents.strategies.picking import pick
from agents.strategies.replies import ideas
from agents.strategies.writing import ATTEMPTS, Form, chats, check_form, write_line
from agents.strategy import Proposal
from prompts.view import HistoryView, ScoredPrompt

_CHAT_CALLS = 3  # requests for one ``ask`` at most
_IDEA_TOKENS = 130
_GROWS_UP_TO = 30  # words; longer prompts are not extended further
_PARENTS = 5  # of the best so many, and of the best third, one is extended


@dataclass(frozen=True)
class _Beginning:
    """How a continuation begins, why, and whose child it is (None: of the best prompts shown)."""

    text: str
    why: str
    parent: str | None = None


class Opro:
    """Depends on (seed, history) alone: with a local model the same history gives the same proposals.

    A text that is empty, repeated or no question is replaced by another sample; when a model has nothing
    better it is handed over all the same, for the record and so that the run can end.
    """

    name = "opro"

    def __init__(
        self, llm: LLM, form: Form = "auto", seed: int = 0, limits: GuardSettings | None = None
    ) -> None:
        check_form(self.name, form)
        self._llm = llm
        self._form = form
        self._seed = seed
        self._guard = Guard.of((), limits)

    def ask(self, view: HistoryView, n: int) -> list[Proposal]:
        """n proposals as long as the model writes anything; see the class."""
        if chats(self._llm, self._form):
            return pick(self._chat(view, n), view, n, self._guard)
        # Ways on from a list are drawn until some are of use; the others are no proposals, for no record.
        return pick(self._ranked(view, n), view, n, self._guard, record=False)

    def tell(self, results: Sequence[ScoredPrompt]) -> None:
        """Nothing to learn that the history does not hold."""

    def _rng(self, view: HistoryView, attempt: int) -> Random:
        return Random(f"{self._seed}/{view.round}/{attempt}")

    def _chat(self, view: HistoryView, n: int) -> Iterator[Proposal]:
        """The ideas of up to _CHAT_CALLS replies, each reply to another selection of earlier prompts."""
        for attempt in range(_CHAT_CALLS):
            rng = self._rng(view, attempt)
            turns, shown = chat(view, n, rng)
            reply = self._llm.complete(
                turns,
                max_tokens=_IDEA_TOKENS * n + 50,
                temperature=self._llm.temperature * (1 + 0.15 * attempt),
                seed=rng.getrandbits(31),
                json_schema=schema(n),
            )
            for idea in ideas(reply.text):
                yield Proposal(idea.prompt, _best(shown), idea.hypothesis, reply.text, request=tuple(turns))

    def _ranked(self, view: HistoryView, n: int) -> Iterator[Proposal]:
        """Continuations of one ranked list, each begun another way: one list is read once for all of them."""
        text, shown = ranked(view, self._rng(view, -1))
        for attempt in range(ATTEMPTS * n):
            rng = self._rng(view, attempt)
            begun = self._beginning(view, attempt, rng)
            written = write_line(self._llm, text, begun.text, rng)
            parents = (begun.parent,) if begun.parent else _best(shown)
            yield written.proposal(parents, begun.why)

    def _beginning(self, view: HistoryView, attempt: int, rng: Random) -> _Beginning:
        """Half of them openings, in an order of this run's own; else a good short prompt, or half of one."""
        short = [one for one in candidates(view) if len(one.prompt.text.split()) <= _GROWS_UP_TO]
        short = short[: min(_PARENTS, -(-len(short) // 3))]
        draw = rng.random()
        if draw < 0.5 or not short or not _proposed(view):
            turn = len(view.scored) + len(view.refused) + attempt
            openers = Random(f"{self._seed}/openers").sample(OPENERS, len(OPENERS))
            opener = openers[turn % len(openers)]
            return _Beginning(opener, f"opens with {opener!r}")
        chosen = short[min(int(rng.expovariate(0.7)), len(short) - 1)]
        said = chosen.prompt.text.split()
        if draw < 0.75:
            return _Beginning(
                " ".join(said), f"adds to a prompt of score {percent(chosen.score)}", chosen.prompt.id
            )
        half = " ".join(said[: max(2, rng.randint(len(said) // 3, len(said) * 2 // 3))])
        return _Beginning(
            half, f"ends a prompt of score {percent(chosen.score)} differently", chosen.prompt.id
        )


def _proposed(view: HistoryView) -> bool:
    return any(one.position >= 0 for one in view.scored)


def _best(shown: Sequence[ScoredPrompt]) -> tuple[str, ...]:
    """Ids of the best three shown, best first."""
    return tuple(one.prompt.id for one in reversed(shown[-3:]))
