"""Metrics kept ready: computed from the answers once, and again only after a score or the code has changed.

Nothing here is a source: `python -m prompts check` compares all of it with the answers, and `--rebuild` makes
it anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from hashlib import sha256
from inspect import getsource
from math import fsum
from typing import Any

import sqlalchemy as sa

from assets.errors import UserError
from prompts import schema
from prompts.answers import Answers, find_scorings, grouped
from prompts.catalogue import chunks
from prompts.database import Database
from prompts.records import ScoredIn, clusters_of
from prompts.view import Confusion, confusions
from vllm_eval import clustering, metrics
from vllm_eval.evaluator import AnswerRow
from vllm_eval.metrics import BiasMetrics, Estimate, bias_metrics

MOST_CONFUSIONS = 100  # kept ready per score; the answers themselves have them all

_COLUMNS = (schema.figures.c.scoring_id, schema.figures.c.metrics, schema.figures.c.confusions)


@dataclass(frozen=True)
class Figure:
    """Metrics of one score, and its most frequent confusions. ``answers`` counts errors too."""

    metrics: BiasMetrics
    confusions: tuple[Confusion, ...]

    @property
    def answers(self) -> int:
        """How many answers stand behind it, errors included."""
        return self.metrics.n + self.metrics.errors


class Figures:
    """Figures of one database."""

    def __init__(self, database: Database, answers: Answers) -> None:
        self._database, self._answers = database, answers
        self._ready: dict[int, tuple[int, Figure]] = {}  # by score: as of which change

    def of(
        self, run_id: str | None = None, prompt_id: str | None = None, dataset: str | None = None
    ) -> dict[ScoredIn, Figure]:
        """Figures of a run, prompt and data set (None: any), in the order of their names."""
        with self._database.read() as connection:
            places = find_scorings(connection, run_id, prompt_id, dataset)
            changes = _changes(connection, list(places))
            self._load(connection, changes)
            missing = {number: place for number, place in places.items() if not self._fresh(number, changes)}
            computed = self.compute(connection, missing)
        self._ready |= {number: (changes[number], figure) for number, figure in computed.items()}
        if computed:
            self._keep({number: (changes[number], figure) for number, figure in computed.items()})
        return {place: self._ready[number][1] for number, place in places.items()}

    def compute(self, connection: sa.Connection, places: Mapping[int, ScoredIn]) -> dict[int, Figure]:
        """Figures of these scores from their answers."""
        numbers = {place: number for number, place in places.items()}
        found: dict[int, Figure] = {}
        for some in chunks(list(places), 50):
            rows = list(self._answers.rows_of(connection, {number: places[number] for number in some}))
            found |= {numbers[place]: figure_of(group) for place, group in grouped(rows)}
        return found

    def stored(self, connection: sa.Connection, numbers: Sequence[int]) -> dict[int, Figure]:
        """What is kept ready for these scores and belongs to their answers of today."""
        table, tallies = schema.figures, schema.tallies
        query = sa.select(*_COLUMNS).join(tallies, tallies.c.scoring_id == table.c.scoring_id)
        query = query.where(table.c.changes == tallies.c.changes, table.c.code == code())
        found = {}
        for some in chunks(numbers):
            for row in connection.execute(query.where(table.c.scoring_id.in_(some))):
                found[int(row.scoring_id)] = Figure(_metrics(row.metrics), _confusions(row.confusions))
        return found

    def _load(self, connection: sa.Connection, changes: Mapping[int, int]) -> None:
        wanted = [number for number in changes if not self._fresh(number, changes)]
        for number, figure in self.stored(connection, wanted).items():
            self._ready[number] = changes[number], figure

    def _fresh(self, number: int, changes: Mapping[int, int]) -> bool:
        return number in self._ready and self._ready[number][0] == changes[number]

    def _keep(self, computed: Mapping[int, tuple[int, Figure]]) -> None:
        """For the next reader. Who may only read, or finds the file locked, has the figures all the same."""
        rows = [
            {
                "scoring_id": number,
                "changes": changes,
                "code": code(),
                "metrics": packed(figure.metrics),
                "confusions": [list(vars(one).values()) for one in figure.confusions],
            }
            for number, (changes, figure) in computed.items()
        ]
        try:
            with self._database.write() as connection:
                update = ["changes", "code", "metrics", "confusions"]
                self._database.insert(connection, schema.figures, rows, update)
        except (UserError, sa.exc.DatabaseError):  # a role without the right to write is a database's error
            pass


def figure_of(rows: Sequence[AnswerRow]) -> Figure:
    """The figure of answers of one prompt on one data set."""
    return Figure(metrics_of(rows), confusions(rows, MOST_CONFUSIONS))


def metrics_of(rows: Sequence[AnswerRow]) -> BiasMetrics:
    """Metrics of answers of one prompt on one data set, clips that share sources taken together."""
    chance = fsum(1 / row.choices if row.choices else 0.0 for row in rows) / max(1, len(rows))
    return bias_metrics([row.answer for row in rows], clusters_of(rows), chance)


def packed(value: BiasMetrics) -> list[Any]:
    """Metrics as JSON, in the order of their fields: estimates as [value, low, high, n]."""
    return [
        list(asdict(one).values()) if isinstance(one, Estimate) else one
        for one in (getattr(value, field.name) for field in fields(value))
    ]


@lru_cache(maxsize=1)
def code() -> str:
    """Names the code that turns answers into figures: another code, other figures."""
    parts: tuple[Any, ...] = (metrics, clustering, clusters_of, confusions, figure_of, metrics_of)
    return sha256("".join(map(getsource, parts)).encode()).hexdigest()[:16]


def _metrics(value: Sequence[Any]) -> BiasMetrics:
    values: list[Any] = [Estimate(*one) if isinstance(one, list) else one for one in value]
    return BiasMetrics(*values)


def _confusions(value: Sequence[Sequence[Any]]) -> tuple[Confusion, ...]:
    return tuple(Confusion(*one) for one in value)


def _changes(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, int]:
    table = schema.tallies
    found = {}
    for some in chunks(numbers):
        query = sa.select(table.c.scoring_id, table.c.changes).where(table.c.scoring_id.in_(some))
        found.update({int(row.scoring_id): int(row.changes) for row in connection.execute(query)})
    return found
