"""The tables of a history, portable between SQLite and PostgreSQL."""

from collections.abc import Callable

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

SCHEMA_VERSION = 1

# MIGRATIONS[n] turns version n into n + 1. Append, never edit: files written by every version are out there.
MIGRATIONS: dict[int, Callable[[Connection], None]] = {}

metadata = MetaData()

schema_version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))

runs = Table(
    "runs",
    metadata,
    Column("id", String(64), primary_key=True),  # sorts by start time
    Column("started", String(32), nullable=False),  # UTC, ISO 8601
    Column("finished", String(32)),
    Column("status", String(16), nullable=False),  # running | finished | failed
    Column("config", JSON, nullable=False),  # secrets redacted
    Column("config_hash", String(64), nullable=False, index=True),
    Column("seed", Integer, nullable=False),
    Column("code_version", String(64), nullable=False),
    Column("environment", JSON, nullable=False),
    Column("summary", JSON),
)

prompts = Table(
    "prompts",
    metadata,
    Column("id", String(16), primary_key=True),  # hash of the text
    Column("text", Text, nullable=False),
    Column("parents", JSON, nullable=False),
    Column("origin", String(64), nullable=False),
    Column("hypothesis", Text, nullable=False),
    Column("choice_style", String(16), nullable=False),
    Column("created", String(32), nullable=False),
)

# Which run knows which prompt, in the order they came up.
run_prompts = Table(
    "run_prompts",
    metadata,
    Column("run_id", String(64), ForeignKey("runs.id"), primary_key=True),
    Column("prompt_id", String(16), ForeignKey("prompts.id"), primary_key=True),
    Column("position", Integer, nullable=False),
)

proposals = Table(
    "proposals",
    metadata,
    Column("run_id", String(64), ForeignKey("runs.id"), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("prompt_id", String(16), primary_key=True),
    Column("text", Text, nullable=False),
    Column("parents", JSON, nullable=False),  # as proposed here: another run may know the text from elsewhere
    Column("origin", String(64), nullable=False),
    Column("hypothesis", Text, nullable=False),
    Column("verdict", String(16), nullable=False),  # accepted | refused
    Column("reason", Text, nullable=False),
    Column("raw", Text, nullable=False),  # the optimizer's reply
    Column("created", String(32), nullable=False),
)

# Every answer ever bought, once. The key hashes everything that decides the answer.
answers = Table(
    "answers",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("text", Text, nullable=False),
    Column("label", Text),
    Column("kind", String(16), nullable=False),
    Column("logprobs", JSON),
    Column("prompt_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("error", Text),
    Column("prompt_id", String(64), nullable=False),
    Column("clip_id", Text, nullable=False),
    Column("human", Text, nullable=False),
    Column("background", Text),
    Column("sources", JSON, nullable=False),
    Column("choices", Integer, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("run_id", String(64), nullable=False),  # the run that bought it
    Column("created", String(32), nullable=False),
)

# Which answers make up which score: a run that reuses an answer has its own row here.
uses = Table(
    "uses",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("prompt_id", String(64), primary_key=True),
    Column("format_key", String(255), primary_key=True),
    Column("clip_id", Text, primary_key=True),
    Column("answer_key", String(64), ForeignKey("answers.key"), nullable=False),
)
Index("uses_by_answer", uses.c.answer_key)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String(64), ForeignKey("runs.id"), nullable=False, index=True),
    Column("kind", String(64), nullable=False),
    Column("detail", JSON, nullable=False),
    Column("created", String(32), nullable=False),
)

spend = Table(
    "spend",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String(64), ForeignKey("runs.id"), nullable=False, index=True),
    Column("kind", String(64), nullable=False),  # clip_evaluations, optimizer_tokens, dollars, seconds, ...
    Column("amount", Float, nullable=False),
    Column("created", String(32), nullable=False),
)

# For people with an SQL shell: one row per scored prompt.
SCORES_VIEW = """
CREATE VIEW scores AS
SELECT u.run_id, u.dataset, u.format_key, u.prompt_id, p.text AS prompt,
       AVG(CASE WHEN a.kind = 'human' THEN 1.0 ELSE 0.0 END) AS shacc,
       AVG(CASE WHEN a.kind = 'background' THEN 1.0 ELSE 0.0 END) AS sberr,
       COUNT(*) AS n
FROM uses u JOIN answers a ON a.key = u.answer_key LEFT JOIN prompts p ON p.id = u.prompt_id
WHERE a.kind <> 'error'
GROUP BY u.run_id, u.dataset, u.format_key, u.prompt_id, p.text
"""
