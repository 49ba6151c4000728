"""The rows of a table: the runs behind them, what was measured, differences to another row."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import mean
from typing import Any

from classifiers.config import Config
from classifiers.judging import EVALUATION, OF, Asked, chosen, prediction_file, read_figures
from classifiers.paper import BASELINE, Row, without_augmentation
from classifiers.tables import COLUMNS, Summary, difference, difference_over_seeds, summary
from vllm_eval.statistics import Difference


@dataclass(frozen=True)
class Sets:
    """Which clips stand behind the columns, at most ``most`` of each."""

    kinetics: str
    mimetics: str
    swap: str
    most: int | None

    def of(self, column: str) -> str:
        """The set behind a column."""
        return str(getattr(self, COLUMNS[column][0]))

    @property
    def asked(self) -> Asked:
        """As evaluation takes them."""
        return Asked((self.kinetics, self.mimetics, self.swap), most=self.most)


@dataclass(frozen=True)
class Minus:
    """A row less another one of the same seeds.

    ``clips`` is paired by clip and by seed: its interval holds for these very seeds. ``seeds`` is over the
    seeds' own differences: its interval tells whether other seeds would show the same.
    """

    clips: Difference
    seeds: Summary

    def text(self) -> str:
        """In points: mean [over clips] [over seeds]."""
        over = [(self.clips.low, self.clips.high)]
        over += [(self.seeds.low, self.seeds.high)] if self.seeds.sd is not None else []
        told = " ".join(f"[{100 * low:+.1f}, {100 * high:+.1f}]" for low, high in over)
        return f"{100 * self.clips.value:+.1f} {told}"


@dataclass(frozen=True)
class Line:
    """A row with what was measured: by column the summary, the difference to the baseline and, of an
    augmented row, to the same model without augmentation."""

    row: Row
    seeds: tuple[int, ...]
    figures: Mapping[str, Summary]
    differences: Mapping[str, Minus] = field(default_factory=dict)
    augmentation: Mapping[str, Minus] = field(default_factory=dict)
    ratio: tuple[float, float] | None = None


def config_of(base: Config, row: Row, seed: int, backgrounds: str) -> Config:
    """The configuration of one run."""
    augment = base.augment.model_dump() | {"backgrounds": backgrounds if row.augmented else None}
    return base.changed(model=row.model, seed=seed, augment=augment)


def judged(config: Config, sets: Sets) -> dict[str, Any] | None:
    """A run's figures by set, where all three are there, of these data and the weights its recipe takes."""
    found = read_figures(config.folder / EVALUATION)
    of = [found.get(sets.asked.key(name), {}).get(OF, {}) for name in sets.asked.sets]
    select, root = f"{config.recipe.select} ", config.data.root
    same = all(one.get("root") == root and str(one.get("weights")).startswith(select) for one in of)
    return found if same else None


def collect(
    base: Config, rows: Sequence[Row], seeds: Sequence[int], sets: Sets, backgrounds: str
) -> list[Line]:
    """What has been measured so far, rows in the paper's order."""
    configs = {row.name: {seed: config_of(base, row, seed, backgrounds) for seed in seeds} for row in rows}
    there = {
        name: {seed: one for seed, one in by_seed.items() if judged(one, sets)}
        for name, by_seed in configs.items()
    }
    sources = _Sources(base.data.root, sets)
    lines = []
    for row in (row for row in rows if there[row.name]):
        mine = there[row.name]
        minus = {
            name: _minus(mine, there.get(name, {}), sets, sources)
            for name in {BASELINE, without_augmentation(row.name)} - {row.name}
        }
        plain = minus.get(without_augmentation(row.name), {}) if row.augmented else {}
        figures = _figures(mine, sets)
        lines.append(
            Line(row, tuple(mine), figures, minus.get(BASELINE, {}), plain, _ratio(list(mine.values())))
        )
    return lines


def _figures(mine: Mapping[int, Config], sets: Sets) -> dict[str, Summary]:
    figures = {}
    for column, (_, protocol, measure) in COLUMNS.items():
        key = sets.asked.key(sets.of(column))
        found = [(judged(one, sets) or {})[key].get(protocol) for one in mine.values()]
        if None not in found:
            figures[column] = summary([one[measure] for one in found if one is not None])
    return figures


def _minus(
    mine: Mapping[int, Config],
    other: Mapping[int, Config],
    sets: Sets,
    sources: Callable[[str], Mapping[str, tuple[str, ...]]],
) -> dict[str, Minus]:
    common = [seed for seed in mine if seed in other]
    found = {}
    for column, (_, protocol, measure) in COLUMNS.items() if common else ():
        name = sets.of(column)
        ours, theirs = (
            [prediction_file(where[seed].folder, name, protocol, most=sets.most) for seed in common]
            for where in (mine, other)
        )
        if all(path.exists() for path in (*ours, *theirs)):
            found[column] = Minus(
                difference(ours, theirs, sources(column), measure),
                difference_over_seeds(ours, theirs, measure),
            )
    return found


class _Sources:
    """By column the sources of its set's clips, each set loaded once."""

    def __init__(self, root: str, sets: Sets) -> None:
        self.root, self.sets = root, sets
        self.known: dict[str, dict[str, tuple[str, ...]]] = {}

    def __call__(self, column: str) -> dict[str, tuple[str, ...]]:
        name = self.sets.of(column)
        if name not in self.known:
            self.known[name] = {clip.id: clip.sources for clip in chosen(name, self.root, (), None).clips}
        return self.known[name]


def _ratio(configs: Sequence[Config]) -> tuple[float, float] | None:
    """Weighted-Focus's ratio in the last epoch, mean over seeds of its mean and of its spread over clips."""
    rows = [json.loads((one.folder / "log.jsonl").read_text().splitlines()[-1]) for one in configs]
    if "ratio_sd" not in rows[0]:
        return None
    return mean(one["ratio_mean"] for one in rows), mean(one["ratio_sd"] for one in rows)


def as_json(line: Line) -> dict[str, Any]:
    """Everything of a line."""
    return {
        "row": line.row.name, "seeds": list(line.seeds),
        "figures": {name: asdict(one) for name, one in line.figures.items()},
        "minus baseline": {name: asdict(one) for name, one in line.differences.items()},
        "minus itself without augmentation": {name: asdict(one) for name, one in line.augmentation.items()},
        "ratio mean and sd over clips": line.ratio, "published": line.row.published,
        "published five-way": line.row.five_way, "published mean of five": line.row.five_runs,
    }  # fmt: skip
