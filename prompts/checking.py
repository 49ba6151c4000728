"""Is a history what it says? Keys that lead nowhere, hashes that do not fit, figures that differ."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from prompts import schema
from prompts.answers import Answers, find_scorings
from prompts.catalogue import KnownClip, chunks
from prompts.database import Database
from prompts.encoding import digest
from prompts.figures import Figures
from prompts.library import ChoiceStyle, StyledPrompt
from prompts.prompt import Prompt
from prompts.records import config_hash

OnProgress = Callable[[str], None]

# References that no database holds to: an evaluator may score before it is told of a run or a prompt.
_LOOSE = (
    ("scorings", "run_id", "runs", "id"),
    ("scorings", "prompt_id", "prompts", "id"),
    ("bought", "kind", "kinds", "code"),
)
_FIGURES_AT_ONCE = 50
_QUICK_FIGURES = 100


@dataclass(frozen=True)
class Finding:
    """Something that should not be. ``kind``: file, orphan, hash or aggregate."""

    kind: str
    where: str
    problem: str


def check(database: Database, quick: bool = False, progress: OnProgress | None = None) -> Iterator[Finding]:
    """Every finding, as it is found. ``quick`` recomputes a hundred figures instead of all."""
    tell = progress or (lambda what: None)
    with database.read() as connection:
        for what, step in (
            ("file", _file),
            ("references", _orphans),
            ("hashes", _hashes),
            ("counts", _counts),
        ):
            tell(what)
            yield from step(connection, quick)
        tell("figures")
        yield from _figures(database, connection, quick)


def rebuild(database: Database, progress: OnProgress | None = None) -> int:
    """Make all derived rows anew from the answers; how many scores there are."""
    tell = progress or (lambda what: None)
    kinds = ", ".join(schema.KINDS)
    with database.write() as connection:
        tell("counts")
        # Above whatever was: a reader that has figures in memory must see that they are old.
        newest = sa.select(sa.func.coalesce(sa.func.max(schema.tallies.c.changes), 0))
        change = int(connection.execute(newest).scalar_one()) + 1
        connection.execute(sa.delete(schema.figures))
        connection.execute(sa.delete(schema.tallies))
        connection.exec_driver_sql(
            f"INSERT INTO tallies (scoring_id, {kinds}, changes) "
            f"SELECT scoring_id, {kinds.replace('error', 'errors')}, {change} FROM scores"
        )
    figures = Figures(database, Answers(database))
    with database.read() as connection:
        runs = connection.execute(sa.select(schema.runs.c.id).order_by(schema.runs.c.id)).scalars().all()
    count = 0
    for run in runs:
        tell(f"figures of run {run}")
        count += len(figures.of(run))
    return count


def _file(connection: sa.Connection, quick: bool) -> Iterator[Finding]:
    if connection.dialect.name != "sqlite":
        return
    pragma = "quick_check" if quick else "integrity_check"
    for (line,) in connection.exec_driver_sql(f"PRAGMA {pragma}"):
        if line != "ok":
            yield Finding("file", "SQLite", line)


def _orphans(connection: sa.Connection, _quick: bool) -> Iterator[Finding]:
    held = [
        (table.name, key.parent.name, key.column.table.name, key.column.name)
        for table in schema.metadata.sorted_tables
        for key in sorted(table.foreign_keys, key=lambda one: one.parent.name)
    ]
    for child, column, parent, name in (*held, *_LOOSE):
        query = (
            f"SELECT c.{column} AS missing, COUNT(*) AS many FROM {child} c LEFT JOIN {parent} p "
            f"ON p.{name} = c.{column} WHERE c.{column} IS NOT NULL AND p.{name} IS NULL "
            f"GROUP BY c.{column} ORDER BY c.{column}"
        )
        for row in connection.exec_driver_sql(query):
            yield Finding("orphan", child, f"{row.many} rows name {column} {row.missing}, not in {parent}")
    query = (
        "SELECT u.scoring_id, COUNT(*) AS many FROM uses u JOIN bought b ON b.id = u.answer_id "
        "WHERE b.clip_id <> u.clip_id GROUP BY u.scoring_id ORDER BY u.scoring_id"
    )
    for row in connection.exec_driver_sql(query):
        yield Finding(
            "orphan", f"score {row.scoring_id}", f"{row.many} uses name another clip than the answer"
        )


def _hashes(connection: sa.Connection, _quick: bool) -> Iterator[Finding]:
    for where, stored, computed in _named(connection):
        if stored != computed:
            yield Finding("hash", where, f"its contents hash to {computed}")


def _named(connection: sa.Connection) -> Iterator[tuple[str, str, str]]:
    """Whatever carries a hash of its contents: where, as stored, as computed."""
    for row in connection.execute(sa.select(schema.prompts)):
        yield f"prompt {row.id}", row.id, _prompt_id(row.text, row.choice_style)
    for row in connection.execute(sa.select(schema.proposals)):
        # A proposal keeps the text alone; the style of a styled prompt is in the list of prompts.
        computed = {_prompt_id(row.text, style) for style in ("plain", "prefixed")}
        found = row.prompt_id if row.prompt_id in computed else Prompt(row.text).id
        yield f"proposal {row.round}/{row.position} of {row.run_id}", row.prompt_id, found
    for row in connection.execute(sa.select(schema.conversations)):
        yield f"conversation {row.id}", row.id, digest(row.messages)
    for row in connection.execute(sa.select(schema.clips)):
        clip = KnownClip(row.clip_id, row.human, row.background, tuple(row.sources))
        yield f"clip {row.clip_id}", row.digest, clip.digest
    for row in connection.execute(sa.select(schema.labels)):
        yield f"label {row.text!r}", row.digest, digest(row.text)
    for row in connection.execute(
        sa.select(schema.runs.c.id, schema.runs.c.config, schema.runs.c.config_hash)
    ):
        yield f"configuration of run {row.id}", row.config_hash, config_hash(row.config)


def _prompt_id(text: str, style: ChoiceStyle) -> str:
    return (Prompt(text) if style == "plain" else StyledPrompt(text, choice_style=style)).id


def _counts(connection: sa.Connection, _quick: bool) -> Iterator[Finding]:
    names = [*schema.KINDS[:-1], "errors"]
    scores = connection.exec_driver_sql(f"SELECT scoring_id, {', '.join(names)} FROM scores")
    counted = {row.scoring_id: tuple(int(getattr(row, name)) for name in names) for row in scores}
    for row in connection.execute(sa.select(schema.tallies).order_by(schema.tallies.c.scoring_id)):
        stored = tuple(int(getattr(row, name)) for name in schema.KINDS)
        found = counted.pop(row.scoring_id, (0,) * len(names))
        if stored != found:
            yield Finding(
                "aggregate", f"tally of score {row.scoring_id}", f"{stored} stored, {found} counted"
            )
    for number in sorted(counted):
        yield Finding("aggregate", f"tally of score {number}", f"none stored, {counted[number]} counted")
    last: dict[str, str] = {}
    for row in connection.execute(
        sa.select(schema.run_states).order_by(schema.run_states.c.created, schema.run_states.c.id)
    ):
        last[row.run_id] = row.status
    for row in connection.execute(sa.select(schema.runs.c.id, schema.runs.c.status)):
        if row.status != last.get(row.id):
            problem = f"is {row.status}, its last state is {last.get(row.id, 'unknown')}"
            yield Finding("aggregate", f"run {row.id}", problem)


def _figures(database: Database, connection: sa.Connection, quick: bool) -> Iterator[Finding]:
    figures = Figures(database, Answers(database))
    places = find_scorings(connection)
    numbers = list(places)
    if quick:
        numbers = numbers[:: max(1, len(numbers) // _QUICK_FIGURES)]
    for some in chunks(numbers, _FIGURES_AT_ONCE):
        stored: dict[int, Any] = dict(figures.stored(connection, some))
        computed = figures.compute(connection, {number: places[number] for number in stored})
        for number, figure in stored.items():
            if figure != computed.get(number):
                place = places[number]
                where = f"figures of {place.prompt_id} on {place.dataset}, run {place.run_id}"
                yield Finding("aggregate", where, "differ from what its answers give")
