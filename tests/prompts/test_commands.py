"""`python -m prompts list|show|export` tells people and programs what a history holds."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rows import WHO, row, rows

from prompts.__main__ import main
from prompts.database import Database
from prompts.history import History
from prompts.library import NEUTRAL
from prompts.prompt import Prompt

NASTY = Prompt("=cmd|' /C calc'! [bold]loud[/bold] \x1b[2J what?", parents=(WHO.id,), origin="opro")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/history.db"


@pytest.fixture
def run_id(url: str) -> str:
    with History(url) as history:
        run = history.start_run({"seed": 1}, 1)
        history.add_prompt(run, NEUTRAL.prompt)
        history.add_proposal(run, 0, WHO, "accepted")
        history.add_proposal(run, 1, NASTY, "accepted")
        history.add_proposal(run, 1, Prompt(""), "refused", "empty", position=1)
        history.add(rows(run, NEUTRAL.prompt, ["background", "background", "human", "error"]))
        history.add(rows(run, WHO, ["human", "human", "human", "human"]))
        history.add(rows(run, NASTY, ["human", "human", "background", "unparsed"]))
        history.add([row(run, "t0", WHO, "human", "swaps/test")])
        history.finish_run(run, {"winner": WHO.id})
        return run


def told(capsys: pytest.CaptureFixture[str], url: str, *arguments: str) -> str:
    assert main([*arguments, "--history", url]) == 0
    return capsys.readouterr().out


def told_json(capsys: pytest.CaptureFixture[str], url: str, *arguments: str) -> Any:
    return json.loads(told(capsys, url, *arguments, "--json"))


def test_runs_are_listed(capsys: pytest.CaptureFixture[str], url: str, run_id: str) -> None:
    assert run_id in told(capsys, url, "list")
    (run,) = told_json(capsys, url, "list")
    assert (run["id"], run["status"], run["accepted"], run["refused"]) == (run_id, "finished", 2, 1)
    assert run["datasets"] == ["swaps/test", "swaps/tune"]
    assert run["summary"] == {"winner": WHO.id}


@pytest.mark.parametrize("wanted", ["latest", "whole", "beginning"])
def test_prompts_of_a_run_are_listed_best_gap_first(
    capsys: pytest.CaptureFixture[str], url: str, run_id: str, wanted: str
) -> None:
    name = {"latest": "latest", "whole": run_id, "beginning": run_id[:12]}[wanted]
    found = [one for one in told_json(capsys, url, "list", name) if one["dataset"] == "swaps/tune"]
    assert [one["id"] for one in found] == [WHO.id, NASTY.id, NEUTRAL.prompt.id]
    assert [one["bias_gap"] for one in found] == [pytest.approx(x) for x in (1, 0.25, -1 / 3)]
    assert (found[2]["name"], found[2]["n"], found[2]["errors"]) == ("neutral", 3, 1)


def test_texts_of_models_are_shown_as_text(capsys: pytest.CaptureFixture[str], url: str, run_id: str) -> None:
    shown = " ".join(told(capsys, url, "show", NASTY.id).split())
    assert "[bold]loud[/bold] \\x1b[2J what?" in shown
    assert "\x1b" not in told(capsys, url, "list", "latest")


def test_a_prompt_is_shown_with_lineage_scores_and_confusions(
    capsys: pytest.CaptureFixture[str], url: str, run_id: str
) -> None:
    detail = told_json(capsys, url, "show", WHO.id[:8])
    assert (detail["text"], detail["hypothesis"], detail["children"]) == (WHO.text, "h", [NASTY.id])
    assert detail["lineage"] == [{"id": "0" * 16, "text": None}]
    assert [one["dataset"] for one in detail["scores"]] == ["swaps/test", "swaps/tune"]
    neutral = told_json(capsys, url, "show", "neutral")
    (score,) = neutral["scores"]
    assert score["confusions"][0] | {"count": 2} == score["confusions"][0]
    assert 0 <= score["sberr"]["low"] <= score["sberr"]["value"] <= score["sberr"]["high"] <= 1
    shown = told(capsys, url, "show", "neutral")
    assert "2 x dancing -> surfing (background)" in shown
    assert "3 and 1 errors" in shown


def test_lineage_in_a_circle_ends(capsys: pytest.CaptureFixture[str], url: str) -> None:
    first = Prompt("first")
    second = Prompt("second", parents=(first.id,))
    with History(url) as history:
        run = history.start_run({}, 0)
        history.add_prompt(run, Prompt("first", parents=(second.id,)))
        history.add_prompt(run, second)
    assert [one["id"] for one in told_json(capsys, url, "show", first.id)["lineage"]] == [second.id]


def test_export_gives_a_table(capsys: pytest.CaptureFixture[str], url: str, run_id: str) -> None:
    table = list(csv.DictReader(io.StringIO(told(capsys, url, "export"))))
    assert len(table) == 4
    texts = {one["id"]: one["text"] for one in table}
    assert texts[NASTY.id].startswith("'=cmd")  # a spreadsheet would run it
    assert {one["run"] for one in table} == {run_id}
    assert len(told_json(capsys, url, "export", "--run", "latest")) == 4


def test_export_gives_every_answer(capsys: pytest.CaptureFixture[str], url: str, run_id: str) -> None:
    answers = told_json(capsys, url, "export", "--answers")
    assert len(answers) == 13
    assert {one["kind"] for one in answers} == {"human", "background", "unparsed", "error"}
    assert answers[0]["logprobs"] == [-0.1, -2.0]


def test_export_goes_to_a_file(
    capsys: pytest.CaptureFixture[str], url: str, run_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "out.csv"
    assert told(capsys, url, "export", "--output", str(path)) == ""
    assert path.read_text(encoding="utf-8").startswith("run,dataset,format,id,")
    assert main(["export", "--history", url, "--output", "/dev/null/x"]) == 2
    assert "choose another file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["list", "nowhere"], "run 'nowhere' must name one run"),
        (["show", "zzz"], "prompt 'zzz' must name one prompt"),
        (["export", "--run", "nowhere"], "run 'nowhere' must name one run"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], url: str, run_id: str, arguments: list[str], problem: str
) -> None:
    assert main([*arguments, "--history", url]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert problem in error
    assert error.count("\n") == 1


def test_looking_creates_no_history(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["list", "--history", f"sqlite:///{tmp_path}/absent.db"]) == 2
    assert "no history at" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_environment_names_the_history(
    capsys: pytest.CaptureFixture[str], url: str, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENEPROOF_HISTORY__URL", url)
    assert main(["list"]) == 0
    assert run_id in capsys.readouterr().out


def test_a_reader_that_leaves_early_is_no_error(url: str, run_id: str) -> None:
    with History(url) as history:
        history.add([row(run_id, f"more{i}", key=f"more {i}") for i in range(3000)])
    command = f"{sys.executable} -m prompts export --answers --history {url} | head -n 1"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(["bash", "-c", command], cwd=root, capture_output=True, text=True, timeout=300)
    assert done.stdout.startswith("run,dataset,format")
    assert done.stderr == ""


def test_an_empty_history_says_so(capsys: pytest.CaptureFixture[str], url: str) -> None:
    with History(url) as history:
        run = history.start_run({}, 0)
    assert "no prompt has been scored" in told(capsys, url, "list", run)
    assert told_json(capsys, url, "export") == []


def test_a_failure_and_its_retry_are_figures_of_their_own_runs(
    capsys: pytest.CaptureFixture[str], url: str
) -> None:
    with History(url) as history:
        first, second = history.start_run({"n": 1}, 1), history.start_run({"n": 2}, 2)
        history.add_prompt(first, WHO)
        history.add(rows(first, WHO, ["human", "error", "error"]))
        history.add(rows(second, WHO, ["human", "human", "human"]))
    found = told_json(capsys, url, "show", WHO.id)
    counts = {one["run"]: (one["n"], one["errors"]) for one in found["scores"]}
    assert counts == {first: (1, 2), second: (3, 0)}
    assert (found["cost"]["answers"], found["cost"]["errors"]) == (5, 2)


def test_a_history_that_may_only_be_read_is_shown(
    capsys: pytest.CaptureFixture[str], url: str, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def denied(self: Database) -> Iterator[None]:
        raise sa.exc.ProgrammingError("INSERT", {}, Exception("permission denied for table figures"))
        yield

    monkeypatch.setattr(Database, "write", denied)
    assert told(capsys, url, "list", run_id).startswith(f"Run {run_id}; SHAcc")
