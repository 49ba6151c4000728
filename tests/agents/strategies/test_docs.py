"""The example of docs/strategies.md does what the page says."""

import re
from pathlib import Path
from typing import Any

from made import Told, run_so_far

from agents.guard import Guard
from agents.strategies import STRATEGIES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "strategies.md").read_text(encoding="utf-8")


def test_the_example_proposes_and_can_be_registered() -> None:
    example, registering = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    names: dict[str, Any] = {"STRATEGIES": {}}
    exec(example + registering, names)
    strategy = names["STRATEGIES"]["lengthen"](None, 1, None)
    view = run_so_far().view()
    made = strategy.ask(view, 3)
    assert len(made) == 3
    assert all(one.text.startswith(view.scored[0].prompt.text) for one in made)
    assert all(one.parents == (view.scored[0].prompt.id,) for one in made)
    assert not [one for one in made if Guard(()).check(one.text)]
    assert [one.text for one in strategy.ask(view, 3)] == [one.text for one in made]
    assert strategy.ask(Told().view(), 3) == []


def test_every_strategy_stands_in_the_table() -> None:
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert set(STRATEGIES) <= named
