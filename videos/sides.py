"""The sides of a data set as runs divide it: what is tuned and selected on, and what is tested on."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256

from assets.errors import UserError
from videos.clip import Clip, ClipSet
from videos.groups import video_of

# A side that gets less than this part of its share, because clips hang together, is a failed division.
ENOUGH = 0.8


def divide(clips: ClipSet, fractions: Mapping[str, float], seed: int) -> tuple[dict[str, ClipSet], str]:
    """The sides, and what had to be left out for them ("" when nothing).

    Clips that share sources stay together where that gives every side about its share. Where nearly all
    clips hang together, as in action swaps at full size, sources are dealt out instead, and a clip whose
    sources fell on different sides is left out. Sources of one video (``video_of``) are one source.
    """
    try:
        sides = clips.split(fractions, seed)
    except UserError:
        sides = {}
    if all(len(sides.get(name, ())) >= ENOUGH * share * len(clips) for name, share in fractions.items()):
        return sides, ""
    sides = _by_sources(clips, fractions, seed)
    cut = len(clips) - sum(len(side) for side in sides.values())
    told = f"{clips.name}: {cut} of {len(clips)} clips left out, they link two sides"
    return sides, told if cut else ""


def _by_sources(clips: ClipSet, fractions: Mapping[str, float], seed: int) -> dict[str, ClipSet]:
    links = _links(clips.clips)
    side_of = _deal_sources(links, fractions, seed)
    kept: dict[str, list[Clip]] = {name: [] for name in fractions}
    for clip, link in zip(clips.clips, links, strict=True):
        sides = {side_of[source] for source in link}
        if len(sides) == 1:
            kept[sides.pop()].append(clip)
    for name, side in kept.items():
        if not side:
            raise UserError(f"no clip of {clips.name} is left for the {name} side; use more clips")
    return {name: ClipSet(f"{clips.name}/{name}", tuple(side), clips.classes) for name, side in kept.items()}


def _links(clips: Sequence[Clip]) -> list[tuple[str, ...]]:
    """Each clip's sources, a video of several names under the first of them."""
    # A source's name decides where dealing starts; by the video's all sets would be divided anew.
    names = sorted({source for clip in clips for source in clip.sources}, reverse=True)
    name_of = {video_of(name): name for name in names}
    return [tuple(name_of[video_of(source)] for source in clip.sources) for clip in clips]


def _deal_sources(
    links: Sequence[tuple[str, ...]], fractions: Mapping[str, float], seed: int
) -> dict[str, str]:
    """Linear deterministic greedy partitioning (Stanton & Kliot 2012): each source goes where most of its
    neighbours are, less the fuller a side is. Far fewer clips are cut than by dealing at random."""
    neighbours: dict[str, list[str]] = defaultdict(list)
    for link in links:
        for source in link:
            neighbours[source].extend(other for other in link if other != source)
    room = {name: share * len(neighbours) for name, share in fractions.items()}
    filled = dict.fromkeys(fractions, 0)
    side_of: dict[str, str] = {}
    for source in _walk(neighbours, seed):
        around = [side_of[other] for other in neighbours[source] if other in side_of]
        free = {name: 1 - filled[name] / room[name] for name in fractions}
        chosen = max(fractions, key=lambda name: ((around.count(name) + 1e-3) * free[name], free[name]))
        side_of[source] = chosen
        filled[chosen] += 1
    return side_of


def _walk(neighbours: Mapping[str, Sequence[str]], seed: int) -> list[str]:
    """All sources, each after a neighbour where it has one; where to start is seeded."""
    found: dict[str, None] = {}
    for start in sorted(neighbours, key=lambda source: sha256(f"{seed}:{source}".encode()).digest()):
        waiting = [start]
        while waiting:
            source = waiting.pop()
            if source not in found:
                found[source] = None
                waiting.extend(sorted(neighbours[source], reverse=True))
    return list(found)
