"""What answers name by number: clips, labels and scores, looked up or entered.

Covered: entries made by other processes in between. A number is only remembered once it is in the database; a
transaction that failed is told with ``forget``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from prompts import schema
from prompts.database import CHUNK
from prompts.encoding import digest
from prompts.records import ScoredIn, clean

T = TypeVar("T")


@dataclass(frozen=True)
class KnownClip:
    """A clip as answers remember it."""

    clip_id: str
    human: str
    background: str | None
    sources: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Names these four values."""
        return digest(self.clip_id, self.human, self.background, list(self.sources))


class Catalogue:
    """Numbers of clips, labels and scores in one database."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Trust nothing remembered: a transaction was rolled back."""
        self._clips: dict[str, int] = {}
        self._labels: dict[str, int] = {}
        self._scorings: dict[ScoredIn, int] = {}
        self._by_number: dict[int, KnownClip] = {}

    def clips(self, connection: sa.Connection, clips: Iterable[KnownClip]) -> dict[KnownClip, int]:
        """Their numbers, entered where they are new. Needs a transaction that writes."""
        named = {clip: clip.digest for clip in dict.fromkeys(clips)}
        values = {
            name: {"clip_id": one.clip_id, "human": one.human, "background": one.background}
            | {"sources": list(one.sources)}
            for one, name in named.items()
        }
        numbers = _numbers(connection, schema.clips, self._clips, values)
        return {clip: numbers[name] for clip, name in named.items()}

    def labels(self, connection: sa.Connection, labels: Iterable[str | None]) -> dict[str | None, int | None]:
        """As ``clips``; no label has no number."""
        named = {label: digest(clean(label)) for label in labels if label is not None}
        values = {name: {"text": clean(label)} for label, name in named.items()}
        numbers = _numbers(connection, schema.labels, self._labels, values)
        return {None: None} | {label: numbers[name] for label, name in named.items()}

    def scorings(self, connection: sa.Connection, places: Iterable[ScoredIn]) -> dict[ScoredIn, int]:
        """As ``clips``."""
        wanted = list(dict.fromkeys(places))
        unknown = [place for place in wanted if place not in self._scorings]
        if unknown:
            self._scorings |= _find_scorings(connection, unknown)
            new = [place for place in unknown if place not in self._scorings]
            first = next_id(connection, schema.scorings)
            numbers = {place: first + offset for offset, place in enumerate(new)}
            insert(connection, schema.scorings, [{"id": n} | vars(place) for place, n in numbers.items()])
            self._scorings |= numbers
        return {place: self._scorings[place] for place in wanted}

    def known_clips(self, connection: sa.Connection, numbers: Iterable[int]) -> Mapping[int, KnownClip]:
        """Clips by number, for reading. At least these."""
        missing = [number for number in dict.fromkeys(numbers) if number not in self._by_number]
        table = schema.clips
        for some in chunks(missing):
            for row in connection.execute(sa.select(table).where(table.c.id.in_(some))):
                clip = KnownClip(row.clip_id, row.human, row.background, tuple(row.sources))
                self._by_number[row.id] = clip
        return self._by_number


def chunks(values: Sequence[T], size: int = CHUNK) -> Iterable[Sequence[T]]:
    """The values, at most ``size`` at a time."""
    return (values[start : start + size] for start in range(0, len(values), size))


def next_id(connection: sa.Connection, table: sa.Table) -> int:
    """The first free number, until the end of a transaction that writes: there is one at a time."""
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0))).scalar_one()) + 1


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Plain insert of any number of rows."""
    if rows:
        connection.execute(sa.insert(table), [dict(row) for row in rows])


def _numbers(
    connection: sa.Connection,
    table: sa.Table,
    known: dict[str, int],
    values: Mapping[str, Mapping[str, Any]],
) -> Mapping[str, int]:
    """Numbers by digest; fills ``known``."""
    unknown = [name for name in values if name not in known]
    for some in chunks(unknown):
        query = sa.select(table.c.digest, table.c.id).where(table.c.digest.in_(some))
        known.update({row.digest: row.id for row in connection.execute(query)})
    new = [name for name in unknown if name not in known]
    if new:
        first = next_id(connection, table)
        numbers = {name: first + offset for offset, name in enumerate(new)}
        insert(
            connection, table, [{"id": n, "digest": name} | dict(values[name]) for name, n in numbers.items()]
        )
        known.update(numbers)
    return known


def _find_scorings(connection: sa.Connection, places: Sequence[ScoredIn]) -> dict[ScoredIn, int]:
    table = schema.scorings
    found = {}
    for some in chunks(list(dict.fromkeys(place.prompt_id for place in places))):
        runs = {place.run_id for place in places}
        query = sa.select(table).where(table.c.prompt_id.in_(some))
        if len(runs) == 1:
            query = query.where(table.c.run_id == runs.pop())
        for row in connection.execute(query):
            found[ScoredIn(row.run_id, row.dataset, row.prompt_id, row.format_key)] = int(row.id)
    return found
