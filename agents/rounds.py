"""Rounds of proposing and scoring, until the budget is spent or there is a reason to stop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agents.budget import OutOfBudget
from agents.guard import Guard
from agents.llm.base import plain_conversation
from agents.racing import Racing
from agents.strategy import Proposal, Strategy
from agents.watcher import Standing, Watcher
from assets.errors import UserError
from prompts.history import History
from prompts.prompt import Prompt
from prompts.records import Verdict, clean
from prompts.view import HistoryView


@dataclass(frozen=True)
class Rounds:
    """All that one round needs. ``room(n)``: how many of n prompts the caps leave money and time for."""

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

    def run(self) -> str:
        """Propose and score; returns why it stopped.

        What earlier processes proposed is raced again, which costs only what they left unscored. Raises
        UserError when nothing usable was proposed at all.
        """
        view = self._score(self._earlier())
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
        self.watcher.phase("proposing")
        try:
            proposals = self.strategy.ask(view, n)[:n]
        except OutOfBudget as cap:
            return self._stop(accepted, f"the strategy has no budget left: {cap}")
        if not proposals:
            refused = f", the last one was refused as {last}" if in_a_row else ""
            return self._stop(accepted, f"strategy {self.strategy.name} has no further proposal{refused}")
        n = self.room(len(proposals))  # again: proposing took time that scoring and the report may need
        if n < 1:
            return self._stop(accepted, "the caps leave no time for another prompt and the report")
        return proposals[:n]

    def _stop(self, accepted: Sequence[Prompt], reason: str) -> str:
        if not accepted:
            raise UserError(f"no prompt could be scored: {reason}; try another model or strategy")
        return reason

    def _record(self, proposals: Sequence[Proposal], number: int) -> list[Prompt]:
        """Every proposal past the guard and into the history; the accepted ones."""
        seen = [prompt.text for prompt in self.history.prompts(self.run_id)]
        passed = []
        for position, proposal in enumerate(proposals):
            text = clean(
                proposal.text
            ).strip()  # a reply in JSON can spell half a character: no text has that
            refused = self.guard.check(text, seen)
            reason = refused.reason if refused else ""
            prompt = Prompt(text, proposal.parents, self.strategy.name, proposal.hypothesis)
            verdict: Verdict = "refused" if refused else "accepted"
            sent = None if proposal.request is None else plain_conversation(proposal.request)
            self.history.add_proposal(
                self.run_id, number, prompt, verdict, reason, proposal.raw, position, request=sent
            )
            if refused:
                self.watcher.line(f"refused ({reason}): {prompt.text}")
            else:
                if proposal.clips:
                    self.racing.assign(prompt, proposal.clips)
                passed.append(prompt)
                seen.append(prompt.text)
        return passed

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
