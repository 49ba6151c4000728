"""What predictions amount to: metrics with intervals, parts, controls, differences to another system."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from assets.errors import UserError
from vllm_eval.bootstrap import bca
from vllm_eval.breakdown import breakdown
from vllm_eval.clustering import Values, clustering
from vllm_eval.controls import Answered, contrasted_accuracy, harmonic_mean, relative_shacc
from vllm_eval.engine import Answer
from vllm_eval.metrics import BiasMetrics, Estimate, accuracy, bias_metrics
from vllm_eval.noninferiority import NonInferiority, non_inferiority
from vllm_eval.paired_tests import Mcnemar, holm, mcnemar, permutation_test
from vllm_eval.score.cells import label_key
from vllm_eval.score.predictions import Predictions
from vllm_eval.statistics import Difference, paired_difference
from vllm_eval.transitions import transitions

# What the estimates of BiasMetrics are called in print; those that count answers come with their count.
TITLES = {
    "shacc": "SHAcc",
    "sberr": "SBErr",
    "other": "other",
    "unparsed": "unparsed",
    "error": "error",
    "bias_gap": "bias gap",
    "bias_ratio": "bias ratio",
}
WILSON = "Wilson, sources clustered"
_COUNTED = ("shacc", "sberr", "other", "unparsed", "error", "bias_ratio")


@dataclass(frozen=True)
class Line:
    """One figure. ``count`` of its n answers make it up, None where it is no share; ``chance``: guessing."""

    name: str
    estimate: Estimate
    count: int | None = None
    chance: float | None = None
    interval: str = WILSON


@dataclass(frozen=True)
class Contrast:
    """A difference and its tests; ``p_holm`` is the permutation test's p, adjusted for all measures shown."""

    measure: str
    difference: Difference
    p_permutation: float
    p_holm: float
    mcnemar: Mcnemar | None


@dataclass(frozen=True)
class Comparison:
    """``ours - theirs`` on the shared clips, and how many each has alone."""

    name: str
    shared: int
    only_ours: int
    only_theirs: int
    contrasts: tuple[Contrast, ...]
    ratio: Estimate | None
    non_inferiority: NonInferiority | None


def lines_of(found: Predictions) -> list[Line]:
    """All figures of one set of predictions."""
    return _lines(bias_metrics(found.answers, found.sources, found.chance), bool(found.background))


def _lines(metrics: BiasMetrics, swapped: bool) -> list[Line]:
    """The estimates in print order; where no background conflicts the person's label is the right one."""
    chances = metrics.chances()
    titles = TITLES if swapped else {"shacc": "accuracy", "unparsed": "unparsed", "error": "error"}
    found = []
    for name, title in titles.items():
        one: Estimate = getattr(metrics, name)
        guessed = chances[name] if metrics.chance or name in ("bias_gap", "bias_ratio") else None
        count = _count(one) if name in _COUNTED else None
        how = "cluster-robust t" if name in ("bias_gap", "bias_ratio") else WILSON
        found.append(Line(title, one, count, guessed, how))
    return found


def parts_of(found: Predictions, by: str) -> dict[str, list[Line]]:
    """The figures per class, background or value of any column. Raises UserError for an unknown one."""
    columns: dict[str, Sequence[str]] = {"class": found.human, "background": found.background}
    names = columns.get(by) or tuple(fields.get(by, "") for fields in found.fields)
    if not any(names):
        known = ", ".join(dict.fromkeys(["class", "background", *found.fields[0]]))
        raise UserError(f"--by {by}: nothing to part by, expected one of {known}")
    parts = breakdown(found.answers, found.sources, [[name] if name else [] for name in names], found.chance)
    return {name: _lines(metrics, bool(found.background)) for name, metrics in parts.items()}


def control_lines(
    swap: Predictions,
    same: Predictions | None = None,
    kinetics: Predictions | None = None,
    original: Predictions | None = None,
    still: Predictions | None = None,
) -> list[Line]:
    """The figures that need a second set of predictions by the same system."""
    found: list[Line] = []
    whole = Answered(swap.answers, swap.sources)
    bootstrap = "BCa cluster bootstrap"
    if same:
        relative = relative_shacc(whole, Answered(same.answers, same.sources))
        found.append(Line("SHAcc / same-swap SHAcc", relative, None, 1.0, bootstrap))
    if kinetics:
        right = accuracy(kinetics.answers, kinetics.sources)
        found.append(Line(f"accuracy on {kinetics.name}", right, _count(right), kinetics.chance or None))
        mean = harmonic_mean(Answered(kinetics.answers, kinetics.sources), whole)
        same_chance = swap.chance if abs(swap.chance - kinetics.chance) < 1e-12 else None
        found.append(Line("harmonic mean of both", mean, None, same_chance, bootstrap))
    if original:
        found += _transition_lines(swap, original)
    if still:
        found.append(_contrasted_line(swap, still))
    return found


def compare(ours: Predictions, theirs: Predictions, margin: float | None = None) -> Comparison:
    """Paired differences on the clips that both hold. Raises UserError where that is impossible.

    Of accuracy alone where one of them does not tell the backgrounds: it would seem to be free of errors.
    """
    pairs = _shared(ours, theirs)
    a = [ours.answers[i] for i, _ in pairs]
    b = [theirs.answers[j] for _, j in pairs]
    sources = [ours.sources[i] for i, _ in pairs]
    swapped = bool(ours.background and theirs.background)
    measures = ("shacc", "sberr", "gap") if swapped else ("accuracy",)
    ps = {measure: permutation_test(a, b, sources, measure) for measure in measures}
    adjusted = holm(ps)
    contrasts = tuple(
        Contrast(
            measure,
            paired_difference(a, b, sources, measure),
            ps[measure],
            adjusted[measure],
            mcnemar(a, b, measure) if measure != "gap" else None,
        )
        for measure in measures
    )
    return Comparison(
        name=theirs.name,
        shared=len(pairs),
        only_ours=len(ours) - len(pairs),
        only_theirs=len(theirs) - len(pairs),
        contrasts=contrasts,
        ratio=_ratio_difference(a, b, sources) if swapped else None,
        non_inferiority=non_inferiority(a, b, sources, margin, "accuracy") if margin else None,
    )


def _shared(ours: Predictions, theirs: Predictions) -> list[tuple[int, int]]:
    for one in (ours, theirs):
        if not one.ids:
            raise UserError(f"{one.name}: no clip ids to join by; name their column with --clip")
    places = {name: index for index, name in enumerate(theirs.ids)}
    pairs = [(index, places[name]) for index, name in enumerate(ours.ids) if name in places]
    if not pairs:
        raise UserError(
            f"{ours.name} and {theirs.name} share no clip: {ours.ids[0]!r} against {theirs.ids[0]!r}, "
            "expected the same ids; check --clip"
        )
    for i, j in pairs:
        for mine, other in ((ours.human, theirs.human), (ours.background, theirs.background)):
            if mine and other and _differ(mine[i], other[j]):
                raise UserError(
                    f"clip {ours.ids[i]!r} is {mine[i]!r} in {ours.name} but {other[j]!r} in {theirs.name}, "
                    "expected the same labels; these are different clips"
                )
    return pairs


def _differ(mine: str, other: str) -> bool:
    """Whether two labels name different classes; places of unknown choices (#2) say nothing."""
    return "#" not in (mine[:1], other[:1]) and label_key(mine) != label_key(other)


def _ratio_difference(
    a: Sequence[Answer], b: Sequence[Answer], sources: Sequence[tuple[str, ...]]
) -> Estimate | None:
    kept = np.array(["error" not in (x.kind, y.kind) for x, y in zip(a, b, strict=True)], np.bool_)
    columns = np.stack([*_named(a), *_named(b)], axis=1)[kept]
    if not len(columns) or not columns[:, [1, 3]].sum(axis=0).all():
        return None
    return bca(columns, _ratio_gap, clustering(sources, kept), (-1.0, 1.0))


def _named(answers: Sequence[Answer]) -> tuple[Values, Values]:
    """Per answer: background named, either of the two named."""
    background = np.array([answer.kind == "background" for answer in answers], np.float64)
    return background, background + np.array([answer.kind == "human" for answer in answers], np.float64)


def _ratio_gap(sums: Values) -> Values:
    whole = np.maximum(sums, 1e-12)
    return np.asarray(sums[..., 0] / whole[..., 1] - sums[..., 2] / whole[..., 3], np.float64)


def _transition_lines(swap: Predictions, original: Predictions) -> list[Line]:
    places = {name: index for index, name in enumerate(original.persons)}
    known = [index for index, name in enumerate(swap.persons) if name in places]
    if not known:
        raise UserError(
            f"{original.name} holds none of the persons of {swap.name}, expected ids that name the same "
            f"videos as {swap.persons[0] if swap.persons else 'its clips'}"
        )
    before = [original.answers[places[swap.persons[index]]] for index in known]
    after = [swap.answers[index] for index in known]
    found = transitions(before, after, [swap.sources[index] for index in known])
    c = swap.chance
    return [
        Line("original right: kept", found.kept, _count(found.kept), c or None),
        Line("original right: to background", found.to_background, _count(found.to_background), c or None),
        Line("original right: elsewhere", found.elsewhere, _count(found.elsewhere), 1 - 2 * c if c else None),
    ]


def _contrasted_line(swap: Predictions, still: Predictions) -> Line:
    pairs = _shared(swap, still)
    right = contrasted_accuracy(
        [swap.answers[i] for i, _ in pairs],
        [still.answers[j] for _, j in pairs],
        [swap.sources[i] for i, _ in pairs],
    )
    c = swap.chance
    return Line("contrasted accuracy", right, _count(right), c * (1 - c) if c else None)


def _count(share: Estimate) -> int:
    return round(share.value * share.n)


def source_count(sources: Iterable[tuple[str, ...]]) -> int:
    """How many different videos stand behind the clips."""
    return len({name for names in sources for name in names})
