"""What a run would take, before it runs: prompts, answers, tokens, seconds and money.

Seconds are measured: a few clips are asked with the hand-written prompts, and the answers thrown away. Tokens
of the optimizer's model are known from earlier runs of the same strategy and model in this history, if any.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from agents import finals
from agents.budget import TOKENS
from agents.config import RunConfig
from agents.display import duration
from agents.loop import RACED, Parts
from agents.pricing import load_prices
from agents.splits import Data, load_data
from assets.errors import UserError
from prompts.history import History
from prompts.library import BACKGROUND_BIASED, HUMAN_FOCUSED, NEUTRAL
from vllm_eval.engine import Answer
from vllm_eval.evaluator import AnswerRow, Evaluator
from vllm_eval.target import open_engine, policy_of, prefixed, question_of

TRIED = (NEUTRAL.prompt, HUMAN_FOCUSED.prompt, BACKGROUND_BIASED.prompt)
TRIED_CLIPS = 4


@dataclass(frozen=True)
class Trial:
    """A few answers: seconds and tokens read for one, and how many were asked to know it."""

    seconds: float
    prompt_tokens: float
    asked: int


@dataclass(frozen=True)
class Forecast:
    """``likely`` and ``most`` answers; ``tokens`` of the optimizer's model, None where nothing tells.

    ``dollars`` is None where a model that costs something has no price in the table.
    """

    prompts: int
    likely: int
    most: int
    trial: Trial
    tokens: int | None
    dollars: float | None
    unpriced: tuple[str, ...]

    def lines(self) -> list[str]:
        """For people."""
        seconds = (duration(self.trial.seconds * answers) for answers in (self.likely, self.most))
        likely, most = seconds
        tokens = "unknown, no earlier run of this strategy and model is in this history; cap them with "
        tokens = f"{self.tokens} expected" if self.tokens is not None else f"{tokens}budget.optimizer_tokens"
        dollars = f"${self.dollars:.2f}" if self.dollars is not None else "unknown"
        missing = f"; no price for {', '.join(self.unpriced)}" if self.unpriced else ""
        return [
            f"prompts: {self.prompts} proposed ones",
            f"answers: about {self.likely}, at most {self.most}, the report included",
            f"seconds: about {likely}, at most {most}, the optimizer's thinking not counted; "
            f"{self.trial.seconds:.3f} s an answer, measured on {self.trial.asked}",
            f"optimizer tokens: {tokens}",
            f"money: {dollars}{missing}",
        ]


def forecast(config: RunConfig, history: History, parts: Parts) -> Forecast:
    """Estimate a run. Asks the target model about a few clips; remembers and books nothing.

    Raises UserError for what would also stop the run.
    """
    data = load_data(config.data, parts.dataset)
    trial = _trial(config, data, parts)
    baselines = len(finals.baseline_prompts(with_prefixed=prefixed(question_of(config.target)) is not None))
    ending = finals.answers_needed(data, config.optimizer.finalists, baselines)
    size, prompts = len(data.tune), config.budget.prompts
    share = 1.0 if config.optimizer.race == "none" else RACED
    likely, most = (ceil((baselines + part * prompts) * size) + ending for part in (share, 1.0))
    cap = config.budget.clip_evaluations
    if cap is not None:
        likely, most = min(likely, cap), min(most, cap)
    tokens = _tokens(config, history)
    dollars, unpriced = _dollars(config, likely, trial, tokens)
    return Forecast(prompts, likely, most, trial, tokens, dollars, unpriced)


def _trial(config: RunConfig, data: Data, parts: Parts) -> Trial:
    """The first clip warms everything up and is not measured."""
    engine = open_engine(config.target, parts.engine)
    try:
        question, policy, frames = question_of(config.target), policy_of(config.target), parts.frames()
        evaluator = Evaluator(engine, frames, policy, question, _Forgetful(), "estimate")
        first, rest = data.tune.clips[:1], data.tune.clips[1 : 1 + TRIED_CLIPS]
        frames.fill([*first, *rest], policy)
        evaluator.evaluate(TRIED, replace(data.tune, clips=first))
        began = time.monotonic()
        scored = evaluator.evaluate(TRIED, replace(data.tune, clips=rest or first))
        took = time.monotonic() - began
    finally:
        engine.close()
    answers = [answer for one in scored.values() for answer in one.answers if answer.kind != "error"]
    if not answers:
        raise UserError(f"none of {len(TRIED) * len(rest)} trial answers could be had, see vllm_eval.doctor")
    read = sum(answer.prompt_tokens for answer in answers) / len(answers)
    return Trial(took / len(answers), read, len(answers) + len(TRIED))


def _tokens(config: RunConfig, history: History) -> int | None:
    """By what earlier runs of the same strategy and model took for an accepted prompt."""
    wanted = _who(config.values())
    spent, accepted = 0.0, 0
    for run in history.runs():
        if _who(run.config) == wanted:
            spent += history.spent(run.id).get(TOKENS, 0.0)
            accepted += sum(one.verdict == "accepted" for one in history.proposals(run.id))
    return round(spent / accepted * config.budget.prompts) if accepted else None


def _who(values: dict[str, object]) -> tuple[object, object]:
    optimizer = values.get("optimizer")
    if not isinstance(optimizer, dict):
        return None, None
    llm = optimizer.get("llm")
    return optimizer.get("strategy"), llm.get("model") if isinstance(llm, dict) else None


def _dollars(
    config: RunConfig, answers: int, trial: Trial, tokens: int | None
) -> tuple[float | None, tuple[str, ...]]:
    """Money for both models and the names of those without a price. Models that run here cost nothing.

    The optimizer's tokens are priced as half read, half written: nothing earlier tells them apart.
    """
    prices, total, unpriced = load_prices(config.budget.prices), 0.0, []
    llm, target = config.optimizer.llm, config.target
    if "base_url" in target.options or target.engine == "openai":
        price = prices.of(target.model)
        if price is None:
            unpriced.append(target.model)
        else:
            total += price.dollars(round(trial.prompt_tokens * answers), 2 * answers)
    if llm.base_url is not None and tokens != 0:
        price = prices.of(llm.model)
        if price is None:
            unpriced.append(llm.model)
        elif tokens is None:
            return None, tuple(unpriced)
        else:
            total += price.dollars(tokens // 2, tokens - tokens // 2)
    return (None if unpriced else total), tuple(unpriced)


class _Forgetful:
    """An answer store that keeps nothing."""

    def known(self, keys: Sequence[str]) -> dict[str, Answer]:
        """Nothing."""
        return {}

    def add(self, rows: Sequence[AnswerRow]) -> None:
        """Nothing either."""
