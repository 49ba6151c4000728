"""Another history into this one: what both know is kept once, and doing it again changes nothing.

A transaction holds a few thousand rows, so that runs in progress can write in between. Interrupted anywhere,
it is simply done again.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa

from assets.errors import UserError
from prompts import schema
from prompts.answers import Answers, find_scorings
from prompts.catalogue import Catalogue, insert
from prompts.database import Database
from prompts.records import ScoredIn
from prompts.storing import Addition
from vllm_eval.evaluator import AnswerRow

_BATCH = 500
_PER_TRANSACTION = 5000

OnProgress = Callable[[str, int], None]


@dataclass(frozen=True)
class Merged:
    """What a merge brought, by kind; ``answers_known`` were there already."""

    runs: int
    prompts: int
    proposals: int
    decisions: int
    answers: int
    answers_known: int
    scores: int


class Merge:
    """From one open database into another. Raises UserError when two different runs have one id."""

    def __init__(self, source: Database, target: Database, progress: OnProgress | None = None) -> None:
        self._source, self._target = source, target
        self._answers = Answers(source)
        self._catalogue = Catalogue()
        self._progress = progress or (lambda what, count: None)

    def run(self) -> Merged:
        """Do it all, from one state of the other history, which may be written to meanwhile."""
        with self._source.read() as self._theirs:
            return self._all()

    def _all(self) -> Merged:
        runs = self._runs()
        prompts, proposals = self._texts()
        decisions = sum(self._events(table) for table in (schema.decisions, schema.spend, schema.run_states))
        self._statuses()
        asked, new = self._buy()
        scores = self._use()
        return Merged(runs, prompts, proposals, decisions, new, asked - new, scores)

    # Small tables

    def _runs(self) -> int:
        with self._target.write() as connection:
            mine = {row.id: row for row in connection.execute(sa.select(schema.runs))}
            theirs = self._read(sa.select(schema.runs).order_by(schema.runs.c.id))
            for row in theirs:
                known = mine.get(row.id)
                if known is not None and _identity(known) != _identity(row):
                    raise UserError(
                        f"run {row.id} of {self._source.label} is another than the run of that id in "
                        f"{self._target.label}; nothing was merged, keep these histories apart"
                    )
            new = [dict(row._mapping) for row in theirs if row.id not in mine]
            insert(connection, schema.runs, new)
        return len(new)

    def _texts(self) -> tuple[int, int]:
        counts = []
        with self._target.write() as connection:
            for table in (schema.prompts, schema.conversations, schema.proposals):
                before = _count(connection, table)
                rows = [dict(row._mapping) for row in self._read(sa.select(table))]
                self._target.insert(connection, table, rows)
                counts.append(_count(connection, table) - before)
            self._run_prompts(connection)
        return counts[0], counts[2]

    def _run_prompts(self, connection: sa.Connection) -> None:
        """Prompts that only the other history knows of a run come after those that both know."""
        table = schema.run_prompts
        mine: dict[str, dict[str, int]] = {}
        for row in connection.execute(sa.select(table)):
            mine.setdefault(row.run_id, {})[row.prompt_id] = row.position
        new = []
        for row in self._read(sa.select(table).order_by(table.c.run_id, table.c.position)):
            known = mine.setdefault(row.run_id, {})
            if row.prompt_id not in known:
                known[row.prompt_id] = max(known.values(), default=-1) + 1
                link = {"run_id": row.run_id, "prompt_id": row.prompt_id}
                new.append(link | {"position": known[row.prompt_id]})
        insert(connection, table, new)

    def _events(self, table: sa.Table) -> int:
        """Rows without a name of their own are the same when all they say is."""
        with self._target.write() as connection:
            known = Counter(_event(row) for row in connection.execute(sa.select(table)))
            new = []
            for row in self._read(sa.select(table).order_by(table.c.id)):
                name = _event(row)
                known[name] -= 1
                if known[name] < 0:
                    new.append({key: value for key, value in row._mapping.items() if key != "id"})
            insert(connection, table, new)
        return len(new)

    def _statuses(self) -> None:
        """A run that went on in the other history is as far as its last state."""
        table = schema.run_states
        with self._target.write() as connection:
            last: dict[str, Any] = {}
            for row in connection.execute(sa.select(table).order_by(table.c.created, table.c.id)):
                last[row.run_id] = row
            for row in connection.execute(sa.select(schema.runs.c.id, schema.runs.c.status)).all():
                state = last.get(row.id)
                if state is not None and state.status != row.status:
                    values = {"status": state.status, "summary": state.summary, "finished": state.created}
                    here = schema.runs.c.id == row.id
                    connection.execute(sa.update(schema.runs).where(here).values(values))

    # Answers

    def _buy(self) -> tuple[int, int]:
        asked = new = 0
        rows = self._bought()
        while batch := list(islice(rows, _PER_TRANSACTION)):
            with self._writing() as addition:
                for start in range(0, len(batch), _BATCH):
                    some = batch[start : start + _BATCH]
                    new += addition.buy([row for row, _ in some], [created for _, created in some])
            asked += len(batch)
            self._progress("answers", asked)
        return asked, new

    def _bought(self) -> Iterator[tuple[AnswerRow, int]]:
        """Every answer under the score it was bought for, with when that was, in that order."""
        last = 0
        while True:
            batch = self._answers.bought_after(self._theirs, last, _PER_TRANSACTION)
            if not batch:
                return
            last = batch[-1].id
            yield from ((one.row, one.created) for one in batch)

    def _use(self) -> int:
        places = find_scorings(self._theirs)
        for done, (number, place) in enumerate(places.items(), 1):
            self._use_one(number, place)
            self._progress("scores", done)
        return len(places)

    def _use_one(self, number: int, place: ScoredIn) -> None:
        rows = list(self._answers.rows_of(self._theirs, {number: place}))
        with self._writing() as addition:
            for start in range(0, len(rows), _BATCH):
                addition.store(rows[start : start + _BATCH])

    # Plumbing

    def _read(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        return self._theirs.execute(query).all()

    @contextmanager
    def _writing(self) -> Iterator[Addition]:
        """A transaction; after a failure the catalogue forgets what was entered."""
        try:
            with self._target.write() as connection:
                yield Addition(self._target, connection, self._catalogue, copying=True)
        except BaseException:
            self._catalogue.forget()
            raise


def _identity(row: Any) -> tuple[Any, ...]:
    return row.started, row.config_hash, row.seed, row.code_version


def _event(row: sa.Row[Any]) -> str:
    return repr(sorted((key, repr(value)) for key, value in row._mapping.items() if key != "id"))


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
