"""Figures of several seeds side by side: means, spread, intervals, paired differences to the baseline."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import numpy as np

from classifiers.evaluate import prediction_file
from classifiers.protocols import CLOSED, FIVE
from vllm_eval.clustering import clustering, t_quantile
from vllm_eval.statistics import Difference, difference_of

# Column -> (part of a row's published numbers, clip set, protocol, measure).
COLUMNS: dict[str, tuple[str, str, str]] = {
    "K50": ("kinetics", CLOSED, "accuracy"),
    "Mimetics": ("mimetics", CLOSED, "accuracy"),
    "SHAcc": ("swap", CLOSED, "shacc"),
    "SBErr": ("swap", CLOSED, "sberr"),
    "SHAcc5": ("swap", FIVE, "shacc"),
    "SBErr5": ("swap", FIVE, "sberr"),
}


@dataclass(frozen=True)
class Summary:
    """Of one figure over seeds, as fractions. ``low`` and ``high``: 95 %, by t over two or more seeds; of a
    single seed over clips that share sources. ``sd`` is None for one seed."""

    mean: float
    sd: float | None
    low: float
    high: float
    seeds: int
    n: int

    def text(self) -> str:
        """In percent: mean ± sd [interval]."""
        spread = "" if self.sd is None else f" ±{100 * self.sd:.1f}"
        return f"{100 * self.mean:.1f}{spread} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


def summary(estimates: Sequence[Mapping[str, float]]) -> Summary:
    """Of one figure's estimates, one per seed."""
    values = [one["value"] for one in estimates]
    n = int(estimates[0]["n"])
    if len(values) == 1:
        return Summary(values[0], None, estimates[0]["low"], estimates[0]["high"], 1, n)
    centre, sd = mean(values), stdev(values)
    half = t_quantile(len(values) - 1.0) * sd / len(values) ** 0.5
    return Summary(centre, sd, max(0.0, centre - half), min(1.0, centre + half), len(values), n)


def difference(
    mine: Sequence[Path], baseline: Sequence[Path], sources: Mapping[str, tuple[str, ...]], measure: str
) -> Difference:
    """Mean over seeds of mine less baseline, clip by clip: paired by clip and by seed, clustered by source.

    ``mine[k]`` and ``baseline[k]`` are files of predictions of the same seed on the same clips.
    """
    pairs = [(_hits(a, measure), _hits(b, measure)) for a, b in zip(mine, baseline, strict=True)]
    ids = [name for name in pairs[0][0] if all(name in a and name in b for a, b in pairs)]
    deltas = np.array([mean(a[name] - b[name] for a, b in pairs) for name in ids], np.float64)
    groups = clustering([sources[name] for name in ids], np.ones(len(ids), np.bool_))
    return difference_of(deltas, groups, 1.0)


def _hits(path: Path, measure: str) -> dict[str, float]:
    """Per clip 1 where the measure counts it."""
    column = "background" if measure == "sberr" else "human"
    with open(path, newline="", encoding="utf-8") as file:
        return {row["clip"]: float(row["prediction"] == row[column]) for row in csv.DictReader(file)}


def files(folders: Sequence[Path], name: str, protocol: str) -> list[Path]:
    """A set's predictions of each run."""
    return [prediction_file(folder, name, protocol) for folder in folders]
