"""One run of one arm: its search alone, without finals and report, and the log of what it bought when."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from agents.booked import BookedLLM
from agents.budget import Ledger, OutOfBudget
from agents.config import BudgetConfig, RunConfig
from agents.context import RunContext
from agents.guard import Guard
from agents.race_order import racing_order, unit_of
from agents.racing import Racing
from agents.rounds import Rounds
from agents.scoring import Scorer
from agents.strategies import STRATEGIES
from agents.strategy import close, connect
from agents.targets import Panel, Target
from agents.watcher import Standing
from assets.errors import UserError
from benchmarks.optimizers_arms import Arm
from benchmarks.optimizers_memo import MemoEngine, MemoLLM
from prompts.history import History
from prompts.library import HUMAN_FOCUSED, NEUTRAL
from prompts.prompt import Prompt
from videos.clip import ClipSet
from vllm_eval.engine import Answer
from vllm_eval.evaluator import AnswerRow, Evaluator, Scored
from vllm_eval.target import policy_of, question_of

CODES = {"human": 1, "background": -1, "error": None}


@dataclass(frozen=True)
class World:
    """What all runs share: the clips, the target model, the optimizer's model."""

    tune: ClipSet
    test: ClipSet
    engine: MemoEngine
    frames: Any
    llm: MemoLLM

    def side(self, arm: Arm, seed: int) -> ClipSet:
        """The clips an arm searches on: all of the tune side, or some drawn by the run's seed."""
        return self.tune if arm.clips is None else self.tune.take(min(arm.clips, len(self.tune)), seed)


class Log:
    """An answer store around the run's history that notes what is bought, in order.

    ``bought``: (prompt id, clip id, +1 human, -1 background, 0 else, None error); ``costs``: after every
    batch [answers, tokens, the optimizer's processor seconds, seconds the target took].
    """

    def __init__(self, history: History, llm: MemoLLM) -> None:
        self._history, self._llm = history, llm
        self._begun = llm.tokens, llm.seconds
        self.bought: dict[tuple[str, str], int | None] = {}
        self.costs: list[list[float]] = []
        self._seconds = 0.0

    def known(self, keys: Sequence[str]) -> dict[str, Answer]:
        """As AnswerStore.known."""
        return self._history.known(keys)

    def failed(self, keys: Sequence[str], run_id: str, dataset: str) -> dict[str, Answer]:
        """As AnswerStore.failed."""
        return self._history.failed(keys, run_id, dataset)

    def add(self, rows: Sequence[AnswerRow]) -> None:
        """As AnswerStore.add."""
        self._history.add(rows)
        for row in rows:
            if (row.prompt_id, row.clip_id) not in self.bought:
                self.bought[row.prompt_id, row.clip_id] = CODES.get(row.answer.kind, 0)
                self._seconds += row.answer.seconds
        tokens, seconds = self._llm.tokens - self._begun[0], self._llm.seconds - self._begun[1]
        self.costs.append([len(self.bought), tokens, round(seconds, 2), round(self._seconds, 2)])


class UntilEnough(Scorer):
    """Buys while fewer than ``most`` answers were bought: the last batch may go beyond, and is cut off later.

    Raises OutOfBudget then.
    """

    def watch(self, log: Log, most: int) -> "UntilEnough":
        """Where to look, and how many are enough."""
        self._log, self._most = log, most
        return self

    @property
    def enough(self) -> bool:
        """Whether the budget is spent."""
        return len(self._log.bought) >= self._most

    def score(self, prompts: Sequence[Prompt], clips: ClipSet) -> dict[str, Scored]:
        """As Scorer.score."""
        if self.enough and self.missing(prompts, clips):
            raise OutOfBudget(f"{self._most} answers are bought")
        return super().score(prompts, clips)


class Unseen:
    """A watcher that shows nothing."""

    def line(self, text: str) -> None:
        """Not shown."""

    def plan(self, answers: int) -> None:
        """Not shown."""

    def phase(self, name: str) -> None:
        """Not shown."""

    def answered(self, new: int, known: int) -> None:
        """Not shown."""

    def standing(self, standing: Standing) -> None:
        """Not shown."""


def search(arm: Arm, seed: int, most: int, world: World) -> dict[str, Any]:
    """Search until ``most`` answers are bought; what the run left, as JSON holds it.

    Answers to the hand-written prompts count. A run that ends by itself earlier says why in ``stopped``; so
    does one whose strategy failed, after "failed: ".
    """
    side, began = world.side(arm, seed), monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        History(f"sqlite:///{Path(folder) / 'history.db'}") as history,
    ):
        run_id = history.start_run({"arm": arm.name}, seed)
        log = Log(history, world.llm)
        stopped, twins = _search(arm, seed, most, world, side, history, run_id, log)
        prompts = {prompt.id: prompt.text for prompt in history.prompts(run_id)}
        verdicts = [one.verdict for one in history.proposals(run_id)]
    return {
        "arm": arm.name,
        "seed": seed,
        "budget": most,
        "llm": world.llm.name,
        "served": world.llm.served,
        "clips": [clip.id for clip in side.clips],
        "units": [unit_of(clip) for clip in side.clips],
        "prompts": prompts,
        "baselines": [prompt.id for prompt in _baselines()],
        "twins": dict(twins),
        "bought": [[prompt, clip, gap] for (prompt, clip), gap in log.bought.items()],
        "costs": log.costs,
        "refused": verdicts.count("refused"),
        "stopped": stopped,
        "seconds": round(monotonic() - began, 1),
    }


def _baselines() -> list[Prompt]:
    """What a search starts from. That a prompt can be written for the background is no help to it."""
    return [NEUTRAL.prompt, HUMAN_FOCUSED.prompt]


def _search(
    arm: Arm, seed: int, most: int, world: World, side: ClipSet, history: History, run_id: str, log: Log
) -> tuple[str, Mapping[str, str]]:
    """Why the search ended, and which prompts it took for twins of others."""
    optimizer, target, unseen = arm.optimizer(world.llm.name), RunConfig().target, Unseen()
    ledger = Ledger(history, run_id, BudgetConfig())
    evaluator = Evaluator(world.engine, world.frames, policy_of(target), question_of(target), log, run_id)
    panel = Panel([Target(target.model, evaluator, {})])
    scorer = UntilEnough(panel, ledger, unseen).watch(log, most)
    racing = Racing(history, run_id, scorer, unseen, side, optimizer, seed, lambda answers: True)
    prompts = arm.prompts(most, len(side), len(_baselines()))
    llm = BookedLLM(lambda: world.llm, ledger)
    strategy = STRATEGIES[arm.strategy](optimizer, seed, lambda: llm)
    context = RunContext(history, run_id, side, prompts, scorer, panel)
    rounds = Rounds(
        history=history,
        run_id=run_id,
        strategy=connect(strategy, context),
        guard=Guard.of(side.classes, optimizer.guard),
        racing=racing,
        watcher=unseen,
        budget=prompts,
        per_round=arm.per_round,
        refusals=arm.refusals,
        room=lambda n: 0 if scorer.enough else n,
    )
    try:
        for prompt in _baselines():
            history.add_prompt(run_id, prompt)
        racing.begin(_baselines())
        return rounds.run(), racing.twins()
    except OutOfBudget as end:
        return str(end), racing.twins()
    except UserError as failure:
        return f"failed: {failure}", racing.twins()
    finally:
        close(strategy)


class _Forgetful:
    """An answer store for questions that the memo remembers."""

    def known(self, keys: Sequence[str]) -> dict[str, Answer]:
        return {}

    def failed(self, keys: Sequence[str], run_id: str, dataset: str) -> dict[str, Answer]:
        return {}

    def add(self, rows: Sequence[AnswerRow]) -> None:
        """Nothing is kept."""


def tested(texts: Sequence[str], world: World) -> dict[str, list[int | None]]:
    """Per text its answers on the test clips, as codes. For measuring: no run counts them."""
    target, prompts = RunConfig().target, [Prompt(text) for text in texts]
    evaluator = Evaluator(
        world.engine, world.frames, policy_of(target), question_of(target), _Forgetful(), ""
    )
    world.frames.fill(world.test.clips, evaluator.policy)
    scored = evaluator.evaluate(prompts, world.test)
    return {
        prompt.text: [CODES.get(answer.kind, 0) for answer in scored[prompt.id].answers] for prompt in prompts
    }


def open_world(
    llm: str, folder: Path, clips: int | None, test_clips: int, llm_url: str | None = None
) -> World:
    """The bundled benchmark and model; answers and replies are kept in ``folder``.

    ``clips`` of the tune side, None: all. ``llm_url``: an endpoint that serves ``llm``, None: it runs here.
    """
    from agents.llm import BUNDLED, load_llm
    from agents.splits import load_data
    from benchmarks.optimizers_memo import Memo
    from videos.datasets import load
    from videos.store import FrameStore
    from vllm_eval.engines import load_engine
    from vllm_eval.target import open_engine

    config = RunConfig()
    some: dict[str, Any] = {"tune_clips": clips or 10**6, "test_clips": test_clips, "select_clips": 1}
    some |= {"mimetics": None, "kinetics": None, "agreement": None}
    data = load_data(config.data.model_copy(update=some), load)
    memo = Memo(folder / "memo.db")
    settings = config.optimizer.llm.model_copy(update={"model": llm, "base_url": llm_url})
    model = MemoLLM(
        llm,
        lambda: load_llm(settings, threads=1),
        memo,
        BUNDLED.get(llm, True),
        settings.temperature,
        served=llm_url is not None,
    )
    engine = MemoEngine(open_engine(config.target, load_engine), memo)
    return World(racing_order(data.tune, 0), data.reports["test"], engine, FrameStore(), model)
