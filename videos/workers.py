"""Functions run in other processes: many tasks at once, and tasks that may hang or crash.

Each worker has a pipe of its own and one task at a time, so that whatever happens to it is that task's alone.
Workers are spawned, not forked (a fork of a process with threads may hang), and import the function's module
only, never the caller's script. Idle ones are kept for the next task.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import Any, Literal, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_START_SECONDS = 300.0  # what a worker may take to start and import, on a very busy machine
_KEPT = 2  # idle workers kept, of a hundred megabytes each

_idle: "list[_Worker]" = []
_guard = threading.Lock()
_inside = False  # this process is a worker
_CANNOT_TRAVEL = object()


@dataclass(frozen=True)
class Lost:
    """A task that took its worker with it. ``reason`` continues a sentence: 'took more than 60 s'."""

    reason: str


def default_workers() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_number() -> int:
    """Which of the processes this one is, counted from 0 in the order they were started."""
    number = multiprocessing.current_process().name.rpartition("-")[2]
    return int(number) - 1 if number.isdecimal() else 0


def spread(function: Callable[[T], R], tasks: Sequence[T], workers: int) -> Iterator[tuple[int, R]]:
    """(task's number, result) in order of completion, each task once. Exceptions of ``function`` pass on.

    Tasks that lost their worker are done in this process. One worker or one task needs no other process.
    """
    done: set[int] = set()
    if workers > 1 and len(tasks) > 1:
        for number, result in isolated(function, tasks, workers):
            if not isinstance(result, Lost):
                done.add(number)
                yield number, result
    for number, task in enumerate(tasks):
        if number not in done:
            yield number, function(task)


def alone(function: Callable[[T], R], task: T, seconds: float | None = None) -> R | Lost:
    """One task in another process; see ``isolated``."""
    ((_, result),) = isolated(function, [task], 1, seconds)
    return result


def isolated(
    function: Callable[[T], R], tasks: Sequence[T], workers: int, seconds: float | None = None
) -> Iterator[tuple[int, R | Lost]]:
    """(task's number, result) in order of completion; Lost for one that crashed or took over ``seconds``.

    Exceptions of ``function`` pass on. Tasks that cannot be sent or rebuilt over there are done in this
    process, as are all where it is a worker itself, or a daemon, which may start no processes.
    """
    if _inside or multiprocessing.current_process().daemon:
        yield from ((number, function(task)) for number, task in enumerate(tasks))
        return
    waiting = deque(range(len(tasks)))
    busy: dict[Connection, _Running] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < max(1, workers):
                number = waiting.popleft()
                parcel = _pack(function, tasks[number])
                if parcel is None:
                    yield number, function(tasks[number])
                else:
                    running = _Running(_take(), number, time.monotonic() + _START_SECONDS)
                    busy[running.worker.pipe] = running
                    running.worker.send(parcel)
            for running in _heard(busy, seconds) if busy else ():
                del busy[running.worker.pipe]
                result = _result(running)
                here = result is _CANNOT_TRAVEL
                yield running.number, function(tasks[running.number]) if here else result
    finally:
        for running in busy.values():
            running.worker.kill()


def retire() -> None:
    """End idle workers, to give back their memory."""
    with _guard:
        while _idle:
            _idle.pop().kill()


@dataclass
class _Running:
    """A worker at a task. ``reply`` is what it said last."""

    worker: "_Worker"
    number: int
    deadline: float
    reply: "tuple[_Said, Any] | None" = None


_Said = Literal["started", "done", "raised", "cannot travel", "lost"]


class _Worker:
    """A process and the pipe to it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with _no_main_module():
            self.process.start()
        theirs.close()

    def send(self, parcel: bytes) -> None:
        with suppress(OSError):  # it died while idle: told when its answer is read
            self.pipe.send_bytes(parcel)

    def receive(self) -> tuple[_Said, Any]:
        """The next thing it says; how it ended where it says no more."""
        try:
            said: tuple[_Said, Any] = pickle.loads(self.pipe.recv_bytes())
            return said
        except (EOFError, OSError):
            self.process.join(5)
            return "lost", _ending(self.process.exitcode)

    def kill(self) -> None:
        self.process.kill()
        self.process.join(5)  # no longer: what waits for a dead disk cannot be ended
        self.pipe.close()


def _heard(busy: dict[Connection, _Running], seconds: float | None) -> Iterator[_Running]:
    """Tasks that ended, after waiting until one of them says something or runs out of time."""
    soonest = min(running.deadline for running in busy.values())
    ready = wait(list(busy), None if soonest == float("inf") else max(0.0, soonest - time.monotonic()))
    for running in list(busy.values()):
        if running.worker.pipe in ready:
            running.reply = running.worker.receive()
            if running.reply[0] == "started":
                running.deadline = float("inf") if seconds is None else time.monotonic() + seconds
                continue
            yield running
        elif time.monotonic() > running.deadline and not running.worker.pipe.poll():
            limit = f"more than {seconds or _START_SECONDS:g} s"
            running.reply = ("lost", f"took {limit}")
            yield running


def _result(running: _Running) -> Any:
    assert running.reply is not None
    said, what = running.reply
    if said == "lost":
        running.worker.kill()
        return Lost(what)
    _release(running.worker)
    if said == "cannot travel":
        return _CANNOT_TRAVEL
    if said == "raised":
        raise what
    return what


def _ending(code: int | None) -> str:
    if code is None or code >= 0:
        return f"ended its process (exit {code})"
    name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
    return f"crashed its process ({name})"


def _take() -> _Worker:
    with _guard:
        while _idle:
            worker = _idle.pop()
            if worker.process.is_alive():
                return worker
            worker.kill()
        return _Worker()


def _release(worker: _Worker) -> None:
    with _guard:
        if len(_idle) < _KEPT:
            _idle.append(worker)
            return
    worker.kill()


def _forget_parents_workers() -> None:
    """A forked child must not talk to them: their pipes are its parent's."""
    global _guard
    _guard = threading.Lock()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parents_workers)


def _pack(function: Callable[[T], R], task: T) -> bytes | None:
    """None for what cannot be pickled."""
    try:
        return pickle.dumps((function, task))
    except (pickle.PicklingError, AttributeError, TypeError):
        return None


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


def _serve(pipe: Connection) -> None:
    """The worker's life: tasks in, answers out, until the parent is gone."""
    global _inside
    _inside = True
    _settle()
    with suppress(EOFError, OSError):
        while True:
            parcel = pipe.recv_bytes()
            try:
                function, task = pickle.loads(parcel)
            except (pickle.UnpicklingError, AttributeError, ImportError):
                pipe.send_bytes(pickle.dumps(("cannot travel", None)))
                continue
            pipe.send_bytes(pickle.dumps(("started", None)))
            pipe.send_bytes(_answer(function, task))


def _answer(function: Callable[[Any], object], task: object) -> bytes:
    try:
        return pickle.dumps(("done", function(task)), protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as failure:
        failure.add_note(f"In a worker process:\n{traceback.format_exc()}")
        try:
            return pickle.dumps(("raised", pickle.loads(pickle.dumps(failure))))
        except Exception:  # not every exception can be rebuilt from its message
            return pickle.dumps(("raised", RuntimeError(f"{type(failure).__name__}: {failure}")))


def _settle() -> None:
    """Ctrl-C is the parent's to handle; when the parent is killed, nobody else stops the workers. Should
    memory run out, Linux takes a worker and not the parent with all that it has done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
