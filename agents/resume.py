"""Which run to go on with."""

from dataclasses import dataclass
from typing import Any

from agents.config import RunConfig, experiment
from assets.errors import UserError
from prompts.history import History
from prompts.records import RunRecord


@dataclass(frozen=True)
class Found:
    """A run to carry to its end, or one of the same settings that already has been (``finished``)."""

    run_id: str
    finished: bool
    resumed: bool


def find(history: History, config: RunConfig, resume: str | None) -> Found:
    """The run to work on: a new one, or with ``resume`` the named or ("") latest one of these settings.

    Raises UserError for a named run that is unknown, finished, or was started with other settings.
    """
    if resume:
        _check_same(history.run(history.resume_run(resume) or resume), config)
        return Found(resume, finished=False, resumed=True)
    if resume is not None:
        fitting = [run for run in history.runs() if experiment(run.config) == experiment(config.values())]
        unfinished = [run for run in fitting if run.status != "finished"]
        if unfinished:
            return Found(unfinished[-1].id, finished=False, resumed=True)
        if fitting:
            return Found(fitting[-1].id, finished=True, resumed=True)
    return Found(history.start_run(config.values(), config.seed), finished=False, resumed=False)


def _check_same(run: RunRecord, config: RunConfig) -> None:
    theirs, mine = _flat(experiment(run.config)), _flat(experiment(config.values()))
    changed = [key for key in {**theirs, **mine} if theirs.get(key) != mine.get(key)]
    if changed:
        key = changed[0]
        raise UserError(
            f"run {run.id} was started with {key} {theirs.get(key)!r}, not {mine.get(key)!r}"
            f"{f' (and {len(changed) - 1} more changes)' if len(changed) > 1 else ''}; "
            "give the same settings, or start a new run without --resume"
        )


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
