"""Figures that set an action-swap result against a control: same-class swaps, ordinary clips, frozen clips.

Each is an Estimate with a BCa cluster bootstrap interval (``bootstrap``). Two clip sets that share videos are
resampled together. An answer of kind "error" leaves its own set's denominator; of a pair it drops the pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vllm_eval.bootstrap import RESAMPLES, bca
from vllm_eval.clustering import Clusters, Values, clustering
from vllm_eval.engine import Answer
from vllm_eval.metrics import Estimate, proportion


@dataclass(frozen=True)
class Answered:
    """The answers of one clip set and, per answer, its cluster or its clip's sources.

    Raises ValueError when the lengths differ.
    """

    answers: Sequence[Answer]
    clusters: Clusters

    def __post_init__(self) -> None:
        if len(self.answers) != len(self.clusters):
            raise ValueError(f"{len(self.answers)} answers but {len(self.clusters)} clusters")


def relative_shacc(swap: Answered, same: Answered, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """SHAcc(swap) / SHAcc(same): what a foreign scene costs, compositing artefacts divided out.

    ``same`` are swaps into another clip of the person's own class (HAT's "same" files), answered right where
    the human label is named. n is the number of scored swaps. Chance level 1: blind guessing is as good on
    both. Range 0..infinity; 1 with the interval 0..infinity where no same-class swap was answered right.
    """
    columns, clusters = _two_sets(swap, same)
    groups = clustering(clusters, np.ones(len(clusters), np.bool_))
    if columns[:, 2].sum() == 0:
        return Estimate(1.0, 0.0, float("inf"), int(columns[:, 1].sum()))
    found = bca(columns, _relative, groups, (0.0, float("inf")), resamples, seed)
    return Estimate(found.value, found.low, found.high, int(columns[:, 1].sum()))


def harmonic_mean(kinetics: Answered, swap: Answered, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """2 A S / (A + S) of Kinetics-50 accuracy A and SHAcc S: high only where both are.

    n is the number of scored swaps. Chance level: that of the question where both sets offer as many choices.
    0 where either is 0.
    """
    columns, clusters = _two_sets(kinetics, swap)
    groups = clustering(clusters, np.ones(len(clusters), np.bool_))
    if not len(columns) or columns[:, [0, 2]].sum(axis=0).min() == 0:
        return Estimate(0.0, 0.0, 1.0, int(columns[:, 3].sum()))
    found = bca(columns, _harmonic, groups, (0.0, 1.0), resamples, seed)
    return Estimate(found.value, found.low, found.high, int(columns[:, 3].sum()))


def contrasted_accuracy(swap: Sequence[Answer], still: Sequence[Answer], clusters: Clusters) -> Estimate:
    """The share of clips answered right on the swap and with another label on its static counterpart.

    ``still`` are the answers to the same clips with the motion taken away (one frame repeated) or with the
    person taken away, by position. Li et al. (StillMix, ICCV 2023); as coded for ALBAR (ICLR 2025): correct,
    and different from the counterpart's prediction. An unparsed counterpart is a different answer. Over all
    pairs without an error. Chance level c (1 - c) for c = 1 / number of choices. Raises ValueError for
    different lengths.
    """
    if len(swap) != len(still):
        raise ValueError(f"pairs need equal lengths, got {len(swap)} and {len(still)} answers")
    kept = np.array(["error" not in (a.kind, b.kind) for a, b in zip(swap, still, strict=True)], np.bool_)
    right = [a.kind == "human" and a.label != b.label for a, b in zip(swap, still, strict=True)]
    return proportion(np.asarray(right, np.float64)[kept], clustering(clusters, kept))


def _two_sets(first: Answered, second: Answered) -> tuple[Values, list[str | tuple[str, ...]]]:
    """Per answer of either set (right in first, in first, right in second, in second), and the clusters."""
    rows, clusters = [], []
    for place, answered in enumerate((first, second)):
        for answer, cluster in zip(answered.answers, answered.clusters, strict=True):
            if answer.kind != "error":
                row = [0.0, 0.0, 0.0, 0.0]
                row[2 * place : 2 * place + 2] = [float(answer.kind == "human"), 1.0]
                rows.append(row)
                clusters.append(cluster)
    return np.array(rows, np.float64).reshape(-1, 4), clusters


def _relative(sums: Values) -> Values:
    return _shares(sums)[0] / np.maximum(_shares(sums)[1], 1e-12)


def _harmonic(sums: Values) -> Values:
    first, second = _shares(sums)
    return 2 * first * second / np.maximum(first + second, 1e-12)


def _shares(sums: Values) -> tuple[Values, Values]:
    whole = np.maximum(sums, 1e-12)
    return sums[..., 0] / whole[..., 1], np.maximum(sums[..., 2], 0) / whole[..., 3]
