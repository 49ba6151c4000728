"""Answers by number: clips, labels and scores are named once, keys are bytes, log-probabilities are packed.

Adds the optimizer's conversations, the states a run went through, and the derived tables. Rows are read in
the order they were bought, a few thousand at a time: the memory this takes does not grow with the file.
"""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from prompts.encoding import digest, key_bytes, microseconds, pack
from prompts.migrations import objects

revision = "0002"
down_revision = "0001"

_KINDS = ("human", "background", "other", "unparsed", "refused", "error")
_BATCH = 5000


def upgrade() -> None:
    """From text keys and repeated clips to numbers."""
    connection = op.get_bind()
    op.execute("DROP VIEW scores")
    op.rename_table("answers", "old_answers")
    op.rename_table("uses", "old_uses")
    _create_tables(connection)
    _run_states(connection)
    _answers(connection)
    _uses(connection)
    op.drop_table("old_uses")
    op.drop_table("old_answers")
    op.execute("DROP TABLE numbered")
    for statement in objects.statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
    op.execute("UPDATE schema_version SET version = 2")


def _create_tables(connection: sa.Connection) -> None:
    op.create_table(
        "run_states",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String(64), sa.ForeignKey("runs.id"), nullable=False, index=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("summary", sa.JSON),
        sa.Column("created", sa.String(32), nullable=False),
    )
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("messages", sa.JSON, nullable=False),
        sa.Column("created", sa.String(32), nullable=False),
    )
    op.execute("ALTER TABLE proposals ADD COLUMN conversation_id VARCHAR(32) REFERENCES conversations (id)")
    op.create_table(
        "clips",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(32), nullable=False, unique=True),
        sa.Column("clip_id", sa.Text, nullable=False, index=True),
        sa.Column("human", sa.Text, nullable=False),
        sa.Column("background", sa.Text),
        sa.Column("sources", sa.JSON, nullable=False),
    )
    op.create_table(
        "labels",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False, unique=True),
    )
    kinds = op.create_table(
        "kinds",
        sa.Column("code", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(16), nullable=False),
    )
    connection.execute(kinds.insert(), [{"code": code, "name": name} for code, name in enumerate(_KINDS)])
    op.create_table(
        "scorings",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("prompt_id", sa.String(64), nullable=False, index=True),
        sa.Column("format_key", sa.String(255), nullable=False),
        sa.UniqueConstraint("run_id", "dataset", "prompt_id", "format_key", name="scorings_are_one"),
    )
    _create_answer_tables()


def _create_answer_tables() -> None:
    bought = op.create_table(
        "bought",
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("scoring_id", sa.Integer, sa.ForeignKey("scorings.id"), nullable=False),
        sa.Column("clip_id", sa.Integer, sa.ForeignKey("clips.id"), nullable=False),
        sa.Column("label_id", sa.Integer, sa.ForeignKey("labels.id")),
        sa.Column("prompt_tokens", sa.Integer, nullable=False),
        sa.Column("cached_tokens", sa.Integer, nullable=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("choices", sa.SmallInteger, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("logprobs", sa.LargeBinary),
        sa.Column("error", sa.Text),
    )
    good, failed = bought.c.kind != sa.text("5"), bought.c.kind == sa.text("5")
    op.create_index("bought_by_key", "bought", ["key"], unique=True, sqlite_where=good, postgresql_where=good)
    op.create_index("bought_failed", "bought", ["key"], sqlite_where=failed, postgresql_where=failed)
    op.create_table(
        "uses",
        sa.Column("scoring_id", sa.Integer, sa.ForeignKey("scorings.id"), primary_key=True),
        sa.Column("clip_id", sa.Integer, sa.ForeignKey("clips.id"), primary_key=True),
        sa.Column("answer_id", sa.Integer, sa.ForeignKey("bought.id"), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tallies",
        sa.Column(
            "scoring_id", sa.Integer, sa.ForeignKey("scorings.id"), primary_key=True, autoincrement=False
        ),
        *(sa.Column(kind, sa.Integer, nullable=False) for kind in _KINDS),
        sa.Column("changes", sa.Integer, nullable=False),
    )
    op.create_table(
        "figures",
        sa.Column(
            "scoring_id", sa.Integer, sa.ForeignKey("scorings.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.Column("code", sa.String(16), nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("confusions", sa.JSON, nullable=False),
    )


def _run_states(connection: sa.Connection) -> None:
    """What can be known of the past: that a run began, and how it ended."""
    add = "INSERT INTO run_states (run_id, status, summary, created)"
    connection.exec_driver_sql(f"{add} SELECT id, 'running', NULL, started FROM runs ORDER BY id")
    connection.exec_driver_sql(
        f"{add} SELECT id, status, summary, COALESCE(finished, started) FROM runs "
        "WHERE status <> 'running' ORDER BY id"
    )


def _answers(connection: sa.Connection) -> None:
    """Every answer under its number; which is whose is noted in `numbered` for the uses."""
    connection.exec_driver_sql(
        "CREATE TEMPORARY TABLE numbered (key VARCHAR(64) PRIMARY KEY, id INTEGER NOT NULL)"
    )
    connection.exec_driver_sql(
        "INSERT INTO scorings (id, run_id, dataset, prompt_id, format_key) "
        "SELECT ROW_NUMBER() OVER (ORDER BY run_id, dataset, prompt_id, format_key), "
        "run_id, dataset, prompt_id, format_key FROM (SELECT run_id, dataset, prompt_id, format_key FROM "
        "old_uses UNION SELECT a.run_id, a.dataset, a.prompt_id, '' FROM old_answers a WHERE NOT EXISTS "
        "(SELECT 1 FROM old_uses u WHERE u.run_id = a.run_id AND u.dataset = a.dataset "
        "AND u.prompt_id = a.prompt_id)) AS places"
    )
    clips: dict[str, int] = {}
    labels: dict[str, int] = {}
    last = 0
    for batch in _old_answers(connection):
        new_clips, new_labels, bought, numbered = [], [], [], []
        for row in batch:
            last += 1
            sources = json.loads(row.sources)
            name = digest(row.clip_id, row.human, row.background, sources)
            if name not in clips:
                clips[name] = len(clips) + 1
                new_clips.append(
                    (clips[name], name, row.clip_id, row.human, row.background, json.dumps(sources))
                )
            if row.label is not None and row.label not in labels:
                labels[row.label] = len(labels) + 1
                new_labels.append((labels[row.label], row.label, digest(row.label)))
            numbered.append((row.key, last))
            bought.append(_bought(row, last, clips[name], labels.get(row.label)))
        _insert(connection, "clips", "id digest clip_id human background sources", new_clips)
        _insert(connection, "labels", "id text digest", new_labels)
        _insert(connection, "bought", _BOUGHT, bought)
        _insert(connection, "numbered", "key id", numbered)


_BOUGHT = (
    "id scoring_id clip_id label_id prompt_tokens cached_tokens kind choices key text logprobs error seconds "
    "created"
)


def _bought(row: Any, number: int, clip: int, label: int | None) -> tuple[Any, ...]:
    logprobs = None if row.logprobs is None else json.loads(row.logprobs)
    tokens = row.prompt_tokens, row.cached_tokens
    kind = _KINDS.index(row.kind)
    said = key_bytes(row.key), row.text, pack(logprobs), row.error, row.seconds, microseconds(row.created)
    return (number, row.scoring_id, clip, label, *tokens, kind, row.choices, *said)


def _old_answers(connection: sa.Connection) -> Iterator[list[Any]]:
    """In the order they were bought, so that what was bought together lies together."""
    # The score an answer was bought for: its run's and prompt's own, of whatever format used it.
    query = """
        SELECT a.key, a.text, a.label, a.kind, CAST(a.logprobs AS TEXT) AS logprobs, a.prompt_tokens,
               a.cached_tokens, a.seconds, a.error, a.clip_id, a.human, a.background,
               CAST(a.sources AS TEXT) AS sources, a.choices, a.created,
               (SELECT MIN(s.id) FROM scorings s WHERE s.run_id = a.run_id AND s.dataset = a.dataset
                AND s.prompt_id = a.prompt_id) AS scoring_id
        FROM old_answers a ORDER BY a.created, a.clip_id, a.key
    """
    # The option belongs to this statement alone: the inserts in between cannot be streamed.
    streamed = sa.text(query).execution_options(stream_results=True, yield_per=_BATCH)
    result = connection.execute(streamed)
    for batch in result.partitions():
        yield list(batch)


def _uses(connection: sa.Connection) -> None:
    connection.exec_driver_sql(
        "INSERT INTO uses (scoring_id, clip_id, answer_id) "
        "SELECT s.id, b.clip_id, MIN(b.id) FROM old_uses u "
        "JOIN scorings s ON s.run_id = u.run_id AND s.dataset = u.dataset AND s.prompt_id = u.prompt_id "
        "AND s.format_key = u.format_key "
        "JOIN numbered n ON n.key = u.answer_key JOIN bought b ON b.id = n.id GROUP BY s.id, b.clip_id"
    )
    counts = ", ".join(f"SUM(CASE WHEN b.kind = {code} THEN 1 ELSE 0 END)" for code in range(len(_KINDS)))
    connection.exec_driver_sql(
        f"INSERT INTO tallies (scoring_id, {', '.join(_KINDS)}, changes) SELECT u.scoring_id, {counts}, 1 "
        "FROM uses u JOIN bought b ON b.id = u.answer_id GROUP BY u.scoring_id"
    )


def _insert(connection: sa.Connection, table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    """Many rows at once, JSON as text: the driver's own placeholders are the quickest way in."""
    if not rows:
        return
    names = columns.split()
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    marks = ", ".join(
        f"CAST({mark} AS JSON)" if name == "sources" and mark == "%s" else mark for name in names
    )
    connection.exec_driver_sql(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)
