"""Per-clip predictions of any system, as answers that metrics understand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from assets.errors import UserError
from vllm_eval.engine import Answer
from vllm_eval.score.cells import Reading

T = TypeVar("T")

Unknown = Literal["refuse", "other", "unparsed"]


@dataclass(frozen=True)
class Options:
    """How to read a file. ``columns``: names given by the user, per role. ``count_from``: for choice numbers.

    ``unknown``: what becomes of a prediction that names neither a choice nor a label of the file.
    """

    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    reading: Reading = "cell"
    count_from: int | None = None
    unknown: Unknown = "refuse"
    sources: tuple[str, ...] = ()
    classes: int | None = None


@dataclass(frozen=True)
class Predictions:
    """One answer per clip. ``ids`` are empty where the file names no clips, ``background`` where it has none.

    ``sources[i]`` cluster clip i; ``persons[i]`` joins a swap and its original. ``choices``: number of
    choices, their mean where it varies. ``fields``: every column as it stands. ``notes`` tell what was
    decided.
    """

    name: str
    answers: tuple[Answer, ...]
    ids: tuple[str, ...]
    sources: tuple[tuple[str, ...], ...]
    persons: tuple[str, ...]
    human: tuple[str, ...]
    background: tuple[str, ...]
    chance: float
    choices: float
    fields: tuple[Mapping[str, str], ...]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.answers)

    def renumbered(self, file: int) -> "Predictions":
        """With sources that are but the numbers of rows told apart from those of other files."""
        if self.sources != tuple((str(index),) for index in range(len(self))):
            return self
        return replace(self, sources=tuple((f"{file}:{index}",) for index in range(len(self))))


def pooled(parts: Sequence[Predictions]) -> Predictions:
    """Several files as one, clips of different files apart. Raises UserError where that makes no sense."""
    if len(parts) == 1:
        return parts[0]
    for other in parts[1:]:
        if bool(other.background) != bool(parts[0].background) or bool(other.ids) != bool(parts[0].ids):
            raise UserError(
                f"{other.name} and {parts[0].name} do not hold the same columns; score them one by one"
            )
    total = sum(map(len, parts))
    parts = [part.renumbered(number) for number, part in enumerate(parts)]

    def joined(pick: Callable[[Predictions], Sequence[T]]) -> tuple[T, ...]:
        return tuple(value for part in parts for value in pick(part))

    ids = tuple(f"{number}:{one}" for number, part in enumerate(parts) for one in part.ids)
    return Predictions(
        name=" + ".join(part.name for part in parts),
        answers=joined(lambda part: part.answers),
        ids=ids,
        sources=joined(lambda part: part.sources),
        persons=joined(lambda part: part.persons),
        human=joined(lambda part: part.human),
        background=joined(lambda part: part.background),
        chance=sum(part.chance * len(part) for part in parts) / total,
        choices=sum(part.choices * len(part) for part in parts) / total,
        fields=joined(lambda part: part.fields),
        notes=tuple(f"{part.name}: {note}" for part in parts for note in part.notes),
    )
