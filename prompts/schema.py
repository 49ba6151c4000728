"""The tables of a history, portable between SQLite and PostgreSQL.

Small integers stand for what repeats: an answer names its clip, its label and the score it was bought for by
number. ``prompts/migrations`` says how older files become like this; ``docs/history.md`` tells it to people.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    text,
)

from prompts.migrations import HEAD, objects

# By position, as stored: append, never reorder. The last one so far means "ask again".
KINDS = ("human", "background", "other", "unparsed", "refused", "error")
ERROR = KINDS.index("error")

metadata = MetaData()

# Both belong to the opening of files: the first release reads the first, Alembic the second.
schema_version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))
alembic_version = Table("alembic_version", metadata, Column("version_num", String(32), primary_key=True))

runs = Table(
    "runs",
    metadata,
    Column("id", String(64), primary_key=True),  # sorts by start time
    Column("started", String(32), nullable=False),  # UTC, ISO 8601
    Column("finished", String(32)),
    Column("status", String(16), nullable=False),  # the last of its run_states
    Column("config", JSON, nullable=False),  # secrets redacted
    Column("config_hash", String(64), nullable=False, index=True),
    Column("seed", Integer, nullable=False),
    Column("code_version", String(64), nullable=False),
    Column("environment", JSON, nullable=False),
    Column("summary", JSON),
)

run_states = Table(
    "run_states",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String(64), ForeignKey("runs.id"), nullable=False, index=True),
    Column("status", String(16), nullable=False),  # running | finished | failed
    Column("summary", JSON),
    Column("created", String(32), nullable=False),
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

# What an optimizer was sent, once, however many proposals were read from the reply.
conversations = Table(
    "conversations",
    metadata,
    Column("id", String(32), primary_key=True),  # hash of the messages
    Column("messages", JSON, nullable=False),
    Column("created", String(32), nullable=False),
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
    Column("conversation_id", String(32), ForeignKey("conversations.id")),
)

clips = Table(
    "clips",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(32), nullable=False, unique=True),  # hash of the four below
    Column("clip_id", Text, nullable=False, index=True),
    Column("human", Text, nullable=False),
    Column("background", Text),
    Column("sources", JSON, nullable=False),
)

labels = Table(
    "labels",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("digest", String(32), nullable=False, unique=True),
)

kinds = Table(
    "kinds",
    metadata,
    Column("code", SmallInteger, primary_key=True, autoincrement=False),
    Column("name", String(16), nullable=False),
)

# A prompt scored by a run on a data set in a format: what answers add up to.
scorings = Table(
    "scorings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("run_id", String(64), nullable=False),
    Column("dataset", Text, nullable=False),
    Column("prompt_id", String(64), nullable=False, index=True),
    Column("format_key", String(255), nullable=False),
    UniqueConstraint("run_id", "dataset", "prompt_id", "format_key", name="scorings_are_one"),
)

# Every answer ever bought. The key hashes everything that decides the answer; it has one answer at most that
# is no error, and as many failed attempts as there were.
bought = Table(
    "bought",
    metadata,
    Column("seconds", Float, nullable=False),
    Column("created", BigInteger, nullable=False),  # microseconds since 1970, UTC
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("scoring_id", Integer, ForeignKey("scorings.id"), nullable=False),  # what it was bought for
    Column("clip_id", Integer, ForeignKey("clips.id"), nullable=False),
    Column("label_id", Integer, ForeignKey("labels.id")),
    Column("prompt_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("choices", SmallInteger, nullable=False),
    Column("key", LargeBinary, nullable=False),  # prompts.encoding.key_bytes
    Column("text", Text, nullable=False),
    Column("logprobs", LargeBinary),  # prompts.encoding.pack
    Column("error", Text),
)
Index(
    "bought_by_key",
    bought.c.key,
    unique=True,
    sqlite_where=bought.c.kind != text(str(ERROR)),
    postgresql_where=bought.c.kind != text(str(ERROR)),
)
Index(
    "bought_failed",
    bought.c.key,
    sqlite_where=bought.c.kind == text(str(ERROR)),
    postgresql_where=bought.c.kind == text(str(ERROR)),
)

# Which answers make up which score: a run that reuses an answer has its own row here.
uses = Table(
    "uses",
    metadata,
    Column("scoring_id", Integer, ForeignKey("scorings.id"), primary_key=True),
    Column("clip_id", Integer, ForeignKey("clips.id"), primary_key=True),
    Column("answer_id", Integer, ForeignKey("bought.id"), nullable=False),
    sqlite_with_rowid=False,
)

# Derived, rebuilt by `python -m prompts check --rebuild`: counts kept up by every write ...
tallies = Table(
    "tallies",
    metadata,
    Column("scoring_id", Integer, ForeignKey("scorings.id"), primary_key=True, autoincrement=False),
    *(Column(kind, Integer, nullable=False) for kind in KINDS),
    Column("changes", Integer, nullable=False),  # grows whenever a use does
)

# ... and metrics with intervals, computed when first asked for after a change.
figures = Table(
    "figures",
    metadata,
    Column("scoring_id", Integer, ForeignKey("scorings.id"), primary_key=True, autoincrement=False),
    Column("changes", Integer, nullable=False),  # of the tally it belongs to
    Column("code", String(16), nullable=False),  # hash of the code that computed it
    Column("metrics", JSON, nullable=False),
    Column("confusions", JSON, nullable=False),
)

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


def create(connection: Connection) -> None:
    """All of it in an empty database, as the migrations leave it."""
    metadata.create_all(connection, checkfirst=True)
    for statement in objects.statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
    connection.execute(insert(kinds), [{"code": code, "name": name} for code, name in enumerate(KINDS)])
    connection.execute(insert(schema_version), {"version": 2})
    connection.execute(insert(alembic_version), {"version_num": HEAD})
