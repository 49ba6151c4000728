"""What a run has spent and may still spend, booked in the history as it happens.

No cap is overshot but that on time, by the batch or the call under way. Answers are booked in the transaction
that stores them, so whoever kills the process leaves none that is not counted. What a kill does lose is the
batch it falls into, answered and neither stored nor booked (``vllm_eval.evaluator`` says how much that is).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from math import inf

from agents.config import BudgetConfig
from assets.errors import UserError
from prompts.history import History
from vllm_eval.engine import Answer
from vllm_eval.evaluator import AnswerRow

ANSWERS, SECONDS, TOKENS = "clip_evaluations", "seconds", "optimizer_tokens"
DOLLARS = "dollars"
PACE, _PACES = "pace", ("answer", "call")  # what a resumed run with a cap on time has to know beforehand


class OutOfBudget(UserError):
    """A cap is reached. What was bought so far is kept, and the run can be resumed with a higher cap."""


class Ledger:
    """Spending of one run over all its resumptions.

    ``renew`` is called before anything more is spent: it raises when the run is another process's by now.
    ``pace``: seconds an answer took in the slowest batch so far; 0 before the first. ``thinking``: seconds
    the slowest call of the optimizer's model took so far. ``held``: answers that the run's end needs.
    """

    def __init__(
        self,
        history: History,
        run_id: str,
        caps: BudgetConfig,
        clock: Callable[[], float] = time.monotonic,
        renew: Callable[[], None] = lambda: None,
    ) -> None:
        self.renew = renew
        self._history, self._run_id, self._caps, self._clock = history, run_id, caps, clock
        booked = history.spent(run_id)
        self._answers, self._seconds = booked.get(ANSWERS, 0.0), booked.get(SECONDS, 0.0)
        self._booked = dict(booked)
        self._unbooked, self._since = 0, clock()
        paces = [one.detail for one in history.decisions(run_id) if one.kind == PACE]
        self.pace, self.thinking = (float(paces[-1][name]) for name in _PACES) if paces else (0.0, 0.0)
        self.held = 0

    @property
    def answers(self) -> int:
        """Answers bought so far."""
        return round(self._answers) + self._unbooked

    @property
    def seconds(self) -> float:
        """Seconds of work so far."""
        return self._seconds + self._clock() - self._since

    def answers_left(self) -> float:
        """How many more may be bought; infinite without a cap."""
        return inf if self._caps.clip_evaluations is None else self._caps.clip_evaluations - self.answers

    def seconds_left(self) -> float:
        """How much longer the run may work; infinite without a cap."""
        return inf if self._caps.seconds is None else self._caps.seconds - self.seconds

    def seconds_for_calls(self) -> float:
        """How much of that the optimizer's model may take, what the report needs being held back."""
        return self.seconds_left() - self.held * self.pace

    def tokens_left(self) -> float:
        """How many more tokens the optimizer's model may take; infinite without a cap."""
        cap = self._caps.optimizer_tokens
        return inf if cap is None else cap - self._booked.get(TOKENS, 0.0)

    def dollars_left(self) -> float:
        """How much more may be spent on the optimizer's model; infinite without a cap."""
        return inf if self._caps.dollars is None else self._caps.dollars - self._booked.get(DOLLARS, 0.0)

    def affordable(self, answers: int) -> bool:
        """Whether so many answers fit both caps, time being estimated from the pace so far."""
        return answers <= self.answers_left() and answers * self.pace <= self.seconds_left()

    def require(self, answers: int, reserve: int = 0) -> None:
        """Raises OutOfBudget when so many answers and a reserve would go over the cap on answers.

        With a reserve also when, by the pace so far, they would not fit into the time that is left.
        """
        if answers:
            self.renew()
        if answers + reserve > self.answers_left():
            left, cap = self.answers_left(), self._caps.clip_evaluations
            raise OutOfBudget(
                f"{answers + reserve} answers are needed, only {left:.0f} of "
                f"budget.clip_evaluations {cap} are left; raise it and go on with --resume {self._run_id}"
            )

        if reserve and not self.affordable(answers + reserve):
            raise OutOfBudget(
                f"{answers + reserve} answers would take {(answers + reserve) * self.pace:.0f} s, only "
                f"{self.seconds_left():.0f} of budget.seconds {self._caps.seconds:g} are left; raise it and "
                f"go on with --resume {self._run_id}"
            )

    def answered(self, new: int) -> None:
        """Count answers. Raises OutOfBudget when the time is used up; the answers are kept."""
        self._unbooked += new
        if self.seconds_left() <= 0:
            raise OutOfBudget(
                f"budget.seconds {self._caps.seconds:g} is used up before the report is done; raise it and "
                f"go on with --resume {self._run_id}"
            )

    def require_call(self, tokens: int, dollars: float) -> None:
        """Raises OutOfBudget when a call of the optimizer's model could go over a cap.

        Both are upper bounds of what the call takes. How long it takes is told by the slowest so far, and the
        answers that are held back have to fit in behind it.
        """
        self.renew()
        if self.thinking >= self.seconds_for_calls():
            raise OutOfBudget(
                f"a call could take {self.thinking:.1f} s and the report {self.held * self.pace:.1f}, only "
                f"{self.seconds_left():.1f} of budget.seconds {self._caps.seconds:g} are left; raise it and "
                f"go on with --resume {self._run_id}"
            )
        if tokens > self.tokens_left():
            raise OutOfBudget(
                f"a call could take {tokens} tokens, only {self.tokens_left():.0f} of "
                f"budget.optimizer_tokens {self._caps.optimizer_tokens} are left; raise it and go on with "
                f"--resume {self._run_id}"
            )
        if dollars > self.dollars_left():
            raise OutOfBudget(
                f"a call could cost ${dollars:.4f}, only ${self.dollars_left():.4f} of budget.dollars "
                f"{self._caps.dollars:g} are left; raise it and go on with --resume {self._run_id}"
            )

    def tokens(self, amount: int, dollars: float = 0.0) -> None:
        """Book tokens of the optimizer's language model, and what they cost."""
        for kind, spent in ((TOKENS, float(amount)), (DOLLARS, dollars)):
            if spent:
                self._history.add_spend(self._run_id, kind, spent)
                self._booked[kind] = self._booked.get(kind, 0.0) + spent

    def thought(self, seconds: float) -> None:
        """Learn how long a call of the optimizer's model takes, and book it: the next may be killed."""
        self._learn(self.pace, max(self.thinking, seconds))
        self.book()

    def measure(self, answers: int, seconds: float) -> None:
        """Learn the pace from a batch."""
        if answers:
            self._learn(max(self.pace, seconds / answers), self.thinking)

    def _learn(self, pace: float, thinking: float) -> None:
        if self._caps.seconds is not None and (pace, thinking) != (self.pace, self.thinking):
            kept = dict(zip(_PACES, (pace, thinking), strict=True))
            self._history.add_decision(self._run_id, PACE, kept)
        self.pace, self.thinking = pace, thinking

    def book(self) -> None:
        """Write what has not been written yet."""
        due = self._due()
        for kind, spent in due.items():
            self._history.add_spend(self._run_id, kind, spent)
        self._settle(due)

    def store(self, rows: Sequence[AnswerRow]) -> None:
        """Store answers and book, in the same transaction, those among them that were bought.

        Raises what ``renew`` raises, once they are stored.
        """
        due = self._due() if self._unbooked else {}
        self._history.add(rows, due)
        self._settle(due)
        if due:
            self.renew()

    def _due(self) -> dict[str, float]:
        """What is not booked yet, by budget."""
        spent = {ANSWERS: float(self._unbooked), SECONDS: self._clock() - self._since}
        return {kind: amount for kind, amount in spent.items() if amount}

    def _settle(self, booked: Mapping[str, float]) -> None:
        answers, seconds = booked.get(ANSWERS, 0.0), booked.get(SECONDS, 0.0)
        self._answers, self._unbooked = self._answers + answers, self._unbooked - round(answers)
        self._seconds, self._since = self._seconds + seconds, self._since + seconds


class BookedAnswers:
    """The history as a run's answer store: what is bought is booked when it is stored."""

    def __init__(self, history: History, ledger: Ledger) -> None:
        self._history, self._ledger = history, ledger

    def known(self, keys: Sequence[str]) -> dict[str, Answer]:
        """As AnswerStore.known."""
        return self._history.known(keys)

    def failed(self, keys: Sequence[str], run_id: str, dataset: str) -> dict[str, Answer]:
        """As AnswerStore.failed."""
        return self._history.failed(keys, run_id, dataset)

    def add(self, rows: Sequence[AnswerRow]) -> None:
        """As AnswerStore.add. The answers among them were counted by the ledger before."""
        self._ledger.store(rows)
