"""A run is one process's at a time, from its start to any end, and a dead process keeps nobody waiting."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import scripted_world as world
from loop_world import Silent, accepted, carry, settings
from scripted_world import ScriptedEngine
from test_optimize import bought, start, until_bought

from agents import lease, loop, resume
from assets.errors import UserError
from prompts.database import Database
from prompts.history import History
from prompts.leases import Worker

pytestmark = pytest.mark.usefixtures("inventive")
ELSEWHERE = Worker("elsewhere", 7, "elsewhere boot", "123")


def aged(history: History, seconds: float) -> None:
    """Every lease as if it had been renewed so much longer ago."""
    database = Database(history.url)
    with database.write() as connection:
        connection.exec_driver_sql(f"UPDATE leases SET seen = seen - {seconds}")
    database.close()


def give(history: History, run_id: str, worker: Worker) -> None:
    """The run to another process, whoever has it."""
    history.leases.take(run_id, "another's", worker, lambda lease: True)


@contextmanager
def suspended(process: "subprocess.Popen[str]") -> Iterator[None]:
    """At work and standing still, so that a test need not be quicker than it; killed after a failure."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    except BaseException:
        process.kill()
        process.communicate()
        raise
    process.send_signal(signal.SIGCONT)


def test_a_second_process_that_resumes_a_run_is_refused_and_buys_nothing(tmp_path: Path) -> None:
    first = start(tmp_path, 0.003, "--resume")
    until_bought(first, tmp_path, 20)
    with suspended(first), History(f"sqlite:///{tmp_path}/history.db", create=False) as history:
        (run,) = history.runs()
        for named in (["--resume"], ["--resume", run.id]):
            second = start(tmp_path, 0.0, *named)
            told = second.communicate(timeout=300)[0]
            assert second.returncode == 2, told
            assert f"error: run {run.id} is being worked on by " in told
            assert f":{first.pid}, last seen " in told
            assert told.rstrip().endswith(" s ago; wait for it, or stop it first")
    output = first.communicate(timeout=300)[0]
    assert first.returncode == 0, output
    with History(f"sqlite:///{tmp_path}/history.db", create=False) as history:
        assert [one.id for one in history.runs()] == [run.id]
        assert len(accepted(history, run.id)) == 6
        assert history.spent(run.id)["clip_evaluations"] == len(bought(tmp_path))
        assert history.leases.held() == {}
    assert max(Counter(bought(tmp_path)).values()) == 1


def test_of_two_that_resume_a_run_at_once_one_carries_it_on(tmp_path: Path) -> None:
    config, url, ready = settings(tmp_path), f"sqlite:///{tmp_path}/history.db", Barrier(2)
    engines = [ScriptedEngine(seconds=0.002), ScriptedEngine(seconds=0.002)]
    with History(url) as history:
        run_id = resume.find(history, config, None).run_id

    def resumed(engine: ScriptedEngine) -> str:
        with History(url, create=False) as history:
            found = resume.find(history, config, "")
            ready.wait(timeout=60)  # both have found it free
            try:
                return loop.run(config, found.run_id, history, Silent(), world.parts(engine)).run_id
            except UserError as refused:
                return str(refused)

    with ThreadPoolExecutor(2) as threads:
        told = sorted(threads.map(resumed, engines))
    assert told[0] == run_id
    assert told[1].startswith(f"run {run_id} is being worked on by ")
    assert sorted(bool(engine.asked) for engine in engines) == [False, True]
    with History(url, create=False) as history:
        assert len(accepted(history, run_id)) == 7


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), RuntimeError("broken"), UserError("gone"), None])
def test_a_run_is_given_back_however_it_ends(
    tmp_path: Path, history: History, failure: BaseException | None
) -> None:
    if failure is None:
        carry(settings(tmp_path), history)
    else:
        with pytest.raises(type(failure)):
            carry(settings(tmp_path), history, ScriptedEngine(fail_after=30, failure=failure))
    assert history.leases.held() == {}


def test_a_run_is_held_while_it_works(tmp_path: Path, history: History) -> None:
    seen: list[Any] = []

    class Looking(ScriptedEngine):
        def answer(self, requests: Any) -> Any:
            seen.append(lease.held(history))
            return super().answer(requests)

    report = carry(settings(tmp_path), history, Looking())
    assert all(list(one) == [report.run_id] for one in seen)
    assert {one[report.run_id].worker.pid for one in seen} == {os.getpid()}


def test_a_long_call_does_not_let_the_lease_lapse(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BEAT", 0.02)
    run_id = history.start_run({}, 0)
    with lease.hold(history, run_id):
        aged(history, 1000)
        deadline = time.monotonic() + 60
        while history.leases.held()[run_id].age > 500 and time.monotonic() < deadline:
            time.sleep(0.01)  # the main thread renews nothing
        assert history.leases.held()[run_id].age < 500


def test_a_database_that_was_away_for_a_moment_is_tried_again(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "BEAT", 0.01)
    renew, failed = history.leases.renew, []

    def away(run_id: str, token: str) -> bool:
        if len(failed) < 3:
            failed.append(token)
            raise UserError("cannot write the history")
        return renew(run_id, token)

    monkeypatch.setattr(history.leases, "renew", away)
    run_id = history.start_run({}, 0)
    with lease.hold(history, run_id):
        aged(history, 1000)
        deadline = time.monotonic() + 60
        while history.leases.held()[run_id].age > 500 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert history.leases.held()[run_id].age < 500
    assert len(failed) == 3


def test_a_killed_process_keeps_nobody_waiting_even_before_its_parent_noticed(history: History) -> None:
    command, run_id = [sys.executable, "-c", "input()"], history.start_run({}, 0)
    with subprocess.Popen(command, stdin=subprocess.PIPE) as sleeper:  # ends at the end of its input
        give(history, run_id, Worker("here", sleeper.pid, lease._pids(), lease._began(sleeper.pid) or ""))
        aged(history, 10 * lease.LAPSE)  # it is alive, only not seen: who is suspended is not robbed
        with (
            pytest.raises(UserError, match=rf"worked on by here:{sleeper.pid}, last seen 3\d\d\d s ago"),
            lease.hold(history, run_id),
        ):
            pass
        sleeper.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # dead, and in the list of processes
        with lease.hold(history, run_id):
            assert lease.held(history)[run_id].worker.pid == os.getpid()


def test_a_process_id_given_to_another_process_keeps_nobody_waiting(history: History) -> None:
    run_id = history.start_run({}, 0)
    give(history, run_id, Worker("here", os.getpid(), lease._pids(), "1"))
    assert lease.held(history) == {}
    with lease.hold(history, run_id):
        pass


def test_of_another_host_a_run_is_taken_over_when_not_seen_for_minutes(history: History) -> None:
    run_id = history.start_run({}, 0)
    give(history, run_id, ELSEWHERE)
    aged(history, lease.LAPSE - 60)
    told = rf"run {run_id} is being worked on by elsewhere:7, last seen 24\d s ago; wait for it, or stop it"
    with pytest.raises(UserError, match=told), lease.hold(history, run_id):
        pass
    aged(history, 60)
    with lease.hold(history, run_id):
        assert lease.held(history)[run_id].worker.pid == os.getpid()


def test_where_the_start_of_a_process_is_not_told_time_decides(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = history.start_run({}, 0)
    give(history, run_id, Worker("here", os.getpid(), lease._pids(), ""))
    assert list(lease.held(history)) == [run_id]
    aged(history, lease.LAPSE)
    assert lease.held(history) == {}


def test_a_process_that_lost_its_run_buys_no_more_and_leaves_its_state_alone(
    tmp_path: Path, history: History
) -> None:
    class Robbed(ScriptedEngine):
        def answer(self, requests: Any) -> Any:
            if len(self.asked) > 50 and not lost:
                lost.append(len(self.asked))
                give(history, run_id, ELSEWHERE)
            return super().answer(requests)

    config, lost, engine = settings(tmp_path), [], Robbed()
    run_id = resume.find(history, config, None).run_id
    with pytest.raises(lease.TakenOver, match=rf"run {run_id} was taken over, .*: elsewhere:7 works on it"):
        loop.run(config, run_id, history, Silent(), world.parts(engine))
    assert len(engine.asked) - lost[0] <= 64  # the batch under way
    assert history.run(run_id).status == "running"
    assert history.spent(run_id)["clip_evaluations"] == len(engine.asked)
    assert lease.held(history)[run_id].worker == ELSEWHERE
