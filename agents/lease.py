"""One process at a time works on a run: it takes the run, is seen while it works, gives it back at the end.

A thread renews the lease, however long a call of a model takes: all of them let other threads run meanwhile.
A process that was not seen for a while may have lost its run. So the lease is renewed before anything is
bought, too, and a process that slept ends there instead of spending what another one spends already.

Assumed: no two processes of a machine have number and start in common; machines that share a database differ
in name, boot or container.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError

from assets.errors import UserError
from prompts.history import History
from prompts.leases import Lease, Worker

BEAT = 20.0  # seconds between two renewals
# Seconds without one after which a process that cannot be looked up, being on another host, is taken to be
# dead: many beats, since a database may be away for some; few minutes, since a job queued again waits for it.
LAPSE = 300.0


class Busy(UserError):
    """Another process works on the run."""


class TakenOver(Busy):
    """Another process has the run by now. This one must neither buy anything for it nor change its state."""


class Holding:
    """A run that this process works on. Renewing it is safe from several threads."""

    def __init__(self, history: History, run_id: str, token: str) -> None:
        self._leases, self._run_id, self._token = history.leases, run_id, token

    def renew(self) -> None:
        """Be seen. Raises TakenOver when the run is another process's by now."""
        if not self._leases.renew(self._run_id, self._token):
            other = self._leases.held().get(self._run_id)
            who = f"{name(other)} works on it" if other else "another process has worked on it since"
            raise TakenOver(
                f"run {self._run_id} was taken over, this process not having been seen for {LAPSE:.0f} s: "
                f"{who}; this one stops here, --resume {self._run_id} goes on once nobody works on it"
            )

    def keep(self, ended: threading.Event) -> None:
        """Be seen every ``BEAT`` seconds until the event."""
        while not ended.wait(BEAT):
            try:
                self.renew()
            except TakenOver:
                return
            except (UserError, SQLAlchemyError):
                continue  # a database that is away may come back, and the run itself will meet it

    def give_back(self) -> None:
        """Let others have the run."""
        self._leases.release(self._run_id, self._token)


@contextmanager
def hold(history: History, run_id: str) -> Iterator[Holding]:
    """Work on a run, as the only process. Raises Busy when another one does."""
    token = uuid4().hex
    taken = history.leases.take(run_id, token, _this_process(), lapsed)
    if taken is not None:
        raise Busy(told(run_id, taken))
    holding, ended = Holding(history, run_id, token), threading.Event()
    keeper = threading.Thread(target=holding.keep, args=(ended,), name=f"lease of {run_id}", daemon=True)
    keeper.start()
    try:
        yield holding
    finally:
        ended.set()
        keeper.join()
        # What ended the run counts; a lease that could not be given back lapses.
        with suppress(UserError, SQLAlchemyError):
            holding.give_back()


def held(history: History) -> dict[str, Lease]:
    """Leases of the runs that somebody works on, by run."""
    return {run_id: lease for run_id, lease in history.leases.held().items() if not lapsed(lease)}


def told(run_id: str, lease: Lease) -> str:
    """Who works on a run and what to do about it, in one line."""
    return (
        f"run {run_id} is being worked on by {name(lease)}, last seen {lease.age:.0f} s ago; "
        f"wait for it, or stop it first{_when_lost(lease)}"
    )


def name(lease: Lease) -> str:
    """Host and process id."""
    return f"{lease.worker.host}:{lease.worker.pid}"


def lapsed(lease: Lease) -> bool:
    """Whether a run may be taken over: its process has ended or, where that cannot be known, was not seen."""
    ended = _ended(lease.worker)
    return lease.age >= LAPSE if ended is None else ended


def _when_lost(lease: Lease) -> str:
    if _ended(lease.worker) is not None:
        return ""
    return f" (if it is lost: it counts as gone when not seen for {LAPSE:.0f} s)"


def _this_process() -> Worker:
    return Worker(socket.gethostname(), os.getpid(), _pids(), _began(os.getpid()) or "")


def _ended(worker: Worker) -> bool | None:
    """Whether a process has ended; None where that cannot be known from here."""
    if worker.pids != _pids():
        return None
    began = _began(worker.pid)
    if began is None:
        return True
    # Another start: its number went to a new process. Without one it may have.
    return began != worker.began if began and worker.began else None


def _pids() -> str:
    """Names the machine whose process ids are ours: host, boot and, of a container, its processes."""
    boot, processes = "", ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        processes = str(Path("/proc/self/ns/pid").readlink())
    return f"{socket.gethostname()} {boot} {processes}"


def _began(pid: int) -> str | None:
    """When a process of this machine began, in ticks since boot; "" where nobody tells, None without one."""
    if os.name != "posix":  # elsewhere os.kill has no signal that does nothing
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass  # somebody else's process
    try:
        # Behind the name in parentheses, which may hold anything: the state and, 19 further, the start.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return None if fields[0] in (b"Z", b"X") else fields[19].decode()
