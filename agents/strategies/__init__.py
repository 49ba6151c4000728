"""Who can propose prompts. One file per strategy; adding one touches that file and the dict below."""

from collections.abc import Callable, Mapping

from agents.config import OptimizerConfig
from agents.llm import LLM
from agents.strategies.file import FileStrategy
from agents.strategy import Strategy

Loader = Callable[[OptimizerConfig, int, Callable[[], LLM]], Strategy]


def _opro(config: OptimizerConfig, seed: int, llm: Callable[[], LLM]) -> Strategy:
    from agents.strategies.opro import Opro

    return Opro(llm(), config.form, seed)


def _agent(config: OptimizerConfig, seed: int, llm: Callable[[], LLM]) -> Strategy:
    from agents.strategies.agent import Agent

    return Agent(llm(), config.form, seed)


def _reflective(config: OptimizerConfig, seed: int, llm: Callable[[], LLM]) -> Strategy:
    from agents.strategies.reflective import Reflective

    return Reflective(llm(), config.form, seed)


def _evolve(config: OptimizerConfig, seed: int, llm: Callable[[], LLM]) -> Strategy:
    from agents.strategies.evolve import Evolve

    return Evolve(llm(), config.form, seed)


def _paraphrase(config: OptimizerConfig, seed: int, llm: Callable[[], LLM]) -> Strategy:
    from agents.strategies.paraphrase import Paraphrase

    return Paraphrase(llm(), config.form, seed)


def _grid(config: OptimizerConfig, seed: int, llm: Callable[[], LLM]) -> Strategy:
    from agents.strategies.grid import Grid, read

    return Grid(*read(config.file), seed) if config.file else Grid(seed=seed)


def _gepa(config: OptimizerConfig, seed: int, llm: Callable[[], LLM]) -> Strategy:
    from agents.strategies.gepa import gepa_strategy

    return gepa_strategy(llm(), seed, config.minibatch)


def _copro(config: OptimizerConfig, seed: int, llm: Callable[[], LLM]) -> Strategy:
    from agents.strategies.dspy_rivals import copro_strategy

    return copro_strategy(llm(), seed, config.minibatch)


def _mipro(config: OptimizerConfig, seed: int, llm: Callable[[], LLM]) -> Strategy:
    from agents.strategies.dspy_rivals import mipro_strategy

    return mipro_strategy(llm(), seed, config.minibatch)


def _capo(config: OptimizerConfig, seed: int, llm: Callable[[], LLM]) -> Strategy:
    from agents.strategies.capo import capo_strategy

    return capo_strategy(llm(), seed, config.minibatch)


def _file(config: OptimizerConfig, seed: int, llm: Callable[[], LLM]) -> Strategy:
    return FileStrategy(config.file or "")


# Each takes the optimizer's configuration, the run's seed and what loads the language model if it is needed.
STRATEGIES: Mapping[str, Loader] = {
    "opro": _opro,
    "agent": _agent,
    "reflective": _reflective,
    "evolve": _evolve,
    "paraphrase": _paraphrase,
    "grid": _grid,
    "file": _file,
    "gepa": _gepa,
    "dspy-copro": _copro,
    "dspy-mipro": _mipro,
    "capo": _capo,
}
