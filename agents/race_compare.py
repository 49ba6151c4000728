"""How a race compares two prompts: by all their answers, or by the worst of several targets.

Scores are (1 + SHAcc - SBErr) / 2. With P_s the score of one prompt on target s and I_t that of another on
target t, the first is better where min_s P_s > min_t I_t. Every P_s - I_t is a bet of its own on units that
both were asked about (``agents.race_test``), whichever targets s and t are: the video of the person is the
same. If the first is no better, one of its targets is at most as good as each of the other's. So for that s
the average capital over t keeps its level, and the smallest of these averages over s is evidence that holds
whichever target it is. "Not better by so much" is the mirror image: the average over s, the smallest over t.
Averages of bets on one outcome are bets, and a minimum over unknown cases is no larger than that of the true
one: Vovk & Wang (2021), "E-values: Calibration, combination and applications", Ann. Statist. 49(3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.race_board import Board, Values, fair_scores
from agents.race_test import log_capital, log_mean


@dataclass(frozen=True)
class Comparison:
    """``parts``: the places of each target's clips, all in the same order of clips, where the worst one
    counts; none: all clips are one."""

    board: Board
    parts: tuple[Sequence[int], ...] = ()

    def score(self, name: str) -> float:
        """On the clips asked about; of the worst target that answered any of them."""
        boards = [board for board in self._boards() if board.answered(name)]
        return min((board.score(name) for board in boards), default=self.board.score(name))

    def fair(self, twins: Mapping[str, str]) -> dict[str, float]:
        """Scores that rank prompts asked about unequally many clips (``race_board.fair_scores``)."""
        whole = fair_scores(self.board, twins)
        told = [(board, fair_scores(board, twins)) for board in self._boards()]
        return {
            name: min((scores[name] for board, scores in told if board.answered(name)), default=score)
            for name, score in whole.items()
        }

    def difference(self, name: str, other: str) -> float:
        """How much better ``name`` is on units that both were asked about; 0 without any."""
        table = self._table(name, other)
        return min(max(float(x.mean()) if len(x) else 0.0 for x in row) for row in table)

    def better(self, name: str, other: str) -> float:
        """Log capital against "``name`` is no better than ``other``"."""
        return min(_average([log_capital(x) for x in row]) for row in self._table(name, other))

    def not_better(self, name: str, other: str, by: float, soft: bool = False) -> float:
        """Log capital against "``name`` is better than ``other`` by more than ``by``"."""
        table = self._table(name, other, soft)
        columns = zip(*table, strict=True)
        return min(_average([log_capital(-x, -by) for x in column]) for column in columns)

    def _boards(self) -> list[Board]:
        return [self.board.only(places) for places in self.parts] or [self.board]

    def _table(self, name: str, other: str, soft: bool = False) -> list[list[Values]]:
        """Differences per unit: a row for each target of ``name``, in it one entry for each of ``other``.

        Probabilities compare within a target alone: how sure its answers sound is each model's own.
        """
        parts = self.parts or (range(self.board.clips),)
        return [
            [self.board.across(name, mine, other, theirs, soft and mine is theirs) for theirs in parts]
            for mine in parts
        ]


def _average(logs: Sequence[float]) -> float:
    return log_mean(np.array(logs, np.float64))
