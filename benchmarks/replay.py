"""Which way of choosing a prompt finds a good one for the fewest answers? Replayed from stored answers.

    python -m benchmarks.replay --replays 1000                 # every method
    python -m benchmarks.replay --replays 1000 --methods race  # those whose name begins so

300 written prompts were asked once about the same clips (`benchmarks.replay_pool`). Each replay shuffles the
order in which prompts arrive and clips are asked. Regret: how many points of (1 + SHAcc - SBErr) / 2
the chosen prompt stays below the best, on all clips of the pool. Held out: the prompt is chosen on a random
half of the clips; the loss, on the other half, is against what full evaluation of the first half chooses.

With --clips N every replay draws N clips from those of the pool with replacement: a larger pool of the
same kind, which tells how methods compare where full evaluation is dearer.
"""

import argparse
import time
from collections.abc import Mapping
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from agents.race import Rules
from agents.race_test import STAKES
from benchmarks.record import append
from benchmarks.replay_methods import (
    Method,
    Stored,
    full,
    halving,
    race,
    spread,
    subset,
    upper_bounds,
)
from benchmarks.replay_pool import Pool, load, resampled

EIGHTH = 1 / 8
LEVELS = (0.05, 0.1, 0.2)


def methods(clips: int) -> dict[str, Method]:
    """All that is compared, by name."""
    eighth = max(1, clips // 8)
    return {
        "full evaluation": full,
        "race, defaults": race(8, Rules()),
        "race, blocks of 4": race(4, Rules()),
        "race, blocks of 4, no probabilities": race(4, Rules(surrogate_clips=0)),
        "race, blocks of 4, no twins": race(4, Rules(twin_clips=0)),
        "race, blocks of 4, futility 0.2": race(4, Rules(futility_alpha=0.2)),
        "race, blocks of 4, worthwhile 2": race(4, Rules(worthwhile=0.02)),
        "race, blocks of 4, worthwhile 10": race(4, Rules(worthwhile=0.1)),
        "halving, 1/8": halving(EIGHTH),
        "halving, 1/8, by probabilities": halving(EIGHTH, soft=True),
        "halving, 1/4": halving(1 / 4),
        "upper bounds, 1/8": upper_bounds(EIGHTH),
        "upper bounds, 1/4": upper_bounds(1 / 4),
        "same clips for all, 1/8": subset(eighth),
        "same clips for all, 1/8, by probabilities": subset(eighth, soft=True),
        "same clips for all, 1/4": subset(2 * eighth),
        "same clips for all, 1/2": subset(4 * eighth),
    }


def stored(pool: Pool) -> Stored:
    """The pool as methods read it."""
    return Stored(pool.gaps, pool.soft.astype(np.float64), pool.answers)


def regret(
    method: Method, pool: Pool, replays: int, clips: int = 0, seconds: float = inf
) -> dict[str, float]:
    """Mean regret in points with its standard error and 90 % quantile, and the mean share of answers."""
    regrets, shares, began = [], [], time.monotonic()
    for number in range(replays):
        if time.monotonic() - began > seconds:
            break
        rng = np.random.default_rng([number, 1])
        mine = resampled(pool, clips, rng) if clips else pool
        order = stored(mine).shuffled(mine.humans, rng)
        chosen = method(order, rng)
        truth = 50 * order.gaps.mean(axis=1)
        regrets.append(float(truth.max() - truth[chosen.prompt]))
        shares.append(chosen.bought / order.gaps.size)
    spread_of = float(np.std(regrets, ddof=1) / np.sqrt(len(regrets)))
    return {
        "replays": len(regrets),
        "regret": float(np.mean(regrets)),
        "error": spread_of,
        "regret, 9 in 10 below": float(np.quantile(regrets, 0.9)),
        "share of answers": float(np.mean(shares)),
        "times fewer": float(1 / np.mean(shares)),
    }


def held_out(method: Method, pool: Pool, replays: int) -> dict[str, float]:
    """Points lost on the other half of the clips against what full evaluation of this half chooses."""
    losses = []
    for number in range(replays):
        rng = np.random.default_rng([number, 2])
        order = stored(pool).shuffled(pool.humans, rng)
        half = order.gaps.shape[1] // 2
        everyone = np.arange(len(order.gaps))
        mine = order.part(everyone, np.arange(half))
        truth = 50 * order.gaps[:, half:].mean(axis=1)
        losses.append(float(truth[full(mine, rng).prompt] - truth[method(mine, rng).prompt]))
    return {"held-out loss": float(np.mean(losses)), "held-out error": float(np.std(losses) / replays**0.5)}


def error_rates(pool: Pool, pairs: int = 4000, step: int = 4) -> dict[str, Any]:
    """How often the sequential test calls one of two random prompts better, looking every ``step`` clips.

    Null: the sign of every paired difference is drawn anew, so that neither is better. Power: pairs as they
    are, by how much better the one is on all clips. Beside it a t test looked at as often.
    """
    rng = np.random.default_rng(3)
    gaps, clips = pool.gaps, len(pool.clips)
    orders = np.stack([spread(pool.humans, rng) for _ in range(pairs)])
    a, b = (rng.integers(0, len(gaps), pairs) for _ in range(2))
    x = np.take_along_axis((gaps[a] - gaps[b]) / 2, orders, axis=1)
    flipped = x * rng.choice([-1.0, 1.0], x.shape)
    looks = np.r_[np.arange(step, clips, step), clips] - 1
    null = _capital(flipped)[:, looks].max(axis=1)
    t_null = _t_values(flipped)[:, looks]
    truth, power = x.mean(axis=1), _capital(x)[:, looks]
    told: dict[str, Any] = {"pairs": pairs, "looks": len(looks), "discordant": float((x != 0).mean())}
    for level in LEVELS:
        threshold = np.log(1 / level)
        crossed = power >= threshold
        told[f"level {level}"] = {
            "wrong": float((null >= threshold).mean()),
            "wrong, t test at every look": float((t_null >= _t_quantile(level)).any(axis=1).mean()),
            "power": {
                f"{low} to {high} points": _power(crossed, truth, looks, low / 100, high / 100)
                for low, high in ((2, 5), (5, 10), (10, 20), (20, 40), (40, 100))
            },
        }
    return told


def _power(
    crossed: NDArray[np.bool_], truth: NDArray[np.float64], looks: NDArray[np.intp], low: float, high: float
) -> dict[str, float | None]:
    chosen = crossed[(truth >= low) & (truth < high)]
    found = chosen.any(axis=1)
    clips = looks[chosen[found].argmax(axis=1)] + 1
    seen = float(np.median(clips)) if len(clips) else None
    share = float(found.mean()) if len(chosen) else None
    return {"pairs": len(chosen), "found": share, "median clips": seen}


def _capital(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """log_capital of every beginning of every row: as agents.race_test has it, for many rows at once."""
    logs = np.stack([np.cumsum(np.log1p(stake * x), axis=1) for stake in STAKES])
    top = logs.max(axis=0)
    return np.asarray(top + np.log(np.exp(logs - top).mean(axis=0)), np.float64)


def _t_values(x: NDArray[np.float64]) -> NDArray[np.float64]:
    n = np.arange(1, x.shape[1] + 1)
    mean = np.cumsum(x, axis=1) / n
    variance = np.maximum(np.cumsum(x**2, axis=1) / n - mean**2, 0) * n / np.maximum(n - 1, 1)
    return np.where(variance > 0, mean / np.sqrt(np.where(variance > 0, variance, 1) / n), 0.0)


def _t_quantile(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(1 - level))


def show(results: Mapping[str, Mapping[str, float]], console: Console) -> None:
    """A table for people."""
    table = Table("method", "regret, points", "9 in 10 below", "answers", "times fewer", "held-out loss")
    for name, one in results.items():
        table.add_row(
            name,
            f"{one['regret']:.2f} ± {1.96 * one['error']:.2f}",
            f"{one['regret, 9 in 10 below']:.2f}",
            f"{100 * one['share of answers']:.1f} %",
            f"{one['times fewer']:.1f}",
            f"{one['held-out loss']:+.2f} ± {1.96 * one['held-out error']:.2f}"
            if "held-out loss" in one
            else "",
        )
    console.print(table)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replays", type=int, default=1000)
    parser.add_argument("--methods", default="", help="beginnings of their names, with | between")
    parser.add_argument("--clips", type=int, default=0, help="draw so many clips; 0: those of the pool")
    parser.add_argument("--seconds", type=float, default=inf, help="end each method's replays after so long")
    parser.add_argument("--no-held-out", action="store_true", help="leave the held-out half out")
    parser.add_argument("--no-record", action="store_true", help="print only")
    options = parser.parse_args()
    pool, console = load(), Console(width=130)
    results = {}
    for name, method in methods(options.clips or len(pool.clips)).items():
        if name.startswith(tuple(options.methods.split("|"))):
            began = time.monotonic()
            results[name] = regret(method, pool, options.replays, options.clips, options.seconds)
            if not (options.clips or options.no_held_out):
                results[name] |= held_out(method, pool, options.replays)
            took = f"{time.monotonic() - began:.0f} s"
            console.print(f"{name}: {took}, {results[name]}", highlight=False, soft_wrap=True)
    show(results, console)
    rates = error_rates(pool)
    console.print(rates, highlight=False)
    counts = {"prompts": len(pool.texts), "clips": len(pool.clips), "replays": options.replays}
    counts["drawn clips"] = options.clips
    if not options.no_record:
        print(append("replay", counts | {"methods": results, "sequential test": rates}))


if __name__ == "__main__":
    main()
