"""Recorded measurements can be read, and each says how it was made."""

import json
from pathlib import Path

import pytest

RESULTS = sorted((Path(__file__).resolve().parents[1] / "benchmarks" / "results").glob("*.json"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.name)
def test_every_run_has_its_command_date_and_machine(path: Path) -> None:
    runs = json.loads(path.read_text(encoding="utf-8"))
    assert runs
    for run in runs:
        assert run["command"].startswith("python -m ")
        assert run["date"]
        assert run["machine"]
