"""The order in which a race asks clips: one for all prompts, so that any two compare on what both saw."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from videos.clip import Clip, ClipSet


def racing_order(clips: ClipSet, seed: int) -> ClipSet:
    """The same clips in an order whose every beginning is spread over human classes and variants (tags).

    Clips of one source unit (the video of the person, ``unit_of``) stand together: a race looks at whole
    units only, as they are what is independent. Depends on ids and the seed alone, not on the order given.
    """
    units: dict[str, list[Clip]] = defaultdict(list)
    for clip in sorted(clips.clips, key=lambda clip: _rank(seed, clip.id)):
        units[unit_of(clip)].append(clip)
    strata: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for unit, members in sorted(units.items(), key=lambda item: _rank(seed, item[0])):
        strata[members[0].human, members[0].tags].append(unit)
    ordered = _alternating(strata, seed)
    return replace(clips, clips=tuple(clip for unit in ordered for clip in units[unit]))


def unit_of(clip: Clip) -> str:
    """The source that clips of one unit share: the first named, which is the video of the person."""
    return clip.sources[0] if clip.sources else clip.id


def blocks(clips: ClipSet, size: int) -> list[ClipSet]:
    """Consecutive blocks of at least ``size`` clips (the last may have fewer) that cut no unit in two."""
    parts: list[list[Clip]] = [[]]
    for clip in clips.clips:
        full = len(parts[-1]) >= size and unit_of(parts[-1][-1]) != unit_of(clip)
        if full:
            parts.append([])
        parts[-1].append(clip)
    return [replace(clips, clips=tuple(part)) for part in parts if part]


def _alternating(strata: dict[tuple[str, tuple[str, ...]], list[str]], seed: int) -> Sequence[str]:
    """Variants take turns within a class, then classes take turns."""
    by_class: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for (human, _), queue in strata.items():
        by_class[human].extend((place, _rank(seed, unit), unit) for place, unit in enumerate(queue))
    turns = [
        (place, _rank(seed, f"{place}:{human}"), unit)
        for human, queue in by_class.items()
        for place, (_, _, unit) in enumerate(sorted(queue))
    ]
    return [unit for _, _, unit in sorted(turns)]


def _rank(seed: int, text: str) -> str:
    return sha256(f"race:{seed}:{text}".encode()).hexdigest()
