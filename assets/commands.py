"""How every command of the project ends."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from assets.errors import UserError

FAILED, INTERRUPTED = 2, 130


def exit_status(command: Callable[[], int | None], interrupted: Callable[[], str] | str = "") -> int:
    """The command's own status, or 0; 2 after one line about what the user can mend; 130 after Ctrl-C.

    ``interrupted`` is what is then said, how to go on for instance; nothing where it is empty.
    """
    try:
        return command() or 0
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # the reader of a pipe, e.g. `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        told = interrupted if isinstance(interrupted, str) else interrupted()
        if told:
            print(told, file=sys.stderr)
        return INTERRUPTED


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM, by which clusters take a job off a machine, ends a command as Ctrl-C does."""
    try:
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    except ValueError:  # only the main thread may listen
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
