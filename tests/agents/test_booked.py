"""Replies are paid for once, and read again for nothing; what is lost on the way is booked all the same."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from loop_world import Silent, accepted, carry, settings
from scripted_world import Inventive, ScriptedEngine, ScriptedLLM

from agents import resume
from agents.booked import THINKING, BookedLLM
from agents.budget import Ledger, OutOfBudget
from agents.config import BudgetConfig
from agents.kept import KeptLLM
from agents.llm.base import Message, Remote, Reply, TimedOut, ToolCall
from agents.strategy import Proposal
from assets.errors import UserError
from prompts.history import History

TURNS = [Message("user", "Write one.")]


@dataclass
class Endpoint(ScriptedLLM):
    """Replies with its script of replies and failures, last entry for ever."""

    replies: Sequence[Any] = (Reply("Look.", 7, 3, 0.0),)
    notify: Callable[[str], None] = lambda line: None
    most: list[int] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)

    def complete(self, conversation: Any, *, max_tokens: int, seed: int = 0, **rest: Any) -> Reply:
        self.most.append(max_tokens)
        self.calls += 1
        said = self.replies[min(self.calls, len(self.replies)) - 1]
        if isinstance(said, BaseException):
            raise said
        assert isinstance(said, Reply)
        return said

    def within(self, seconds: float) -> None:
        self.limits.append(seconds)

    def probe(self) -> Reply:
        return Reply("yes", 5, 1, 0.0)


def booked(history: History, llm: Any, thinking: int = 0, **caps: Any) -> tuple[BookedLLM, Ledger]:
    ledger = Ledger(history, history.start_run({}, 0), BudgetConfig.model_validate(caps))
    return BookedLLM(lambda: llm, ledger, thinking=thinking), ledger


def test_an_endpoint_is_tried_before_anything_else_and_that_is_booked(history: History) -> None:
    assert isinstance(Endpoint(), Remote)
    booking, ledger = booked(history, Endpoint(), optimizer_tokens=1000)
    booking.load()
    assert ledger.tokens_left() == 1000 - 6


def test_a_reply_that_does_not_come_is_booked_at_its_most_and_asked_for_once_more(history: History) -> None:
    llm = Endpoint(replies=[TimedOut("no reply"), Reply("Look.", 7, 3, 0.0)])
    booking, ledger = booked(history, llm, optimizer_tokens=10_000)
    booking.load()
    assert booking.complete(TURNS, max_tokens=100).text == "Look."
    lost = 10_000 - 6 - 10 - ledger.tokens_left()
    assert 100 < lost < 300
    gone, ledger = booked(history, Endpoint(replies=[TimedOut("no reply")]), optimizer_tokens=10_000)
    with pytest.raises(TimedOut):
        gone.complete(TURNS, max_tokens=100)
    assert 10_000 - 6 - ledger.tokens_left() == 2 * lost


def test_a_second_attempt_goes_over_no_cap(history: History) -> None:
    llm = Endpoint(replies=[TimedOut("no reply")])
    booking, ledger = booked(history, llm, optimizer_tokens=250)
    with pytest.raises(OutOfBudget):
        booking.complete(TURNS, max_tokens=100)
    assert llm.calls == 1
    assert ledger.tokens_left() >= 0


def test_a_model_that_thinks_is_given_room_for_it(history: History) -> None:
    llm = Endpoint(replies=[Reply("", 7, 50, 0.0, cut=True), Reply("Look.", 7, 3, 0.0)])
    booking, ledger = booked(history, llm, optimizer_tokens=100_000)
    assert booking.complete(TURNS, max_tokens=50).text == "Look."
    booking.complete(TURNS, max_tokens=50)
    assert llm.most == [50, 50 + THINKING, 50 + THINKING]
    assert ledger.tokens_left() == 100_000 - 6 - 57 - 10 - 10


def test_a_model_that_only_thinks_is_told_with_what_to_set(history: History) -> None:
    llm = Endpoint(replies=[Reply("", 7, 50, 0.0, cut=True)])
    booking, _ = booked(history, llm, thinking=5000)
    with pytest.raises(UserError, match=r"cut after 5050 tokens .*thinking_tokens above 5000"):
        booking.complete(TURNS, max_tokens=50)
    assert llm.calls == 2


def test_a_local_model_that_says_nothing_is_left_at_that(history: History) -> None:
    class Dumb(ScriptedLLM):
        def complete(self, *told: Any, **options: Any) -> Reply:
            return replace(super().complete(*told, **options), text="", cut=True)

    llm = Dumb()
    booking, _ = booked(history, llm)
    assert booking.complete(TURNS, max_tokens=50).starved
    assert llm.calls == 1


def test_a_call_is_given_the_time_that_is_left(history: History) -> None:
    llm = Endpoint()
    booking, ledger = booked(history, llm, seconds=100)
    booking.load()
    ledger.held, ledger.pace = 30, 1.0
    booking.complete(TURNS, max_tokens=5)
    assert 60 < llm.limits[-1] < 70


def test_a_failing_call_teaches_how_long_calls_take(history: History) -> None:
    now = [0.0]

    class Hanging(Endpoint):
        def complete(self, *told: Any, **options: Any) -> Reply:
            now[0] += 40
            raise TimedOut("no reply")

    run_id = history.start_run({}, 0)
    caps = BudgetConfig.model_validate({"seconds": 60})
    ledger = Ledger(history, run_id, caps, clock=lambda: now[0])
    with pytest.raises(OutOfBudget):  # a second attempt would not fit
        BookedLLM(Hanging, ledger).complete(TURNS, max_tokens=5)
    assert Ledger(history, run_id, caps, clock=lambda: now[0]).thinking == 40


@dataclass
class Memory:
    events: list[tuple[str, Any]] = field(default_factory=list)

    def remember(self, kind: str, detail: Mapping[str, Any]) -> None:
        self.events.append((kind, json.loads(json.dumps(detail))))

    def recalled(self, kind: str) -> list[Mapping[str, Any]]:
        return [detail for one, detail in self.events if one == kind]


@dataclass
class Calling(ScriptedLLM):
    calls_tools: bool = True

    def converse(self, turns: Any, tools: Any, *, max_tokens: int, seed: int = 0) -> Reply | None:
        self.calls += 1
        return Reply("so", 7, 3, 0.0, calls=(ToolCall("c0", "top", '{"k": 3}'),))


def test_a_kept_reply_is_read_without_the_model() -> None:
    memory, llm, unused = Memory(), ScriptedLLM(("zero", "one")), ScriptedLLM(("other",))
    first = KeptLLM(llm, memory)
    assert [first.complete(TURNS, max_tokens=9, seed=seed).text for seed in (0, 1)] == ["zero", "one"]
    again = KeptLLM(unused, memory)
    said = [again.complete(TURNS, max_tokens=9, seed=seed) for seed in (1, 0)]
    assert [(one.text, one.kept, one.prompt_tokens) for one in said] == [("one", True, 0), ("zero", True, 0)]
    assert unused.calls == 0
    assert again.complete(TURNS, max_tokens=9, seed=2).text == "other"
    assert again.complete(TURNS, max_tokens=10, seed=1).text == "other"


def test_kept_tool_calls_come_back_as_they_were() -> None:
    memory, unused = Memory(), Calling()
    first = KeptLLM(Calling(), memory).converse(TURNS, [], max_tokens=9)
    again = KeptLLM(unused, memory).converse(TURNS, [], max_tokens=9)
    assert first is not None
    assert again is not None
    assert (again.text, again.calls) == (first.text, first.calls)
    assert unused.calls == 0


class Twice(Inventive):
    """Asks its model twice a round; the second time it may fail."""

    def ask(self, view: Any, n: int) -> list[Proposal]:
        self.llm.complete("first", max_tokens=10, seed=view.round)
        return super().ask(view, n)


@dataclass
class Failing(ScriptedLLM):
    fails_at: int = 10**6

    def complete(self, conversation: Any, **rest: Any) -> Any:
        if self.calls + 1 == self.fails_at:
            raise UserError("the endpoint is gone")
        return super().complete(conversation, **rest)


@pytest.fixture
def _twice(monkeypatch: pytest.MonkeyPatch) -> None:
    from agents import strategies

    monkeypatch.setitem(strategies.STRATEGIES, "inventive", lambda config, seed, llm: Twice(llm(), seed))


@pytest.mark.usefixtures("_twice")
def test_what_was_replied_before_a_failure_is_not_paid_for_again(tmp_path: Path, history: History) -> None:
    whole, broken, again = Failing(), Failing(fails_at=4), Failing()
    carry(settings(tmp_path), history, llm=whole)
    config = settings(tmp_path).model_copy(update={"seed": 0, "output": str(tmp_path / "other")})
    with pytest.raises(UserError, match="the endpoint is gone"):
        carry(config, history, llm=broken)
    carry(config, history, llm=again, again="")
    assert broken.calls + again.calls == whole.calls


@pytest.mark.usefixtures("_twice")
def test_with_a_cap_on_time_a_run_reports_what_it_has(tmp_path: Path, history: History) -> None:
    report = carry(settings(tmp_path, budget={"seconds": 600}), history, llm=Failing(fails_at=4))
    assert "proposing failed, and budget.seconds leaves no time to mend it: the endpoint is gone" in (
        report.stopped
    )
    assert len(accepted(history, report.run_id)) == 3


@pytest.mark.usefixtures("_twice")
def test_a_run_can_be_ended_with_what_it_has(tmp_path: Path, history: History) -> None:
    from scripted_world import parts

    from agents import loop

    config, gone = settings(tmp_path), Failing(fails_at=1)
    with pytest.raises(UserError):
        carry(config, history, llm=Failing(fails_at=4))
    (run,) = history.runs()
    found = resume.find(history, config, run.id)
    report = loop.run(config, found.run_id, history, Silent(), parts(ScriptedEngine(), gone), finish=True)
    assert "asked to end" in report.stopped
    assert len(accepted(history, report.run_id)) == 3
    assert gone.calls == 0
