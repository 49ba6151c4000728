"""Asynchronous work behind a plain iterator: it runs in a thread of its own, which ends with the iterator."""

import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
Put = Callable[[T], None]
Work = Callable[["Bridge[T]"], Awaitable[None]]


@dataclass(frozen=True)
class _End:
    failure: BaseException | None


class Bridge(Generic[T]):
    """Items that ``work`` puts, as they come. What it raises is raised after the last of them.

    ``ahead``: ``room`` is a semaphore of that many; the work takes one for each item it begins, the iterator
    gives it back when it hands the item out. So no more than that many are paid for and not yet handed out.
    """

    def __init__(self, work: "Work[T]", ahead: int) -> None:
        self._work = work
        self._items: queue.SimpleQueue[T | _End] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="openai-engine", daemon=True)
        self._begun = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._guard = threading.Lock()
        self.room = asyncio.Semaphore(ahead)

    def put(self, item: T) -> None:
        """Hand an item to the iterator's side."""
        self._items.put(item)

    def __iter__(self) -> Iterator[T]:
        self._thread.start()
        try:
            while True:
                item = self._items.get()
                if isinstance(item, _End):
                    if isinstance(item.failure, asyncio.CancelledError):
                        raise RuntimeError("this engine was closed while it was answering")
                    if item.failure is not None:
                        raise item.failure
                    return
                self._call(self.room.release)
                yield item
        finally:
            self.stop()

    def stop(self) -> None:
        """Cancel what is under way and wait until it has ended. Calling it twice is harmless."""
        if self._thread.ident is None:
            return
        self._begun.wait()
        if self._task is not None:
            self._call(self._task.cancel)
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _call(self, function: Callable[[], object]) -> None:
        """Run in the loop, if it still runs."""
        with self._guard:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(function)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as failure:
            self._items.put(_End(failure))
        else:
            self._items.put(_End(None))
        finally:
            self._begun.set()

    async def _main(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._begun.set()
        try:
            await self._work(self)
        finally:
            with self._guard:
                self._loop = None
