"""Do 95 % intervals hold the truth 95 % of the time, and do tests of equal prompts reject 5 % of the time?

Simulates answers on clips that share videos (``coverage_world``), runs the project's own intervals and tests
on them as a user would, and counts. Batches are kept in ``--state`` and never computed twice, so it can be
stopped and started at will:

    python -m benchmarks.coverage --replications 2000
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.coverage_world import WORLDS, Draw, World, answers, draw, truth
from vllm_eval.bootstrap import bca
from vllm_eval.clustering import clustering
from vllm_eval.controls import Answered, harmonic_mean, relative_shacc
from vllm_eval.metrics import Estimate, bias_metrics, wilson
from vllm_eval.paired_tests import mcnemar, permutation_test
from vllm_eval.statistics import Difference, paired_difference
from vllm_eval.transitions import transitions

SIZES = (100, 600, 2500)
BATCH = 25  # replications
RESAMPLES, FLIPS = 1000, 499
LEVEL = 0.05
IGNORED = "(sources ignored) "  # what happens without clustering, for comparison


def intervals(one: Draw, seed: int) -> Iterator[tuple[str, str, Estimate | Difference]]:
    """Name of the row, name of its true value, and the interval."""
    a, b, c = answers(one.a), answers(one.b), answers(one.c)
    metrics = bias_metrics(a, one.sources)
    yield "SHAcc, Wilson", "SHAcc", metrics.shacc
    yield "SBErr, Wilson", "SBErr", metrics.sberr
    yield "unparsed (2 %), Wilson", "unparsed", metrics.unparsed
    yield "bias gap, cluster-robust", "gap", metrics.bias_gap
    yield "bias ratio, cluster-robust", "ratio", metrics.bias_ratio
    yield "bias ratio, BCa", "ratio", _ratio_bca(one, seed)
    swap = Answered(a, one.sources)
    same, ordinary = (
        Answered(answers(one.same), one.same_sources),
        Answered(answers(one.ordinary), one.ordinary_sources),
    )
    yield "SHAcc / same-swap SHAcc, BCa", "relative", relative_shacc(swap, same, RESAMPLES, seed)
    yield "harmonic mean, BCa", "harmonic", harmonic_mean(ordinary, swap, RESAMPLES, seed)
    yield (
        "kept from original to swap, Wilson",
        "kept",
        transitions(answers(one.original), a, one.sources).kept,
    )
    yield "a - b in SHAcc, equal prompts", "equal", paired_difference(a, b, one.sources, "shacc")
    yield "c - a in SHAcc, better prompt", "better", paired_difference(c, a, one.sources, "shacc")
    yield "c - a in gap, better prompt", "better gap", paired_difference(c, a, one.sources, "gap")
    yield f"{IGNORED}SHAcc, Wilson", "SHAcc", wilson(metrics.shacc.value, len(a), len(a))


def tests(one: Draw, seed: int) -> Iterator[tuple[str, float]]:
    """Name and p of the tests, between prompts that are alike."""
    a, b = answers(one.a), answers(one.b)
    for measure in ("shacc", "gap"):
        yield f"paired t, {measure}", paired_difference(a, b, one.sources, measure).p
        yield f"permutation, {measure}", permutation_test(a, b, one.sources, measure, FLIPS, seed)
    yield f"{IGNORED}exact McNemar", mcnemar(a, b).p


def batch(world: World, n: int, number: int, tests_only: bool = False) -> dict[str, float]:
    """Counts over one batch: "held NAME", "width NAME" and "rejected NAME"."""
    counts: dict[str, float] = defaultdict(float)
    true = {} if tests_only else truth(world)
    for index in range(number * BATCH, (number + 1) * BATCH):
        one = draw(world, n, np.random.default_rng([n, index]))
        for name, target, found in () if tests_only else intervals(one, index):
            counts[f"held {name}"] += bool(found.low <= true[target] <= found.high)
            counts[f"width {name}"] += found.high - found.low
        for name, p in tests(one, index):
            counts[f"rejected {name}"] += p <= LEVEL
    return dict(counts)


def cell(
    world: World, n: int, replications: int, state: Path, tabulate: bool, tests_only: bool
) -> dict[str, Any]:
    """All batches of one world and size; those missing are computed now, or left out to ``tabulate``."""
    path = state / f"{world.name}_{n}{'_tests' if tests_only else ''}.json"
    done: dict[str, dict[str, float]] = json.loads(path.read_text()) if path.exists() else {}
    wanted = [str(number) for number in range(-(-replications // BATCH))]
    if tabulate:
        wanted = [number for number in wanted if number in done]
    for number in wanted:
        if number not in done:
            done[number] = batch(world, n, int(number), tests_only)
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps(done))
            fresh.replace(path)
            print(
                f"\r{world.name} n={n}: {int(number) + 1} of {len(wanted)} batches", end="", file=sys.stderr
            )
    total: dict[str, float] = defaultdict(float)
    for number in wanted:
        for name, count in done[number].items():
            total[name] += count
    return {
        "world": world.name,
        "n": n,
        "replications": BATCH * len(wanted),
        **_rates(total, BATCH * len(wanted)),
    }


def _rates(total: Mapping[str, float], count: int) -> dict[str, Any]:
    tables: dict[str, dict[str, float]] = {"held": {}, "width": {}, "rejected": {}}
    for key, value in total.items():
        kind, _, name = key.partition(" ")
        tables[kind][name] = round(value / count, 5)
    return tables


def _ratio_bca(one: Draw, seed: int) -> Estimate:
    human, background = (one.a == "human").astype(float), (one.a == "background").astype(float)
    groups = clustering(one.sources, np.ones(len(human), np.bool_))
    columns = np.stack([background, human + background], axis=1)
    return bca(columns, lambda sums: sums[..., 0] / sums[..., 1], groups, (0.0, 1.0), RESAMPLES, seed)


def table(cells: list[dict[str, Any]], kind: str) -> str:
    """Markdown: one row per figure, one column per cell, in percent."""
    heads = [f"{one['world']}, n = {one['n']}" for one in cells]
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for name in cells[0][kind]:
        lines.append(f"| {name} | " + " | ".join(f"{100 * one[kind][name]:.1f}" for one in cells) + " |")
    errors = [100 * (0.95 * 0.05 / one["replications"]) ** 0.5 for one in cells]
    lines.append(
        "| *Monte-Carlo error, at 95 or 5 %* | " + " | ".join(f"±{error:.1f}" for error in errors) + " |"
    )
    lines.append("| *replications* | " + " | ".join(str(one["replications"]) for one in cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run, print the tables, add them to ``benchmarks/results/coverage.json``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replications", type=int, default=2000, help="per cell (default 2000)")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="clips")
    parser.add_argument("--worlds", nargs="+", default=["moderate", "strong"], choices=WORLDS)
    parser.add_argument("--state", type=Path, default=Path("runs/coverage"), help="where batches are kept")
    parser.add_argument("--tests-only", action="store_true", help="no intervals: ten times faster")
    parser.add_argument("--tabulate", action="store_true", help="compute nothing, use the batches at hand")
    parser.add_argument("--dry", action="store_true", help="print only, record nothing")
    given = parser.parse_args()
    given.state.mkdir(parents=True, exist_ok=True)
    cells = [
        cell(WORLDS[world], n, given.replications, given.state, given.tabulate, given.tests_only)
        for n in given.sizes
        for world in given.worlds
    ]
    for title, kind in (
        ("Intervals that held the truth, %", "held"),
        ("Equal prompts told apart, %", "rejected"),
    ):
        if cells[0][kind]:
            print(f"\n\n{title}\n\n{table(cells, kind)}")
    if not given.dry:
        print(f"\nrecorded in {record.append('coverage', {'cells': cells})}")


if __name__ == "__main__":
    main()
