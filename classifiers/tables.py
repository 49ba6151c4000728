"""Figures of several seeds side by side: means, spread, intervals, paired differences to the baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import numpy as np

from classifiers.protocols import CLOSED, FIVE, read_answers
from vllm_eval.clustering import clustering, t_quantile
from vllm_eval.statistics import Difference, difference_of

Hits = dict[str, float]  # by clip id
# Column -> (clip set, protocol, measure), in the order of published numbers.
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


def summary(estimates: Sequence[Mapping[str, float]], least: float = 0.0) -> Summary:
    """Of one figure's estimates, one per seed; shares are from ``least`` to 1."""
    values = [one["value"] for one in estimates]
    n = int(estimates[0]["n"])
    if len(values) == 1:
        return Summary(values[0], None, estimates[0]["low"], estimates[0]["high"], 1, n)
    centre, sd = mean(values), stdev(values)
    half = t_quantile(len(values) - 1.0) * sd / len(values) ** 0.5
    return Summary(centre, sd, max(least, centre - half), min(1.0, centre + half), len(values), n)


def difference(
    mine: Sequence[Path], baseline: Sequence[Path], sources: Mapping[str, tuple[str, ...]], measure: str
) -> Difference:
    """Mean over seeds of mine less baseline, clip by clip: paired by clip and by seed, clustered by source.

    ``mine[k]`` and ``baseline[k]`` are files of predictions of the same seed on the same clips.
    """
    return paired([hits(one, measure) for one in mine], [hits(one, measure) for one in baseline], sources)


def paired(
    mine: Sequence[Hits], baseline: Sequence[Hits], sources: Mapping[str, tuple[str, ...]]
) -> Difference:
    """The same of hits by clip; only clips that all of them hold count."""
    pairs = list(zip(mine, baseline, strict=True))
    ids = [name for name in pairs[0][0] if all(name in a and name in b for a, b in pairs)]
    deltas = np.array([mean(a[name] - b[name] for a, b in pairs) for name in ids], np.float64)
    groups = clustering([sources[name] for name in ids], np.ones(len(ids), np.bool_))
    return difference_of(deltas, groups, 1.0)


def difference_over_seeds(mine: Sequence[Path], baseline: Sequence[Path], measure: str) -> Summary:
    """Mean of each seed's own difference, with the t interval over seeds: what another seed may show.

    Of a single seed there is no interval: it is all that is possible, -1 to 1.
    """
    values = []
    for ours, theirs in zip(mine, baseline, strict=True):
        a, b = hits(ours, measure), hits(theirs, measure)
        shared = a.keys() & b.keys()
        values.append(mean(a[name] - b[name] for name in shared))
    return summary([{"value": one, "low": -1.0, "high": 1.0, "n": len(shared)} for one in values], -1.0)


def hits(path: Path, measure: str) -> Hits:
    """Per clip 1 where the measure counts it, else 0; clips that could not be read are left out."""
    column = "background" if measure == "sberr" else "human"
    rows = read_answers(path).items()
    return {clip: float(row["prediction"] == row[column]) for clip, row in rows if not row.get("error")}
