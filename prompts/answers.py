"""The answer store: every answer once, and which runs used it for which score."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy as sa

from prompts import schema
from prompts.catalogue import Catalogue, KnownClip, chunks, insert
from prompts.database import Database
from prompts.encoding import key_bytes, key_text, unpack
from prompts.records import ScoredIn
from prompts.storing import Addition
from vllm_eval.engine import Answer, Kind
from vllm_eval.evaluator import AnswerRow

_BATCH = 500  # rows stored together


class Answers:
    """Implements the evaluator's AnswerStore on the tables ``bought`` and ``uses``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._catalogue = Catalogue()

    def known(self, keys: Sequence[str]) -> dict[str, Answer]:
        """Stored answers among these keys, error answers left out so that they are asked again."""
        table, found = schema.bought, {}
        query = _answers().where(table.c.kind != sa.text(str(schema.ERROR)))
        with self._database.read() as connection:
            for some in chunks([key_bytes(key) for key in keys]):
                for row in connection.execute(query.where(table.c.key.in_(some))):
                    answer = _answer(row)
                    found[answer.key] = answer
        return found

    def failed(self, keys: Sequence[str], run_id: str, dataset: str) -> dict[str, Answer]:
        """Among these keys the errors that make up this run's scores on this data set."""
        bought, uses, scorings = schema.bought, schema.uses, schema.scorings
        query = _answers().where(bought.c.kind == sa.text(str(schema.ERROR)))
        # Through the clip, which the error names as the use does: uses are found by score and clip.
        mine = (uses.c.clip_id == bought.c.clip_id) & (uses.c.answer_id == bought.c.id)
        used = sa.select(uses.c.answer_id).join(scorings, scorings.c.id == uses.c.scoring_id).where(mine)
        used = used.where(scorings.c.run_id == run_id, scorings.c.dataset == dataset)
        found = {}
        with self._database.read() as connection:
            for some in chunks([key_bytes(key) for key in keys]):
                for row in connection.execute(query.where(bought.c.key.in_(some), used.exists())):
                    answer = _answer(row)
                    found[answer.key] = answer
        return found

    def add(self, rows: Sequence[AnswerRow], spent: Sequence[Mapping[str, Any]] = ()) -> None:
        """Store in one transaction, rows of ``spend`` with them.

        A key that has an answer keeps it; one that only failed gets this one.
        """
        if not rows:
            return
        try:
            with self._database.write() as connection:
                addition = Addition(self._database, connection, self._catalogue)
                for some in chunks(rows, _BATCH):
                    addition.store(some)
                insert(connection, schema.spend, spent)
        except BaseException:
            self._catalogue.forget()
            raise

    def rows(
        self, run_id: str | None = None, prompt_id: str | None = None, dataset: str | None = None
    ) -> list[AnswerRow]:
        """Answers used by a run, prompt and data set (None: any), ordered by these and by clip."""
        with self._database.read() as connection:
            places = find_scorings(connection, run_id, prompt_id, dataset)
            return list(self.rows_of(connection, places))

    def rows_of(self, connection: sa.Connection, places: dict[int, ScoredIn]) -> Iterator[AnswerRow]:
        """Answers of these scores, in their order and by clip."""
        uses, table = schema.uses, schema.bought
        query = _answers(uses.c.scoring_id, uses.c.clip_id, uses.c.answer_id, table.c.choices, uses)
        answers: dict[int, Answer] = {}  # runs that reuse an answer share it here, too
        for some in chunks(list(places), 50):
            groups: dict[int, list[Any]] = {number: [] for number in some}
            for row in connection.execute(query.where(uses.c.scoring_id.in_(some))):
                groups[row.scoring_id].append(row)
            wanted = {row.clip_id for group in groups.values() for row in group}
            clips = self._catalogue.known_clips(connection, wanted)
            for number, group in groups.items():
                ordered = sorted(group, key=lambda row: clips[row.clip_id].clip_id)
                for row in ordered:
                    answer = answers.get(row.answer_id)
                    if answer is None:
                        answer = answers[row.answer_id] = _answer(row)
                    yield _row(row, answer, places[number], clips[row.clip_id])

    def bought_after(self, connection: sa.Connection, last: int, most: int) -> list["Bought"]:
        """Answers by number, the first ``most`` of those above ``last``, failed attempts among them."""
        table = schema.bought
        own = (table.c.id, table.c.scoring_id, table.c.clip_id, table.c.choices, table.c.created)
        query = _answers(*own).where(table.c.id > last).order_by(table.c.id).limit(most)
        rows = connection.execute(query).all()
        places = _places(connection, {row.scoring_id for row in rows})
        clips = self._catalogue.known_clips(connection, (row.clip_id for row in rows))
        return [
            Bought(row.id, row.created, _row(row, _answer(row), places[row.scoring_id], clips[row.clip_id]))
            for row in rows
        ]

    def scored_in(
        self, run_id: str | None = None, prompt_id: str | None = None, dataset: str | None = None
    ) -> list[ScoredIn]:
        """Every (run, data set, prompt, format) that has answers, in the same order as ``rows``."""
        with self._database.read() as connection:
            return list(find_scorings(connection, run_id, prompt_id, dataset).values())


@dataclass(frozen=True)
class Bought:
    """An answer by its number, and when it was bought, in microseconds since 1970."""

    id: int
    created: int
    row: AnswerRow


def find_scorings(
    connection: sa.Connection,
    run_id: str | None = None,
    prompt_id: str | None = None,
    dataset: str | None = None,
) -> dict[int, ScoredIn]:
    """Scores with answers of a run, prompt and data set (None: any) by number, ordered by these names."""
    table = schema.scorings
    query = sa.select(table).join(schema.tallies, schema.tallies.c.scoring_id == table.c.id)
    for column, value in (
        (table.c.run_id, run_id),
        (table.c.prompt_id, prompt_id),
        (table.c.dataset, dataset),
    ):
        query = query if value is None else query.where(column == value)
    found = [
        (ScoredIn(row.run_id, row.dataset, row.prompt_id, row.format_key), int(row.id))
        for row in connection.execute(query)
    ]
    # Not by the database: text sorts differently in every PostgreSQL locale.
    return {number: place for place, number in sorted(found, key=_by_name)}


def grouped(rows: Sequence[AnswerRow]) -> Iterator[tuple[ScoredIn, list[AnswerRow]]]:
    """Rows by (run, data set, prompt, format), in order of first appearance."""
    groups: dict[ScoredIn, list[AnswerRow]] = {}
    for row in rows:
        groups.setdefault(ScoredIn(row.run_id, row.dataset, row.prompt_id, row.format_key), []).append(row)
    yield from groups.items()


def now_text() -> str:
    """The current time, UTC, ISO 8601 to the microsecond: sorts as text."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _places(connection: sa.Connection, numbers: Iterable[int]) -> dict[int, ScoredIn]:
    table = schema.scorings
    return {
        int(row.id): ScoredIn(row.run_id, row.dataset, row.prompt_id, row.format_key)
        for some in chunks(sorted(numbers))
        for row in connection.execute(sa.select(table).where(table.c.id.in_(some)))
    }


def _by_name(found: tuple[ScoredIn, int]) -> tuple[str, ...]:
    place = found[0]
    return place.run_id, place.dataset, place.prompt_id, place.format_key


def _answers(*more: Any) -> sa.Select[Any]:
    """Answers with their labels; ``more`` may end in the table of uses to read them through."""
    table, labels = schema.bought, schema.labels
    through = [one for one in more if isinstance(one, sa.Table)]
    columns = [one for one in more if not isinstance(one, sa.Table)]
    wanted = ("key", "text", "kind", "logprobs", "prompt_tokens", "cached_tokens", "seconds", "error")
    source: Any = table
    for uses in through:
        source = uses.join(table, table.c.id == uses.c.answer_id)
    source = source.outerjoin(labels, labels.c.id == table.c.label_id)
    query = sa.select(*(table.c[name] for name in wanted), labels.c.text.label("label"), *columns)
    return query.select_from(source)


def _answer(row: Any) -> Answer:
    return Answer(
        key=key_text(row.key),
        text=row.text,
        label=row.label,
        kind=cast(Kind, schema.KINDS[row.kind]),
        logprobs=unpack(row.logprobs),
        prompt_tokens=row.prompt_tokens,
        cached_tokens=row.cached_tokens,
        seconds=row.seconds,
        error=row.error,
    )


def _row(row: Any, answer: Answer, place: ScoredIn, clip: KnownClip) -> AnswerRow:
    return AnswerRow(
        answer=answer,
        prompt_id=place.prompt_id,
        clip_id=clip.clip_id,
        human=clip.human,
        background=clip.background,
        dataset=place.dataset,
        run_id=place.run_id,
        sources=clip.sources,
        choices=row.choices,
        format_key=place.format_key,
    )
