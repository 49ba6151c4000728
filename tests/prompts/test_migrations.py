"""Histories of every release open, keep all their rows and go on; new ones are made as old ones become."""

import json
import re
import sqlite3
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rows import WHAT, WHO, row

from prompts import migrations, schema
from prompts.database import Database
from prompts.history import History
from prompts.leases import Worker

DATA = Path(__file__).parent / "data"  # written by the code of the first release
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def old_url(history_url: str) -> str:
    """A history as the first release left it."""
    if history_url.startswith("sqlite"):
        path = Path(history_url.removeprefix("sqlite:///"))
        path.parent.mkdir(parents=True)
        shell = sqlite3.connect(path)
        shell.executescript((DATA / "history_1.sqlite.sql").read_text(encoding="utf-8"))
        shell.close()
    else:
        import psycopg

        with psycopg.connect(history_url, autocommit=True) as connection:
            connection.execute((DATA / "history_1.postgresql.sql").read_text(encoding="utf-8").encode())
    return history_url


def contents(history: History) -> dict[str, Any]:
    """All that the public functions of the first release told, as it was noted then."""
    runs = history.runs()
    told: dict[str, Any] = {
        "runs": [asdict(one) for one in runs],
        "prompts": [asdict(one) | {"id": one.id} for one in history.prompts()],
        "of_runs": {
            run.id: {
                "prompts": [one.id for one in history.prompts(run.id)],
                "proposals": [asdict(one) for one in history.proposals(run.id)],
                "decisions": [asdict(one) for one in history.decisions(run.id)],
                "spent": history.spent(run.id),
                "datasets": history.datasets(run.id),
            }
            for run in runs
        },
        "answers": [asdict(one) for one in history.answers_for()],
    }
    for run in told["of_runs"].values():
        for proposal in run["proposals"]:
            assert proposal.pop("conversation_id") is None
            assert proposal.pop("created").startswith("2026-")
    return json.loads(json.dumps(told))  # type: ignore[no-any-return]


def test_a_history_of_the_first_release_keeps_every_row(old_url: str) -> None:
    before = json.loads((DATA / "history_1.json").read_text(encoding="utf-8"))
    with History(old_url, create=False) as history:
        assert contents(history) == before
    with History(old_url, create=False) as again:
        assert contents(again) == before


def test_it_goes_on(old_url: str) -> None:
    with History(old_url) as history:
        one, two = (run.id for run in history.runs())
        assert history.resume_run() == two
        key = next(a.answer.key for a in history.answers_for(one) if a.answer.kind == "error")
        assert history.known([key]) == {}
        history.add([row(one, "c4", history.prompt("neutral"), key=key)])
        assert history.known([key])[key].kind == "human"
        history.add_proposal(two, 1, WHO, "accepted", request="Score 90:")
        history.add_decision(two, "stop", {})
        history.finish_run(two, {})
        assert {one.metrics.n for one in history.scored(one, WHO.id).values()} == {2, 5}
        (what,) = [s for s in history.view(two, "swaps/tune").scored if s.prompt == WHAT]
        assert what.metrics.n == 4


def test_a_process_can_take_a_run_of_an_old_history(old_url: str) -> None:
    worker = Worker("here", 7, "", "")
    with History(old_url) as history:
        run = history.runs()[0].id
        assert history.leases.take(run, "one", worker, lambda lease: False) is None
        other = history.leases.take(run, "two", worker, lambda lease: False)
        assert other is not None
        assert other.token == "one"
    with History(old_url, create=False) as again:
        assert contents(again) == json.loads((DATA / "history_1.json").read_text(encoding="utf-8"))


def test_the_states_of_old_runs_are_told_as_far_as_known(old_url: str) -> None:
    History(old_url).close()
    database = Database(old_url)
    with database.read() as connection:
        states = connection.exec_driver_sql("SELECT status FROM run_states ORDER BY id").scalars().all()
    database.close()
    assert states == ["running", "running", "finished"]


OPENER = """
import sys, time
sys.path.insert(0, {root!r})
from prompts.history import History
while time.time() < {start}:
    time.sleep(0.005)
with History({url!r}) as history:
    print(len(history.answers_for()), len(history.runs()))
"""


def test_processes_that_open_an_old_history_at_once_migrate_it_once(old_url: str) -> None:
    import time

    code = OPENER.format(root=str(ROOT), url=old_url, start=time.time() + 2)
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    told = [opener.communicate(timeout=200) for opener in openers]
    assert told == [("20 2\n", "")] * 3
    with History(old_url) as history:
        assert contents(history) == json.loads((DATA / "history_1.json").read_text(encoding="utf-8"))


def test_a_migration_that_fails_leaves_the_old_history(old_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = migrations.upgrade

    def interrupted(connection: sa.Connection, revision: str) -> None:
        real(connection, revision)
        raise KeyboardInterrupt

    monkeypatch.setattr(migrations, "upgrade", interrupted)
    with pytest.raises(KeyboardInterrupt):
        History(old_url)
    monkeypatch.undo()
    with History(old_url) as history:
        assert len(history.answers_for()) == 20


def test_new_and_migrated_histories_have_the_same_tables(old_url: str, tmp_path: Path) -> None:
    database = Database(old_url)
    with database.read() as connection:
        migrated = described(connection)
    database.close()
    with sa.create_engine(f"sqlite:///{tmp_path}/plain.db").begin() as connection:
        schema.create(connection)
        made = described(connection)
    connection.engine.dispose()
    assert migrated["tables"] == made["tables"]
    assert migrated["indexes"] == made["indexes"]
    assert migrated["views"] == made["views"]


def described(connection: sa.Connection) -> dict[str, Any]:
    """Tables, indexes and views, without what the two databases spell differently."""
    inspector = sa.inspect(connection)
    names = sorted(inspector.get_table_names())
    return {
        "tables": {
            name: {
                "columns": sorted(
                    (c["name"], _type(c["type"]), c["nullable"]) for c in inspector.get_columns(name)
                ),
                "primary": sorted(inspector.get_pk_constraint(name)["constrained_columns"]),
                "foreign": sorted(
                    (*key["constrained_columns"], key["referred_table"], *key["referred_columns"])
                    for key in inspector.get_foreign_keys(name)
                ),
                "unique": sorted(
                    tuple(one["column_names"]) for one in inspector.get_unique_constraints(name)
                ),
            }
            for name in names
        },
        "indexes": sorted(
            (name, tuple(one["column_names"]), bool(one["unique"]))
            for name in names
            for one in inspector.get_indexes(name)
            if "duplicates_constraint" not in one
        ),
        "views": sorted(inspector.get_view_names()),
    }


def _type(value: Any) -> str:
    """Spelled as SQLite does."""
    names = {"DOUBLE PRECISION": "FLOAT", "BYTEA": "BLOB"}
    return names.get(str(value), str(value))


def test_every_revision_has_its_file() -> None:
    files = sorted((ROOT / "prompts/migrations/versions").glob("*_[0-9]*.py"), key=lambda p: p.stem[-4:])
    assert [re.sub(r".*_", "", path.stem) for path in files] == list(migrations.REVISIONS)
