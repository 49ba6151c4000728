"""What the paper found, put to the figures of a table: holds, does not hold, or undecided.

A finding holds where both intervals say so: over clips (paired, for these seeds) and over seeds. Of a single
seed nothing is decided. "At no cost" allows the accuracy to be ``MARGIN`` less.
"""

from collections.abc import Mapping, Sequence

from classifiers.lines import Line, Minus
from classifiers.paper import BASELINE

MARGIN = 0.02
FUSED = ("dual_sum", "dual_stack", "weighted_focus", "weighted_focus_safe")
HOLDS, FAILS, OPEN = "holds", "does not hold", "undecided"


def findings(lines: Sequence[Line]) -> dict[str, str]:
    """By finding its verdict, with points and intervals."""
    by_name = {line.row.name: line for line in lines}
    told: dict[str, str] = {}
    if "segmented" in by_name:
        told |= _less(by_name["segmented"].differences, "segmented: {} than Slow-Only")
        told |= _least(by_name)
    for name in FUSED:
        minus = by_name[name].differences if name in by_name else {}
        if minus:
            told[f"{name}: less SBErr than Slow-Only"] = less(minus["SBErr"])
            told[f"{name}: at no cost in Kinetics-50 accuracy"] = no_less(minus["K50"])
    for line in lines:
        told |= _less(line.augmentation, line.row.name + ": {} than without augmentation")
    return told


def less(minus: Minus) -> str:
    """Whether a difference is below 0."""
    (low, high), said = _reach(minus), _said(minus)
    return f"{HOLDS if high < 0 else FAILS if low > 0 else OPEN} ({said})"


def no_less(minus: Minus, margin: float = MARGIN) -> str:
    """Whether a difference is above -margin."""
    (low, high), said = _reach(minus), _said(minus)
    return f"{HOLDS if low > -margin else FAILS if high < -margin else OPEN} ({said})"


def _less(minus: Mapping[str, Minus], text: str) -> dict[str, str]:
    columns = {"SBErr": "less SBErr", "K50": "less Kinetics-50 accuracy"}
    return {text.format(said): less(minus[name]) for name, said in columns.items() if name in minus}


def _least(lines: Mapping[str, Line]) -> dict[str, str]:
    """Whether Segmented has the least SBErr of the rows without augmentation, by their means."""
    plain = {name: one for name, one in lines.items() if not one.row.augmented and "SBErr" in one.figures}
    if len(plain) < 3 or BASELINE not in plain:
        return {}
    best = min(plain, key=lambda name: plain[name].figures["SBErr"].mean)
    shares = ", ".join(f"{name} {100 * one.figures['SBErr'].mean:.1f}" for name, one in plain.items())
    return {
        "segmented: the least SBErr without augmentation": (
            f"{HOLDS if best == 'segmented' else FAILS} (means, %: {shares})"
        )
    }


def _reach(minus: Minus) -> tuple[float, float]:
    """From the lower of both intervals' ends to the higher."""
    return min(minus.clips.low, minus.seeds.low), max(minus.clips.high, minus.seeds.high)


def _said(minus: Minus) -> str:
    return f"{minus.text()} points, n {minus.clips.n}, {minus.seeds.seeds} seeds"
