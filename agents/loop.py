"""The loop: baselines, rounds of proposals, finalists, report. Killed anywhere, it goes on from the history.

Everything it knows it reads back from the history before it acts on it, so that a resumed run and an
undisturbed one take the same path. Nothing here knows which model answers or which one proposes.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agents import finals, pareto, report, tables
from agents.anchors import Anchors
from agents.booked import BookedLLM
from agents.budget import BookedAnswers, Ledger
from agents.config import BudgetConfig, RunConfig
from agents.context import RunContext
from agents.guard import Guard
from agents.kept import KeptLLM
from agents.lease import TakenOver, hold
from agents.pricing import price_of
from agents.racing import Racing
from agents.rounds import Rounds
from agents.scoring import Reserving, Scorer
from agents.splits import Data, Load, effective_clips, load_data
from agents.strategies import STRATEGIES
from agents.strategy import close, connect
from agents.targets import Panel, by_target, open_panel, widened
from agents.watcher import Watcher
from assets.errors import UserError
from prompts.history import History
from prompts.library import PREFIXED
from prompts.prompt import Prompt
from prompts.records import plain
from vllm_eval.engine import Engine
from vllm_eval.evaluator import Formats, Scored
from vllm_eval.question import QuestionFormat
from vllm_eval.statistics import minimum_detectable_effect
from vllm_eval.target import prefixed

if TYPE_CHECKING:
    from agents.llm import LLM, LLMSettings
    from videos.store import FrameStore


RACED = 0.5  # of the tune side, about so much a raced prompt is asked about; for the time shown as left


@dataclass(frozen=True)
class Parts:
    """How the outside is reached: data sets, target model, frames, optimizer model."""

    dataset: Load
    engine: Callable[..., Engine]
    frames: "Callable[[], FrameStore]"
    llm: "Callable[[LLMSettings], LLM]"


def real_parts() -> Parts:
    """The real ones."""
    from agents.llm import load_llm
    from videos.datasets import load
    from videos.store import FrameStore
    from vllm_eval.engines import load_engine

    return Parts(load, load_engine, FrameStore, load_llm)


def run(
    config: RunConfig, run_id: str, history: History, watcher: Watcher, parts: Parts, finish: bool = False
) -> report.Report:
    """Carry a registered run to its end and write its report below ``config.output``.

    ``finish``: with the prompts it has, proposing no more.

    Raises UserError for what the user can mend, and where another process works on the run; it then stays
    open to be resumed. Exceptions of a broken engine pass through. Whatever was bought is in the history in
    every case.
    """
    with hold(history, run_id) as holding:
        # Now, not before: what the process spent that had the run until now must be in it.
        ledger = Ledger(history, run_id, config.budget, renew=holding.renew)
        return _carry(config, run_id, history, watcher, parts, ledger, finish)


def _carry(
    config: RunConfig,
    run_id: str,
    history: History,
    watcher: Watcher,
    parts: Parts,
    ledger: Ledger,
    finish: bool,
) -> report.Report:
    data = load_data(config.data, parts.dataset)
    Anchors.of(config.optimizer.guard).check_known(clip.id for clip in data.tune.clips)
    _introduce(data, watcher)
    store = BookedAnswers(history, ledger)
    panel = open_panel(config.panel(), parts.engine, parts.frames(), store, run_id, styled)
    try:
        return _Loop(config, run_id, history, watcher, ledger, data, panel, parts, finish).run()
    except TakenOver:
        raise  # the run's state is the other process's to tell
    except UserError as problem:
        history.finish_run(run_id, {"error": str(problem)}, status="failed")
        raise
    finally:
        panel.close()
        ledger.book()


def _introduce(data: Data, watcher: Watcher) -> None:
    """How much there is to look at, and what differences that can show."""
    for note in data.dropped:
        watcher.line(note)
    for name, clips in {"tune": data.tune, "select": data.select, **data.reports}.items():
        effect = 100 * minimum_detectable_effect(effective_clips(clips))
        watcher.line(
            f"{name}: {len(clips)} clips of {clips.name}, shows differences from {effect:.0f} points on"
        )


class _Loop:
    """One run with everything loaded."""

    def __init__(
        self,
        config: RunConfig,
        run_id: str,
        history: History,
        watcher: Watcher,
        ledger: Ledger,
        data: Data,
        panel: Panel,
        parts: Parts,
        finish: bool,
    ) -> None:
        self.finish = finish
        self.config, self.run_id, self.history, self.watcher = config, run_id, history, watcher
        self.ledger, self.data, self.parts = ledger, widened(data, panel.names), parts
        self.panel, self.scorer = panel, Scorer(panel, ledger, watcher)
        self.anchors = Anchors.of(config.optimizer.guard)
        self.baselines = finals.baseline_prompts(with_prefixed=all(one.formats for one in panel.targets))
        self.reserve = finals.answers_needed(
            self.data,
            config.optimizer.finalists,
            len(self.baselines),
            self.anchors,
            config.objective.reported(config.optimizer.finalists),
        )
        ledger.held = self.reserve
        self.racing = Racing(
            history,
            run_id,
            self.scorer,
            watcher,
            self.data.tune,
            config.optimizer,
            config.data.seed,
            lambda answers: ledger.affordable(answers + self.reserve),
            rule=config.objective.targets,
        )

    def run(self) -> report.Report:
        self._check_caps()
        settings = self.config.optimizer.llm
        llm = BookedLLM(
            lambda: self.parts.llm(settings),
            self.ledger,
            price_of(self.config.budget, settings),
            settings.thinking_tokens,
            self.watcher.line,
        )
        try:
            rounds = self._rounds(llm)
            self.watcher.plan(self._expected() + self.reserve)
            try:
                stopped = self._search(rounds)
            finally:
                close(rounds.strategy)
        finally:
            llm.close()
        self.watcher.line(f"proposing ends: {stopped}")
        self.watcher.phase("asking on about the finalists")
        self.racing.settle(self.config.optimizer.finalists)
        return self._finish(stopped)

    def _expected(self) -> int:
        """About how many answers the search takes."""
        share = 1.0 if self.config.optimizer.race == "none" else RACED
        return round(share * (len(self.baselines) + self.config.budget.prompts) * len(self.data.tune))

    def _search(self, rounds: Rounds) -> str:
        """Baselines, then rounds until there is a reason to stop."""
        for prompt in self.baselines:
            self.history.add_prompt(self.run_id, prompt)
        self.watcher.phase("scoring the hand-written prompts")
        _check_answered(self.racing.begin(self.baselines))
        return rounds.run()

    def _rounds(self, llm: BookedLLM) -> Rounds:
        optimizer, budget = self.config.optimizer, self.config.budget

        buying = Reserving(self.scorer, self.ledger, self.reserve)
        context = RunContext(self.history, self.run_id, self.data.tune, budget.prompts, buying, self.panel)

        def proposing() -> "LLM":
            # Before anything is bought: a missing key should not come to light after an hour.
            if not self.finish and len(self.history.proposals(self.run_id)) < budget.prompts:
                llm.load()
            return KeptLLM(llm, context)

        strategy = STRATEGIES[optimizer.strategy](optimizer, self.config.seed, proposing)
        return Rounds(
            history=self.history,
            run_id=self.run_id,
            strategy=connect(strategy, context),
            guard=Guard.of(self.data.tune.classes, optimizer.guard),
            racing=self.racing,
            watcher=self.watcher,
            budget=budget.prompts,
            per_round=optimizer.per_round,
            refusals=budget.refusals,
            room=self._room,
            timed=budget.seconds is not None,
            finish=self.finish,
        )

    def _room(self, n: int) -> int:
        """How many of n prompts can be scored such that the report can still be paid."""
        size, more = len(self.data.tune), self.racing.worst() + self.reserve
        return next((k for k in range(n, 0, -1) if self.ledger.affordable(k * size + more)), 0)

    def _check_caps(self) -> None:
        """Raises UserError for a cap that leaves no room for a single proposal."""
        if self.ledger.answers == 0:
            check_caps(self.config.budget, len(self.baselines), len(self.data.tune), self.reserve)

    def _finish(self, stopped: str) -> report.Report:
        view = self.racing.view()
        ending = finals.Finals(
            self.history,
            self.run_id,
            self.scorer,
            self.watcher,
            self.data,
            self.baselines,
            self.config.optimizer.finalists,
            self.config.objective,
            self.racing.twins(),
            self.anchors,
        )
        outcome = ending.run(view)
        tune = view.get(outcome.winner.id)
        assert tune is not None, "a winner was scored on the tune side"
        self.ledger.book()
        spent = self.history.spent(self.run_id)
        saved = self.racing.summary()
        rule = self.config.objective.targets
        result = report.build(self.run_id, outcome, self.baselines, tune, stopped, spent, saved, rule)
        folder = self._save(result, outcome.winner)
        summary = {"winner": outcome.winner.id, "improved": result.improved, "stopped": stopped}
        scores = {"tune": result.tune_score, "test": result.test_score, "optimism": result.optimism}
        self.ledger.renew()
        self.history.finish_run(self.run_id, summary | scores | {"folder": str(folder)})
        return result

    def _save(self, result: report.Report, winner: Prompt) -> Path:
        folder = report_folder(self.config, self.run_id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "config.yaml").write_text(self.config.yaml(), encoding="utf-8")
            (folder / "report.json").write_text(
                json.dumps(plain(result.as_json()), indent=1), encoding="utf-8"
            )
            tables.save_text(folder / "report.txt", result, self.history.url)
            pareto.plot(folder / "pareto.png", self.racing.view().scored, winner, self.data.tune.name)
        except OSError as failure:
            raise UserError(
                f"cannot write the report: {failure}; give another folder with --output"
            ) from None
        return folder


def check_caps(budget: BudgetConfig, baselines: int, clips: int, reserve: int) -> None:
    """Raises UserError for a cap on answers that a run has no room in: a run refuses it, and an estimate."""
    least, cap = (baselines + 1) * clips + reserve, budget.clip_evaluations
    if cap is not None and least > cap:
        raise UserError(
            f"budget.clip_evaluations {cap} is too small: baselines, one proposal and the report take up to "
            f"{least}; raise it or use fewer clips (data.*_clips)"
        )


def styled(question: QuestionFormat) -> Formats:
    """The question of the hand-written prompt whose choices are written another way, where that can be."""
    written = prefixed(question)
    return {PREFIXED.prompt.id: written} if written else {}


def _check_answered(neutral: Scored) -> None:
    """A clip that fails is data; when all do, something else is wrong, and it can be said before it costs."""
    for name, scored in by_target(neutral).items():
        failed = [answer for answer in scored.answers if answer.kind == "error"]
        if len(failed) == len(scored.answers):
            who = f" by {name}" if name else ""
            raise UserError(
                f"no clip of {scored.clips.name} could be answered{who}, for one: {failed[0].error}; mend "
                "that and start again without --resume: a run asks no clip a second time"
            )


def report_folder(config: RunConfig, run_id: str) -> Path:
    """Where a run's report goes."""
    return Path(config.output) / run_id
