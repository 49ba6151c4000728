"""What a run would take, before it runs: prompts, answers, tokens, seconds and money.

Seconds are measured: a few clips are asked with the hand-written prompts, and the answers thrown away. Tokens
of the optimizer's model are known from earlier runs of the same strategy and model in this history, if any.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from agents import finals
from agents.anchors import Anchors
from agents.budget import TOKENS
from agents.config import RunConfig
from agents.display import duration
from agents.loop import RACED, Parts, styled
from agents.pricing import load_prices
from agents.splits import Data, load_data
from agents.targets import by_target, open_panel, widened
from assets.errors import UserError
from prompts.history import History
from prompts.library import BACKGROUND_BIASED, HUMAN_FOCUSED, NEUTRAL
from vllm_eval.config import TargetConfig
from vllm_eval.engine import Answer
from vllm_eval.evaluator import AnswerRow
from vllm_eval.target import question_of

TRIED = (NEUTRAL.prompt, HUMAN_FOCUSED.prompt, BACKGROUND_BIASED.prompt)
TRIED_CLIPS = 4


@dataclass(frozen=True)
class Trial:
    """A few answers: seconds for one, tokens read for one by target, and how many were asked to know it."""

    seconds: float
    prompt_tokens: Mapping[str, float]
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
    targets = config.panel()
    data = load_data(config.data, parts.dataset)
    anchors = Anchors.of(config.optimizer.guard)
    anchors.check_known(clip.id for clip in data.tune.clips)
    data = widened(data, list(targets))
    trial = _trial(targets, data, parts)
    with_prefixed = all(styled(question_of(one)) for one in targets.values())
    baselines = len(finals.baseline_prompts(with_prefixed))
    finalists = config.optimizer.finalists
    found = config.objective.reported(finalists)
    ending = finals.answers_needed(data, finalists, baselines, anchors, found)
    size, prompts = len(data.tune), config.budget.prompts
    share = 1.0 if config.optimizer.race == "none" else RACED
    likely, most = (ceil(part * (baselines + prompts) * size) + ending for part in (share, 1.0))
    cap = config.budget.clip_evaluations
    if cap is not None:
        likely, most = min(likely, cap), min(most, cap)
    tokens = _tokens(config, history)
    dollars, unpriced = _dollars(config, likely, trial, tokens)
    return Forecast(prompts, likely, most, trial, tokens, dollars, unpriced)


def _trial(targets: Mapping[str, TargetConfig], data: Data, parts: Parts) -> Trial:
    """The first clip warms everything up and is not measured."""
    each = max(1, len(targets))
    panel = open_panel(targets, parts.engine, parts.frames(), _Forgetful(), "estimate")
    try:
        first, rest = data.tune.clips[:each], data.tune.clips[each : each * (1 + TRIED_CLIPS)]
        panel.fill(replace(data.tune, clips=(*first, *rest)))
        panel.evaluate(TRIED, replace(data.tune, clips=first))
        began = time.monotonic()
        scored = panel.evaluate(TRIED, replace(data.tune, clips=rest or first))
        took = time.monotonic() - began
    finally:
        panel.close()
    read: dict[str, list[int]] = {}
    for name, part in ((name, part) for one in scored.values() for name, part in by_target(one).items()):
        tokens = read.setdefault(name or next(iter(targets)), [])
        tokens.extend(answer.prompt_tokens for answer in part.answers if answer.kind != "error")
    silent = [name for name, tokens in read.items() if not tokens]
    if silent:
        count = len(TRIED) * len(rest or first) // each
        raise UserError(f"none of {count} trial answers of {silent[0]} could be had, see vllm_eval.doctor")
    answered = sum(map(len, read.values()))
    means = {name: sum(tokens) / len(tokens) for name, tokens in read.items()}
    return Trial(took / answered, means, answered + each * len(TRIED))


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
    llm, targets = config.optimizer.llm, config.panel()
    for name, target in targets.items():
        if "base_url" in target.options or target.engine == "openai":
            price = prices.of(target.model)
            if price is None:
                unpriced.append(target.model)
            else:
                share = ceil(answers / len(targets))
                total += price.dollars(round(trial.prompt_tokens[name] * share), 2 * share)
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
