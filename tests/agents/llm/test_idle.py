"""Idle cores, counted from two looks at what Linux tells of them."""

import os
from pathlib import Path

import pytest

from agents.llm.idle import MOST, idle_threads

BUSY, FREE, HALF, WAITING = (30, 0, 0), (1, 29, 0), (15, 15, 0), (1, 9, 20)  # user, idle, waiting for a disk


@pytest.fixture(autouse=True)
def a_machine_of_twelve_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(12)), raising=False)


def counted(folder: Path, *cores: tuple[int, int, int], quota: str | None = None) -> int:
    """Threads for what each core did while we waited."""
    stat, limit = folder / "stat", folder / "cpu.max"
    if quota is not None:
        limit.write_text(quota)

    def write(ticks: list[tuple[int, int, int]]) -> None:
        lines = [
            f"cpu{n} {100 + user} 0 0 {100 + idle} {disk} 0 0 0" for n, (user, idle, disk) in enumerate(ticks)
        ]
        stat.write_text("\n".join(["cpu 1 2 3 4", *lines, "intr 5 6"]))

    write([(0, 0, 0)] * len(cores))
    return idle_threads(0, stat, limit, lambda seconds: write(list(cores)))


def test_free_cores_are_counted(tmp_path: Path) -> None:
    assert counted(tmp_path, FREE, FREE, BUSY) == 2
    assert counted(tmp_path, BUSY, FREE, WAITING) == 2
    assert counted(tmp_path, HALF, HALF, HALF, HALF) == 1  # halves make no core
    assert counted(tmp_path, BUSY, BUSY) == 1  # the least there is
    assert counted(tmp_path, *[FREE] * 11) == MOST


def test_cores_this_process_may_not_use_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {1})
    assert counted(tmp_path, FREE, FREE, FREE) == 1


@pytest.mark.parametrize(
    ("quota", "threads"), [("200000 100000", 2), ("50000 100000", 1), ("max 100000", 4), ("", 4)]
)
def test_a_container_has_no_more_than_its_quota(quota: str, threads: int, tmp_path: Path) -> None:
    assert counted(tmp_path, *[FREE] * 4, quota=quota) == threads


def test_one_thread_where_nothing_tells_and_where_no_time_passed(tmp_path: Path) -> None:
    assert idle_threads(0, tmp_path / "missing") == 1
    assert counted(tmp_path, (0, 0, 0), (0, 0, 0)) == 1
