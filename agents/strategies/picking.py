"""Which of the texts a model wrote are worth proposing."""

from collections.abc import Iterable

from agents.budget import OutOfBudget
from agents.guard import Guard, normalised
from agents.strategy import Proposal
from prompts.view import HistoryView


def pick(written: Iterable[Proposal], view: HistoryView, n: int, guard: Guard) -> list[Proposal]:
    """The first n that are new and pass the guard, reading no further than needed.

    Where a model has too few, others are handed over all the same: for the record, and so that the run ends.
    A cap reached while they are written ends the reading: what was paid for before is proposed. Raises
    OutOfBudget when that is nothing good.
    """
    good: list[Proposal] = []
    poor: list[Proposal] = []
    seen = known(view)
    try:
        for proposal in written:
            old = normalised(proposal.text) in seen
            (poor if old or guard.check(proposal.text) else good).append(proposal)
            seen.add(normalised(proposal.text))
            if len(good) == n:
                break
    except OutOfBudget:
        if not good:
            raise
    return [*good, *poor][:n]


def known(view: HistoryView) -> set[str]:
    """Normalised texts that were scored or refused in this run."""
    scored = {normalised(one.prompt.text) for one in view.scored}
    return scored | {normalised(one.text) for one in view.refused}
