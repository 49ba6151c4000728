"""The `evolve` strategy: parents from the Pareto front are crossed and mutated by the language model.

After EvoPrompt (arXiv 2309.08532) with NSGA-II's selection: binary tournaments by front and crowding over
SHAcc, SBErr and the number of words. Half of the children are crossed, half mutated.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from agents.guard import Guard
from agents.llm.base import LLM, Message
from agents.strategies.metaprompt import OPENERS, schema
from agents.strategies.opro import FORMS, Form
from agents.strategies.picking import pick
from agents.strategies.replies import continuation, ideas
from agents.strategies.selection import standing, tournament
from agents.strategies.telling import line
from agents.strategy import Proposal, SearchContext
from agents.tools import called
from assets.errors import UserError
from prompts.view import HistoryView, ScoredPrompt

_ATTEMPTS = 4  # replies for one proposal at most
_TOKENS = 150

SYSTEM = """\
You rewrite prompts for a model that watches a video and names the action the person performs; the place in \
the video is misleading. A prompt is one to three short sentences, at most 50 words, names no particular \
action, sport or object, and lists no options. You answer with JSON and nothing else."""

CROSS = """\
Two prompts that work well:
1. {one}
2. {other}
Cross them: write one new prompt that joins an idea of the first with an idea of the second, in words of its \
own.
Answer with a JSON object whose "prompts" hold one object with "hypothesis", which ideas it joins, and \
"prompt"."""

MUTATE = """\
A prompt that works well:
{one}
Mutate it: keep its purpose, change {what}.
Answer with a JSON object whose "prompts" hold one object with "hypothesis", what was changed and why, and \
"prompt"."""

CHANGES = (
    "one sentence of it for a new idea",
    "what it tells the model to look at",
    "what it tells the model to leave out",
    "its first sentence",
    "its tone: from asking to telling, or from telling to asking",
    "its length: say the same in half the words",
    "its order: begin with what it ends with",
)

CROSS_LINE = "Instruction A: {one}\nInstruction B: {other}\nInstruction C, the best of A and B in one:"
MUTATE_LINE = "Instruction A: {one}\nInstruction B, like A with a new idea:"


@dataclass(frozen=True)
class Step:
    """One child to be made, of one parent (mutation) or two (crossover)."""

    parents: tuple[ScoredPrompt, ...]
    what: str

    @property
    def hypothesis(self) -> str:
        """How the child was made."""
        names = " with ".join(called(one) for one in self.parents)
        return f"crosses {names}" if len(self.parents) > 1 else f"mutates {names}: {self.what}"


class Evolve:
    """Depends on (seed, history) alone, as far as the model does."""

    name = "evolve"

    def __init__(self, llm: LLM, form: Form = "auto", seed: int = 0) -> None:
        if form not in FORMS:
            raise UserError(f"unknown form {form!r} of evolve, expected one of: {', '.join(FORMS)}")
        follows = form == "chat" or (form == "auto" and llm.follows_instructions)
        self._write = self._by_request if follows else self._by_line
        self._llm, self._seed = llm, seed
        self._guard = Guard(())

    def connect(self, context: SearchContext) -> None:
        """With the context it knows the classes a prompt must not name."""
        self._guard = Guard(context.clips.classes)

    def ask(self, view: HistoryView, n: int) -> list[Proposal]:
        """n children as long as the model writes anything new."""
        return pick(self._children(view, n), view, n, self._guard)

    def tell(self, results: Sequence[ScoredPrompt]) -> None:
        """Nothing to learn that the history does not hold."""

    def _children(self, view: HistoryView, n: int) -> Iterator[Proposal]:
        for attempt in range(_ATTEMPTS * n):
            rng = Random(f"{self._seed}/{view.round}/{attempt}")
            step = plan(view, attempt, rng)
            if step:
                text, why, raw = self._write(step, rng)
                yield Proposal(text, tuple(one.prompt.id for one in step.parents), why, raw)

    def _by_request(self, step: Step, rng: Random) -> tuple[str, str, str]:
        one, *others = (line(parent.prompt.text) for parent in step.parents)
        asked = CROSS.format(one=one, other=others[0]) if others else MUTATE.format(one=one, what=step.what)
        reply = self._llm.complete(
            [Message("system", SYSTEM), Message("user", asked)],
            max_tokens=_TOKENS,
            seed=rng.getrandbits(31),
            json_schema=schema(1),
        )
        found = ideas(reply.text)
        told = (
            f"{step.hypothesis}; {found[0].hypothesis}" if found and found[0].hypothesis else step.hypothesis
        )
        return (found[0].prompt if found else ""), told, reply.text

    def _by_line(self, step: Step, rng: Random) -> tuple[str, str, str]:
        """For models that continue: a crossover begins as one parent does, a mutation with an opening."""
        one, *others = (line(parent.prompt.text) for parent in step.parents)
        text = CROSS_LINE.format(one=one, other=others[0]) if others else MUTATE_LINE.format(one=one)
        said = one.split()
        begin = " ".join(said[: max(2, len(said) // 2)]) if others else rng.choice(OPENERS)
        reply = self._llm.complete(
            text,
            max_tokens=56 + len(begin) // 3,
            temperature=self._llm.temperature * rng.uniform(0.7, 1.1),
            seed=rng.getrandbits(31),
            stop=("\n",),
            begin=f" {begin}",
        )
        return continuation(reply.text, reply.cut), step.hypothesis, reply.text


def plan(view: HistoryView, number: int, rng: Random) -> Step | None:
    """Crossover and mutation in turn; None before anything is scored."""
    ranks = standing(view)
    one = tournament(view, rng, ranks)
    if one is None:
        return None
    other = tournament(view, rng, ranks, (one.prompt.id,)) if number % 2 == 0 else None
    return Step((one, other) if other else (one,), rng.choice(CHANGES))
