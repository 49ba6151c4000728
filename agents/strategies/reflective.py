"""The `reflective` strategy: failures are added up first, then a model rewrites several good prompts at once.

After GEPA (arXiv 2507.19457), with its reflection on counts over all failures instead of a pasted batch: long
lists of records make reflection worse (arXiv 2604.04247). A round takes several parents from the Pareto
front and asks for several children of each; the loop scores them all in one engine call. A parent's earlier
children are shown with what they fixed and broke, so that what failed is not tried again.
"""

from collections.abc import Iterator
from random import Random

from agents.guard import GuardSettings
from agents.llm.base import LLM, Message, sees_images
from agents.strategies import telling
from agents.strategies.agent import SYSTEM
from agents.strategies.metaprompt import schema
from agents.strategies.opro import Opro
from agents.strategies.picking import pick
from agents.strategies.replies import ideas
from agents.strategies.selection import standing
from agents.strategies.sheets import sheet
from agents.strategies.writing import Form, WritingStrategy
from agents.strategy import Proposal
from agents.tools import Rows, diff, exemplars, texts
from prompts.view import HistoryView, ScoredPrompt

RECORDS = 10  # failing clips shown at most
_PARENTS = 2  # of a round
_LINES, _CHILDREN = 6, 4
_IDEA_TOKENS = 140

REQUEST = """\
A prompt was tried on {n_clips} clips:
{parent}
What it gets wrong, counted over all clips:
{confusions}
Where:
{clusters}
Some failing clips{pictured}:
{records}
Its children so far:
{children}
Say to yourself what these failures have in common and why the prompt lets them happen. Then write {n} new \
prompts that keep what works and mend that, each in another way.
Answer with a JSON object whose "prompts" hold {n} objects with "hypothesis", the failure it mends and how, \
and "prompt"."""


class Reflective(WritingStrategy):
    """Depends on (seed, history) alone, as far as the model does. With a context it can show clips."""

    name = "reflective"

    def __init__(
        self, llm: LLM, form: Form = "auto", seed: int = 0, limits: GuardSettings | None = None
    ) -> None:
        super().__init__(llm, form, seed, limits)
        self._ranked = Opro(llm, "ranked", seed, limits)

    def ask(self, view: HistoryView, n: int) -> list[Proposal]:
        """n children, of several parents where n allows; a ranked list for models that cannot reflect."""
        if not self._chats:
            return self._ranked.ask(view, n)
        return pick(self._children(view, n), view, n, self._guard)

    def _children(self, view: HistoryView, n: int) -> Iterator[Proposal]:
        """Each parent's share; then, while some are refused, one more request to each parent."""
        for attempt in range(2):
            chosen = parents(view, min(_PARENTS, n), Random(f"{self._seed}/{view.round}/{attempt}"))
            for number, parent in enumerate(chosen):
                share = n // len(chosen) + (number < n % len(chosen))
                yield from self._of(view, parent, share, attempt)

    def _of(self, view: HistoryView, parent: ScoredPrompt, n: int, attempt: int) -> Iterator[Proposal]:
        rng = Random(f"{self._seed}/{view.round}/{parent.prompt.id}/{attempt}")
        rows = self._rows(parent)
        shown = exemplars(rows, RECORDS)
        picture = sheet(self._context, shown) if self._context and shown and sees_images(self._llm) else None
        request = Message(
            "user", self._request(view, parent, rows, n, bool(picture)), (picture,) if picture else ()
        )
        turns = (Message("system", f"{SYSTEM}\nYou answer with JSON and nothing else."), request)
        reply = self._llm.complete(
            turns,
            max_tokens=_IDEA_TOKENS * n + 60,
            temperature=self._llm.temperature * (1 + 0.15 * attempt),
            seed=rng.getrandbits(31),
            json_schema=schema(n),
        )
        for idea in ideas(reply.text):
            yield Proposal(idea.prompt, (parent.prompt.id,), idea.hypothesis, reply.text, request=turns)

    def _request(self, view: HistoryView, parent: ScoredPrompt, rows: Rows, n: int, pictured: bool) -> str:
        return REQUEST.format(
            n=n,
            n_clips=parent.metrics.n,
            parent=telling.scores(parent),
            confusions=telling.confusions(parent, _LINES),
            clusters=telling.clusters(rows, _LINES),
            pictured=", the first of them in the picture" if pictured else "",
            records=telling.failures(rows, RECORDS),
            children=self._so_far(view, parent, rows),
        )

    def _so_far(self, view: HistoryView, parent: ScoredPrompt, rows: Rows) -> str:
        """What became of the parent's children, the latest first."""
        children = [one for one in view.scored if parent.prompt.id in one.prompt.parents[:1]]
        told = []
        for child in sorted(children, key=lambda one: -one.position)[:_CHILDREN]:
            found = diff(rows, self._rows(child))
            change = f", {len(found.fixed)} clips fixed, {len(found.broke)} broken" if found.common else ""
            told.append(f"{telling.scores(child)}{change}")
        return "\n".join(told) or telling.NOTHING

    def _rows(self, one: ScoredPrompt) -> Rows:
        return self._context.answers(one.prompt.id) if self._context else ()


def parents(view: HistoryView, most: int, rng: Random) -> list[ScoredPrompt]:
    """Different prompts to improve on: the leader, then draws from the best fronts."""
    ranks = standing(view)
    ordered = sorted(texts(view), key=lambda one: ranks[one.prompt.id])
    leader = texts(view)[:1]
    others = [one for one in ordered if one not in leader][: 2 * most]
    return [*leader, *rng.sample(others, min(len(others), most - len(leader)))] if leader else []
