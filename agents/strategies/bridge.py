"""The bridge between a rival's own loop and ours: its calls wait in threads until `ask` answers them.

The rival runs in a worker thread and calls as it likes, from any number of threads. Nothing is computed
there: each call is handed to the thread that asks, which alone talks to history, engine and language model.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class Stopped(BaseException):
    """The search is over. No Exception, because rivals catch those and take them for a bad prompt."""


@dataclass
class Call:
    """One waiting call of the rival: ``kind`` and what it wants. Answered by ``Bridge.answer``."""

    kind: str
    wanted: Any
    result: Any = None
    done: bool = False


@dataclass
class Bridge:
    """``run`` is the rival's whole loop; it gets the bridge. ``quiet``: seconds in which no further call of a
    rival that calls from many threads arrives, before the waiting ones are looked at together."""

    run: "Callable[[Bridge], None]"
    quiet: float = 0.0
    failure: BaseException | None = None
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _waiting: list[Call] = field(default_factory=list)
    _thread: threading.Thread | None = None
    _ended: bool = False
    _closed: bool = False

    def call(self, kind: str, wanted: Any) -> Any:
        """From the rival's threads: the answer. Raises Stopped, ever after, when the search is over."""
        call = Call(kind, wanted)
        with self._changed:
            if self._closed:
                raise Stopped
            self._waiting.append(call)
            self._changed.notify_all()
            self._changed.wait_for(lambda: call.done or self._closed)
        if not call.done:
            raise Stopped
        return call.result

    def settle(self) -> list[Call]:
        """From ours: the calls that wait once the rival can go no further; none when it has ended."""
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._work, name="rival", daemon=True)
            self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended or self._closed)
            seen = -1
            while self.quiet and seen != len(self._waiting):
                seen = len(self._waiting)
                count = seen
                self._changed.wait_for(lambda: len(self._waiting) != count, timeout=self.quiet)  # noqa: B023
            return list(self._waiting)

    def answer(self, call: Call, result: Any) -> None:
        """Let a call return."""
        with self._changed:
            self._waiting.remove(call)
            call.result, call.done = result, True
            self._changed.notify_all()

    def close(self) -> None:
        """End the rival: its waiting and later calls raise Stopped. Calling it twice is harmless."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _work(self) -> None:
        try:
            self.run(self)
        except Stopped:
            pass
        except BaseException as failure:
            self.failure = failure
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
