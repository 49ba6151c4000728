"""The command as a user runs it: killed, resumed, interrupted, misused."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import scripted_world as world

from agents import optimize
from agents.strategies import STRATEGIES
from prompts.history import History

DRIVER = Path(__file__).parent / "driver.py"
SMALL = [
    *("--budget", "6", "--optimizer.per_round", "3", "--optimizer.finalists", "2"),
    *("--data.tune_clips", "12", "--data.select_clips", "20", "--data.test_clips", "24"),
    *("--data.report_clips", "24", "--data.agreement_clips", "8", "--optimizer.strategy", "inventive"),
]


@pytest.fixture(autouse=True)
def _inventive(monkeypatch: pytest.MonkeyPatch) -> None:
    strategies: Any = STRATEGIES
    monkeypatch.setitem(strategies, "inventive", world.inventive)


def flags(folder: Path, *more: str) -> list[str]:
    return [*SMALL, "--output", str(folder / "runs"), "--history", f"sqlite:///{folder}/history.db", *more]


def start(folder: Path, seconds: float, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, str(DRIVER), str(seconds), str(folder / "answers"), *flags(folder, *more)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=_hear_ctrl_c
    )


def _hear_ctrl_c() -> None:
    """Tests started in the background inherit a shell's ignored SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def bought(folder: Path) -> list[str]:
    log = folder / "answers"
    return log.read_text().split() if log.exists() else []


def until_bought(process: "subprocess.Popen[str]", folder: Path, count: int) -> None:
    deadline = time.monotonic() + 300
    while len(bought(folder)) < count and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)


def test_a_killed_run_loses_at_most_the_batch_in_flight_and_ends_like_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    assert optimize.main(flags(whole), world.parts(world.ScriptedEngine(log=whole / "answers"))) == 0
    expected = bought(whole)
    for stop in sorted(random.Random(3).sample(range(5, len(expected) - 5), 2)):
        process = start(parts, 0.003, "--resume")
        until_bought(process, parts, stop)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with History(f"sqlite:///{parts}/history.db", create=False) as left:
            (run,) = left.runs()
            booked = left.spent(run.id).get("clip_evaluations", 0)
            assert booked == len(left.answers_for(run.id))  # nothing is stored that no cap knows of
    process = start(parts, 0.0, "--resume")
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    with History(f"sqlite:///{parts}/history.db", create=False) as one:
        (run,) = one.runs()
        rows = one.answers_for(run.id)
        assert run.status == "finished"
    with History(f"sqlite:///{whole}/history.db", create=False) as other:
        undisturbed = other.answers_for(other.runs()[0].id)
    assert [row.answer for row in rows] == [row.answer for row in undisturbed]
    again = [key for key, times in Counter(bought(parts)).items() if times > 1]
    assert set(bought(parts)) == set(expected)
    assert len(again) <= 2 * 64  # what two kills may lose: answers of the last second, at most one batch each
    assert (parts / "runs" / run.id / "pareto.png").read_bytes()[:4] == b"\x89PNG"
    assert "resumes" in output
    assert f"python -m prompts list {run.id}" in output


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_who_is_stopped_says_how_to_go_on(tmp_path: Path, how: signal.Signals) -> None:
    process = start(tmp_path, 0.01)
    until_bought(process, tmp_path, 20)
    process.send_signal(how)
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 130
    last = output.strip().splitlines()[-1]
    assert last.startswith("interrupted; go on with the same command and --resume 20")
    assert "Traceback" not in output
    with History(f"sqlite:///{tmp_path}/history.db", create=False) as history:
        run_id = last.split()[-1]
        assert len(history.answers_for(run_id)) >= len(bought(tmp_path)) - 1
    assert optimize.main(flags(tmp_path, "--resume", run_id), world.parts()) == 0


def test_a_finished_run_is_not_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert optimize.main(flags(tmp_path), world.parts()) == 0
    engine = world.ScriptedEngine()
    capsys.readouterr()
    assert optimize.main(flags(tmp_path, "--resume"), world.parts(engine)) == 0
    assert "of these settings is finished" in capsys.readouterr().out
    assert engine.asked == []


def test_print_config_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert optimize.main(flags(tmp_path, "--print-config"), world.parts()) == 0
    assert "prompts: 6" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--budget", "0"], "budget.prompts: '0' is not possible"),
        (["--nonsense"], "unknown flag --nonsense"),
        (["--config", "absent.yaml"], "cannot read --config absent.yaml"),
        (["--history", "mysql://host/db"], "known databases: postgresql, sqlite"),
        (["--resume", "nowhere"], "run 'nowhere' is not in the history"),
        (
            ["--optimizer.strategy", "file", "--optimizer.file", "absent.txt"],
            "cannot read optimizer.file absent.txt",
        ),
        (["--target.question.format", "mcq9"], "known: mcq5, closed, open"),
        (["--output", "/dev/null/x", "--budget", "1"], "give another folder with --output"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], told: str
) -> None:
    assert optimize.main(flags(tmp_path, *more), world.parts()) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert told in error
    assert error.count("\n") == 1
