"""The `evolve` strategy: parents from the Pareto front are crossed and mutated by the language model.

After EvoPrompt (arXiv 2309.08532) with NSGA-II's selection: binary tournaments by front and crowding over
SHAcc, SBErr and the number of words. Half of the children are crossed, half mutated.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from agents.strategies.metaprompt import OPENERS
from agents.strategies.picking import pick
from agents.strategies.selection import standing, tournament
from agents.strategies.telling import line
from agents.strategies.writing import ATTEMPTS, WritingStrategy, Written, write_idea, write_line
from agents.strategy import Proposal
from agents.tools import called
from prompts.view import HistoryView, ScoredPrompt

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


class Evolve(WritingStrategy):
    """Depends on (seed, history) alone, as far as the model does."""

    name = "evolve"

    def ask(self, view: HistoryView, n: int) -> list[Proposal]:
        """n children as long as the model writes anything new."""
        return pick(self._children(view, n), view, n, self._guard)

    def _children(self, view: HistoryView, n: int) -> Iterator[Proposal]:
        write = self._by_request if self._chats else self._by_line
        for attempt in range(ATTEMPTS * n):
            rng = Random(f"{self._seed}/{view.round}/{attempt}")
            step = plan(view, attempt, rng)
            if step:
                written = write(step, rng)
                why = "; ".join(part for part in (step.hypothesis, written.hypothesis) if part)
                yield written.proposal(tuple(one.prompt.id for one in step.parents), why)

    def _by_request(self, step: Step, rng: Random) -> Written:
        one, *others = (line(parent.prompt.text) for parent in step.parents)
        asked = CROSS.format(one=one, other=others[0]) if others else MUTATE.format(one=one, what=step.what)
        return write_idea(self._llm, SYSTEM, asked, rng)

    def _by_line(self, step: Step, rng: Random) -> Written:
        """For models that continue: a crossover begins as one parent does, a mutation with an opening."""
        one, *others = (line(parent.prompt.text) for parent in step.parents)
        text = CROSS_LINE.format(one=one, other=others[0]) if others else MUTATE_LINE.format(one=one)
        said = one.split()
        begin = " ".join(said[: max(2, len(said) // 2)]) if others else rng.choice(OPENERS)
        return write_line(self._llm, text, begin, rng)


def plan(view: HistoryView, number: int, rng: Random) -> Step | None:
    """Crossover and mutation in turn; None before anything is scored."""
    ranks = standing(view)
    one = tournament(view, rng, ranks)
    if one is None:
        return None
    other = tournament(view, rng, ranks, (one.prompt.id,)) if number % 2 == 0 else None
    return Step((one, other) if other else (one,), rng.choice(CHANGES))
