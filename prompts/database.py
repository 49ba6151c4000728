"""Opening a history's database: SQLite pragmas, schema revision, write transactions, one-line errors.

One process writes at a time, on PostgreSQL as on SQLite: a transaction that writes takes a lock first and the
others wait. Numbers of rows are given out under that lock, and two writers never meet halfway in a deadlock.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from assets.errors import UserError
from prompts import migrations, schema
from prompts.records import without_password

BUSY_SECONDS = 30.0  # how long a writer waits for another process
CHUNK = 500  # bound values per IN list; SQLite's oldest limit is 999 variables
_WRITERS = 0x5CE9E  # the PostgreSQL advisory lock of those who write

_INSERTS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Database:
    """A connection pool with the history's tables in it.

    Raises UserError when the URL cannot be understood or opened, holds something else, or was written by a
    newer version. With ``create`` False a missing or empty one is an error too, instead of a new history.
    """

    def __init__(self, url: str, create: bool = True) -> None:
        parsed = _parse(url)
        self.label = without_password(parsed.render_as_string(hide_password=True))
        self.place = _place(parsed)
        if parsed.get_backend_name() == "sqlite":
            _prepare_file(parsed, self.label, create)
        self._engine = _engine(parsed, self.label)
        try:
            self._prepare_tables(create)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give back all connections. Calling it twice is harmless."""
        self._engine.dispose()

    @property
    def dialect(self) -> str:
        """ "sqlite" or "postgresql"."""
        return self._engine.dialect.name

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the database throughout."""
        with self._one_line("read"), self._engine.connect() as connection:
            if self.dialect == "postgresql":
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction: all of it is stored at the end, or nothing after an exception."""
        # IMMEDIATE takes the write lock at once: a transaction that starts by reading and wants it later is
        # refused by SQLite without waiting when another process has written in between.
        engine = self._engine.execution_options(sceneproof_write=True)
        with self._one_line("write"), engine.begin() as connection:
            if self.dialect == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(BUSY_SECONDS * 1000)}")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")
            yield connection

    def insert(
        self,
        connection: sa.Connection,
        table: sa.Table,
        rows: Sequence[Mapping[str, Any]],
        update: Sequence[str] = (),
        add: Sequence[str] = (),
    ) -> None:
        """Insert rows; where the key exists, update these columns, add to those, or keep the row."""
        if not rows:
            return
        statement: Any = _INSERTS[self.dialect](table)  # both dialects spell upserts the same
        keys = list(table.primary_key.columns)
        if update or add:
            values: dict[str, Any] = {name: statement.excluded[name] for name in update}
            values |= {name: table.c[name] + statement.excluded[name] for name in add}
            statement = statement.on_conflict_do_update(index_elements=keys, set_=values)
        else:
            statement = statement.on_conflict_do_nothing(index_elements=keys)
        connection.execute(statement, [dict(row) for row in rows])

    @contextmanager
    def _one_line(self, action: str) -> Iterator[None]:
        try:
            yield
        except (sa.exc.OperationalError, sa.exc.InterfaceError) as failure:
            reason = " ".join(str(failure.orig).split())
            raise UserError(
                f"cannot {action} the history {self.label}: {reason}; check path, permissions and disk space"
            ) from failure
        except sa.exc.DatabaseError as failure:
            if "not a database" in str(failure.orig) or "malformed" in str(failure.orig):
                raise UserError(
                    f"the history {self.label} is no readable SQLite file ({failure.orig}); choose another"
                ) from failure
            raise

    def _prepare_tables(self, create: bool) -> None:
        with self.read() as connection:
            revision = self._revision(connection)
        if revision is None and not create:
            raise UserError(f"no history in {self.label}; start a run, or name another: --history URL")
        if revision == migrations.HEAD:
            return
        with self.write() as connection:
            # Looked up again under the write lock: another process may have just done the same.
            revision = self._revision(connection)
            if revision is None:
                schema.create(connection)
            elif revision != migrations.HEAD:
                migrations.upgrade(connection, revision)

    def _revision(self, connection: sa.Connection) -> str | None:
        """The schema revision found, None in an empty database."""
        names = sa.inspect(connection).get_table_names()
        if not names:
            return None
        if "schema_version" not in names:
            others = ", ".join(names[:3])
            raise UserError(f"{self.label} is no history: it holds other tables ({others}); choose another")
        if "alembic_version" not in names:  # as the first release left it, or something before any release
            version = connection.execute(sa.select(schema.schema_version.c.version)).scalar()
            return self._known(f"{version or 0:04d}")
        return self._known(str(connection.execute(sa.select(schema.alembic_version)).scalar()))

    def _known(self, revision: str) -> str:
        if revision not in migrations.REVISIONS:
            raise UserError(
                f"the history {self.label} has schema version {revision}, this program knows up to "
                f"{migrations.HEAD}; update sceneproof or choose another history"
            )
        return revision


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.engine.make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # ValueError: a port that is no number
        shown = without_password(url)
        raise UserError(
            f"history {shown!r} is no database URL; write e.g. sqlite:///runs/history.db"
        ) from None
    if parsed.get_backend_name() not in _INSERTS:
        known = ", ".join(sorted(_INSERTS))
        raise UserError(f"history {parsed.get_backend_name()!r} is not supported; known databases: {known}")
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def _place(url: sa.URL) -> tuple[Any, ...]:
    """Two URLs of one database have the same."""
    if url.get_backend_name() == "sqlite":
        return "sqlite", str(Path(url.database or "").resolve())
    return url.get_backend_name(), url.host or "localhost", url.port or 5432, url.database


def _prepare_file(url: sa.URL, label: str, create: bool) -> None:
    if not url.database or url.database == ":memory:":
        return
    path = Path(url.database)
    if not create and not path.exists():
        raise UserError(f"no history at {path}; start a run, or name another: --history sqlite:///PATH")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise UserError(f"cannot create the folder of the history {label}: {failure}") from failure


def _engine(url: sa.URL, label: str) -> sa.Engine:
    try:
        engine = sa.create_engine(url)
    except ModuleNotFoundError as failure:
        missing = failure.name
        raise UserError(f"history {label} needs {missing}: install sceneproof[postgres]") from failure
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _on_connect)
        sa.event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: object) -> None:
    # The driver's own transaction handling would begin late and never IMMEDIATE: it is switched off.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")  # with WAL: nothing lost by a crash of the process
    _switch_to_wal(connection)


def _switch_to_wal(connection: Any) -> None:
    """WAL, once per file. SQLite does not wait for this lock by itself, so two first openers retry here."""
    import sqlite3

    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as failure:
            if "locked" not in str(failure) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _on_begin(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get("sceneproof_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
