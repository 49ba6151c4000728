"""Tasks in worker processes: each once, whatever happens to the workers."""

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from videos.workers import Lost, alone, default_workers, isolated, retire, spread


def test_each_task_is_done_once_and_in_another_process() -> None:
    results = dict(spread(math.sqrt, [1.0, 4.0, 9.0], 2))
    assert results == {0: 1.0, 1: 2.0, 2: 3.0}
    pids = dict(spread(eval, ["__import__('os').getpid()"] * 3, 2))
    assert os.getpid() not in pids.values()


def test_one_worker_is_this_process() -> None:
    assert dict(spread(eval, ["__import__('os').getpid()"] * 2, 1)) == {0: os.getpid(), 1: os.getpid()}


def test_workers_load_neither_torch_nor_the_script_that_called() -> None:
    loaded = "sorted({'torch', 'pytest', 'transformers'} & set(__import__('sys').modules))"
    assert dict(spread(eval, [loaded] * 2, 2)) == {0: [], 1: []}
    assert "pytest" in sys.modules


def test_a_killed_worker_costs_no_task() -> None:
    here = os.getpid()
    task = f"{here} if __import__('os').getpid() == {here} else __import__('os')._exit(9)"
    assert dict(spread(eval, [task] * 3, 2)) == {0: here, 1: here, 2: here}


def test_what_cannot_travel_is_done_here() -> None:
    function: Callable[[int], int] = lambda number: number + 1  # noqa: E731
    assert dict(spread(function, [1, 2, 3], 2)) == {0: 2, 1: 3, 2: 4}


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_of_the_function_comes_up(workers: int) -> None:
    with pytest.raises(ValueError, match=r"math domain|nonnegative"):
        list(spread(math.sqrt, [1.0, -1.0], workers))


def test_the_default_is_at_least_one() -> None:
    assert default_workers() >= 1


def test_what_only_exists_here_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def grow(number: int) -> int:
        return number + 1

    monkeypatch.setattr(grow, "__qualname__", "grow")
    monkeypatch.setattr(grow, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "grow", grow, raising=False)
    assert dict(spread(grow, [1, 2, 3], 2)) == {0: 2, 1: 3, 2: 4}


def test_a_task_that_crashes_its_worker_is_lost_alone() -> None:
    tasks = [
        "1",
        "__import__('os').kill(__import__('os').getpid(), 11)",
        "3",
        "__import__('os')._exit(7)",
        "5",
    ]
    results = dict(isolated(eval, tasks, 2))
    assert results == {
        0: 1,
        1: Lost("crashed its process (SIGSEGV)"),
        2: 3,
        3: Lost("ended its process (exit 7)"),
        4: 5,
    }


@pytest.mark.parametrize("endless", ["__import__('time').sleep(600)", "[0 for _ in iter(int, 1)]"])
def test_a_task_that_never_ends_is_lost_alone(endless: str) -> None:
    results = dict(isolated(eval, ["1", endless, "3"], 2, seconds=1))
    assert results == {0: 1, 1: Lost("took more than 1 s"), 2: 3}


def test_results_that_wait_for_their_reader_are_not_late() -> None:
    seen = []
    for number, result in isolated(eval, ["1", "2", "3"], 2, seconds=1):
        seen.append((number, result))
        time.sleep(1.1)
    assert sorted(seen) == [(0, 1), (1, 2), (2, 3)]


def test_giving_up_midway_leaves_no_worker_at_its_task(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    task = f"[open({str(pid)!r}, 'w').write(str(__import__('os').getpid())), __import__('time').sleep(600)]"
    results = isolated(eval, [task, "2"], 2)
    assert next(results) == (1, 2)
    while not (pid.exists() and pid.read_text()):
        time.sleep(0.01)
    results.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_idle_workers_are_used_again_until_they_are_retired() -> None:
    first = alone(eval, "__import__('os').getpid()")
    assert alone(eval, "__import__('os').getpid()") == first
    retire()
    assert alone(eval, "__import__('os').getpid()") != first


def test_a_worker_that_died_while_idle_is_replaced() -> None:
    pid = alone(eval, "__import__('os').getpid()")
    assert isinstance(pid, int)
    os.kill(pid, 9)
    time.sleep(0.1)
    assert alone(eval, "1 + 1") == 2


def test_a_worker_does_its_own_tasks_itself() -> None:
    me = "__import__('os').getpid()"
    inner = f"({me}, __import__('videos.workers').workers.alone(eval, {me!r}))"
    result = alone(eval, inner)
    assert isinstance(result, tuple)
    assert result[0] == result[1] != os.getpid()


def test_a_forked_process_has_workers_of_its_own() -> None:
    ours = alone(eval, "__import__('os').getpid()")
    child = os.fork()
    if child == 0:
        os._exit(0 if alone(eval, "__import__('os').getppid()") == os.getpid() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert alone(eval, "__import__('os').getpid()") == ours


def test_workers_are_the_first_to_go_when_memory_runs_out() -> None:
    if not Path("/proc/self/oom_score_adj").exists():
        pytest.skip("this system keeps no /proc/self/oom_score_adj")
    assert alone(eval, "open('/proc/self/oom_score_adj').read().strip()") == "1000"


def test_the_workers_of_a_killed_parent_end(tmp_path: Path) -> None:
    code = (
        "import os, sys, threading\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "from videos.workers import alone\n"
        "print(alone(eval, \"__import__('os').getpid()\"), flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    worker = int(done.stdout)
    deadline = time.monotonic() + 30
    while _is_alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_alive(worker)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
