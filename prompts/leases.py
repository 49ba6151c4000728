"""Who works on a run: one row per run, renewed while it works and removed when it ends.

No part of the record, which is append-only and travels: nothing here is shown, exported or merged. So the
table belongs to no schema revision either. Whoever first works on a run makes it: a history that is only read
is left as it is, and older programs still open one that has it.

Covered: several threads at once. Time is told by the database alone, so that no two hosts' clocks are
compared; what has to hold is that its clock does not jump by minutes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from prompts.database import Database

_leases = sa.Table(
    "leases",
    sa.MetaData(),
    sa.Column("run_id", sa.String(64), primary_key=True),
    sa.Column("token", sa.String(32), nullable=False),  # names this lease and no other of the same process
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.BigInteger, nullable=False),
    sa.Column("pids", sa.Text, nullable=False),
    sa.Column("began", sa.Text, nullable=False),
    sa.Column("seen", sa.Double, nullable=False),  # seconds since 1970 by the database's clock
)

# PostgreSQL's other clocks stand still within a transaction, which may have waited for its turn.
_NOW: dict[str, sa.TextClause] = {
    "sqlite": sa.text("((julianday('now') - 2440587.5) * 86400.0)"),
    "postgresql": sa.text("CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"),
}


@dataclass(frozen=True)
class Worker:
    """A process. ``pids`` names the machine on which ``pid`` means it, ``began`` when it started there."""

    host: str
    pid: int
    pids: str
    began: str


@dataclass(frozen=True)
class Lease:
    """That a worker has a run. ``age``: seconds since it was last renewed."""

    token: str
    worker: Worker
    age: float


class Leases:
    """All leases of one database. Every method is one transaction; UserError where that fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def held(self) -> dict[str, Lease]:
        """By run, those of processes that died included."""
        with self._database.read() as connection:
            if not sa.inspect(connection).has_table(_leases.name):
                return {}
            return {row.run_id: _lease(row) for row in connection.execute(self._query())}

    def take(self, run_id: str, token: str, worker: Worker, lapsed: Callable[[Lease], bool]) -> Lease | None:
        """Take the run unless somebody has it whose lease has not ``lapsed``: that lease is returned then."""
        # Looked at and written under the lock of those who write: of two that come at once one is second.
        with self._database.write() as connection:
            _leases.create(connection, checkfirst=True)
            row = connection.execute(self._query().where(_leases.c.run_id == run_id)).first()
            if row is not None and not lapsed(_lease(row)):
                return _lease(row)
            connection.execute(sa.delete(_leases).where(_leases.c.run_id == run_id))
            values = {"run_id": run_id, "token": token, "host": worker.host, "pid": worker.pid}
            values |= {"pids": worker.pids, "began": worker.began, "seen": self._now}
            connection.execute(sa.insert(_leases).values(values))
        return None

    def renew(self, run_id: str, token: str) -> bool:
        """Whether the run is still this lease's; if so it was seen just now."""
        with self._database.write() as connection:
            mine = (_leases.c.run_id == run_id) & (_leases.c.token == token)
            return connection.execute(sa.update(_leases).where(mine).values(seen=self._now)).rowcount == 1

    def release(self, run_id: str, token: str) -> None:
        """Give the run back; nothing happens when it is somebody else's by now."""
        with self._database.write() as connection:
            mine = (_leases.c.run_id == run_id) & (_leases.c.token == token)
            connection.execute(sa.delete(_leases).where(mine))

    @property
    def _now(self) -> sa.TextClause:
        return _NOW[self._database.dialect]

    def _query(self) -> sa.Select[Any]:
        age: sa.ColumnElement[float] = sa.literal_column(f"{self._now.text} - seen")
        return sa.select(*_leases.c, age.label("age"))


def _lease(row: sa.Row[Any]) -> Lease:
    worker = Worker(row.host, int(row.pid), row.pids, row.began)
    return Lease(row.token, worker, max(0.0, float(row.age)))
