"""Which actions a prompt gets right, which it takes for what, and which scenes still win."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prompts.report.facts import Line, Section
from vllm_eval.evaluator import AnswerRow

MOST_CLASSES = 60  # a heat map with more rows is no longer looked at
MOST_ANSWERED = 24  # rows and columns of a confusion matrix


@dataclass(frozen=True)
class Cell:
    """``count`` of ``n`` clips; None where there is no clip."""

    count: int
    n: int

    @property
    def share(self) -> float | None:
        """The share, 0..1."""
        return self.count / self.n if self.n else None


@dataclass(frozen=True)
class Grid:
    """A table of cells with names along both sides. ``left_out`` rows were too many to show."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    left_out: int = 0


def per_class(section: Section, lines: Sequence[Line]) -> Grid:
    """Per class of the person, how many of its clips each prompt named right; rarest successes first."""
    tables = [_counts(section.answers[line.prompt.id]) for line in lines]
    names = sorted({name for table in tables for name in table})
    if tables:  # by the last prompt, the winner: what is still hard stands on top
        names.sort(key=lambda name: (tables[-1].get(name, Cell(0, 0)).share or 0, name))
    kept = names[:MOST_CLASSES]
    rows = tuple((name, tuple(table.get(name, Cell(0, 0)) for table in tables)) for name in kept)
    return Grid(tuple(line.label for line in lines), rows, len(names) - len(kept))


def per_scene(section: Section, lines: Sequence[Line]) -> Grid:
    """Per scene, how often its action was answered instead of the person's; what still fools goes first."""
    tables = [_scene_counts(section.answers[line.prompt.id]) for line in lines]
    names = sorted({name for table in tables for name in table})
    if tables:
        names.sort(key=lambda name: (-(tables[-1].get(name, Cell(0, 0)).share or 0), name))
    kept = names[:MOST_CLASSES]
    rows = tuple((name, tuple(table.get(name, Cell(0, 0)) for table in tables)) for name in kept)
    return Grid(tuple(line.label for line in lines), rows, len(names) - len(kept))


def confusion(rows: Sequence[AnswerRow]) -> Grid:
    """Person's class by answered class, cells counting clips. Answers without a label are left out.

    With many classes, those that are confused most often.
    """
    scored = [row for row in rows if row.answer.kind != "error"]
    counts = Counter((row.human, row.answer.label) for row in scored if row.answer.label is not None)
    wrong: Counter[str] = Counter()
    for (human, answered), count in counts.items():
        if human != answered:
            wrong[human] += count
            wrong[str(answered)] += count
    known = {row.human for row in scored} | {str(answered) for _, answered in counts}
    kept = sorted(sorted(known, key=lambda name: (-wrong[name], name))[:MOST_ANSWERED])
    totals = Counter(row.human for row in scored)
    table = tuple(
        (human, tuple(Cell(counts[human, answered], totals[human]) for answered in kept)) for human in kept
    )
    return Grid(tuple(kept), table, len(known) - len(kept))


def _counts(rows: Sequence[AnswerRow]) -> Mapping[str, Cell]:
    scored = [row for row in rows if row.answer.kind != "error"]
    totals = Counter(row.human for row in scored)
    right = Counter(row.human for row in scored if row.answer.kind == "human")
    return {name: Cell(right[name], n) for name, n in totals.items()}


def _scene_counts(rows: Sequence[AnswerRow]) -> Mapping[str, Cell]:
    scored = [row for row in rows if row.answer.kind != "error" and row.background not in (None, row.human)]
    totals = Counter(str(row.background) for row in scored)
    won = Counter(str(row.background) for row in scored if row.answer.kind == "background")
    return {name: Cell(won[name], n) for name, n in totals.items()}
