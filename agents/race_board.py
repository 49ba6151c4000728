"""What a race has seen: per prompt and clip the gap, a soft version of it, and the label answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.fingerprint import Fingerprint
from vllm_eval.engine import Answer

Values = NDArray[np.float64]
Codes = NDArray[np.intp]

PRIOR_CLIPS = 8.0


@dataclass(frozen=True)
class Seen:
    """Answers of one prompt on some clips.

    ``gaps``: +1 human, -1 background, 0 anything else, NaN for an error. ``soft``: p(human) - p(background)
    among the choices, NaN where the engine tells no probabilities. ``labels``: the kind of the answer, in
    parentheses, where no label was read: what failed is not what could not be understood.
    """

    gaps: Values
    soft: Values
    labels: tuple[str, ...]


def seen(
    answers: Sequence[Answer], sides: Sequence[tuple[str, str | None]], choices: Sequence[Sequence[str]]
) -> Seen:
    """Answers as a race reads them. ``sides``: per clip its human and background label."""
    gaps = np.array([_GAPS.get(answer.kind, 0.0) for answer in answers], np.float64)
    soft = [
        soft_gap(answer, *side, among) for answer, side, among in zip(answers, sides, choices, strict=True)
    ]
    labels = tuple(answer.label or f"({answer.kind})" for answer in answers)
    return Seen(gaps, np.array(soft, np.float64), labels)


_GAPS = {"human": 1.0, "background": -1.0, "error": float("nan")}


def soft_gap(answer: Answer, human: str, background: str | None, choices: Sequence[str]) -> float:
    """p(human) - p(background) among the choices by the answer's log-probabilities; NaN without them."""
    if not choices or answer.logprobs is None or len(answer.logprobs) != len(choices):
        return float("nan")
    logs = np.array(answer.logprobs, np.float64)
    shares = np.exp(logs - logs.max())
    shares /= shares.sum()
    of = dict(zip(choices, shares.tolist(), strict=True))
    return float(of.get(human, 0.0) - of.get(background or "", 0.0))


@dataclass(frozen=True)
class _Row:
    gaps: Values
    soft: Values
    labels: list[str]
    asked: NDArray[np.bool_]


class Board:
    """``units``: per clip the number of its source unit, rising from 0 in racing order."""

    def __init__(self, units: Sequence[int]) -> None:
        self._units: Codes = np.array(units, np.intp)
        self._rows: dict[str, _Row] = {}

    @property
    def clips(self) -> int:
        """How many clips there are in all."""
        return len(self._units)

    def add(self, prompt: str, places: Sequence[int], more: Seen) -> None:
        """Note what was answered on the clips at these places of the order."""
        if prompt not in self._rows:
            n, unknown = self.clips, float("nan")
            none = np.zeros(n, np.bool_)
            self._rows[prompt] = _Row(np.full(n, unknown), np.full(n, unknown), [""] * n, none)
        row, at = self._rows[prompt], np.array(places, np.intp)
        row.gaps[at], row.soft[at], row.asked[at] = more.gaps, more.soft, True
        for place, label in zip(places, more.labels, strict=True):
            row.labels[place] = label

    def only(self, places: Sequence[int]) -> "Board":
        """The same on the clips at these places of the order alone."""
        at = np.array(places, np.intp)
        part = Board(self._units[at].tolist())
        for prompt, row in self._rows.items():
            labels = [row.labels[place] for place in places]
            part._rows[prompt] = _Row(row.gaps[at], row.soft[at], labels, row.asked[at])
        return part

    def count(self, prompt: str) -> int:
        """How many clips the prompt was asked about without a hole, from the first on."""
        row = self._rows.get(prompt)
        return 0 if row is None else self.clips if row.asked.all() else int(row.asked.argmin())

    def complete(self, prompt: str) -> bool:
        """Whether it was asked about all."""
        return self.count(prompt) >= self.clips

    def asked(self, prompt: str) -> int:
        """How many clips the prompt was asked about, wherever they stand."""
        return int(self._rows[prompt].asked.sum())

    def prompts(self) -> list[str]:
        """All prompts, in order of appearance."""
        return list(self._rows)

    def answered(self, prompt: str) -> int:
        """On how many clips there is an answer that is no error."""
        return int((~np.isnan(self._rows[prompt].gaps)).sum())

    def score(self, prompt: str) -> float:
        """(1 + SHAcc - SBErr) / 2 on the clips asked about; 0 without any answer, which is not half good."""
        gaps = self._rows[prompt].gaps
        known = gaps[~np.isnan(gaps)]
        return float(1 + known.mean()) / 2 if len(known) else 0.0

    def difference(self, prompt: str, other: str, soft: bool = False) -> Values:
        """Per source unit the mean difference of the score, in -1..1, over clips that both were asked about.

        Units without a pair of answers are left out. ``soft`` reads the soft gap where both have one.
        """
        everywhere = range(self.clips)
        return self.across(prompt, everywhere, other, everywhere, soft)

    def across(
        self, prompt: str, mine: Sequence[int], other: str, theirs: Sequence[int], soft: bool = False
    ) -> Values:
        """As ``difference``, ``prompt`` on the clips at ``mine``, ``other`` on those at ``theirs``: pairs in
        this order, the same clip for one target and another. A pair shares its unit.
        """
        a, b = self._rows[prompt], self._rows[other]
        first, second = np.array(mine, np.intp), np.array(theirs, np.intp)
        apart = (a.gaps[first] - b.gaps[second]) / 2
        if soft:
            smooth = (a.soft[first] - b.soft[second]) / 2
            apart = np.where(np.isnan(smooth) | np.isnan(apart), apart, smooth)
        kept = ~np.isnan(apart)
        units = self._units[first][kept]
        sums, sizes = np.bincount(units, weights=apart[kept]), np.bincount(units)
        return np.asarray(sums[sizes > 0] / sizes[sizes > 0], np.float64)

    def fingerprint(self, prompt: str, clips: int) -> Fingerprint | None:
        """Of the first so many clips; None before they were asked."""
        if self.count(prompt) < clips:
            return None
        row = self._rows[prompt]
        return Fingerprint(tuple(row.labels[:clips]), row.soft[:clips], row.gaps[:clips], self._units[:clips])


def fair_scores(board: Board, twins: Mapping[str, str], prior_clips: float = PRIOR_CLIPS) -> dict[str, float]:
    """A score for every prompt that can be ranked beside those asked about more clips.

    The prompts asked about most clips, usually all, have their own. Another has that of the best of these,
    plus its paired difference to it shrunk as if ``prior_clips`` more had shown the average difference
    (empirical Bayes with a fixed prior weight, Efron & Morris 1975): luck on few clips counts for little,
    easy clips for nothing. Where an answer failed, the pair is missing: who fails on hard clips gains nothing
    by it. A twin has the score of the prompt it acts like.
    """
    names = board.prompts()
    if not names:
        return {}
    most = max(board.asked(name) for name in names)
    full = [name for name in names if board.asked(name) == most]
    best = max(full, key=lambda name: (board.answered(name), board.score(name)))
    whole = board.answered(best)
    apart = {name: board.difference(name, best) for name in names}
    means = [float(x.mean()) for name, x in apart.items() if len(x) and name != best]
    prior = min(0.0, float(np.mean(means))) if means else 0.0
    scores = {}
    for name, x in apart.items():
        if not len(x) or (board.asked(name) == most and board.answered(name) == whole):
            scores[name] = board.score(name)
            continue
        weight = 0.0 if board.asked(name) == most else prior_clips
        shrunk = (float(x.sum()) + weight * prior) / (len(x) + weight)
        scores[name] = min(1.0, max(0.0, board.score(best) + shrunk))
    return scores | {name: scores[original] for name, original in twins.items() if name in scores}
