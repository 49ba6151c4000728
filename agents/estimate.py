"""What a run would take, before it runs: prompts, answers, tokens, seconds and money, and what its caps cut.

First comes all that can be checked for nothing (agents/plan.py), then a few clips are asked
(agents/trial.py); ``kept_in`` says which history the answers go into. Tokens of the optimizer's model are
known from earlier runs of the same strategy and model in it, if any.
"""

from dataclasses import dataclass
from math import ceil, inf
from pathlib import Path

from agents.budget import TOKENS
from agents.config import RunConfig
from agents.display import duration
from agents.loop import Parts
from agents.plan import Plan, planned
from agents.pricing import billed
from agents.trial import Trial, try_out
from prompts.history import History

_IN_MEMORY = "sqlite://"
_FILE = "sqlite:///"


@dataclass(frozen=True)
class Cut:
    """A cap that ends proposing early: about how many prompts it leaves room for; what all would take."""

    cap: str
    prompts: int
    takes: str

    def line(self, wanted: int) -> str:
        """For people."""
        end = f"ends proposing after about {self.prompts} of {wanted} prompts"
        none = "leaves no room for a single proposal, the run would end without a result"
        return f"{self.cap} {end if self.prompts else none}; all {wanted} take about {self.takes}"


@dataclass(frozen=True)
class Forecast:
    """``likely`` and ``most`` answers; ``tokens`` of the optimizer's model, None where nothing tells.

    All is told of the run as its caps cut it: ``wanted`` prompts become ``prompts``, and ``seconds`` is the
    most it may take. ``dollars`` is None where a model that costs something has no price in the table.
    """

    wanted: int
    prompts: int
    likely: int
    most: int
    trial: Trial
    tokens: int | None
    dollars: float | None
    unpriced: tuple[str, ...]
    cuts: tuple[Cut, ...] = ()
    seconds: float = inf

    def lines(self) -> list[str]:
        """For people."""
        likely, most = (
            duration(min(self.seconds, self.trial.seconds * answers)) for answers in (self.likely, self.most)
        )
        fewer = f"about {self.prompts} of " if self.prompts else "none of "
        fewer = fewer if self.cuts else ""
        tokens = "unknown, no earlier run of this strategy and model is in this history; cap them with "
        tokens = f"{self.tokens} expected" if self.tokens is not None else f"{tokens}budget.optimizer_tokens"
        dollars = f"${self.dollars:.2f}" if self.dollars is not None else "unknown"
        missing = f"; no price for {', '.join(self.unpriced)}" if self.unpriced else ""
        return [
            f"prompts: {fewer}{self.wanted} proposed ones",
            f"answers: about {self.likely}, at most {self.most}, the report included",
            f"seconds: about {likely}, at most {most}, the optimizer's thinking not counted; "
            f"{self.trial.seconds:.3f} s an answer, {self.trial.told()}",
            f"optimizer tokens: {tokens}",
            f"money: {dollars}{missing}",
            *(f"cut: {cut.line(self.wanted)}" for cut in self.cuts),
        ]


def forecast(config: RunConfig, history: History, parts: Parts) -> Forecast:
    """Estimate a run. Raises UserError as ``planned`` and ``foretold``."""
    return foretold(planned(config, parts), history)


def kept_in(config: RunConfig) -> str:
    """URL of the history that an estimate works with: the run's own, where an answer is bought once.

    In memory where that would be a new SQLite file and every target runs here: then nothing that was paid for
    is lost, and an estimate leaves nothing behind.
    """
    url = config.history.url
    missing = url.startswith(_FILE) and not Path(url.removeprefix(_FILE)).exists()
    return _IN_MEMORY if missing and not any(map(billed, config.panel().values())) else url


def foretold(plan: Plan, history: History) -> Forecast:
    """What the run takes, once the target models were asked about a few clips.

    What does not fit into a cap by what was measured is told and not raised: a run starts with it, and time
    can only be foreseen. Raises UserError for a target that cannot be opened or gives no answer.
    """
    config, trial = plan.config, try_out(plan, history)
    budget, wanted = config.budget, config.budget.prompts
    tokens = _tokens(config, history) if plan.thinks else 0
    cuts = _cuts(plan, trial, tokens)
    prompts = min((cut.prompts for cut in cuts), default=wanted)
    tokens = None if tokens is None else round(tokens * prompts / wanted)
    cap = inf if budget.clip_evaluations is None else budget.clip_evaluations
    seconds = inf if budget.seconds is None else budget.seconds
    in_time = seconds / trial.seconds if trial.seconds else inf
    likely = int(min(cap, in_time, plan.answers(prompts, plan.share)))
    most = int(min(cap, plan.answers(wanted, 1.0)))  # the pace may be better than measured
    dollars, unpriced = _dollars(plan, likely, trial, tokens)
    return Forecast(wanted, prompts, likely, most, trial, tokens, dollars, unpriced, tuple(cuts), seconds)


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


def _cuts(plan: Plan, trial: Trial, tokens: int | None) -> list[Cut]:
    """Caps that the whole run does not fit into; ``tokens`` of the whole run."""
    budget, wanted = plan.config.budget, plan.config.budget.prompts
    whole = plan.answers(wanted, plan.share)
    found = []
    if budget.clip_evaluations is not None:
        room = plan.room(budget.clip_evaluations)
        found.append(Cut(f"budget.clip_evaluations {budget.clip_evaluations}", room, f"{whole} answers"))
    if budget.seconds is not None and trial.seconds > 0:
        room, takes = plan.room(budget.seconds / trial.seconds), duration(whole * trial.seconds)
        found.append(Cut(f"budget.seconds {budget.seconds:g}", room, takes))
    if budget.optimizer_tokens is not None and tokens:
        room = int(wanted * budget.optimizer_tokens / tokens)
        found.append(Cut(f"budget.optimizer_tokens {budget.optimizer_tokens}", room, f"{tokens} tokens"))
    thinking = _thinking(plan, tokens)
    if budget.dollars is not None and thinking:
        room = int(wanted * budget.dollars / thinking)
        found.append(Cut(f"budget.dollars {budget.dollars:g}", room, f"${thinking:.2f}"))
    return [cut for cut in found if cut.prompts < wanted]


def _dollars(
    plan: Plan, answers: int, trial: Trial, tokens: int | None
) -> tuple[float | None, tuple[str, ...]]:
    """Money for all models and the names of those without a price. Models that run here cost nothing."""
    total, unpriced = 0.0, []
    targets = plan.config.panel()
    for name, target in targets.items():
        if billed(target):
            price = plan.prices.of(target.model)
            if price is None:
                unpriced.append(target.model)
            else:
                share = ceil(answers / len(targets))
                total += price.dollars(round(trial.prompt_tokens[name] * share), 2 * share)
    llm = plan.config.optimizer.llm
    thinking = _thinking(plan, tokens)
    if thinking is None and plan.prices.of(llm.model) is None:
        unpriced.append(llm.model)
    return (None if unpriced or thinking is None else total + thinking), tuple(unpriced)


def _thinking(plan: Plan, tokens: int | None) -> float | None:
    """Dollars for the optimizer's model; None where its tokens or its price are unknown.

    Tokens are priced as half read, half written: nothing earlier tells them apart.
    """
    llm = plan.config.optimizer.llm
    if llm.base_url is None or not plan.thinks or tokens == 0:
        return 0.0
    price = plan.prices.of(llm.model)
    return None if price is None or tokens is None else price.dollars(tokens // 2, tokens - tokens // 2)
