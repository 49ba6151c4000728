"""`python -m prompts check` finds what does not fit, each in one line; what is derived can be made anew."""

import json

import pytest
from rows import WHAT, WHO, rows

from prompts import checking
from prompts.__main__ import main
from prompts.checking import check, rebuild
from prompts.database import Database
from prompts.history import History
from prompts.library import PREFIXED
from prompts.migrations.objects import KEPT


@pytest.fixture
def url(history_url: str) -> str:
    with History(history_url) as history:
        run = history.start_run({"a": {"b": [1, 2.5]}, "api_key": "secret"}, 1)
        history.add_prompt(run, PREFIXED.prompt)
        history.add_proposal(run, 0, WHO, "accepted", request="Score 90:")
        history.add_proposal(run, 0, WHAT, "refused", "too short", position=1)
        history.add(rows(run, PREFIXED.prompt, ["human", "background", "error"]))
        history.add(rows(run, WHO, ["human", "human", "human"]))
        history.view(run)
        history.finish_run(run, {})
    return history_url


def damage(url: str, *statements: str) -> None:
    """Do what the triggers and keys of the database forbid."""
    database = Database(url)
    with database.write() as connection:
        if database.dialect == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            for table in KEPT:
                connection.exec_driver_sql(f"DROP TRIGGER {table}_no_update")
                connection.exec_driver_sql(f"DROP TRIGGER {table}_no_delete")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for statement in statements:
            connection.exec_driver_sql(statement)
    database.close()


def found(url: str, quick: bool = False) -> list[str]:
    database = Database(url)
    try:
        return [f"{one.kind}: {one.where}: {one.problem}" for one in check(database, quick)]
    finally:
        database.close()


def test_a_sound_history_is_called_so(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert found(url) == []
    assert main(["check", "--history", url]) == 0
    assert capsys.readouterr().out.endswith("is sound\n")


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE prompts SET text = 'other' WHERE origin = 'opro'", "hash: prompt "),
        ("UPDATE proposals SET text = 'other' WHERE verdict = 'refused'", "hash: proposal 0/1"),
        ("UPDATE clips SET human = 'juggling' WHERE clip_id = 'c1'", "hash: clip c1"),
        ("UPDATE labels SET text = 'juggling' WHERE text = 'dancing'", "hash: label 'juggling'"),
        ("UPDATE runs SET config = '{}'", "hash: configuration of run"),
        ("UPDATE conversations SET messages = '\"none\"'", "hash: conversation"),
        ("UPDATE bought SET kind = 1 WHERE kind = 0", "aggregate: tally of score"),
        ("UPDATE tallies SET human = human + 1", "aggregate: tally of score 1"),
        ("DELETE FROM tallies", "aggregate: tally of score 1: none stored"),
        (
            "UPDATE figures SET metrics = (SELECT MAX(CAST(metrics AS TEXT)) FROM figures)",
            "aggregate: figures",
        ),
        ("UPDATE runs SET status = 'running'", "aggregate: run "),
        ("UPDATE scorings SET run_id = 'nowhere'", "orphan: scorings: 2 rows name run_id nowhere"),
        (
            "UPDATE scorings SET prompt_id = 'gone' WHERE id = 1",
            "orphan: scorings: 1 rows name prompt_id gone",
        ),
    ],
)
def test_damage_is_found(url: str, statement: str, problem: str) -> None:
    if "figures SET" in statement and url.startswith("postgres"):
        statement = statement.replace("metrics = (", "metrics = CAST((") + " AS JSON)"
    damage(url, statement)
    assert any(line.startswith(problem) for line in found(url)), found(url)


def test_rows_that_lead_nowhere_are_found(url: str) -> None:
    if url.startswith("sqlite"):
        import sqlite3

        with sqlite3.connect(url.removeprefix("sqlite:///")) as shell:
            shell.execute("DROP TRIGGER bought_no_delete")
            shell.execute("DELETE FROM bought WHERE id = 1")
        shell.close()
    else:
        damage(url, "DELETE FROM bought WHERE id = 1")
    assert "orphan: uses: 1 rows name answer_id 1, not in bought" in found(url)


def test_derived_rows_are_made_anew(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with History(url) as reader:
        before = reader.scored()
        damage(url, "UPDATE tallies SET human = human + 1", "UPDATE figures SET metrics = '[]'")
        database = Database(url)
        assert rebuild(database) == 2
        database.close()
        assert found(url) == []
        assert reader.scored() == before
    assert main(["check", "--rebuild", "--history", url]) == 0
    assert "figures of 2 scores made anew" in capsys.readouterr().out


def test_findings_are_one_line_each_and_the_status_is_1(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    character = "CHAR" if url.startswith("sqlite") else "CHR"
    damage(url, f"UPDATE labels SET text = 'a' || {character}(10) || 'b' WHERE text = 'dancing'")
    assert main(["check", "--history", url]) == 1
    assert capsys.readouterr().out.startswith("hash: label 'a\\nb': its contents hash to")
    assert main(["check", "--history", url, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [one["kind"] for one in told["findings"]] == ["hash"]


def test_a_quick_check_recomputes_some_figures(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    damage(url, "DELETE FROM figures WHERE scoring_id = 1", "UPDATE figures SET confusions = '[]'")
    monkeypatch.setattr(checking, "_QUICK_FIGURES", 1)
    assert found(url, quick=True) == []
