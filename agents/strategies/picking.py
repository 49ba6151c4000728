"""Which of the texts a model wrote are worth proposing."""

from collections.abc import Iterable
from dataclasses import replace

from agents.budget import OutOfBudget
from agents.guard import Guard, normalised
from agents.strategy import Proposal
from prompts.view import HistoryView


def pick(
    written: Iterable[Proposal], view: HistoryView, n: int, guard: Guard, record: bool = True
) -> list[Proposal]:
    """The first n that are new and pass the guard, reading no further than needed.

    What the guard refused on the way comes before them as spare, with ``record``. Where a model has too few,
    others are handed over all the same, so that the run ends. A cap reached while they are written ends the
    reading: what was paid for before is proposed. Raises OutOfBudget when that is nothing good.
    """
    good: list[Proposal] = []
    poor: list[Proposal] = []
    refused: list[Proposal] = []
    seen = known(view)
    try:
        for proposal in written:
            words = normalised(proposal.text)
            if words in seen:
                poor.append(proposal)
            elif guard.check(proposal.text):
                poor.append(proposal)
                refused.append(proposal)
            else:
                good.append(proposal)
            seen.add(words)
            if len(good) == n:
                break
    except OutOfBudget:
        if not good:
            raise
    taken = [*good, *poor][:n]
    spare = [one for one in refused if one.text.strip() and one not in taken] if good else []
    return [*(replace(one, spare=True) for one in spare if good and record), *taken]


def known(view: HistoryView) -> set[str]:
    """Normalised texts that were scored or refused in this run."""
    scored = {normalised(one.prompt.text) for one in view.scored}
    return scored | {normalised(one.text) for one in view.refused}
