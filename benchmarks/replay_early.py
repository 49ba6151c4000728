"""What a race would choose after N answers: the hand-written prompts raced or asked in full first, its blocks
of 8 clips or of 4.

    python -m benchmarks.replay_early --replays 60

Replayed from the stored answers of `benchmarks.replay_pool`: the written prompts arrive in another order each
time, on 160 clips drawn from those of the pool with replacement. Chosen is the highest fair score, as a run
does it. Regret: points of (1 + SHAcc - SBErr) / 2 below the best of the pool; the gain is paired by replay.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from agents.race import Race, Rules
from agents.race_board import Seen
from benchmarks.record import append
from benchmarks.replay import stored
from benchmarks.replay_methods import PER_ROUND, Stored, part_of
from benchmarks.replay_pool import Pool, load, resampled

BUDGETS = (250, 500, 1000, 2000, 4000)
HAND_WRITTEN = ("0", "1")  # neutral, human-focused: what a run begins with, the second no candidate


@dataclass(frozen=True)
class Early:
    """The prompt chosen, how many proposals had arrived by then, and how many answers were bought."""

    prompt: int
    arrived: int
    bought: int


class _Spent(Exception):
    """The next block would go beyond the budget."""


def early(order: Stored, budget: int, raced: bool, block: int = 8, rules: Rules | None = None) -> Early:
    """The race until the budget is spent; ``raced`` False asks hand-written prompts about all clips first.

    Raises ValueError for a budget that is spent before the neutral prompt has an answer.
    """
    count, clips = order.gaps.shape
    bought = arrived = 0

    def ask(prompts: Sequence[str], number: int) -> Mapping[str, Seen]:
        nonlocal bought
        part = slice(number * block, min(clips, (number + 1) * block))
        size = part.stop - part.start
        if bought + len(prompts) * size > budget:
            raise _Spent
        bought += len(prompts) * size
        return {name: part_of(order, int(name), part) for name in prompts}

    sizes = [min(block, clips - start) for start in range(0, clips, block)]
    running = Race(sizes, range(clips), rules or Rules(), ask)
    try:
        if not raced:
            running.complete(HAND_WRITTEN)
        running.references(HAND_WRITTEN)
        for start in range(len(HAND_WRITTEN), count, PER_ROUND):
            coming = [str(index) for index in range(start, min(count, start + PER_ROUND))]
            arrived += len(coming)
            running.run(coming)
    except _Spent:
        pass
    scores = running.scores()
    candidates = [name for name in scores if name not in running.twins and name != HAND_WRITTEN[1]]
    if not candidates:
        raise ValueError(f"{budget} answers are too few: not even a block of the neutral prompt")
    return Early(int(max(candidates, key=lambda name: scores[name])), arrived, bought)


# Hand-written prompts raced?, clips of a block. A run does as the second says.
WAYS = {"asked in full": (False, 8), "raced": (True, 8), "blocks of 4": (True, 4)}


def compare(replays: int, clips: int, budgets: Sequence[int] = BUDGETS) -> list[dict[str, float]]:
    """Per budget the mean regret every way, and what the default way gains on the others, with half its 95 %
    interval."""
    pool = load()
    return [
        _row([_replay(pool, clips, budget, number) for number in range(replays)], budget)
        for budget in budgets
    ]


def _replay(pool: Pool, clips: int, budget: int, number: int) -> dict[str, tuple[float, int]]:
    """Every way's regret, and how many proposals arrived."""
    rng = np.random.default_rng([number, 7])
    drawn = stored(resampled(pool, clips, rng))
    arrival = 2 + rng.permutation(len(drawn.gaps) - 2)
    order = drawn.part(np.r_[0, 1, arrival].astype(np.intp), np.arange(clips))
    truth = 50 * order.gaps.mean(axis=1)
    found = {way: early(order, budget, raced, block) for way, (raced, block) in WAYS.items()}
    return {way: (float(truth.max() - truth[one.prompt]), one.arrived) for way, one in found.items()}


def _row(told: Sequence[Mapping[str, tuple[float, int]]], budget: int) -> dict[str, float]:
    regrets = {way: np.array([one[way][0] for one in told]) for way in WAYS}
    row: dict[str, float] = {"budget": budget}
    row |= {f"regret, {way}": float(values.mean()) for way, values in regrets.items()}
    row |= {f"prompts, {way}": float(np.mean([one[way][1] for one in told])) for way in WAYS}
    for way in ("asked in full", "blocks of 4"):
        gains = regrets[way] - regrets["raced"]
        row[f"gain on {way}"] = float(gains.mean())
        row[f"its half interval, {way}"] = float(1.96 * gains.std(ddof=1) / len(gains) ** 0.5)
    return row


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replays", type=int, default=60)
    parser.add_argument("--clips", type=int, default=160, help="drawn with replacement")
    options = parser.parse_args()
    told = compare(options.replays, options.clips)
    table = Table(*told[0])
    for row in told:
        table.add_row(*(f"{value:.1f}" for value in row.values()))
    Console(width=150).print(table)
    print(append("replay_early", {"replays": options.replays, "clips": options.clips, "rows": told}))


if __name__ == "__main__":
    main()
