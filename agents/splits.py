"""Which clips a run tunes, selects and reports on.

What a prompt is chosen by, the tune, select and agreement clips, shares no source video with one another nor
with what is reported. The reported sets, test among them, may share some with each other: that chooses
nothing, their figures only depend on each other a little.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agents.config import DataConfig
from assets.errors import UserError
from videos.clip import Clip, ClipSet
from videos.groups import video_of
from videos.sides import divide
from vllm_eval.clustering import clustering

Load = Callable[[str, str], ClipSet]


@dataclass(frozen=True)
class Data:
    """``tune``: what proposals are scored on. ``reports``: by name, test first; looked at once, at the end.

    ``agreement`` are ordinary clips the winner must not lose on. ``dropped`` explains what was left out.
    """

    tune: ClipSet
    select: ClipSet
    reports: Mapping[str, ClipSet]
    agreement: ClipSet | None
    dropped: tuple[str, ...] = ()


def load_data(config: DataConfig, load: Load) -> Data:
    """All clip sets of a run. Raises UserError when a side would be empty."""
    notes: list[str] = []

    def loaded(dataset: str) -> ClipSet:
        # Clips without files are warned of; a run tells it among the other things left out.
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            clips = load(dataset, _place(config.root, dataset))
        notes.extend(str(warning.message) for warning in caught)
        return clips

    sides, dropped = divide(loaded(config.swap), config.fractions.model_dump(), config.seed)
    notes.extend([dropped] if dropped else [])
    tune = sides["tune"].take(config.tune_clips, config.seed)
    select = _some(sides["select"], config.select_clips, config.seed)
    searched = _videos(*tune.clips, *select.clips)
    reports = {"test": _some(sides["test"], config.test_clips, config.seed)}
    for name, dataset in (("mimetics", config.mimetics), ("kinetics", config.kinetics)):
        if dataset is not None:
            apart = _without(loaded(dataset), searched, notes)
            reports[name] = _some(apart, config.report_clips, config.seed)
    agreement = None
    if config.agreement is not None:
        reported = _videos(*(clip for clips in reports.values() for clip in clips.clips))
        whole = _without(loaded(config.agreement), searched | reported, notes)
        agreement = whole.take(config.agreement_clips, config.seed)
    return Data(tune, select, reports, agreement, tuple(notes))


def effective_clips(clips: ClipSet) -> float:
    """How many independent clips this set is worth, sources being shared."""
    sources = [clip.sources for clip in clips.clips]
    return min(len(clips), clustering(sources, np.ones(len(clips), np.bool_)).groups)


def _place(root: str, dataset: str) -> str:
    """Where a data set lies: in the root's folder of its name, else in the root itself."""
    folder = Path(root).expanduser() / dataset.partition(":")[0]
    return str(folder) if folder.is_dir() else root


def _some(clips: ClipSet, n: int | None, seed: int) -> ClipSet:
    return clips if n is None else clips.take(n, seed)


def _videos(*clips: Clip) -> set[str]:
    return {video_of(source) for clip in clips for source in clip.sources}


def _without(clips: ClipSet, videos: set[str], notes: list[str]) -> ClipSet:
    """Clips that share no video with these. Raises UserError when none is left."""
    kept = tuple(clip for clip in clips.clips if videos.isdisjoint(_videos(clip)))
    if not kept:
        raise UserError(f"every clip of {clips.name} is also used elsewhere in this run; leave that set out")
    if len(kept) < len(clips):
        gone = len(clips) - len(kept)
        notes.append(f"{clips.name}: {gone} of {len(clips)} clips left out, their videos serve elsewhere")
    return replace(clips, clips=kept)
