"""The race: candidates of a round are asked block by block, and no longer than it takes to tell them apart.

All candidates see the same clips in the same order (``agents.race_order``) and are compared in pairs with the
incumbent, the best prompt so far, by a test that may be looked at after every block (``agents.race_test``).
A candidate leaves the race as

    twin      it answers as an earlier candidate did, on clips that would have shown a difference of
              ``worthwhile`` (``agents.fingerprint``)
    futile    it is not better than the incumbent by ``worthwhile``: rejected at ``futility_alpha``
    won       it is better than the incumbent: rejected at ``alpha`` that it is not
    complete  it was asked about all clips

The chance that a prompt better by ``worthwhile`` is ever called futile by its answers is at most
``futility_alpha``. On the first ``surrogate_clips`` the difference of p(human) - p(background), which varies
less than right and wrong, may call a candidate futile, too (at most as often again, where it errs no more),
but not one whose answers are ahead by ``worthwhile``. Winning, ranking and reporting go by answers alone.

Nothing here asks a model: ``ask`` does. So the same code decides in a run and when a run is replayed from
stored answers, and a resumed run comes to the same decisions by racing again with answers it already has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Literal

import numpy as np

from agents.fingerprint import Fingerprint, distance, telling, twin
from agents.race_board import Board, Seen
from agents.race_compare import Comparison

Why = Literal["twin", "futile", "won", "complete"]
Ask = Callable[[Sequence[str], int], Mapping[str, Seen]]  # prompts, number of a block -> what they answered


@dataclass(frozen=True)
class Rules:
    """When a candidate leaves. Shares of the score (1 + SHAcc - SBErr) / 2; 0 clips switch a rule off."""

    alpha: float = 0.05
    futility_alpha: float = 0.4
    worthwhile: float = 0.05
    surrogate_clips: int = 16
    twin_clips: int = 16
    twin_distance: float = 0.02


@dataclass(frozen=True)
class Verdict:
    """Why a candidate left after ``clips`` clips; ``difference``: its mean paired difference to ``against``.

    ``evidence`` is the capital of the deciding bet; ``other`` the prompt a twin acts like.
    """

    prompt: str
    why: Why
    clips: int
    against: str
    difference: float
    evidence: float
    other: str = ""


class Race:
    """``sizes``: clips per block; ``units``: per clip its source unit, numbered in racing order; ``parts``:
    places of each target's clips where the worst of several counts.

    The incumbent is the best reference, then whatever candidate beats it. It is asked about further clips as
    candidates get there.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        units: Sequence[int],
        rules: Rules,
        ask: Ask,
        parts: Sequence[Sequence[int]] = (),
    ) -> None:
        self.board = Board(units)
        self._compare = Comparison(self.board, tuple(parts))
        self.twins: dict[str, str] = {}
        self.incumbent = ""
        self._ends = np.cumsum(sizes).tolist()
        self._rules, self._ask = rules, ask
        self._prints: dict[tuple[str, ...], list[tuple[str, Fingerprint]]] = {}
        self._alike: dict[str, list[str]] = {}  # who acts alike so far, on clips that tell nothing yet

    def references(self, prompts: Sequence[str]) -> None:
        """Prompts to be beaten: asked block by block until the best of them is shown to be that."""
        left = list(dict.fromkeys(prompts))
        for block in range(len(self._ends)):
            self._look(left, block)
            self.incumbent = max(left, key=self._compare.score)
            left = [name for name in left if name == self.incumbent or not self._behind(name)]
            if len(left) == 1:
                return

    def run(self, candidates: Sequence[str]) -> list[Verdict]:
        """Race candidates; their verdicts, in order of leaving. Raises what ``ask`` raises."""
        alive = list(dict.fromkeys(candidates))
        verdicts: list[Verdict] = []
        for block in range(len(self._ends)):
            if not alive:
                break
            self._look([*alive, self.incumbent], block)
            leaving = [verdict for name in alive if (verdict := self._judge(name, block))]
            verdicts.extend(leaving)
            gone = {verdict.prompt for verdict in leaving}
            alive = [name for name in alive if name not in gone]
        self._succeed([one.prompt for one in verdicts if one.why in ("won", "complete")])
        return verdicts

    def complete(self, prompts: Sequence[str]) -> None:
        """Ask these prompts about all clips they lack."""
        for block in range(len(self._ends)):
            self._look(prompts, block)

    def lacking(self, prompt: str) -> int:
        """How many clips the prompt was not asked about."""
        return self.board.clips - self.board.count(prompt)

    def scores(self) -> dict[str, float]:
        """Fair scores of everything seen, twins included; with ``parts`` of the worst target."""
        return self._compare.fair(self.twins)

    def _look(self, prompts: Sequence[str], block: int) -> None:
        """Ask about a block whoever is not beyond it, together."""
        lacking = [name for name in dict.fromkeys(prompts) if self.board.count(name) < self._ends[block]]
        if lacking:
            places = range(self._ends[block - 1] if block else 0, self._ends[block])
            for name, more in self._ask(lacking, block).items():
                self.board.add(name, places, more)

    def _behind(self, name: str) -> bool:
        """Whether the incumbent is shown to be better."""
        return self._compare.better(self.incumbent, name) >= -log(self._rules.alpha)

    def _judge(self, name: str, block: int) -> Verdict | None:
        clips = self._ends[block]
        mean = self._compare.difference(name, self.incumbent)

        def verdict(why: Why, evidence: float, other: str = "") -> Verdict:
            return Verdict(name, why, clips, self.incumbent, mean, exp(min(evidence, 50.0)), other)

        if (like := self._twin(name, block)) is not None:
            self.twins[name] = like  # at once: asking on may end the race, and a twin is no finalist
            return verdict("twin", 0.0, like)
        futile = self._futility(name, mean, clips)
        if futile >= -log(self._rules.futility_alpha):
            return verdict("futile", futile)
        ahead = self._compare.better(name, self.incumbent)
        if ahead >= -log(self._rules.alpha):
            return verdict("won", ahead)
        return verdict("complete", ahead) if clips == self._ends[-1] else None

    def _futility(self, name: str, mean: float, clips: int) -> float:
        """Log capital against "better than the incumbent by ``worthwhile``"."""
        most = self._rules.worthwhile
        evidence = self._compare.not_better(name, self.incumbent, most)
        if clips <= self._rules.surrogate_clips and mean < most:
            evidence = max(evidence, self._compare.not_better(name, self.incumbent, most, soft=True))
        return evidence

    def _twin(self, name: str, block: int) -> str | None:
        """The prompt it acts like. Looked for in the block that completes its fingerprint and, where that
        finds some but shows too little, in later ones, until they differ or it is shown.

        Not in the last: who gets there was asked about everything.
        """
        clips = self._ends[block]
        if clips == self._fingerprint_clips():
            return self._first_look(name, clips)
        if name in self._alike and clips < self._ends[-1]:
            return self._look_again(name, clips)
        return None

    def _first_look(self, name: str, clips: int) -> str | None:
        mine, near = self._print(name, clips), self._rules.twin_distance
        # Of two candidates alike the first goes on; a twin is no model for others. Nor are references: they
        # do not stand for election, a candidate just like the best of them does.
        others = self._prints.setdefault(mine.labels, [])
        found = twin(mine, [one for one in others if self._telling(mine, one[1])], near)
        if found is None:
            self._alike[name] = [other for other, theirs in others if distance(mine, theirs) <= near]
            others.append((name, mine))
            return None
        return found[0]

    def _look_again(self, name: str, clips: int) -> str | None:
        mine, near = self._print(name, clips), self._rules.twin_distance
        there = [one for one in self._alike[name] if one not in self.twins and self.board.count(one) >= clips]
        prints = [(other, self._print(other, clips)) for other in there]
        alike = [(other, theirs) for other, theirs in prints if theirs.labels == mine.labels]
        self._alike[name] = [other for other, _ in alike]
        found = twin(mine, [one for one in alike if self._telling(mine, one[1])], near)
        return found[0] if found else None

    def _print(self, name: str, clips: int) -> Fingerprint:
        found = self.board.fingerprint(name, clips)
        assert found is not None, "it was asked about these clips"
        return found

    def _telling(self, mine: Fingerprint, other: Fingerprint) -> bool:
        """Whether a worthwhile difference would have shown, on each target where the worst counts."""
        shown, rules = len(mine.labels), self._rules
        parts = [[place for place in part if place < shown] for part in self._compare.parts]
        return all(
            telling(mine.only(part), other.only(part), rules.worthwhile, rules.alpha)
            for part in parts or [list(range(shown))]
            if part
        )

    def _fingerprint_clips(self) -> int:
        """The end of the first block that shows ``twin_clips``; 0: never looked for."""
        wanted = self._rules.twin_clips
        return next((end for end in self._ends[:-1] if wanted and end >= wanted), 0)

    def _succeed(self, rivals: Sequence[str]) -> None:
        """The best of the incumbent and those it did not stop is next; the old one on equal scores."""
        if not rivals:
            return
        scores = self.scores()
        self.incumbent = max([self.incumbent, *rivals], key=lambda name: scores[name])
