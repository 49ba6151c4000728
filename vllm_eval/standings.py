"""What several prompts did on one clip set: each one's metrics, and the paired difference to the first."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vllm_eval.evaluator import Scored
from vllm_eval.metrics import Estimate
from vllm_eval.statistics import Difference, paired_difference

# Measure of a paired difference -> the estimate of BiasMetrics it belongs to.
SWAPPED = {"shacc": "shacc", "sberr": "sberr", "gap": "bias_gap"}
ORDINARY = {"accuracy": "shacc"}


@dataclass(frozen=True)
class Row:
    """One prompt. ``estimates`` are shares with their n; ``differences`` by measure, empty for the first."""

    label: str
    prompt_id: str
    text: str
    format_key: str
    chance: float
    estimates: Mapping[str, Estimate]
    differences: Mapping[str, Difference]


@dataclass(frozen=True)
class Standings:
    """All prompts on one clip set. ``measures``: what is compared, with the estimate it belongs to.

    Where no clip's background conflicts there is one, accuracy.
    """

    dataset: str
    clips: int
    sources: int
    measures: Mapping[str, str]
    rows: tuple[Row, ...]

    def as_json(self) -> dict[str, Any]:
        """For programs: all shares as fractions."""
        return asdict(self)


@dataclass(frozen=True)
class Named:
    """A prompt as it was asked for: its label in tables, its id and its text."""

    label: str
    id: str
    text: str


def standings(prompts: Sequence[Named], scored: Mapping[str, Scored]) -> Standings:
    """Rows in the order of the prompts; ``scored`` by prompt id, as ``Evaluator.evaluate`` returns it."""
    first = scored[prompts[0].id]
    clips = first.clips.clips
    swapped = any(clip.background not in (None, clip.human) for clip in clips)
    measures = SWAPPED if swapped else ORDINARY
    rows = tuple(_row(prompt, scored[prompt.id], first, measures) for prompt in prompts)
    sources = len({source for clip in clips for source in clip.sources})
    return Standings(first.clips.name, len(clips), sources, measures, rows)


def _row(prompt: Named, scored: Scored, first: Scored, measures: Mapping[str, str]) -> Row:
    metrics = scored.metrics()
    compared = scored.prompt_id != first.prompt_id
    differences = {
        measure: paired_difference(scored.answers, first.answers, scored.clusters(), measure)
        for measure in (measures if compared else ())
    }
    estimates = metrics.estimates()
    if "gap" not in measures:  # a share of backgrounds has no meaning where none conflicts
        estimates = {
            name: one for name, one in estimates.items() if name not in ("sberr", "bias_gap", "bias_ratio")
        }
    return Row(
        prompt.label, prompt.id, prompt.text, scored.format_key, metrics.chance, estimates, differences
    )
