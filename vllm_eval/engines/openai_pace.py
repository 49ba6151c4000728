"""How many requests at once: more while the server keeps up, half when it does not; and how long to wait."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress

START = 8  # requests at once after the first reply
LONGEST_WAIT = 30.0  # seconds between two attempts, where the server names none


class Gate:
    """Lets requests through in order of arrival, at most ``limit`` at once.

    One at a time until the first reply: a server that takes none should not be asked a hundred times.
    Then the limit doubles every round trip, and after the first cut grows by one in each (additive
    increase, multiplicative decrease: Chiu & Jain 1989).
    """

    def __init__(
        self,
        most: int,
        limit: float | None = None,
        cuts: int = 0,
        affords: Callable[[int], bool] = lambda busy: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most = most
        self.limit = 1.0 if limit is None else limit
        self.proven = limit is not None
        self.busy = 0
        self.cuts = cuts
        self._affords = affords
        self._clock = clock
        self._until = 0.0
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    async def enter(self) -> int:
        """Wait for a place. Returns how often the limit was cut so far, for ``cut``."""
        async with self._turn:
            while self._full() or self._clock() < self._until:
                self._changed.clear()
                left = self._until - self._clock()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), left if left > 0 else None)
            self.busy += 1
            return self.cuts

    def _full(self) -> bool:
        """One may always go alone: who finds that it cannot be paid has to say so."""
        return self.busy > 0 and (self.busy + 1 > self.limit or not self._affords(self.busy + 1))

    def leave(self) -> None:
        """Give the place back."""
        self.busy -= 1
        self._changed.set()

    def grow(self) -> None:
        """A reply came."""
        if not self.proven:
            self.proven, self.limit = True, float(min(START, self.most))
        else:
            step = 1 / self.limit if self.cuts else 1.0
            self.limit = min(float(self.most), self.limit + step)
        self._changed.set()

    def cut(self, seen: int) -> None:
        """The server is overloaded. What entered before the last cut says nothing about the limit since."""
        if seen == self.cuts and self.proven:
            self.cuts += 1
            self.limit = max(1.0, self.limit / 2)

    def pause(self, seconds: float) -> None:
        """Let nobody in for so long."""
        self._until = max(self._until, self._clock() + seconds)
        self._changed.set()

    def free(self) -> None:
        """Let everyone in at once: they find out that it is over."""
        self.limit, self._until = float("inf"), 0.0
        self._changed.set()


def backoff(first: float, tries: int) -> float:
    """Seconds to wait after so many tries: ``first`` doubling to ``LONGEST_WAIT``, half of it at random."""
    return min(LONGEST_WAIT, first * 2.0 ** min(tries - 1, 30)) * (0.5 + random.random() / 2)
