"""Rounds of proposing and scoring, until the budget is spent or there is a reason to stop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.budget import OutOfBudget
from agents.guard import Guard
from agents.lease import TakenOver
from agents.llm.base import plain_conversation
from agents.racing import Racing
from agents.strategy import STOP, Proposal, Strategy
from agents.watcher import Standing, Watcher
from assets.errors import UserError
from prompts.history import History
from prompts.prompt import Prompt
from prompts.records import Put, Verdict, clean
from prompts.view import HistoryView


@dataclass(frozen=True)
class Rounds:
    """All that one round needs. ``room(n)``: how many of n prompts the caps leave money and time for.

    ``timed``: there is a cap on time. ``finish``: nothing more is to be proposed.
    """

    history: History
    run_id: str
    strategy: Strategy
    guard: Guard
    racing: Racing
    watcher: Watcher
    budget: int
    per_round: int
    refusals: int
    room: Callable[[int], int]
    timed: bool = False
    finish: bool = False

    def run(self) -> str:
        """Propose and score; returns why it stopped.

        What earlier processes proposed is raced again, which costs only what they left unscored. Raises
        UserError when nothing usable was proposed at all.
        """
        view = self._score(self._earlier())
        if self.finish:
            return self._stop(self._accepted(), "it was asked to end with what there is")
        while True:
            step = self._next(view)
            if isinstance(step, str):
                return step
            view = self._score({view.round: self._record(step, view.round)})

    def standing(self, view: HistoryView) -> Standing:
        """Where the run stands."""
        refused = len(view.refused)
        return Standing(len(self._accepted()), self.budget, refused, view.best(), view.neutral())

    def _next(self, view: HistoryView) -> list[Proposal] | str:
        """Proposals for one round, or why there is none."""
        accepted = self._accepted()
        if len(accepted) >= self.budget:
            return f"{len(accepted)} prompts are scored, the budget"
        in_a_row, last = self._refused_in_a_row()
        if in_a_row >= self.refusals:
            return self._stop(accepted, f"{in_a_row} proposals in a row were refused, the last as {last}")
        n = self.room(min(self.per_round, self.budget - len(accepted)))
        if n < 1:
            return self._stop(accepted, "the caps leave no room for another prompt and the report")
        proposals = self._proposals(view, n, bool(accepted))
        if isinstance(proposals, str):
            return self._stop(accepted, proposals)
        worth = [one for one in proposals if not one.spare]
        if not worth:
            refused = f", the last one was refused as {last}" if in_a_row else ""
            why = self._why(view.round)
            return self._stop(
                accepted, f"strategy {self.strategy.name} has no further proposal{refused}{why}"
            )
        n = min(n, self.room(len(worth)))  # again: proposing took time that scoring and the report may need
        if n < 1:
            return self._stop(accepted, "the caps leave no time for another prompt and the report")
        return [*(one for one in proposals if one.spare), *worth[:n]]

    def _proposals(self, view: HistoryView, n: int, scored: bool) -> list[Proposal] | str:
        """What the strategy proposes, or why it cannot. Raises UserError for what the user can mend.

        With a cap on time nobody is there to mend it: where prompts are ``scored``, the run ends with those.
        """
        self.watcher.phase("proposing")
        try:
            return self.strategy.ask(view, n)
        except OutOfBudget as cap:
            return f"the strategy has no budget left: {cap}"
        except TakenOver:
            raise
        except UserError as failure:
            if not (self.timed and scored):
                raise
            return f"proposing failed, and budget.seconds leaves no time to mend it: {failure}"

    def _why(self, number: int) -> str:
        """The reason the model gave for stopping in this round, if it did."""
        stops = [one.detail for one in self.history.decisions(self.run_id) if one.kind == STOP]
        given = [str(one["reason"]) for one in stops if one["round"] == number]
        return f", it says: {' '.join(given[-1].split())[:200]}" if given else ""

    def _stop(self, accepted: Sequence[Prompt], reason: str) -> str:
        if not accepted:
            raise UserError(f"no prompt could be scored: {reason}; try another model or strategy")
        return reason

    def _record(self, proposals: Sequence[Proposal], number: int) -> list[Prompt]:
        """Every proposal past the guard and, all at once, into the history; the accepted ones.

        At once: a run killed halfway would go on with part of a round, or race what was to be scored on other
        clips, and so go another way than one that was not killed.
        """
        seen = [prompt.text for prompt in self.history.prompts(self.run_id)]
        put: list[Put] = []
        assigned: list[tuple[str, dict[str, Any]]] = []
        for proposal in proposals:
            # A reply in JSON can spell half a character: no text has that.
            text = clean(proposal.text).strip()
            refused = self.guard.check(text, seen)
            if proposal.spare and not refused:
                continue
            reason = refused.reason if refused else ""
            prompt = Prompt(text, proposal.parents, self.strategy.name, proposal.hypothesis)
            verdict: Verdict = "refused" if refused else "accepted"
            sent = None if proposal.request is None else plain_conversation(proposal.request)
            put.append(Put(prompt, verdict, reason, proposal.raw, sent))
            if not refused:
                assigned += self.racing.assignment(prompt, proposal.clips)
                seen.append(prompt.text)
        self.history.add_round(self.run_id, number, put, assigned)
        for one in put:
            if one.verdict == "refused":
                self.watcher.line(f"refused ({one.reason}): {one.prompt.text}")
        return [one.prompt for one in put if one.verdict == "accepted"]

    def _score(self, rounds: Mapping[int, Sequence[Prompt]]) -> HistoryView:
        """Score rounds and tell the results; the view after that, which is costly enough to be kept."""
        for number, entering in rounds.items():
            if entering:
                self.watcher.phase(entering[-1].text)
                self.racing.score(entering, number)
        prompts = [prompt for entering in rounds.values() for prompt in entering]
        view = self.racing.view()
        results = [scored for prompt in prompts if (scored := view.get(prompt.id))]
        if results:
            self.strategy.tell(results)
        for scored in results:
            metrics = scored.metrics
            share = f"SHAcc {100 * metrics.shacc.value:.0f} SBErr {100 * metrics.sberr.value:.0f}"
            self.watcher.line(f"{share} {self.racing.told(scored)}: {scored.prompt.text}")
        self.watcher.standing(self.standing(view))
        return view

    def _earlier(self) -> dict[int, list[Prompt]]:
        """Accepted prompts of earlier processes by the round in which each came first."""
        rounds: dict[int, list[Prompt]] = {}
        seen: set[str] = set()
        for one in self.history.proposals(self.run_id):
            if one.verdict == "accepted" and one.prompt.id not in seen:
                seen.add(one.prompt.id)
                rounds.setdefault(one.round, []).append(one.prompt)
        return rounds

    def _accepted(self) -> list[Prompt]:
        """Distinct accepted prompts, in order."""
        proposals = self.history.proposals(self.run_id)
        return list({p.prompt.id: p.prompt for p in proposals if p.verdict == "accepted"}.values())

    def _refused_in_a_row(self) -> tuple[int, str]:
        count, reason = 0, ""
        for proposal in reversed(self.history.proposals(self.run_id)):
            if proposal.verdict == "accepted":
                break
            count, reason = count + 1, reason or proposal.reason
        return count, reason
