"""Idle cores, counted from two looks at what Linux tells of them."""

import os
from pathlib import Path

import pytest

from agents.llm.idle import MOST, idle_threads

USABLE = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0, 1]


def counted(path: Path, first: list[tuple[int, int]], then: list[tuple[int, int]]) -> int:
    """Threads for (busy, idle) ticks of each usable core before and after waiting."""

    def write(ticks: list[tuple[int, int]]) -> None:
        lines = [
            f"cpu{core} {busy} 0 0 {idle} 0 0 0 0 0 0"
            for core, (busy, idle) in zip(USABLE, ticks, strict=False)
        ]
        path.write_text("\n".join(["cpu 1 2 3 4", *lines, "intr 5 6"]))

    write(first)
    return idle_threads(0, path, lambda seconds: write(then))


@pytest.mark.skipif(len(USABLE) < 2, reason="this process may use one core only")
def test_cores_that_nothing_used_are_counted(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    begun = [(100, 100)] * 2
    assert counted(stat, begun, [(100, 130), (101, 129)]) == 2
    assert counted(stat, begun, [(130, 100), (101, 129)]) == 1
    assert counted(stat, begun, [(120, 110), (110, 120)]) == 1  # half a core is none
    assert counted(stat, begun, [(130, 100), (130, 100)]) == 1  # the least there is
    assert counted(stat, begun, begun) == 1  # no time passed


def test_one_thread_where_nothing_tells(tmp_path: Path) -> None:
    assert idle_threads(0, tmp_path / "missing") == 1


def test_here_it_is_a_number_of_cores() -> None:
    assert 1 <= idle_threads(0.05) <= min(MOST, os.cpu_count() or 1)
