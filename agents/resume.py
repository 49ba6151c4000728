"""Which run to go on with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from agents import lease
from agents.config import RunConfig, experiment
from assets.errors import UserError
from prompts.history import History
from prompts.leases import Lease
from prompts.records import RunRecord

BUDGET, PROMPTS = "budget", "prompts"  # the decision that a run goes on to another number of prompts
_BUDGET = f"{BUDGET}.{PROMPTS}"

Settings = Mapping[str, Any]  # flat, without the number of prompts
Busy = Mapping[str, Lease]  # runs that somebody works on


@dataclass(frozen=True)
class Found:
    """A run to carry to its end, or one of the same settings that already has been (``finished``).

    ``note``: what whoever asked for it should know, in one line; "" when there is nothing to say.
    """

    run_id: str
    finished: bool
    resumed: bool
    note: str = ""


def find(history: History, config: RunConfig, resume: str | None) -> Found:
    """The run to work on: a new one, or with ``resume`` the named or ("") latest one of these settings.

    More prompts are more of an experiment and no other one: where no run has just these settings, an
    unfinished one of fewer prompts goes on to as many. The named run goes on to any number.

    Raises UserError for a named run that is unknown, finished, was started with other settings or is being
    worked on, and where every unfinished run of just these settings is.
    """
    if resume is None:
        return Found(history.start_run(config.values(), config.seed), finished=False, resumed=False)
    # Before the runs: one that ends in between is taken for busy rather than for free.
    busy, mine = lease.held(history), _settings(config.values())
    return _named(history, config, resume, mine, busy) if resume else _latest(history, config, mine, busy)


def _named(history: History, config: RunConfig, run_id: str, mine: Settings, busy: Busy) -> Found:
    run = history.run(history.resume_run(run_id) or run_id)
    difference = _difference(_settings(run.config), mine)
    if difference:
        raise UserError(
            f"run {run.id} was started with {difference}; "
            "give the same settings, or start a new run without --resume"
        )
    if run.id in busy:
        raise UserError(lease.told(run.id, busy[run.id]))
    return _going_on(history, config, run)


def _latest(history: History, config: RunConfig, mine: Settings, busy: Busy) -> Found:
    asked = config.budget.prompts
    runs = [run for run in history.runs() if "optimizer" in run.config]  # other commands have runs, too
    prompts = {run.id: _prompts(history, run) for run in runs if not _difference(_settings(run.config), mine)}
    same = [run for run in runs if prompts.get(run.id) == asked]
    unfinished = [run for run in same if run.status != "finished"]
    free = [run for run in unfinished if run.id not in busy]
    if free:
        return Found(free[-1].id, finished=False, resumed=True)
    if unfinished:  # a job that was queued again must not start a second run of what the first one does
        raise UserError(lease.told(unfinished[-1].id, busy[unfinished[-1].id]))
    if same:
        return Found(same[-1].id, finished=True, resumed=True)
    others = [run for run in runs if run.status != "finished"]
    fewer = [run for run in others if prompts.get(run.id, inf) < asked and run.id not in busy]
    if fewer:
        return _going_on(history, config, fewer[-1])
    return replace(find(history, config, None), note=_passed_over(history, config, others, mine, busy))


def _going_on(history: History, config: RunConfig, run: RunRecord) -> Found:
    """To go on with a run, to as many prompts as are asked for now."""
    before, asked = _prompts(history, run), config.budget.prompts
    if before == asked:
        return Found(run.id, finished=False, resumed=True)
    history.add_decision(run.id, BUDGET, {PROMPTS: asked})
    note = f"run {run.id} had budget.prompts {before}, now {asked}"
    return Found(run.id, finished=False, resumed=True, note=note)


def _passed_over(
    history: History, config: RunConfig, unfinished: Sequence[RunRecord], mine: Settings, busy: Busy
) -> str:
    """What tells the latest unfinished run, one that nobody works on if there is one, from these settings."""
    if not unfinished:
        return ""
    run = ([run for run in unfinished if run.id not in busy] or unfinished)[-1]
    theirs = {**_settings(run.config), _BUDGET: _prompts(history, run)}
    difference = _difference(theirs, {**mine, _BUDGET: config.budget.prompts})
    how = f"give the same settings and --resume {run.id} to go on with that one"
    if run.id in busy:
        how = f"{lease.name(busy[run.id])} works on that one"
    return f"a new run starts: run {run.id}, the latest unfinished one, has {difference}; {how}"


def _prompts(history: History, run: RunRecord) -> int:
    """How many prompts a run is to score: as it was started, or as it was last resumed."""
    changed = [one.detail for one in history.decisions(run.id) if one.kind == BUDGET]
    return int((changed[-1] if changed else run.config.get("budget", {})).get(PROMPTS, 0))


def _difference(theirs: Settings, mine: Settings) -> str:
    """The first setting that differs, with both values, and how many more do; "" where none does."""
    changed = [key for key in {**theirs, **mine} if theirs.get(key) != mine.get(key)]
    if not changed:
        return ""
    first, more = changed[0], f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
    return f"{first} {theirs.get(first)!r}, not {mine.get(first)!r}{more}"


def _settings(values: Mapping[str, Any]) -> Settings:
    """What makes a run its experiment, by dotted name; more prompts are more of the same experiment."""
    return {key: value for key, value in _flat(experiment(values)).items() if key != PROMPTS}


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
