"""Ways of choosing the best prompt of a pool, replayed from stored answers. None sees more than it buys."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.race import Race, Rules
from agents.race_board import Seen

Values = NDArray[np.float64]
Order = NDArray[np.intp]

PER_ROUND, FINALISTS = 4, 4  # as a run proposes and settles by default


@dataclass(frozen=True)
class Stored:
    """Answers in the order in which prompts arrive and clips are asked: all arrays [prompts, clips].

    ``gaps`` +1, -1, 0; ``soft`` p(human) - p(background); ``labels`` numbers of the choices answered.
    Prompt 0 is the neutral one, which every race begins with.
    """

    gaps: Values
    soft: Values
    labels: NDArray[np.int8]

    def shuffled(self, humans: Sequence[str], rng: np.random.Generator) -> "Stored":
        """Another order of arrival, neutral first, and another order of clips spread over human classes."""
        prompts = np.r_[0, 1 + rng.permutation(len(self.gaps) - 1)]
        return self.part(prompts, spread(humans, rng))

    def part(self, prompts: Order, clips: Order) -> "Stored":
        """These prompts and clips in this order."""
        at = np.ix_(prompts, clips)
        return Stored(self.gaps[at], self.soft[at], self.labels[at])


@dataclass(frozen=True)
class Choice:
    """The index of the prompt chosen, and the answers bought for it."""

    prompt: int
    bought: int


Method = Callable[[Stored, np.random.Generator], Choice]


def spread(humans: Sequence[str], rng: np.random.Generator) -> Order:
    """A random order of clips in which the classes take turns."""
    turns: dict[str, int] = {}
    keys = []
    for index in rng.permutation(len(humans)).tolist():
        place = turns[humans[index]] = turns.get(humans[index], -1) + 1
        keys.append((place, float(rng.random()), index))
    return np.array([index for _, _, index in sorted(keys)], np.intp)


def full(stored: Stored, rng: np.random.Generator) -> Choice:
    """Every prompt on every clip."""
    return Choice(int(stored.gaps.mean(axis=1).argmax()), stored.gaps.size)


def subset(clips: int, soft: bool = False) -> Method:
    """Every prompt on the same few clips; ties by chance. ``soft`` goes by probabilities."""

    def choose(stored: Stored, rng: np.random.Generator) -> Choice:
        values = stored.soft if soft else stored.gaps
        return Choice(_best(values[:, :clips].mean(axis=1), rng), len(values) * clips)

    return choose


def halving(budget: float, soft: bool = False) -> Method:
    """Successive halving (Karnin, Koren & Somekh 2013) on common clips, with this share of all answers.

    Each stage takes an equal part of the budget; who survived is ranked by all its clips.
    """

    def choose(stored: Stored, rng: np.random.Generator) -> Choice:
        values, total = stored.soft if soft else stored.gaps, budget * stored.gaps.size
        alive, seen, bought = np.arange(len(values)), 0, 0
        stages = int(np.ceil(np.log2(len(values))))
        for _ in range(stages):
            more = min(int(total / stages / len(alive)), values.shape[1] - seen)
            bought, seen = bought + more * len(alive), seen + more
            ranks = values[alive, :seen].mean(axis=1) if seen else np.zeros(len(alive))
            order = np.lexsort((rng.random(len(alive)), -ranks))
            alive = alive[order[: -(-len(alive) // 2)]]
        return Choice(int(alive[0]), bought)

    return choose


def upper_bounds(budget: float, start: int = 4, step: int = 4, at_once: int = 8) -> Method:
    """LUCB in batches (after Kalyanakrishnan et al. 2012): those of the highest upper bound are asked on."""

    def choose(stored: Stored, rng: np.random.Generator) -> Choice:
        count, clips = stored.gaps.shape
        sums, n = stored.gaps[:, :start].sum(axis=1), np.full(count, start)
        bought, total = count * start, budget * stored.gaps.size
        while bought < total and (n < clips).any():
            bounds = sums / n + 0.9 * np.sqrt(1 / n) + 1e-9 * rng.random(count)
            for index in np.argsort(np.where(n < clips, -bounds, np.inf))[:at_once].tolist():
                new = stored.gaps[index, n[index] : n[index] + step]
                sums[index], n[index], bought = (
                    sums[index] + new.sum(),
                    n[index] + len(new),
                    bought + len(new),
                )
        lower = sums / n - 0.5 * np.sqrt(1 / n)
        return Choice(_best(lower, rng), int(bought))

    return choose


def race(block: int, rules: Rules, finalists: int = FINALISTS) -> Method:
    """The race of a run: candidates arrive in rounds and meet the best so far; then finalists are settled."""

    def choose(stored: Stored, rng: np.random.Generator) -> Choice:
        count, clips = stored.gaps.shape
        bought = 0

        def ask(prompts: Sequence[str], number: int) -> Mapping[str, Seen]:
            nonlocal bought
            part = slice(number * block, min(clips, (number + 1) * block))
            bought += len(prompts) * (part.stop - part.start)
            return {name: part_of(stored, int(name), part) for name in prompts}

        sizes = [min(block, clips - start) for start in range(0, clips, block)]
        running = Race(sizes, range(clips), rules, ask)
        running.references(["0"])
        for start in range(1, count, PER_ROUND):
            running.run([str(index) for index in range(start, min(count, start + PER_ROUND))])
        for _ in range(2 * finalists):
            scores = running.scores()
            ahead = sorted((p for p in scores if p not in running.twins), key=lambda p: -scores[p])
            lacking = [p for p in ahead[:finalists] if running.lacking(p)]
            if not lacking:
                break
            running.complete(lacking[:1])
        scores = running.scores()
        whole = [p for p in scores if p not in running.twins and not running.lacking(p)]
        return Choice(int(max(whole, key=lambda p: scores[p])), bought)

    return choose


def part_of(stored: Stored, index: int, part: slice) -> Seen:
    """What a prompt answered on some clips, as a race reads it."""
    labels = tuple(map(str, stored.labels[index, part].tolist()))
    return Seen(stored.gaps[index, part], stored.soft[index, part], labels)


def _best(values: Values, rng: np.random.Generator) -> int:
    """The highest, ties by chance."""
    return int(rng.choice(np.flatnonzero(values >= values.max() - 1e-12)))
