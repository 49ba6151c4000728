"""No cap is overshot, whoever proposes, the rivals included, with a model that takes all it may."""

import json
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import scripted_world as world
from loop_world import Silent, accepted, settings
from scripted_world import ScriptedEngine
from strategies.made_run import LIMBS

from agents import loop, pareto, resume
from agents.budget import Ledger
from agents.llm import Reply
from agents.pricing import most_tokens
from agents.report import Report
from agents.strategies import STRATEGIES
from assets.errors import UserError
from prompts.history import History
from vllm_eval.engine import Answer, Request

pytestmark = pytest.mark.filterwarnings("ignore")  # the rivals' own

JSON = json.dumps({"prompts": [{"prompt": "PROMPT", "hypothesis": "h"}]})
DSPY = (
    "[[ ## proposed_instruction ## ]]\nPROMPT\n\n[[ ## proposed_prefix_for_output_field ## ]]\nAnswer:\n\n"
    "[[ ## completed ## ]]"
)
FORMS = {
    "gepa": "```\nPROMPT\n```", "dspy-copro": DSPY, "dspy-mipro": DSPY, "capo": "<prompt>PROMPT</prompt>"
}  # fmt: skip
NEEDS = {"gepa": "gepa", "dspy-copro": "dspy", "dspy-mipro": "optuna", "capo": "promptolution"}


def each(*left_out: str) -> list[Any]:
    made = []
    for name in STRATEGIES:
        needs = NEEDS.get(name)
        missing = needs is not None and not find_spec(needs)
        marks = [pytest.mark.skip(reason=f"{needs} is not installed")] if missing else []
        if name not in left_out:
            made.append(pytest.param(name, marks=marks))
    return made


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Hungry:
    """Takes every token a call may take, and ``seconds`` for it."""

    form: str
    clock: Clock = field(default_factory=Clock)
    seconds: float = 0.0
    name: str = "hungry"
    temperature: float = 1.0
    follows_instructions: bool = True
    calls: int = 0
    tokens: int = 0

    def complete(
        self, conversation: Any, *, max_tokens: int, json_schema: Any = None, begin: str = "", **rest: Any
    ) -> Reply:
        self.calls += 1
        self.clock.now += self.seconds
        said = [conversation] if isinstance(conversation, str) else list(conversation)
        read = sum(most_tokens(part) for part in [*said, begin, json_schema or {}])
        self.tokens += read + max_tokens
        one, other = LIMBS[self.calls % 12], LIMBS[self.calls // 12 % 12]
        text = f"Follow the {one} and the {other} of the person, take {self.calls}: what action is it?"
        return Reply(self.form.replace("PROMPT", text), read, max_tokens, 0.0)

    def close(self) -> None: ...


@dataclass
class Slow(ScriptedEngine):
    clock: Clock = field(default_factory=Clock)
    each: float = 0.0

    def _reply(self, prompt: str, request: Request) -> Answer:
        self.clock.now += self.each
        return super()._reply(prompt, request)


@pytest.fixture(autouse=True)
def _no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pareto, "plot", lambda *given: None)


@dataclass
class Spent:
    """What one run took, and its report; None where it ended before there was anything to report."""

    report: Report | None
    run_id: str
    engine: Slow
    llm: Hungry
    problem: str = ""


def spend(
    name: str,
    tmp_path: Path,
    history: History,
    llm: Hungry | None = None,
    engine: Slow | None = None,
    **more: Any,
) -> Spent:
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join(f"What do the {one} and the {two} do?" for one in LIMBS for two in LIMBS[:6]))
    optimizer = {"strategy": name, "minibatch": 6} | ({"file": str(path)} if name == "file" else {})
    data = {"tune_clips": 12, "select_clips": 8, "test_clips": 8, "report_clips": 8, "agreement_clips": 4}
    config = settings(tmp_path, data=data, optimizer=optimizer | more.pop("optimizer", {}), **more)
    chosen = config.optimizer.model_copy(update={"strategy": name})
    config = config.model_copy(update={"optimizer": chosen})
    llm, engine = llm or Hungry(FORMS.get(name, JSON)), engine or Slow()
    frames: Any = world.NoFrames
    outside = loop.Parts(world.load, lambda *names, **rest: engine, frames, lambda _: llm)
    found = resume.find(history, config, None)
    try:
        report = loop.run(config, found.run_id, history, Silent(), outside)
    except UserError as problem:
        return Spent(None, found.run_id, engine, llm, str(problem))
    return Spent(report, found.run_id, engine, llm)


@pytest.mark.parametrize("race", ["sequential", "none"])
@pytest.mark.parametrize("name", each())
def test_answers(name: str, race: str, tmp_path: Path, history: History) -> None:
    budget = {"prompts": 60, "clip_evaluations": 330}
    spent = spend(name, tmp_path, history, budget=budget, optimizer={"race": race})
    assert spent.report, spent.problem
    assert len(spent.engine.asked) <= 330
    assert history.spent(spent.run_id)["clip_evaluations"] == len(spent.engine.asked)


@pytest.mark.parametrize("name", each())
def test_prompts(name: str, tmp_path: Path, history: History) -> None:
    spent = spend(name, tmp_path, history, budget={"prompts": 5})
    assert spent.report, spent.problem
    assert 1 <= len({prompt.id for prompt in accepted(history, spent.run_id)}) <= 5


@pytest.mark.parametrize("cap", [3_000, 40_000])
@pytest.mark.parametrize("name", each("file", "grid"))
def test_tokens(name: str, cap: int, tmp_path: Path, history: History) -> None:
    spent = spend(name, tmp_path, history, budget={"prompts": 60, "optimizer_tokens": cap})
    assert spent.report or "optimizer_tokens" in spent.problem
    assert spent.llm.tokens <= cap
    assert history.spent(spent.run_id).get("optimizer_tokens", 0) == spent.llm.tokens


@pytest.mark.parametrize("name", each("file", "grid"))
def test_dollars(name: str, tmp_path: Path, history: History) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("hungry: {prompt: 2, completion: 3}")
    spent = spend(
        name,
        tmp_path,
        history,
        optimizer={"llm": {"model": "hungry", "base_url": "http://localhost:1"}},
        budget={"prompts": 60, "dollars": 0.1, "prices": str(prices)},
    )
    assert spent.report or "budget.dollars" in spent.problem
    booked = history.spent(spent.run_id)
    assert booked.get("dollars", 0.0) <= 0.1
    assert 2e-6 * booked.get("optimizer_tokens", 0) <= booked.get("dollars", 0.0)


@pytest.mark.parametrize(("thinking", "answer"), [(8.0, 0.2), (0.5, 0.3)])
@pytest.mark.parametrize("name", each())
def test_seconds(
    name: str,
    thinking: float,
    answer: float,
    tmp_path: Path,
    history: History,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, cap = Clock(), 100.0
    monkeypatch.setattr(loop, "Ledger", partial(Ledger, clock=clock))
    monkeypatch.setattr("agents.scoring.time", SimpleNamespace(monotonic=clock))
    llm = Hungry(FORMS.get(name, JSON), clock, thinking)
    engine = Slow(clock=clock, each=answer)
    spent = spend(name, tmp_path, history, llm, engine, budget={"prompts": 60, "seconds": cap})
    assert spent.report or "no prompt could be scored" in spent.problem, spent.problem
    assert clock.now <= cap


def test_every_strategy_is_tried() -> None:
    assert len(STRATEGIES) == 11
    assert {param.values[0] for param in each()} == set(STRATEGIES)
