"""Several objectives at once: who is on the Pareto front, how surely, and lowest SBErr under a constraint.

Objectives are SHAcc (up), SBErr (down), accuracy on every other reported clip set (up: Mimetics, Kinetics)
and the prompt's length in words (down). One prompt dominates another when it is nowhere worse and somewhere
better. How sure that is, is the share of bootstrap worlds in which it holds: every world draws the source
units of each clip set anew with replacement, the same for all prompts, so that comparisons stay paired and
clips that share the person's video stay together (the cluster bootstrap, as in vllm_eval.bootstrap).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from agents.proof import Proof, proofs, tried
from agents.race_order import unit_of
from agents.targets import Rule, judged
from vllm_eval.evaluator import Scored
from vllm_eval.metrics import bias_metrics

Values = NDArray[np.float64]

SHACC, SBERR, LENGTH = "SHAcc", "SBErr", "words"
WORLDS = 1000
_SWAPS = "test"  # the reported clip set whose backgrounds conflict


@dataclass(frozen=True)
class Standing:
    """One prompt among others. ``values`` by objective: shares as fractions, length in words, None where not
    one clip was answered: such a prompt compares with no other, and is on no front.

    ``front_share``: the share of worlds in which no other dominates it. ``rival``: id of the prompt that
    dominates it most often, in a share ``dominated`` of the worlds; "" and 0 where none ever does.
    """

    prompt_id: str
    values: Mapping[str, float | None]
    on_front: bool
    front_share: float
    rival: str
    dominated: float


@dataclass(frozen=True)
class Choice:
    """The winner of the constrained rule; ``checks`` by id of those of lower SBErr than neutral, the lowest
    first."""

    winner: str
    checks: Mapping[str, Proof]

    @property
    def passed_over(self) -> tuple[str, ...]:
        """Ids of prompts with a lower SBErr than the winner, for which the loss was not ruled out."""
        return tuple(takewhile(lambda name: name != self.winner, self.checks))


@dataclass(frozen=True)
class _Objective:
    """Per prompt and clip its values [prompts, clips], NaN for errors; ``sign`` -1: lower is better.

    ``clips`` names the clip set they are of."""

    name: str
    clips: str
    sign: float
    values: Values
    units: NDArray[np.intp]


def lowest_sberr(
    neutral: str,
    select: Mapping[str, Scored],
    ordinary: Mapping[str, Scored],
    margin: float = 0.01,
    rule: Rule = "worst",
) -> Choice:
    """The prompt of lowest SBErr on ``select`` that is non-inferior to neutral in accuracy on ``ordinary``.

    Both hold the same prompts, neutral among them, which passes always. All that have a lower SBErr than
    neutral are tested together: the chance that any of them passes though it loses ``margin`` is at most 5 %
    (``agents.proof``). With several targets the worst counts for SBErr, and each has to show it (an
    intersection-union test, which keeps its level: Berger 1982), or by ``rule`` all answers are taken
    together. On equal SBErr the order of ``select`` decides. A prompt without any answer comes last. Raises
    ValueError as ``vllm_eval.noninferiority`` does, and for a ``neutral`` that is not among them.
    """
    if neutral not in select:
        raise ValueError(f"neutral prompt {neutral} is not among those to choose from: {', '.join(select)}")
    order = sorted(select, key=lambda name: max(map(_sberr, judged(select[name], rule).values())))
    theirs = judged(ordinary[neutral], rule)
    trials = {}
    for name in order[: order.index(neutral)]:
        parts = judged(ordinary[name], rule).items()
        every = [tried(one.answers, theirs[target].answers, one.clusters(), margin) for target, one in parts]
        trials[name] = max(every, key=lambda trial: trial.p)
    checks = proofs(trials)
    return Choice(next((name for name, check in checks.items() if check.shown), neutral), checks)


def pareto_standings(
    texts: Mapping[str, str],
    reports: Mapping[str, Mapping[str, Scored]],
    worlds: int = WORLDS,
    seed: int = 0,
) -> tuple[Standing, ...]:
    """Standings of prompts (id -> text) by their answers per reported clip set, "test" among these."""
    names = list(texts)
    objectives = [one for name, scored in reports.items() for one in _objectives(name, scored, names)]
    words = np.array([float(len(texts[name].split())) for name in names])
    points = np.stack([*(one.sign * _means(one.values) for one in objectives), -words], axis=1)
    drawn = _worlds(objectives, words, worlds, seed)
    known = ~np.isnan(points).all(axis=0)  # what nobody was answered on tells nobody apart
    beats = dominates(drawn[..., known]).mean(axis=0)
    free = _undominated(drawn[..., known]).mean(axis=0)
    front = _undominated(points[None][..., known])[0]
    labels = [*(one.name for one in objectives), LENGTH]
    signs = np.array([*(one.sign for one in objectives), -1.0])
    standings = []
    for index, name in enumerate(names):
        rival = int(beats[:, index].argmax())
        share = float(beats[rival, index])
        told = [None if np.isnan(value) else value for value in (signs * points[index]).tolist()]
        values = dict(zip(labels, told, strict=True))
        beaten_by = names[rival] if share else ""
        standings.append(Standing(name, values, bool(front[index]), float(free[index]), beaten_by, share))
    return tuple(standings)


def dominates(points: Values) -> NDArray[np.bool_]:
    """Who dominates whom, higher being better: points [worlds, prompts, objectives] -> [worlds, a, b].

    With NaN in any objective a prompt dominates none and none dominates it.
    """
    a, b = points[:, :, None, :], points[:, None, :, :]
    return np.asarray((a >= b).all(axis=3) & (a > b).any(axis=3))


def _undominated(points: Values) -> NDArray[np.bool_]:
    """Who is on the front: [worlds, prompts, objectives] -> [worlds, prompts]. Nobody with NaN anywhere."""
    return np.asarray(~dominates(points).any(axis=1) & ~np.isnan(points).any(axis=2))


def _objectives(name: str, scored: Mapping[str, Scored], names: Sequence[str]) -> list[_Objective]:
    kinds = np.array([[answer.kind for answer in scored[one].answers] for one in names], dtype="U10")
    index: dict[str, int] = {}
    clips = scored[names[0]].clips.clips
    units = np.array([index.setdefault(unit_of(clip), len(index)) for clip in clips], np.intp)

    def objective(title: str, sign: float, kind: str) -> _Objective:
        values = np.where(kinds == "error", np.nan, (kinds == kind).astype(np.float64))
        return _Objective(title, name, sign, values, units)

    if name == _SWAPS:
        return [objective(SHACC, 1.0, "human"), objective(SBERR, -1.0, "background")]
    return [objective(name, 1.0, "human")]


def _means(values: Values, weights: Values | None = None) -> Values:
    """Per prompt the mean over clips without an error, NaN without any; by weights [worlds, clips]."""
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    if weights is None:
        weights = np.ones((1, values.shape[1]))
        return np.asarray(_means(values, weights)[0], np.float64)
    total = weights @ known.T
    return np.asarray((weights @ filled.T) / np.where(total > 0, total, np.nan), np.float64)


def _worlds(objectives: Sequence[_Objective], words: Values, worlds: int, seed: int) -> Values:
    """Points of all prompts in every world: [worlds, prompts, objectives], higher is better."""
    columns, drawn = [], {}
    rng = np.random.default_rng(seed)
    for one in objectives:
        if one.clips not in drawn:  # objectives over the same clips share their worlds
            count = int(one.units.max()) + 1
            drawn[one.clips] = rng.multinomial(count, np.full(count, 1 / count), size=worlds)[:, one.units]
        columns.append(one.sign * _means(one.values, drawn[one.clips].astype(np.float64)))
    columns.append(np.broadcast_to(-words, columns[0].shape))
    return np.stack(columns, axis=2)


def _sberr(scored: Scored) -> float:
    metrics = bias_metrics(scored.answers, scored.clusters(), scored.chance)
    return metrics.sberr.value if metrics.n else 1.0
