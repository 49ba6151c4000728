"""What the documentation says is printed for broken files is what is printed."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_documented_messages_are_the_real_ones() -> None:
    spec = importlib.util.spec_from_file_location("score_messages", ROOT / "benchmarks" / "score_messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    documented = (ROOT / "docs" / "score.md").read_text(encoding="utf-8")
    rows = module.rows()
    assert len(rows) >= 20
    assert [row for row in rows if row not in documented] == []
