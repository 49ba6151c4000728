"""One function over many tasks in worker processes, results as they come."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import ModuleType
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def default_workers() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(function: Callable[[T], R], tasks: Sequence[T], workers: int) -> Iterator[tuple[int, R]]:
    """(task's number, result) in order of completion, each task once. Exceptions of ``function`` pass on.

    Workers are spawned, not forked (a fork of a process with threads may hang), and import the function's
    module only, never the caller's script. Where they cannot work (a worker was killed, a task cannot be
    rebuilt over there) the rest is done in this process. One worker or one task needs no other process.
    """
    done: set[int] = set()
    if workers > 1 and len(tasks) > 1:
        try:
            for number, result in _spread(function, tasks, min(workers, len(tasks))):
                done.add(number)
                yield number, result
        except (BrokenProcessPool, _CannotTravelError):
            pass
    for number, task in enumerate(tasks):
        if number not in done:
            yield number, function(task)


def _spread(function: Callable[[T], R], tasks: Sequence[T], workers: int) -> Iterator[tuple[int, R]]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_settle)
    try:
        parcels = [_pack(function, task) for task in tasks]
        with _no_main_module():
            futures: dict[Future[R], int] = {pool.submit(_unpack, p): n for n, p in enumerate(parcels)}
        for future in as_completed(futures):
            yield futures.pop(future), future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _CannotTravelError(Exception):
    """A task cannot be sent to another process."""


def _pack(function: Callable[[T], R], task: T) -> bytes:
    """Pickled here and not by the pool, which may hang for ever over what cannot be pickled (Python 3.11)."""
    try:
        return pickle.dumps((function, task))
    except (pickle.PicklingError, AttributeError, TypeError) as failure:
        raise _CannotTravelError from failure


def _unpack(parcel: bytes) -> Any:
    try:
        function, task = pickle.loads(parcel)
    except (pickle.UnpicklingError, AttributeError, ImportError) as failure:
        raise _CannotTravelError from failure
    return function(task)


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Spawned workers run the caller's script again to find its functions: they would load torch with it, and
    a script without ``if __name__ == "__main__"`` would start over. Ours need nothing of it."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _settle() -> None:
    """Ctrl-C is the parent's to handle; when the parent is killed, nobody else stops the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
