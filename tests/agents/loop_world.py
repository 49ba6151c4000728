"""What tests of whole scripted runs share: small settings, a run from start to end, a quiet display."""

from pathlib import Path
from typing import Any

import scripted_world as world
from scripted_world import ScriptedEngine, ScriptedLLM

from agents import loop, resume
from agents.config import RunConfig
from agents.display import PlainDisplay
from agents.report import Report
from prompts.history import History
from prompts.prompt import Prompt

TUNE = "scripted swaps/tune"


class Silent(PlainDisplay):
    def __init__(self) -> None:
        from rich.console import Console

        super().__init__(Console(quiet=True))
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


def settings(tmp_path: Path, **changes: Any) -> RunConfig:
    values: dict[str, Any] = {
        "data": {
            "tune_clips": 12,
            "select_clips": 20,
            "test_clips": 24,
            "report_clips": 24,
            "agreement_clips": 8,
        },
        "optimizer": {"per_round": 3, "finalists": 2},
        "budget": {"prompts": 7},
        "output": str(tmp_path / "runs"),
    }
    for section, given in changes.items():
        values[section] = values.get(section, {}) | given if isinstance(given, dict) else given
    config = RunConfig.model_validate(values)
    if config.optimizer.strategy != "agent":
        return config
    optimizer = config.optimizer.model_copy(update={"strategy": "inventive"})
    return config.model_copy(update={"optimizer": optimizer})


def carry(
    config: RunConfig,
    history: History,
    engine: ScriptedEngine | None = None,
    llm: ScriptedLLM | None = None,
    again: str | None = None,
    watcher: Silent | None = None,
    datasets: Any = world.load,
) -> Report:
    found = resume.find(history, config, again)
    return loop.run(config, found.run_id, history, watcher or Silent(), world.parts(engine, llm, datasets))


def accepted(history: History, run_id: str) -> list[Prompt]:
    return [one.prompt for one in history.proposals(run_id) if one.verdict == "accepted"]
