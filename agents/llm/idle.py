"""How many processor cores have nothing to do: as many threads a model that runs here may have."""

import os
import time
from collections.abc import Callable
from pathlib import Path

STAT = Path("/proc/stat")  # Linux alone has it
QUOTA = Path("/sys/fs/cgroup/cpu.max")  # processor time a container may use; its cores are the host's
MOST = 8  # more were never tried
_FREE = 0.7  # a core that idles for so much of the time


def idle_threads(
    seconds: float = 0.3, stat: Path = STAT, quota: Path = QUOTA, wait: Callable[[float], None] = time.sleep
) -> int:
    """Cores this process may use that were free for ``seconds``; at least 1, and 1 where nothing tells.

    llama.cpp's threads wait for each other by spinning: one more than there are free cores, and two threads
    say a quarter of the words that one does.
    """
    before = _times(stat)
    if not before:
        return 1
    wait(seconds)
    after = _times(stat)
    free = sum(_share(before[core], after[core]) >= _FREE for core in before if core in after)
    return max(1, min(MOST, free, _allowed(quota)))


def _times(stat: Path) -> dict[int, tuple[int, int]]:
    """(idle, all) ticks since the start of each core this process may use."""
    try:
        lines = stat.read_text().splitlines()
    except OSError:
        return {}
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    times = {}
    for line in lines:
        name, *fields = line.split()
        core = name.removeprefix("cpu")
        if core == name or not core.isdecimal() or (usable is not None and int(core) not in usable):
            continue
        ticks = [int(field) for field in fields[:8]]  # what follows, of guests, is counted in the first two
        times[int(core)] = (sum(ticks[3:5]), sum(ticks))  # waiting for a disk is idle, too
    return times


def _share(before: tuple[int, int], after: tuple[int, int]) -> float:
    passed = after[1] - before[1]
    return (after[0] - before[0]) / passed if passed > 0 else 0.0


def _allowed(quota: Path) -> int:
    """Whole cores of a container's quota, "200000 100000" for two; ``MOST`` where there is none."""
    try:
        used, period = quota.read_text().split()[:2]
        return int(used) // int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return MOST
