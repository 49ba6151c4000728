"""The `grid` strategy, a control: every combination of some wordings, in an order of the seed's own."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from random import Random
from string import Formatter
from typing import Any

from agents.guard import normalised
from agents.strategies.picking import known
from agents.strategy import Proposal
from assets.errors import UserError
from prompts.view import HistoryView, ScoredPrompt

TEMPLATE = "{look} {leave} {ask}"

# Looking, leaving out, asking: what the hand-written prompts of arXiv 2512.17953 are made of.
SLOTS: Mapping[str, Sequence[str]] = {
    "look": (
        "",
        "Focus only on the person.",
        "Watch how the body moves from frame to frame.",
        "Look at the arms, hands and legs.",
        "Judge by posture and movement alone.",
    ),
    "leave": (
        "",
        "Ignore the background.",
        "The place is misleading.",
        "Pretend the person stands in an empty room.",
    ),
    "ask": (
        "What is the action being performed?",
        "What is the person doing?",
        "Which action do the movements belong to?",
    ),
}


class Grid:
    """``slots``: per name in the braces of ``template`` its wordings; an empty one leaves the slot out.

    The order is a permutation by the seed: a budget smaller than the grid gets a sample of it. Raises
    UserError where template and slots do not fit.
    """

    name = "grid"

    def __init__(
        self, template: str = TEMPLATE, slots: Mapping[str, Sequence[str]] = SLOTS, seed: int = 0
    ) -> None:
        self._cells = cells(template, slots)
        Random(f"{seed}/grid").shuffle(self._cells)

    def ask(self, view: HistoryView, n: int) -> list[Proposal]:
        """The next n combinations that were neither scored nor refused so far."""
        seen = known(view)
        return [cell for cell in self._cells if normalised(cell.text) not in seen][:n]

    def tell(self, results: Sequence[ScoredPrompt]) -> None:
        """Nothing to learn."""


def cells(template: str, slots: Mapping[str, Sequence[str]]) -> list[Proposal]:
    """Every combination as a proposal, each text once; its hypothesis says which wordings it is made of."""
    try:
        named = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError as failure:
        raise UserError(f"grid template {template!r}: {failure}") from None
    if sorted(named) != sorted(slots) or not named:
        raise UserError(
            f"grid template {template!r} needs a slot for each of {', '.join(slots) or 'no wordings'}, "
            "each once and no other, such as {look} {ask}"
        )
    made: dict[str, Proposal] = {}
    for numbers in product(*(range(len(slots[name])) for name in named)):
        chosen = {name: slots[name][number] for name, number in zip(named, numbers, strict=True)}
        text = " ".join(template.format(**chosen).split())
        place = ", ".join(f"{name} {number + 1}" for name, number in zip(named, numbers, strict=True))
        made.setdefault(normalised(text), Proposal(text, (), f"grid: {place}"))
    return list(made.values())


def read(path: str) -> tuple[str, dict[str, list[str]]]:
    """Template and slots of a YAML file: ``template: "{look} {ask}"``, ``slots: {look: [...], ask: [...]}``.

    Raises UserError for a file that can't be read or says something else.
    """
    import yaml

    try:
        said: Any = yaml.safe_load(Path(path).expanduser().read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as failure:
        raise UserError(f"cannot read optimizer.file {path}: {str(failure).splitlines()[0]}") from None
    template, slots = (
        (said.get(key) for key in ("template", "slots")) if isinstance(said, dict) else (None, None)
    )
    if not isinstance(template, str) or not isinstance(slots, dict) or not _wordings(slots):
        raise UserError(
            f"optimizer.file {path} is no grid, expected template: a text with {{slots}}, and slots: lists "
            "of wordings by name"
        )
    return template, {str(name): list(some) for name, some in slots.items()}


def _wordings(slots: Mapping[Any, Any]) -> bool:
    lists = [some for some in slots.values() if isinstance(some, list) and some]
    return len(lists) == len(slots) and all(isinstance(one, str) for some in lists for one in some)
