"""A run as far as it can be checked for nothing, before any model is asked.

Not covered: whether the weights of an optimizer's model can be fetched and loaded, and whether an endpoint
knows its name and takes its key: it is opened and not asked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from math import ceil
from pathlib import Path

from agents import finals
from agents.anchors import Anchors
from agents.config import LLMConfig, RunConfig
from agents.llm import BUNDLED, LLM, LLMSettings, Reply
from agents.loop import RACED, Parts, check_caps, styled
from agents.pricing import Prices, billed, load_prices, price_of
from agents.splits import Data, load_data
from agents.strategies import STRATEGIES
from agents.strategy import close
from agents.targets import widened
from assets.errors import UserError
from vllm_eval.target import question_of


@dataclass(frozen=True)
class Plan:
    """A run that can start, as far as that shows for nothing.

    ``baselines`` hand-written prompts; ``ending``: the most answers its end takes; ``thinks``: whether its
    strategy asks a language model.
    """

    config: RunConfig
    parts: Parts
    data: Data
    baselines: int
    ending: int
    thinks: bool
    prices: Prices

    @property
    def share(self) -> float:
        """Of the tune side, about so much a prompt is asked about."""
        return 1.0 if self.config.optimizer.race == "none" else RACED

    def answers(self, prompts: int, share: float) -> int:
        """What a run takes that scores so many proposals."""
        return ceil(share * (self.baselines + prompts) * len(self.data.tune)) + self.ending

    def room(self, answers: float) -> int:
        """About how many proposals so many answers pay for. The last has to fit in whole, as in a run."""
        size = len(self.data.tune)
        left = answers - self.answers(0, self.share) - size
        return min(self.config.budget.prompts, int(left / (self.share * size)) + 1) if left >= 0 else 0


def planned(config: RunConfig, parts: Parts) -> Plan:
    """Check a run without asking any model.

    Raises UserError for what would also stop the run: clips that are not there, a cap on answers that is too
    small, money that is capped without a price, a strategy that lacks its file or package, an optimizer's
    model without its key, of no known name or without its file.
    """
    optimizer, targets = config.optimizer, config.panel()
    price_of(config.budget, optimizer.llm)
    thinks = _thinks(config, parts.llm)
    priced = any(map(billed, targets.values())) or (thinks and optimizer.llm.base_url is not None)
    prices = load_prices(config.budget.prices) if priced else Prices("", {})
    data = load_data(config.data, parts.dataset)
    anchors = Anchors.of(optimizer.guard)
    anchors.check_known(clip.id for clip in data.tune.clips)
    data = widened(data, list(targets))
    baselines = len(finals.baseline_prompts(all(styled(question_of(one)) for one in targets.values())))
    found = config.objective.reported(optimizer.finalists)
    ending = finals.answers_needed(data, optimizer.finalists, baselines, anchors, found)
    check_caps(config.budget, baselines, len(data.tune), ending)
    return Plan(config, parts, data, baselines, ending, thinks, prices)


def _thinks(config: RunConfig, load: Callable[[LLMSettings], LLM]) -> bool:
    """Whether the strategy asks a language model. Raises UserError where one of them cannot be had."""
    made: list[LLM] = []

    def proposer() -> LLM:
        made.append(_proposer(config.optimizer.llm, load))
        return made[-1]

    try:
        close(STRATEGIES[config.optimizer.strategy](config.optimizer, config.seed, proposer))
    finally:
        for llm in made:
            llm.close()
    return bool(made)


def _proposer(config: LLMConfig, load: Callable[[LLMSettings], LLM]) -> LLM:
    """The optimizer's model; a stand-in for one that would have to be fetched or read into memory."""
    runtime, _, named = config.model.partition(":")
    elsewhere = runtime in ("transformers", "vllm") and named
    read = elsewhere or config.model in BUNDLED or config.model.endswith(".gguf")
    if config.base_url or not read:
        return load(config)  # opening an endpoint asks it nothing, and an unknown name is refused
    path = Path(named if runtime == "transformers" else config.model).expanduser()
    if path.suffix == ".gguf" and not path.is_file():
        raise UserError(f"cannot read optimizer model {path}: no such file; give the path of a .gguf file")
    if runtime == "vllm" and find_spec("vllm") is None:
        raise UserError(
            f"optimizer model {config.model} needs vLLM, which is not installed: "
            "pip install 'sceneproof[vllm]'"
        )
    return _Unread(config.model, config.temperature)


@dataclass(frozen=True)
class _Unread:
    """Stands in for a model that runs here, its weights left where they are. Says nothing."""

    name: str
    temperature: float
    follows_instructions: bool = True

    def complete(self, *said: object, **options: object) -> Reply:
        """Never to be called."""
        raise AssertionError("an estimate asks no optimizer's model")

    def close(self) -> None:
        """Nothing is open."""
