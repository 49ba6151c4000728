"""Tables, figure and record of a comparison of optimizers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.optimizers_choice import (
    Choice,
    Codes,
    Quality,
    choice_at,
    fewest,
    mean_difference,
    optimism,
    quality,
    regret,
)
from benchmarks.record import RESULTS, append
from prompts.library import HUMAN_FOCUSED, NEUTRAL

REFERENCE, FULL = "agent", "paper's loop"  # what others are compared with; full evaluation


@dataclass(frozen=True)
class OnTest:
    """Test answers by text, and per test clip its sources."""

    answers: Mapping[str, Codes]
    sources: Sequence[tuple[str, ...]]

    def quality(self, text: str) -> Quality:
        """Of a prompt."""
        return quality(self.answers[text])


@dataclass(frozen=True)
class Outcome:
    """What one run would have chosen at a budget."""

    arm: str
    seed: int
    budget: int
    choice: Choice
    quality: Quality
    stopped: str


def outcomes(runs: Sequence[Mapping[str, Any]], budgets: Sequence[int], tested: OnTest) -> list[Outcome]:
    """Every run at every budget it serves: up to its own, or its own alone where it planned by it."""
    from benchmarks.optimizers_arms import ARMS

    found = []
    for run in runs:
        mine = [
            n for n in budgets if n == run["budget"] or (n < run["budget"] and not ARMS[run["arm"]].sized)
        ]
        for budget in mine:
            choice = choice_at(run, budget)
            kind = tested.quality(choice.text)
            found.append(Outcome(run["arm"], run["seed"], budget, choice, kind, run["stopped"]))
    return found


def rows(found: Sequence[Outcome], tested: OnTest) -> list[dict[str, Any]]:
    """One row per arm and budget: means over seeds, and the paired difference to the reference."""
    best = max((one.quality for one in found), key=lambda one: one.gap)
    told = []
    for budget, arm in dict.fromkeys((one.budget, one.arm) for one in found):
        mine = {one.seed: one for one in found if (one.arm, one.budget) == (arm, budget)}
        some = list(mine.values())
        row: dict[str, Any] = {"budget": budget, "arm": arm, "seeds": sorted(mine)}
        measures: dict[str, list[float]] = {
            "sberr": [one.quality.sberr for one in some],
            "shacc": [one.quality.shacc for one in some],
            "gap": [one.quality.gap for one in some],
            "regret": [regret(one.quality, best) for one in some],
            "optimism": [optimism(one.choice, one.quality) for one in some],
            "answers": [one.choice.bought for one in some],
            "prompts": [one.choice.proposed for one in some],
            "tokens": [one.choice.tokens for one in some],
            "optimizer seconds": [one.choice.seconds for one in some],
            "target seconds": [one.choice.asking for one in some],
        }
        row |= {name: round(fmean(values), 2) for name, values in measures.items()}
        others = {one.seed: one for one in found if (one.arm, one.budget) == (REFERENCE, budget)}
        told.append(row | _against(mine, others, tested))
    return told


def _against(mine: Mapping[int, Outcome], others: Mapping[int, Outcome], tested: OnTest) -> dict[str, Any]:
    """The difference to the reference in points of the gap and of SBErr, over the seeds that both have."""
    seeds = sorted(mine.keys() & others.keys())
    if not seeds or mine[seeds[0]].arm == REFERENCE:
        return {}
    pairs = [
        (tested.answers[mine[seed].choice.text], tested.answers[others[seed].choice.text]) for seed in seeds
    ]
    if all(mine[seed].choice.text == others[seed].choice.text for seed in seeds):
        # The same prompts: nothing to estimate, and no spread to estimate it with.
        none = {"value": 0.0, "low": 0.0, "high": 0.0, "seeds": len(seeds), "p": 1.0}
        return {f"{name} minus {REFERENCE}": none for name in ("gap", "sberr")}
    told = {}
    for name, side in (("gap", None), ("sberr", -1)):
        one = mean_difference(pairs, tested.sources, side)
        told[f"{name} minus {REFERENCE}"] = {
            key: round(100 * value, 2)
            for key, value in {"value": one.value, "low": one.low, "high": one.high}.items()
        } | {"seeds": len(seeds), "p": round(one.p, 4)}
    return told


def curves(
    runs: Sequence[Mapping[str, Any]], points: Sequence[int], tested: OnTest
) -> dict[str, list[tuple[int, float]]]:
    """Per arm (answers, mean gap over seeds), where every seed's run bought so many or ended by itself."""
    found = outcomes(runs, points, tested)
    told: dict[str, list[tuple[int, float]]] = {}
    for arm, budget in dict.fromkeys((one.arm, one.budget) for one in found):
        gaps = [one.quality.gap for one in found if (one.arm, one.budget) == (arm, budget)]
        if len(gaps) < len({one.seed for one in found if one.arm == arm}):
            continue  # a mean over other seeds than the rest of the curve
        told.setdefault(arm, []).append((budget, round(fmean(gaps), 2)))
    return {arm: sorted(curve) for arm, curve in told.items()}


def speed(of: Mapping[str, list[tuple[int, float]]]) -> dict[str, Any]:
    """After how many answers each arm has, for good, what full evaluation has at its end."""
    if FULL not in of:
        return {}
    most, goal = of[FULL][-1]
    needs = {arm: fewest(curve, goal) for arm, curve in of.items()}
    full = fewest(of[FULL], goal)
    return {
        "goal, gap": goal,
        "full evaluation, answers": full,
        "of": most,
        "answers until there": {arm: None if n != n else n for arm, n in needs.items()},
    }


def show(told: Sequence[Mapping[str, Any]], console: Console) -> None:
    """The table for people."""
    names = ("seeds", "SBErr", "SHAcc", "gap", "regret", "optimism", "prompts", "tokens", "s, optimizer")
    table = Table("answers", "arm", *names, "s, target", f"gap minus {REFERENCE}")
    for row in told:
        difference = row.get(f"gap minus {REFERENCE}")
        apart = (
            f"{difference['value']:+.1f} ({difference['low']:+.1f} to {difference['high']:+.1f})"
            if difference
            else ""
        )
        figures = [f"{row[name]:.1f}" for name in ("sberr", "shacc", "gap", "regret", "optimism", "prompts")]
        costs = [f"{row[name]:.0f}" for name in ("tokens", "optimizer seconds", "target seconds")]
        table.add_row(str(row["budget"]), row["arm"], str(len(row["seeds"])), *figures, *costs, apart)
    console.print(table)


def plot(of: Mapping[str, list[tuple[int, float]]], best: float, path: Path) -> None:
    """Regret against answers bought, one line per arm."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "sceneproof"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
    for number, (arm, curve) in enumerate(of.items()):
        style = {"linewidth": 2.5, "color": "black"} if arm == REFERENCE else {"linewidth": 1.1}
        dash = ("-", "--", ":", "-.")[number // 10 % 4]
        answers, gaps = zip(*curve, strict=True)
        marker = "o" if len(curve) < 4 else None
        axes.plot(
            answers,
            [best - gap for gap in gaps],
            label=arm,
            linestyle=dash,
            marker=marker,
            markersize=3,
            **style,
        )
    axes.set(xscale="log", xlabel="answers bought", ylabel="regret, points of SHAcc - SBErr")
    axes.set_xticks(ticks := sorted({n for curve in of.values() for n, _ in curve if n in _TICKS}))
    axes.set_xticklabels([str(n) for n in ticks])
    axes.minorticks_off()
    axes.legend(fontsize=7, ncols=2)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


_TICKS = (100, 150, 250, 360, 500, 700, 1000, 1500, 2000, 3000, 5000, 8000)


def report(
    runs: Sequence[Mapping[str, Any]],
    test: Path,
    budgets: Sequence[int],
    points: Sequence[int],
    record: bool,
) -> None:
    """Show what was found; with ``record`` keep it, each run's choices included, and draw the figure."""
    console = Console(width=170)
    if not runs:
        console.print("no run is finished")
        return
    held = json.loads(test.read_text(encoding="utf-8"))
    tested = OnTest(held["answers"], [tuple(sources) for sources in held["sources"]])
    found = outcomes(runs, budgets, tested)
    told, of = rows(found, tested), curves(runs, [n for n in points if n <= max(budgets)], tested)
    best = max(found, key=lambda one: one.quality.gap)
    hand = {name: asdict(tested.quality(one.prompt.text)) for name, one in _HAND.items()}
    show(told, console)
    console.print(f"best: {best.quality.gap:.1f}, {best.arm} {best.seed}: {best.choice.text}", markup=False)
    console.print(speed(of), hand)
    ended = {f"{run['arm']} {run['seed']}": run["stopped"] for run in runs if _early(run)}
    console.print("ended by themselves:", ended)
    if record:
        plot(of, best.quality.gap, RESULTS / f"optimizers_{Path(runs[0]['llm']).name}.svg")
        every = [
            {"arm": one.arm, "seed": one.seed, "budget": one.budget, "text": one.choice.text}
            | {"sberr": round(one.quality.sberr, 2), "shacc": round(one.quality.shacc, 2)}
            for one in found
        ]
        told_best = {"text": best.choice.text, "gap": best.quality.gap}
        result = {"llm": runs[0]["llm"], "served": runs[0]["served"]}
        result |= {"tune clips": max(len(run["clips"]) for run in runs)}
        result |= {"test clips": len(tested.sources), "hand-written": hand, "best": told_best, "rows": told}
        console.print(
            str(
                append(
                    "optimizers", result | {"curves": of, "speed": speed(of), "ended": ended, "runs": every}
                )
            )
        )


_HAND = {"neutral": NEUTRAL, "human-focused": HUMAN_FOCUSED}


def _early(run: Mapping[str, Any]) -> bool:
    return bool(len(run["bought"]) < run["budget"])
