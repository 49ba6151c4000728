"""Prompts x views on the same clips: what each did, and whether the two gains add up.

For prompt p, view v and the first of each (p0, v0) the interaction is the difference of differences

    (p, v) - (p, v0) - (p0, v) + (p0, v0)

per clip, averaged, with an interval clustered by source videos. 0: the gains add up. For SHAcc below 0: they
overlap, the second fix mends what the first one mended already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vllm_eval.clustering import clustering
from vllm_eval.engine import Answer
from vllm_eval.evaluator import Scored
from vllm_eval.metrics import Estimate
from vllm_eval.standings import ORDINARY, SWAPPED, Named
from vllm_eval.standings_text import plain, table
from vllm_eval.statistics import MEASURES, Difference, difference_of, paired_difference

_TITLES = {"shacc": "SHAcc", "sberr": "SBErr", "gap": "bias gap", "accuracy": "accuracy"}
_BOUNDS = {"gap": 4.0}  # of an interaction; 2 for shares


@dataclass(frozen=True)
class Cell:
    """A prompt on a view. ``estimates`` by metric; ``of_view`` is its gain over the first view with this
    prompt, ``of_prompt`` over the first prompt on this view, ``both`` over first prompt and view together,
    ``interaction`` what is left; each by measure, empty where it compares with itself."""

    prompt: str
    view: str
    chance: float
    estimates: Mapping[str, Estimate]
    of_view: Mapping[str, Difference]
    of_prompt: Mapping[str, Difference]
    both: Mapping[str, Difference]
    interaction: Mapping[str, Difference]


@dataclass(frozen=True)
class Grid:
    """All prompts on all views of one clip set."""

    dataset: str
    clips: int
    sources: int
    measures: Mapping[str, str]
    prompts: Mapping[str, str]
    cells: tuple[Cell, ...]

    def as_json(self) -> dict[str, Any]:
        """For programs: all shares as fractions."""
        return asdict(self)


Answered = Mapping[tuple[str, str], Scored]  # (prompt id, view) -> its answers


def grid(prompts: Sequence[Named], views: Sequence[str], scored: Answered) -> Grid:
    """Cells in the order of the views, then of the prompts; the first of each is what others are held to."""
    first = scored[prompts[0].id, views[0]]
    clips = first.clips.clips
    swapped = any(clip.background not in (None, clip.human) for clip in clips)
    measures = SWAPPED if swapped else ORDINARY
    cells = tuple(
        _cell(prompt, view, (prompts[0], views[0]), scored, tuple(measures))
        for view in views
        for prompt in prompts
    )
    sources = len({source for clip in clips for source in clip.sources})
    texts = {prompt.label: prompt.text for prompt in prompts}
    return Grid(first.clips.name, len(clips), sources, measures, texts, cells)


def interaction(
    both: Scored, of_view: Scored, of_prompt: Scored, neither: Scored, measure: str
) -> Difference:
    """both - of_prompt - of_view + neither, per clip that none of the four has an error on.

    ``of_view`` has the other view with the first prompt, ``of_prompt`` the other prompt with the first view.
    """
    four = [_kinds(one.answers) for one in (both, of_view, of_prompt, neither)]
    kept = np.asarray(np.all([kinds != "error" for kinds in four], axis=0), np.bool_)
    a, b, c, d = (MEASURES[measure](kinds[kept]) for kinds in four)
    return difference_of(a - b - c + d, clustering(both.clusters(), kept), _BOUNDS.get(measure, 2.0))


def render(found: Grid) -> str:
    """Three tables: the measures, the gains, the interactions; and what is to be read in them."""
    chances = " and ".join(f"{100 * one:.1f} %" for one in sorted({cell.chance for cell in found.cells}))
    head = f"{found.dataset}: {found.clips:,} clips, {found.sources:,} source videos, chance {chances}"
    said = "\n".join(f"{label}: {plain(text)}" for label, text in found.prompts.items())
    blocks = [head, said, _shares(found), _gains(found), _sums(found)]
    return "\n\n".join(block for block in blocks if block)


def _cell(
    prompt: Named, view: str, base: tuple[Named, str], scored: Answered, measures: Sequence[str]
) -> Cell:
    first, ground = base
    here, neither = scored[prompt.id, view], scored[first.id, ground]
    of_view, of_prompt = scored[first.id, view], scored[prompt.id, ground]
    viewed, prompted = view != ground, prompt.id != first.id
    metrics = here.metrics()

    def minus(other: Scored, wanted: bool) -> dict[str, Difference]:
        return {m: _minus(here, other, m) for m in (measures if wanted else ())}

    crossed = {
        measure: interaction(here, of_view, of_prompt, neither, measure)
        for measure in (measures if viewed and prompted else ())
    }
    gains = minus(of_prompt, viewed), minus(of_view, prompted), minus(neither, viewed or prompted)
    return Cell(prompt.label, view, metrics.chance, metrics.estimates(), *gains, crossed)


def _minus(a: Scored, b: Scored, measure: str) -> Difference:
    return paired_difference(a.answers, b.answers, a.clusters(), measure)


def _kinds(answers: Sequence[Answer]) -> np.ndarray[tuple[int, ...], np.dtype[np.str_]]:
    return np.array([answer.kind for answer in answers], dtype="U10")


def _shares(found: Grid) -> str:
    titles = [_TITLES[measure] for measure in found.measures]
    rows = [
        [f"{cell.view}, {cell.prompt}", f"{cell.estimates['shacc'].n:,}"]
        + [_share(cell.estimates[name]) for name in found.measures.values()]
        + [f"{100 * (cell.estimates['unparsed'].value + cell.estimates['refused'].value):.1f}"]
        + [f"{100 * cell.estimates['error'].value:.1f}"]
        for cell in found.cells
    ]
    return table([["% [95 % interval]", "n", *titles, "unusable", "error"], *rows])


def _gains(found: Grid) -> str:
    base = found.cells[0]
    rows = [
        [f"{cell.view}, {cell.prompt}", _TITLES[measure], _points(one), _p(one.p), f"{one.n:,}"]
        for cell in found.cells
        for measure, one in cell.both.items()
    ]
    head = [f"minus {base.view}, {base.prompt}", "", "points [95 % interval]", "p", "pairs"]
    return table([head, *rows]) if rows else ""


def _sums(found: Grid) -> str:
    rows = [
        [f"{cell.view} x {cell.prompt}", _TITLES[measure], _points(one), _p(one.p), _told(one)]
        for cell in found.cells
        for measure, one in cell.interaction.items()
    ]
    head = ["interaction", "", "points [95 % interval]", "p", "the two gains"]
    return table([head, *rows]) if rows else ""


def _told(one: Difference) -> str:
    """An interval that holds 0 is no proof that gains add up: it says how far off that may be."""
    return "do not add up" if one.significant else "may add up"


def _share(one: Estimate) -> str:
    return f"{100 * one.value:.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}]"


def _points(one: Difference) -> str:
    return f"{100 * one.value:+.1f} [{100 * one.low:+.1f}, {100 * one.high:+.1f}]"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
