"""Counts answers, and tells how far they are every now and then, apart from what a command prints."""

import time
from collections.abc import Callable
from typing import TextIO

TELL_SECONDS = 15.0


class Counter:
    """``new`` of ``planned`` answers were bought so far, ``known`` more were there already."""

    def __init__(self, planned: int, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self.planned, self.new, self.known = planned, 0, 0
        self._out, self._clock = out, clock
        self._began = self._told = clock()

    def answered(self, new: int, known: int) -> None:
        """As Evaluator's ``on_answer``."""
        self.new, self.known = self.new + new, self.known + known
        now = self._clock()
        if now - self._told >= TELL_SECONDS and self.new:
            self._told = now
            left = (self.planned - self.new) * (now - self._began) / self.new
            line = f"{self.new:,} of {self.planned:,} answers, about {max(0.0, left):.0f} s left"
            print(line, file=self._out, flush=True)
