"""What the pages say of the classifiers' table is what was recorded last."""

import json
from pathlib import Path

import pytest

from benchmarks.classifiers import markdown
from benchmarks.record import RESULTS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("page", ["docs/classifiers.md", "benchmarks/README.md"])
def test_the_pages_hold_the_recorded_table(page: str) -> None:
    runs = json.loads((RESULTS / "classifiers.json").read_text(encoding="utf-8"))
    text = (ROOT / page).read_text(encoding="utf-8")
    missing = [line for line in markdown(runs[-1]).splitlines() if line not in text]
    assert not missing, "python -m benchmarks.classifiers --table prints them"
