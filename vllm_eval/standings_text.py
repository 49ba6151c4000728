"""Standings for people: tables in percent with intervals, n and chance."""

from collections.abc import Iterator, Sequence

from vllm_eval.metrics import Estimate
from vllm_eval.standings import Standings
from vllm_eval.statistics import Difference

_TITLES = {"shacc": "SHAcc", "sberr": "SBErr", "gap": "bias gap", "accuracy": "accuracy"}
_REST = ("other", "unparsed", "refused", "error")


def render(found: Standings) -> str:
    """What was asked, the measures, the differences, and what else was answered."""
    return "\n\n".join(_blocks(found))


def plain(text: str) -> str:
    """One line without meaning to a terminal: prompts and replies may come from a model."""
    return "".join(c if c.isprintable() else " " if c == "\n" else repr(c)[1:-1] for c in text)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns two blanks apart, the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _blocks(found: Standings) -> Iterator[str]:
    chances = sorted({row.chance for row in found.rows})
    chance = " and ".join(f"{100 * one:.1f} %" for one in chances)
    yield f"{found.dataset}: {found.clips:,} clips, {found.sources:,} source videos, chance {chance}"
    yield "\n".join(f"{row.label}: {plain(row.text)}" for row in found.rows)
    yield _measures(found)
    if len(found.rows) > 1:
        yield _differences(found)
    yield _others(found)


def _measures(found: Standings) -> str:
    names = [*found.measures.values(), *(["bias_ratio"] if "bias_ratio" in found.rows[0].estimates else [])]
    titles = [*(_TITLES[measure] for measure in found.measures), "bias ratio"][: len(names)]
    rows = [
        [row.label, f"{row.estimates['shacc'].n:,}", *(_share(row.estimates[name]) for name in names)]
        for row in found.rows
    ]
    return table([["% [95 % interval]", "n", *titles], *rows])


def _differences(found: Standings) -> str:
    """A row per prompt and measure: the figures of three measures do not fit side by side."""
    head = [f"minus {found.rows[0].label}", "", "points [95 % interval]", "p", "pairs"]
    rows = [
        [row.label, _TITLES[measure], _points(one), _p(one.p), f"{one.n:,}"]
        for row in found.rows
        for measure, one in row.differences.items()
    ]
    return table([head, *rows])


def _others(found: Standings) -> str:
    names = [name for name in _REST if name in found.rows[0].estimates]
    rows = [[row.label, *(_share(row.estimates[name]) for name in names)] for row in found.rows]
    return table([["% [95 % interval]", *names], *rows])


def _share(one: Estimate) -> str:
    return f"{100 * one.value:.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}]"


def _points(one: Difference) -> str:
    return f"{100 * one.value:+.1f} [{100 * one.low:+.1f}, {100 * one.high:+.1f}]"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
