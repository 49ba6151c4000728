"""Which run is gone on with, what is told when a new one starts instead, and more prompts for a run."""

from pathlib import Path
from typing import Any

import pytest
from loop_world import accepted, carry, settings
from scripted_world import ScriptedEngine

from agents import lease, resume
from agents.config import RunConfig
from assets.errors import UserError
from prompts.history import History
from prompts.leases import Worker

pytestmark = pytest.mark.usefixtures("inventive")


def prompts(tmp_path: Path, number: int, **changes: Any) -> RunConfig:
    return settings(tmp_path, budget={"prompts": number}, **changes)


def started(history: History, config: RunConfig) -> str:
    return resume.find(history, config, None).run_id


def busy(history: History, run_id: str) -> None:
    worker = Worker("elsewhere", 7, "elsewhere boot", "123")
    assert history.leases.take(run_id, f"token of {run_id}"[:32], worker, lambda lease: False) is None


# Runs that somebody works on


def test_a_run_that_is_worked_on_is_refused(tmp_path: Path, history: History) -> None:
    config = settings(tmp_path)
    run = started(history, config)
    busy(history, run)
    for named in ("", run):
        with pytest.raises(UserError, match=rf"run {run} is being worked on by elsewhere:7, last seen \d+ s"):
            resume.find(history, config, named)
    assert [one.id for one in history.runs()] == [run]


def test_another_unfinished_run_of_these_settings_is_taken_instead(tmp_path: Path, history: History) -> None:
    config = settings(tmp_path)
    first, second = started(history, config), started(history, config)
    busy(history, second)
    assert resume.find(history, config, "") == resume.Found(first, finished=False, resumed=True)


def test_a_finished_run_does_not_hide_one_that_is_worked_on(tmp_path: Path, history: History) -> None:
    config = settings(tmp_path)
    history.finish_run(started(history, config), {})
    second = started(history, config)
    busy(history, second)
    with pytest.raises(UserError, match=f"run {second} is being worked on"):
        resume.find(history, config, "")


# What is told when a new run starts


def test_a_new_run_in_the_place_of_an_unfinished_one_says_what_differs(
    tmp_path: Path, history: History
) -> None:
    started(history, settings(tmp_path, seed=3))
    run = started(history, settings(tmp_path, seed=4, optimizer={"finalists": 3}))
    found = resume.find(history, settings(tmp_path), "")
    assert (found.resumed, found.finished) == (False, False)
    assert found.run_id not in (run, "")
    assert found.note == (
        f"a new run starts: run {run}, the latest unfinished one, has optimizer.finalists 3, not 2 "
        f"(and 1 more); give the same settings and --resume {run} to go on with that one"
    )


def test_nothing_is_told_where_nothing_is_passed_over(tmp_path: Path, history: History) -> None:
    config = settings(tmp_path)
    history.start_run({"command": "evaluate"}, 0)
    history.finish_run(started(history, settings(tmp_path, seed=3)), {})
    first = resume.find(history, config, "")
    assert (first.resumed, first.note) == (False, "")
    started(history, settings(tmp_path, seed=4))
    assert resume.find(history, config, "").note == ""
    assert resume.find(history, config, None).note == ""


def test_a_run_that_can_be_gone_on_with_is_named_before_one_that_is_worked_on(
    tmp_path: Path, history: History
) -> None:
    idle, working = (started(history, settings(tmp_path, seed=seed)) for seed in (3, 4))
    busy(history, working)
    assert f"run {idle}, the latest unfinished one, has seed 3, not 0;" in (
        resume.find(history, settings(tmp_path), "").note
    )
    busy(history, idle)
    new = resume.find(history, settings(tmp_path, seed=1), "")
    busy(history, new.run_id)
    assert not new.resumed
    note = resume.find(history, settings(tmp_path, seed=2), "").note
    assert note.startswith("a new run starts: run ")


def test_a_run_of_fewer_prompts_that_is_worked_on_is_left_alone_and_told(
    tmp_path: Path, history: History
) -> None:
    run = started(history, prompts(tmp_path, 3))
    busy(history, run)
    found = resume.find(history, prompts(tmp_path, 7), "")
    assert not found.resumed
    assert found.note.endswith(
        f"run {run}, the latest unfinished one, has budget.prompts 3, not 7; elsewhere:7 works on that one"
    )


# More prompts


@pytest.mark.parametrize("named", [True, False])
def test_a_run_goes_on_to_more_prompts(tmp_path: Path, history: History, named: bool) -> None:
    with pytest.raises(KeyboardInterrupt):
        carry(prompts(tmp_path, 3), history, ScriptedEngine(fail_after=100))
    (run,) = history.runs()
    found = resume.find(history, prompts(tmp_path, 7), run.id if named else "")
    assert found == resume.Found(
        run.id, finished=False, resumed=True, note=f"run {run.id} had budget.prompts 3, now 7"
    )
    report = carry(prompts(tmp_path, 7), history, again=run.id if named else "")
    assert report.run_id == run.id
    assert len(accepted(history, run.id)) == 7
    # Asked for again it is finished, and neither gone on with nor started anew.
    assert resume.find(history, prompts(tmp_path, 7), "") == resume.Found(run.id, finished=True, resumed=True)
    assert [one.detail for one in history.decisions(run.id) if one.kind == "budget"] == [{"prompts": 7}]


def test_a_finished_run_of_fewer_prompts_is_not_reopened(tmp_path: Path, history: History) -> None:
    run = started(history, prompts(tmp_path, 3))
    history.finish_run(run, {})
    found = resume.find(history, prompts(tmp_path, 7), "")
    assert (found.run_id != run, found.resumed, found.finished, found.note) == (True, False, False, "")
    with pytest.raises(UserError, match=f"run {run} is finished"):
        resume.find(history, prompts(tmp_path, 7), run)


def test_the_run_of_just_this_number_is_preferred(tmp_path: Path, history: History) -> None:
    done = started(history, prompts(tmp_path, 7))
    started(history, prompts(tmp_path, 3))
    assert resume.find(history, prompts(tmp_path, 7), "").run_id == done
    history.finish_run(done, {})
    assert resume.find(history, prompts(tmp_path, 7), "") == resume.Found(done, finished=True, resumed=True)


def test_only_a_named_run_goes_on_to_fewer_prompts_and_then_ends(tmp_path: Path, history: History) -> None:
    with pytest.raises(KeyboardInterrupt):
        carry(prompts(tmp_path, 9), history, ScriptedEngine(fail_after=140))
    (run,) = history.runs()
    scored = len(accepted(history, run.id))
    assert scored > 1
    other = resume.find(history, prompts(tmp_path, 1), "")
    assert "has budget.prompts 9, not 1;" in other.note
    report = carry(prompts(tmp_path, 1), history, again=run.id)
    assert report.run_id == run.id
    assert len(accepted(history, run.id)) == scored
    assert report.stopped == f"{scored} prompts are scored, the budget"


def test_another_setting_besides_more_prompts_is_another_experiment(tmp_path: Path, history: History) -> None:
    run = started(history, prompts(tmp_path, 3))
    with pytest.raises(UserError, match="was started with seed 0, not 5; give the same settings"):
        resume.find(history, prompts(tmp_path, 7, seed=5), run)
    found = resume.find(history, prompts(tmp_path, 7, seed=5), "")
    assert "has seed 0, not 5 (and 1 more)" in found.note
    assert lease.held(history) == {}
