"""What can be wrong with a history's file is told in one line."""

import sqlite3
from pathlib import Path

import pytest

from assets.errors import UserError
from prompts import schema
from prompts.database import Database


def opened(url: str, create: bool = True) -> None:
    Database(url, create).close()


def test_a_missing_file_is_created_or_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/history.db"
    with pytest.raises(UserError, match=r"no history at .*; start a run"):
        opened(url, create=False)
    opened(url)
    opened(url, create=False)


def test_looking_into_an_empty_database_makes_nothing(history_url: str) -> None:
    if history_url.startswith("sqlite"):
        path = Path(history_url.removeprefix("sqlite:///"))
        path.parent.mkdir(parents=True)
        path.touch()
    for _ in range(2):
        with pytest.raises(UserError, match=r"no history in .*; start a run"):
            opened(history_url, create=False)
    opened(history_url)
    opened(history_url, create=False)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("history.db", "is no database URL; write e.g. sqlite:///"),
        ("mysql://host/db", "known databases: postgresql, sqlite"),
        ("sqlite:////dev/null/x/history.db", "cannot create the folder"),
    ],
)
def test_an_impossible_url_is_explained(url: str, told: str) -> None:
    with pytest.raises(UserError, match=told) as raised:
        opened(url)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@127.0.0.1:1/db",
        "postgresql:///db?host=127.0.0.1&port=1&user=me&password=hunter2",
        "postgresql://me:hunter2@127.0.0.1:port/db",
    ],
)
def test_a_password_is_not_shown(url: str) -> None:
    with pytest.raises(UserError) as raised:
        opened(url)
    assert "hunter2" not in str(raised.value)


def test_a_file_that_is_no_database_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, " * 100)
    with pytest.raises(UserError, match="is no readable SQLite file"):
        opened(f"sqlite:///{path}")
    assert path.read_text().startswith("Dear reader")


def test_somebody_elses_database_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    with pytest.raises(UserError, match="holds other tables \\(recipes\\)"):
        opened(f"sqlite:///{path}")


def test_a_history_of_a_newer_program_is_refused(history_url: str) -> None:
    database = Database(history_url)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(UserError, match=r"schema version 9999, .*; update sceneproof") as raised:
        opened(history_url)
    assert "\n" not in str(raised.value)


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/history.db")

    def half_done() -> None:
        with database.write() as connection:
            run = dict.fromkeys(("id", "started", "status", "config_hash", "code_version"), "x")
            database.insert(connection, schema.runs, [run | {"config": {}, "environment": {}, "seed": 0}])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half_done()
    with database.read() as connection:
        assert connection.execute(schema.runs.select()).fetchall() == []
    database.close()
