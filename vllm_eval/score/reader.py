"""Reads a file of predictions: which column is what, what numbers count from, what every cell says."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from assets.errors import UserError
from vllm_eval.engine import Answer, Kind
from vllm_eval.score import cells
from vllm_eval.score.cells import Menu, Nothing, Position, Value
from vllm_eval.score.choices import choices_of, number_of_first
from vllm_eval.score.columns import PERSON_PATH, SCENE_PATH, Columns, find_columns
from vllm_eval.score.numbering import Known, Numbered, labelled_start, starts, starts_without_choices
from vllm_eval.score.predictions import Options, Predictions
from vllm_eval.score.records import Records, read_records
from vllm_eval.score.sources import person_of, sources_of


def read_predictions(path: Path, options: Options, another: bool = False) -> Predictions:
    """A file's predictions. Raises UserError with one line for anything that cannot be read as one.

    ``another``: the options were given for another file; columns this one lacks are recognised by name.
    """
    records = read_records(path)
    if another:
        options = _fitting(options, records)
    for name in options.sources:
        if name not in records.columns:
            raise UserError(
                f"{path}: no column {name!r} for --sources; there are {', '.join(records.columns)}"
            )
    return _Reader(records, find_columns(records, options.columns), options).read()


def _fitting(options: Options, records: Records) -> Options:
    here = set(records.columns)
    columns = {role: names for role, names in options.columns.items() if here.issuperset(names)}
    return replace(options, columns=columns, sources=tuple(n for n in options.sources if n in here))


class _Reader:
    """Reads one file's rows, column by column."""

    def __init__(self, records: Records, columns: Columns, options: Options) -> None:
        self.records, self.columns, self.options = records, columns, options
        self.notes = [columns.told()]
        self.human = self._labels(columns.human, PERSON_PATH)
        self.background = self._labels(columns.background, SCENE_PATH) if columns.background else ()
        self._check_references()
        self.menus = self._menus()

    def read(self) -> Predictions:
        lower = self._lower_case()
        ours, theirs = self._starts()
        human = self._references(self.columns.human, self.human, theirs)
        background = self._references(self.columns.background or "", self.background, theirs)
        answers = tuple(
            self._answer(index, human[index], background[index] if background else None, ours, lower)
            for index in range(len(self.records.rows))
        )
        self._note_answers(answers)
        ids = self._ids()
        return Predictions(
            name=self.records.path.name,
            answers=answers,
            ids=ids,
            sources=self._sources(ids),
            persons=tuple(person_of(one) for one in ids),
            human=tuple(self._shown(index, value) for index, value in enumerate(human)),
            background=tuple(self._shown(index, value) for index, value in enumerate(background)),
            chance=self._chance(),
            choices=sum(menu.places for menu in self.menus) / len(self.menus),
            fields=self.records.rows,
            notes=tuple(self.notes),
        )

    # -- what clips hold ---------------------------------------------------------------------------

    def _labels(self, column: str, path_column: str) -> tuple[str, ...]:
        """A column's cells; of "class/clip" the class."""
        texts = [row[column] for row in self.records.rows]
        if column == path_column:
            texts = [text.rstrip("/").rpartition("/")[0].rpartition("/")[2] for text in texts]
        return tuple(texts)

    def _check_references(self) -> None:
        for column, texts in ((self.columns.human, self.human), (self.columns.background, self.background)):
            empty = [index for index, text in enumerate(texts) if text.casefold() in cells.BLANK]
            if empty:
                raise UserError(
                    f"{self.records.where(empty[0])}: no label in {column!r} (so in {len(empty)} of "
                    f"{len(texts)} rows), expected one per clip; fill them in or leave the rows out"
                )

    def _menus(self) -> list[Menu]:
        """Per row what may be named: its choices, else every label of the file."""
        if self.columns.choices:
            rows = [choices_of(self.records, self.columns.choices, index) for index in range(len(self.human))]
            found = {choices: cells.menu(choices, ordered=True) for choices in dict.fromkeys(rows)}
            return [found[choices] for choices in rows]
        words = [
            text
            for text in dict.fromkeys((*self.human, *self.background))
            if not cells.is_letter(text) and cells.number_in(text) is None
        ]
        return [cells.menu(words, ordered=False)] * len(self.human)

    # -- numbers and letters -----------------------------------------------------------------------

    def _starts(self) -> tuple[int, int]:
        """What numbers count from, in predictions and in references."""
        texts = [row[self.columns.prediction] for row in self.records.rows]
        wanted = self.options.reading == "cell"
        prediction = self._numbered(self.columns.prediction, texts if wanted else [])
        references = [
            self._numbered(column, labels)
            for column, labels in (
                (self.columns.human, self.human),
                (self.columns.background, self.background),
            )
            if column
        ]
        asked = self.options.count_from
        if not self.columns.choices:
            letters = [
                text.upper() for text in (*texts, *self.human, *self.background) if cells.is_letter(text)
            ]
            last = max((cells.ALPHABET.index(letter) + 1 for letter in letters), default=0)
            ours, theirs = starts_without_choices(prediction, references, last, asked)
        else:
            named = number_of_first(self.columns.choices)
            ours, theirs = starts(prediction, references, self._labelled_start(), named, asked)
        if prediction.cells and self.columns.choices:
            lettered = sum(cells.is_letter(text) for text in texts)
            among = f" ({len(prediction.cells)} among {lettered} letters)" if lettered else ""
            self.notes.append(f"numbers in {self.columns.prediction!r}{among} count from {ours}")
        return ours, theirs

    def _numbered(self, column: str, texts: Sequence[str]) -> Numbered:
        found = []
        for index, text in enumerate(texts):
            number = cells.number_in(text)
            if number is not None and number >= 0 and cells.label_key(text) not in self.menus[index].keys:
                found.append((number, self.menus[index].places, self.records.where(index)))
        return Numbered(column, tuple(found))

    def _labelled_start(self) -> Known | None:
        """What the columns of choice numbers beside labels count from."""
        known = None
        for column, labels in (
            (self.columns.human_number, self.human),
            (self.columns.background_number, self.background),
        ):
            if column is None or not labels:
                continue
            rows = []
            for index, label in enumerate(labels):
                number = cells.number_in(self.records.rows[index][column])
                keys, key = tuple(self.menus[index].keys), cells.label_key(label)
                if number is not None and key in keys:
                    rows.append((number, keys, key, self.records.where(index)))
            start = labelled_start(column, rows)
            known = Known(start, column) if start is not None else known
        return known

    def _lower_case(self) -> bool:
        """Whether letters are small throughout. Among capitals a small one begins a word."""
        letters = [text for row in self.records.rows if cells.is_letter(text := row[self.columns.prediction])]
        if letters and all(letter.islower() for letter in letters) and self.options.reading == "cell":
            self.notes.append("letters are lower case throughout and read as choices")
            return True
        return False

    # -- rows --------------------------------------------------------------------------------------

    def _references(self, column: str, texts: Sequence[str], start: int) -> list[Value]:
        return [self._reference(column, index, text, start) for index, text in enumerate(texts)]

    def _reference(self, column: str, index: int, text: str, start: int) -> Value:
        menu = self.menus[index]
        value = cells.read_reference(text, menu, start)
        value = None if value is None else cells.resolved(value, menu)
        if value is None:
            raise UserError(
                f"{self.records.where(index)}: {column!r} is {text!r}, expected one of the clip's choices: "
                f"{', '.join(menu.labels)}"
            )
        return value

    def _answer(self, index: int, human: Value, background: Value | None, start: int, lower: bool) -> Answer:
        text, menu = self.records.rows[index][self.columns.prediction], self.menus[index]
        if self._failed(index):
            return _made(text, None, "error")
        read = cells.read_prediction(text, menu, start, lower, self.options.reading)
        if read is Nothing.ERROR:
            return _made(text, None, "error")
        if read is Nothing.UNPARSED:
            return _made(text, None, "unparsed")
        value = None if isinstance(read, Nothing) else cells.resolved(read, menu)
        if value is None:
            return self._unknown(index, text)
        if isinstance(value, Position) and not isinstance(human, Position):
            raise UserError(
                f"{self.records.where(index)}: prediction {text!r} is the place of a choice, but the choices "
                "are not known; name their columns with --choices"
            )
        label = value if isinstance(value, str) else f"#{value.index}"
        return _made(text, label, _kind(value, human, background))

    def _failed(self, index: int) -> bool:
        mark = self.records.rows[index][self.columns.error] if self.columns.error else ""
        return mark.casefold() not in (*cells.BLANK, "false", "0", "no")

    def _unknown(self, index: int, text: str) -> Answer:
        if self.options.unknown == "refuse":
            known = self.menus[index].labels
            listed = ", ".join(known[:8]) + (f" and {len(known) - 8} more" if len(known) > 8 else "")
            raise UserError(
                f"{self.records.where(index)}: prediction {text[:60]!r} is no choice of this clip "
                f"({listed}); mend it, or say --unknown other or unparsed, or --read reply for free text"
            )
        return _made(text, None, self.options.unknown)

    def _note_answers(self, answers: Sequence[Answer]) -> None:
        strange = Counter(answer.text for answer in answers if answer.kind == "unparsed" and answer.text)
        if strange:
            shown = ", ".join(repr(text[:20]) for text, _ in strange.most_common(4))
            self.notes.append(f"{strange.total()} predictions name no choice and count as wrong: {shown}")
        failed = sum(answer.kind == "error" for answer in answers)
        if failed:
            self.notes.append(f"{failed} clips could not be asked and leave the denominator")
        empty = sum(not answer.text for answer in answers if answer.kind == "unparsed")
        if empty:
            self.notes.append(f"{empty} predictions are empty and count as wrong")

    def _shown(self, index: int, value: Value) -> str:
        if isinstance(value, Position):
            return f"#{value.index + 1}"
        return self.menus[index].keys[value]

    # -- clips -------------------------------------------------------------------------------------

    def _ids(self) -> tuple[str, ...]:
        if not self.columns.clip:
            apart = "" if self.options.sources else "clips are taken for independent, "
            self.notes.append(f"no column of clip ids: {apart}duplicates go unseen")
            return ()
        ids = tuple("+".join(row[name] for name in self.columns.clip) for row in self.records.rows)
        first: dict[str, int] = {}
        for index, one in enumerate(ids):
            if not one:
                raise UserError(
                    f"{self.records.where(index)}: no clip id in {self.columns.clip[0]!r}; name every clip"
                )
            if one in first:
                where, before = self.records.where(index), self.records.places[first[one]]
                raise UserError(
                    f"{where}: clip {one!r} again, first at {before}; "
                    "keep one, or name the column that tells clips apart with --clip"
                )
            first[one] = index
        return ids

    def _sources(self, ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        if self.options.sources:
            return tuple(self._sources_of(index) for index in range(len(self.records.rows)))
        if not ids:
            return tuple((str(index),) for index in range(len(self.records.rows)))
        found = tuple(sources_of(one) for one in ids)
        if all(sources == (one,) for sources, one in zip(found, ids, strict=True)):
            self.notes.append("clip ids name no videos: clips are taken for independent (see --sources)")
        return found

    def _sources_of(self, index: int) -> tuple[str, ...]:
        """The cells that name a source; a row where none does shares none with others."""
        named = (self.records.rows[index][name] for name in self.options.sources)
        return tuple(cell for cell in named if cell.casefold() not in cells.BLANK) or (f"row {index + 1}",)

    def _chance(self) -> float:
        if self.options.classes:
            return 1 / self.options.classes
        if self.columns.choices:
            return sum(1 / menu.places for menu in self.menus) / len(self.menus)
        if not self.menus[0].labels:
            self.notes.append("chance level unknown: say --classes N")
            return 0.0
        self.notes.append(
            f"chance level from the {len(self.menus[0].labels)} labels that occur (see --classes)"
        )
        return 1 / len(self.menus[0].labels)


def _kind(value: Value, human: Value, background: Value | None) -> Kind:
    if value == human:
        return "human"
    return "background" if background is not None and value == background else "other"


def _made(text: str, label: str | None, kind: Kind) -> Answer:
    return Answer("", text, label, kind, None, 0, 0, 0.0)
