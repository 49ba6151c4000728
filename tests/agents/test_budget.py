"""Spending is booked as it happens, over all processes of a run."""

from collections.abc import Iterator
from math import inf
from pathlib import Path

import pytest

from agents.budget import BookedAnswers, Ledger, OutOfBudget
from agents.config import BudgetConfig
from assets.errors import UserError
from prompts.history import History
from vllm_eval.engine import Answer
from vllm_eval.evaluator import AnswerRow


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History(f"sqlite:///{tmp_path}/history.db") as opened:
        yield opened


@pytest.fixture
def run_id(history: History) -> str:
    return history.start_run({}, 0)


def caps(**values: object) -> BudgetConfig:
    return BudgetConfig.model_validate(values)


def test_without_caps_everything_is_affordable(history: History, run_id: str) -> None:
    ledger = Ledger(history, run_id, caps())
    ledger.measure(1, 10.0)
    assert (ledger.answers_left(), ledger.seconds_left()) == (inf, inf)
    assert ledger.affordable(10**9)


def rows(run_id: str, count: int, process: int = 0) -> list[AnswerRow]:
    answers = [Answer(f"{process} {n}", "A", "rowing", "human", None, 9, 0, 0.0) for n in range(count)]
    clip = ("rowing", None, "swaps", run_id, (), 5, "form")
    return [AnswerRow(one, "prompt", f"clip {one.key}", *clip) for one in answers]


def test_no_process_however_killed_leaves_a_stored_answer_unbooked(history: History, run_id: str) -> None:
    bought = 0
    for process in range(5):
        ledger = Ledger(history, run_id, caps(clip_evaluations=100))
        assert ledger.answers == len(history.answers_for(run_id)) == bought
        count = int(min(63, ledger.answers_left()))
        for _ in range(count):
            ledger.answered(1)
        BookedAnswers(history, ledger).add(rows(run_id, count, process))
        bought += count  # killed now: nobody books what is left
    assert bought == 100


def test_answers_are_booked_once_and_time_with_them(history: History, run_id: str) -> None:
    clock = Clock()
    ledger = Ledger(history, run_id, caps(clip_evaluations=10), clock)
    store = BookedAnswers(history, ledger)
    clock.now += 2
    ledger.answered(3)
    store.add(rows(run_id, 3))
    clock.now += 1
    store.add(rows(run_id, 3))  # known ones, which are noted as used
    assert history.spent(run_id) == {"clip_evaluations": 3, "seconds": 2}
    ledger.answered(1)
    ledger.book()
    ledger.book()
    assert history.spent(run_id) == {"clip_evaluations": 4, "seconds": 3}
    assert (ledger.answers, ledger.answers_left(), ledger.seconds) == (4, 6, 3)


def test_a_process_that_lost_its_run_stops_once_what_it_bought_is_stored(
    history: History, run_id: str
) -> None:
    def lost() -> None:
        raise UserError("taken over")

    ledger = Ledger(history, run_id, caps(), renew=lost)
    BookedAnswers(history, ledger).add(rows(run_id, 2))
    ledger.answered(1)
    with pytest.raises(UserError, match="taken over"):
        BookedAnswers(history, ledger).add(rows(run_id, 3))
    assert len(history.answers_for(run_id)) == 3
    assert history.spent(run_id)["clip_evaluations"] == 1


def test_time_is_booked_after_each_call_of_the_optimizers_model(history: History, run_id: str) -> None:
    clock = Clock()
    ledger = Ledger(history, run_id, caps(seconds=60), clock)
    clock.now += 9
    ledger.thought(9.0)
    clock.now += 5  # killed during the next call
    assert Ledger(history, run_id, caps(seconds=60), clock).seconds == 9


def test_answers_over_the_cap_are_refused_beforehand(history: History, run_id: str) -> None:
    ledger = Ledger(history, run_id, caps(clip_evaluations=10))
    ledger.require(10)
    ledger.answered(4)
    with pytest.raises(OutOfBudget, match=f"7 answers are needed, only 6 .* --resume {run_id}"):
        ledger.require(7)


def test_seconds_add_up_over_processes(history: History, run_id: str) -> None:
    clock = Clock()
    first = Ledger(history, run_id, caps(seconds=60), clock)
    clock.now += 40
    first.answered(1)
    first.book()
    clock.now += 1000  # nobody worked in between
    second = Ledger(history, run_id, caps(seconds=60), clock)
    assert second.seconds == 40
    clock.now += 21
    with pytest.raises(OutOfBudget, match=r"budget.seconds 60 is used up"):
        second.answered(1)
    assert second.answers == 2


def test_time_ahead_is_judged_by_the_slowest_batch(history: History, run_id: str) -> None:
    ledger = Ledger(history, run_id, caps(seconds=60), Clock())
    ledger.measure(10, 5.0)
    ledger.measure(100, 1.0)
    ledger.measure(0, 9.0)
    assert ledger.pace == 0.5
    assert ledger.affordable(120)
    assert not ledger.affordable(121)


def test_time_held_back_for_the_report_is_not_given_away(history: History, run_id: str) -> None:
    ledger = Ledger(history, run_id, caps(seconds=60), Clock())
    ledger.measure(10, 5.0)
    ledger.require(1000)
    ledger.require(20, reserve=100)
    with pytest.raises(OutOfBudget, match=rf"121 answers would take 60 s, only 60 .* --resume {run_id}"):
        ledger.require(21, reserve=100)
    ledger.held = 100
    ledger.thought(9.0)
    ledger.require_call(5, 0.0)
    ledger.thought(10.0)
    with pytest.raises(OutOfBudget, match=r"a call could take 10.0 s and the report 50.0, only 60.0 of"):
        ledger.require_call(5, 0.0)


def test_tokens_are_booked_at_once(history: History, run_id: str) -> None:
    ledger = Ledger(history, run_id, caps())
    ledger.tokens(12)
    ledger.tokens(0)
    assert history.spent(run_id) == {"optimizer_tokens": 12.0}


def test_a_resumed_run_knows_how_slow_it_was(history: History, run_id: str) -> None:
    clock = Clock()
    first = Ledger(history, run_id, caps(seconds=60), clock)
    first.measure(10, 5.0)
    first.thought(9.0)
    first.measure(10, 1.0)
    again = Ledger(history, run_id, caps(seconds=60), clock)
    assert (again.pace, again.thinking) == (0.5, 9.0)
    again.held = 100
    clock.now += 2
    with pytest.raises(OutOfBudget, match=r"a call could take 9.0 s and the report 50.0, only 58.0 of"):
        again.require_call(5, 0.0)
    assert [one.kind for one in history.decisions(run_id)] == ["pace", "pace"]


def test_without_a_cap_on_time_no_pace_is_kept(history: History, run_id: str) -> None:
    Ledger(history, run_id, caps()).measure(10, 5.0)
    assert history.decisions(run_id) == []
