"""Scores as text for people and as data for programs. Percentages with two decimals, as the paper prints."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from vllm_eval.score.figures import Comparison, Line, source_count
from vllm_eval.score.predictions import Predictions

_HEAD = ("", "%", "95 % interval", "n", "count", "chance")


def header(found: Predictions) -> str:
    """What was read, in two lines or more."""
    choices = f", {found.choices:g} choices" if found.choices else ""
    videos = f", {source_count(found.sources):,} source videos" if found.ids else ""
    return "\n".join(
        [f"{found.name}: {len(found):,} clips{videos}{choices}", *map("  {}".format, found.notes)]
    )


def figures(lines: Sequence[Line]) -> str:
    """One row per figure."""
    return _table([_HEAD, *map(_row, lines)])


def parted(parts: Mapping[str, Sequence[Line]], by: str) -> str:
    """One row per part, its main figures side by side; the others are in the JSON."""
    main = ("accuracy", "SHAcc", "SBErr", "bias gap")
    names = [line.name for line in next(iter(parts.values())) if line.name in main]
    rows = [(by, "n", *(title for name in names for title in (f"{name} %", "95 % interval")))]
    for part, lines in parts.items():
        chosen = {line.name: line.estimate for line in lines}
        pieces = [
            piece for name in names for piece in (_percent(chosen[name].value), _interval(chosen[name]))
        ]
        rows.append((part, f"{chosen[names[0]].n:,}", *pieces))
    return _table(rows)


def comparison(found: Comparison) -> str:
    """Differences, first minus second, with their tests."""
    rows = [
        ("difference, points", "", "95 % interval", "n", "p", "p perm.", "p Holm", "p McNemar", "discordant")
    ]
    for one in found.contrasts:
        d = one.difference
        exact = _p(one.mcnemar.p) if one.mcnemar else ""
        measure = {"shacc": "SHAcc", "sberr": "SBErr", "gap": "bias gap"}.get(one.measure, one.measure)
        tests = (_p(d.p), _p(one.p_permutation), _p(one.p_holm), exact, _percent(d.discordant) + " %")
        rows.append((measure, _signed(d.value), f"[{_signed(d.low)}, {_signed(d.high)}]", f"{d.n:,}", *tests))
    if found.ratio:
        r = found.ratio
        between = f"[{_signed(r.low)}, {_signed(r.high)}]"
        rows.append(("bias ratio", _signed(r.value), between, f"{r.n:,}", "", "", "", "", ""))
    text = [
        f"minus {found.name}: {found.shared:,} shared clips, {found.only_ours:,} only here, "
        f"{found.only_theirs:,} only there",
        _table(rows),
        "p: cluster-robust t; p perm.: cluster permutation; p Holm: that, over the rows; "
        "McNemar ignores shared videos",
    ]
    if found.non_inferiority:
        test = found.non_inferiority
        verdict = "shown" if test.shown else "not shown"
        text.append(
            f"non-inferiority, margin {100 * test.margin:g} points: {verdict} "
            f"(one-sided 95 % bound {_signed(test.low)}, p {_p(test.p)})"
        )
    return "\n".join(text)


def as_json(
    found: Predictions,
    lines: Sequence[Line],
    parts: Mapping[str, Sequence[Line]],
    comparisons: Sequence[Comparison],
) -> dict[str, Any]:
    """Everything, all shares as fractions."""
    return {
        "file": found.name,
        "clips": len(found),
        "source_videos": source_count(found.sources) if found.ids else None,
        "choices": found.choices or None,
        "notes": list(found.notes),
        "metrics": {line.name: _data(line) for line in lines},
        "by": {part: {line.name: _data(line) for line in chosen} for part, chosen in parts.items()},
        "compare": [_finite(asdict(one)) for one in comparisons],
    }


def _data(line: Line) -> dict[str, Any]:
    data = {**asdict(line.estimate), "count": line.count, "chance": line.chance, "interval": line.interval}
    return dict(_finite(data))


def _finite(value: Any) -> Any:
    """JSON has no infinity: None stands for it."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and value in (float("inf"), float("-inf")) else value


def _row(line: Line) -> tuple[str, ...]:
    count = "" if line.count is None else f"{line.count:,}"
    chance = "" if line.chance is None else _percent(line.chance)
    estimate = line.estimate
    return (line.name, _percent(estimate.value), _interval(estimate), f"{estimate.n:,}", count, chance)


def _interval(estimate: Any) -> str:
    return f"[{_percent(estimate.low)}, {_percent(estimate.high)}]"


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"


def _signed(share: float) -> str:
    return f"{100 * share:+.2f}"


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= 0.0001 else f"{value:.0e}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
