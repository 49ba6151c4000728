"""Who can propose prompts. One file per strategy; adding one touches that file and the dict below."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from agents.config import OptimizerConfig
from agents.llm import LLM
from agents.strategies.file import FileStrategy
from agents.strategy import Strategy

Loader = Callable[[OptimizerConfig, int, Callable[[], LLM]], Strategy]


def _writing(module: str, strategy: str) -> Loader:
    """A class that takes (llm, form, seed, limits of the guard), imported when it is chosen."""

    def load(config: OptimizerConfig, seed: int, llm: Callable[[], LLM]) -> Strategy:
        made: Strategy = _found(module, strategy)(llm(), config.form, seed, config.guard)
        return made

    return load


def _rival(module: str, maker: str) -> Loader:
    """A function that takes (llm, seed, minibatch), imported when it is chosen."""

    def load(config: OptimizerConfig, seed: int, llm: Callable[[], LLM]) -> Strategy:
        made: Strategy = _found(module, maker)(llm(), seed, config.minibatch)
        return made

    return load


def _found(module: str, name: str) -> Any:
    return getattr(import_module(f"agents.strategies.{module}"), name)


def _grid(config: OptimizerConfig, seed: int, llm: Callable[[], LLM]) -> Strategy:
    from agents.strategies.grid import Grid, read

    return Grid(*read(config.file), seed) if config.file else Grid(seed=seed)


def _file(config: OptimizerConfig, seed: int, llm: Callable[[], LLM]) -> Strategy:
    return FileStrategy(config.file or "")


# Each takes the optimizer's configuration, the run's seed and what loads the language model if it is needed.
STRATEGIES: Mapping[str, Loader] = {
    "opro": _writing("opro", "Opro"),
    "agent": _writing("agent", "Agent"),
    "reflective": _writing("reflective", "Reflective"),
    "evolve": _writing("evolve", "Evolve"),
    "paraphrase": _writing("paraphrase", "Paraphrase"),
    "grid": _grid,
    "file": _file,
    "gepa": _rival("gepa", "gepa_strategy"),
    "dspy-copro": _rival("dspy_rivals", "copro_strategy"),
    "dspy-mipro": _rival("dspy_rivals", "mipro_strategy"),
    "capo": _rival("capo", "capo_strategy"),
}
