"""Do choice numbers count from 0 or from 1? Decided by what the file shows, else asked; never guessed.

The code of arXiv 2512.17953 counts from 1, and programs that write an argmax count from 0. A column shows
which by holding 0, or the number of choices, or by standing beside the label that it numbers; failing that,
the columns of choices tell by their own numbers (choice_1 to choice_5). Contradictions are refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from assets.errors import UserError

FLAG = "--count-from"


@dataclass(frozen=True)
class Known:
    """What numbers count from, and the column that shows it."""

    start: int
    column: str


@dataclass(frozen=True)
class Numbered:
    """One column's whole numbers: (value, number of choices or 0 where unknown, where it stands)."""

    column: str
    cells: tuple[tuple[int, int, str], ...]

    def start(self) -> int | None:
        """0 or 1 where the numbers show it. Raises UserError where they show both."""
        zero = next((place for value, _, place in self.cells if value == 0), None)
        last = next(
            ((value, place) for value, choices, place in self.cells if choices and value == choices), None
        )
        if zero and last:
            raise UserError(
                f"{self.column!r} holds 0 ({zero}) and {last[0]} of {last[0]} choices ({last[1]}), "
                f"expected numbers that count from 0 or from 1; say what they are with labels"
            )
        return 0 if zero else 1 if last else None


def labelled_start(column: str, cells: Sequence[tuple[int, Sequence[str], str, str]]) -> int | None:
    """From numbers beside the label they stand for: (number, choices as keys, label as key, where).

    None without numbers. Raises UserError where neither count leads to the labels.
    """
    fits = dict.fromkeys((0, 1), True)
    wrong = ""
    for number, choices, label, place in cells:
        for start in fits:
            inside = 0 <= number - start < len(choices)
            fit = inside and choices[number - start] == label
            fits[start] = fits[start] and fit
        if not any(fits.values()):
            wrong = f"{number} for {label!r} ({place})"
            break
    if wrong:
        raise UserError(
            f"{column!r} holds {wrong}, but neither counted from 0 nor from 1 is that its choice; "
            "mend the row or drop the column"
        )
    shown = [start for start, fit in fits.items() if fit]
    return shown[0] if cells and len(shown) == 1 else None


def starts(
    prediction: Numbered,
    references: Sequence[Numbered],
    labelled: Known | None,
    named: Known | None,
    asked: int | None,
) -> tuple[int, int]:
    """What predictions and what references count from.

    ``labelled``: shown by numbers beside labels; ``named``: by the names of the columns of choices, which
    counts where nothing else does; ``asked``: by the user.
    """
    shown = [Known(start, one.column) for one in references if (start := one.start()) is not None]
    shown += [labelled] if labelled else []
    if len({one.start for one in shown}) > 1:
        names = " and ".join(repr(one.column) for one in shown)
        raise UserError(f"{names} do not count from the same number; give labels instead")
    basis = shown[0] if shown else named
    reference = basis.start if basis else None
    own = prediction.start()
    if asked is not None:
        if own is not None and own != asked:
            raise UserError(f"{prediction.column!r} counts from {own}, as its numbers show, not from {asked}")
        return asked, asked if reference is None else reference
    if own is not None and basis and own != basis.start:
        raise UserError(
            f"{prediction.column!r} counts from {own} but {basis.column!r} from {basis.start}; "
            f"if that is so, say {FLAG} {own}"
        )
    found = own if own is not None else reference
    if found is None and (prediction.cells or any(one.cells for one in references)):
        unclear = prediction if prediction.cells else next(one for one in references if one.cells)
        low, high = min(cell[0] for cell in unclear.cells), max(cell[0] for cell in unclear.cells)
        raise UserError(
            f"{unclear.column!r} holds {low} to {high} and may count from 0 or from 1; "
            f"say {FLAG} 0 or {FLAG} 1"
        )
    start = 1 if found is None else found
    return start, start if reference is None else reference


def starts_without_choices(
    prediction: Numbered, references: Sequence[Numbered], last_letter: int, asked: int | None
) -> tuple[int, int]:
    """As ``starts`` where the choices are not known. ``last_letter``: the highest letter's place, 0 if none.

    Numbers alone need no start: they are compared as they are, unless one side holds 0 and the other does
    not and ends one higher.
    """
    ours = [value for value, _, _ in prediction.cells]
    theirs = [value for one in references for value, _, _ in one.cells]
    every = ours + theirs
    if not every:
        return 1, 1
    if last_letter:
        shown = 0 if 0 in every else 1 if max(every) == last_letter > 1 else asked
        if shown is None:
            raise UserError(
                f"numbers {min(every)} to {max(every)} beside letters may count from 0 or from 1; "
                f"say {FLAG} 0 or {FLAG} 1"
            )
        return (shown if asked is None else asked), shown
    if ours and theirs and (0 in ours) != (0 in theirs) and abs(max(ours) - max(theirs)) == 1:
        own, other = (0, 1) if 0 in ours else (1, 0)
        if asked is None:
            raise UserError(
                f"{prediction.column!r} holds {min(ours)} to {max(ours)} but {_names(references)} "
                f"{min(theirs)} to {max(theirs)}; if they count from {own} and {other}, say {FLAG} {own}"
            )
        return asked, other if asked == own else asked
    return 0, 0


def _names(references: Sequence[Numbered]) -> str:
    return " and ".join(repr(one.column) for one in references if one.cells)
