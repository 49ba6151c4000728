"""What a run would have chosen when it had bought so many answers, and how good that was.

A run to the largest budget tells all smaller ones, where its strategy does not plan by the budget: its first
N answers are what it had bought then. From them alone the choice is made, as a run ranks its finalists: the
highest fair score (`agents.race_board.fair_scores`) of the proposed prompts and the neutral one, on equal
scores the proposed one, the earlier first. Prompts taken for twins of earlier ones are no candidates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.race_board import Board, Seen, fair_scores
from prompts.library import NEUTRAL
from vllm_eval.clustering import clustering
from vllm_eval.statistics import Difference, difference_of

Run = Mapping[str, Any]  # as benchmarks.optimizers_run.search leaves it
Codes = Sequence[int | None]  # per test clip +1 human, -1 background, 0 anything else, None error


@dataclass(frozen=True)
class Choice:
    """``score``: fair score on the tune side, 0..1; ``bought`` answers, at most what was asked for;
    ``proposed`` prompts with an answer among them; ``seconds``: processor time of the optimizer's model;
    ``asking``: seconds the target model took."""

    text: str
    score: float
    bought: int
    proposed: int
    tokens: int
    seconds: float
    asking: float


def choice_at(run: Run, answers: int) -> Choice:
    """The choice from the run's first ``answers`` answers. Raises ValueError when neutral has none there."""
    log = run["bought"][:answers]
    board = _board(run, log)
    names = [name for name in board.prompts() if board.answered(name)]
    if NEUTRAL.prompt.id not in names:
        raise ValueError(f"{answers} answers are too few: the neutral prompt has none yet")
    twins = {name: other for name, other in run["twins"].items() if name in names and other in names}
    scores = fair_scores(board, twins)
    out = {*run["baselines"], *twins} - {NEUTRAL.prompt.id}
    proposed = [name for name in names if name not in run["baselines"]]
    candidates = [*(name for name in proposed if name not in out), NEUTRAL.prompt.id]
    best = max(candidates, key=lambda name: scores[name])
    tokens, seconds, asking = _costs(run, len(log))
    return Choice(run["prompts"][best], scores[best], len(log), len(proposed), tokens, seconds, asking)


def _board(run: Run, log: Sequence[tuple[str, str, int | None]]) -> Board:
    places = {clip: place for place, clip in enumerate(run["clips"])}
    numbers: dict[str, int] = {}
    board = Board([numbers.setdefault(unit, len(numbers)) for unit in run["units"]])
    of: dict[str, dict[int, float]] = {}
    for prompt, clip, code in log:
        of.setdefault(prompt, {})[places[clip]] = float("nan") if code is None else code
    for prompt, gaps in of.items():
        values = np.array(list(gaps.values()), np.float64)
        board.add(prompt, list(gaps), Seen(values, np.full(len(values), np.nan), ("",) * len(values)))
    return board


def _costs(run: Run, answers: int) -> tuple[int, float, float]:
    """Tokens and seconds by the first batch that brought so many answers."""
    for count, tokens, seconds, asking in run["costs"]:
        if count >= answers:
            return int(tokens), seconds, asking * answers / max(1, count)
    return 0, 0.0, 0.0


@dataclass(frozen=True)
class Quality:
    """Of a prompt on the test clips, in percent; ``gap`` is SHAcc - SBErr in points, ``score`` as in 0..1."""

    shacc: float
    sberr: float

    @property
    def gap(self) -> float:
        """SHAcc - SBErr, points."""
        return self.shacc - self.sberr

    @property
    def score(self) -> float:
        """(1 + SHAcc - SBErr) / 2, 0..1."""
        return (1 + self.gap / 100) / 2


def quality(codes: Codes) -> Quality:
    """SHAcc and SBErr of answers; errors are left out. Raises ValueError without any answer."""
    known = [code for code in codes if code is not None]
    if not known:
        raise ValueError("no test clip was answered")
    return Quality(*(100 * sum(code == side for code in known) / len(known) for side in (1, -1)))


def regret(found: Quality, best: Quality) -> float:
    """Points of SHAcc - SBErr below the best."""
    return best.gap - found.gap


def optimism(choice: Choice, found: Quality) -> float:
    """Points of SHAcc - SBErr that the tune side promised and the test clips did not keep."""
    return 200 * (choice.score - found.score)


def mean_difference(
    pairs: Sequence[tuple[Codes, Codes]], sources: Sequence[tuple[str, ...]], side: int | None = None
) -> Difference:
    """The mean of a - b over runs of equal seeds, each pair being both choices' answers on the same clips.

    In shares: of the gap, or of answers of one ``side`` (1: SHAcc, -1: SBErr). The interval allows for clips
    that share a source, whatever the seed, and for what all clips of a seed have in common (multiway); its
    degrees of freedom are no more than seeds - 1.
    """
    deltas = np.concatenate([_values(a, side) - _values(b, side) for a, b in pairs])
    kept: NDArray[np.bool_] = ~np.isnan(deltas)
    seeds = len(pairs)
    names = [(*clip, f"seed {seed}") if seeds > 1 else clip for seed in range(seeds) for clip in sources]
    groups = clustering(names, kept)
    if seeds > 1:
        groups = replace(groups, groups=min(groups.groups, float(seeds)))
    return difference_of(deltas[kept], groups, bound=2.0 if side is None else 1.0)


def _values(codes: Codes, side: int | None) -> NDArray[np.float64]:
    values = np.array([np.nan if code is None else code for code in codes], np.float64)
    return values if side is None else np.where(np.isnan(values), np.nan, (values == side) * 1.0)


def fewest(curve: Sequence[tuple[int, float]], goal: float) -> float:
    """Answers after which a curve of (answers, gap) reaches a goal for good; NaN when it never does."""
    found = float("nan")
    for answers, gap in reversed(curve):
        if gap < goal:
            break
        found = answers
    return found
