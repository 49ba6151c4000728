"""The scripted world of these tests, importable by them and by the processes they start."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from prompts.history import History

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def inventive(monkeypatch: pytest.MonkeyPatch) -> None:
    """The strategy of scripted runs is known, and no picture is drawn: half of the time of such a run."""
    import scripted_world

    from agents import pareto
    from agents.strategies import STRATEGIES

    strategies: Any = STRATEGIES
    monkeypatch.setitem(strategies, "inventive", scripted_world.inventive)
    monkeypatch.setattr(pareto, "plot", lambda *given: None)


@pytest.fixture
def history(tmp_path: Path) -> "Iterator[History]":
    """A history of the test's own."""
    from prompts.history import History

    with History(f"sqlite:///{tmp_path}/history.db") as opened:
        yield opened
