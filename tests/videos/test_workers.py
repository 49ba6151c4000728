"""Tasks in worker processes: each once, whatever happens to the workers."""

import math
import os
import sys
from collections.abc import Callable

import pytest

from videos.workers import default_workers, spread


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
