"""Sides that share no source video, drawn by hashes so that added clips leave the old ones where they are.

Clips that share a source, as person or as scene, form a group, and a group stands on one side. Its place is a
hash in 0..1 of its head, the source with the smallest hash; the sides are stretches of that line. A group
crosses a border only where a class and variant would stray too far from their share, or a side from its size,
and then those go whose places lie nearest.

What added clips do to old ones: nothing, unless

- they join a group. It moves only if a new source becomes its head, which has one chance in the number of its
  sources; of two groups joined into one, the smaller is the likelier to move;
- they push a class or a side over its slack (the constants below). Then groups nearest the border cross it,
  no more than needed. No other moves, however many clips are added.

Where nearly all clips hang together such sides are far from their shares: ``videos.sides`` deals out sources.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from assets.errors import UserError
from videos.clip import Clip, ClipSet
from videos.groups import components, unit_hash, video_of

SIDE_SLACK = 0.03  # how far a side may be from its size, relative to it and to what the next ones hold
CLASS_SLACK = 0.25  # the same for a class and variant, but never less than CLASS_GROUPS of its groups
CLASS_GROUPS = 2
PAPER_PAIRS, PAPER_TUNE, PAPER_SEED = 2485, 621, 42  # round(0.25 * 2485) = 621

_SAMPLE = re.compile(r"sample_(\d{6})_")

Stratum = tuple[str, str]


@dataclass(frozen=True)
class Division:
    """Named sides of ``whole``, every clip of it on one.

    ``disjoint`` is False where sides share sources, as the paper's do: what is reported on one is then not
    independent of what was tuned on another.
    """

    whole: ClipSet
    sides: Mapping[str, ClipSet]
    disjoint: bool = True

    def summary(self) -> str:
        """One line: the sides, and whether they share sources."""
        sides = ", ".join(f"{name} {len(side)}" for name, side in self.sides.items())
        told = f"{self.whole.name}: {sides}"
        return told if self.disjoint else f"{told}; NOT source-disjoint: {self._shared()}"

    def table(self) -> list[dict[str, object]]:
        """A row a side: its clips, their share of all, source videos, classes, clips by variant."""
        return [
            {
                "side": name,
                "clips": len(side),
                "share": len(side) / len(self.whole),
                "sources": len(_videos(side.clips)),
                "classes": len({clip.human for clip in side.clips}),
                "variants": dict(Counter(_stratum(clip)[1] for clip in side.clips)),
            }
            for name, side in self.sides.items()
        ]

    def shared(self, name: str) -> int:
        """How many clips of this side show a source video that another side shows too."""
        others = _videos(clip for other, side in self.sides.items() if other != name for clip in side.clips)
        return sum(not others.isdisjoint(_videos([clip])) for clip in self.sides[name].clips)

    def _shared(self) -> str:
        counts = (f"{self.shared(name)} of {len(side)} {name}" for name, side in self.sides.items())
        return f"{' and '.join(counts)} clips share a source video with another side"


def split_whole(clips: ClipSet, fractions: Mapping[str, float], seed: int) -> Division:
    """Sides, each in the set's order; no clip is left out, however large the groups.

    Raises UserError when fractions are not positive or do not sum to one, or a side stays empty.
    """
    _check(fractions)
    links = _links(clips)
    group = components(links)
    members: dict[str, list[Clip]] = {name: [] for name in group.values()}
    for clip, link in zip(clips.clips, links, strict=True):
        members[group[link[0]]].append(clip)
    side_of = _deal(_groups(members, group, seed), fractions)
    sides: dict[str, list[Clip]] = {name: [] for name in fractions}
    for clip, link in zip(clips.clips, links, strict=True):
        sides[side_of[group[link[0]]]].append(clip)
    return Division(clips, {name: _side(clips, name, part) for name, part in sides.items()})


def paper_split(clips: ClipSet) -> Division:
    """The paper's division of its 2,485 pairs, for reproduction: ``tune`` 25 %, ``test`` the other 75 %.

    arXiv 2512.17953 draws rows with ``DataFrame.sample(frac=0.25, random_state=42)``, which is numpy's legacy
    permutation. Sides share sources, so it is labelled as not source-disjoint. Pairs whose files are absent
    are absent from their side. Raises UserError for clips that are not of those pairs.
    """
    drawn = set(np.random.RandomState(PAPER_SEED).permutation(PAPER_PAIRS)[:PAPER_TUNE].tolist())
    numbers = [_sample_number(clip) for clip in clips.clips]
    parts = {
        "tune": [clip for clip, n in zip(clips.clips, numbers, strict=True) if n in drawn],
        "test": [clip for clip, n in zip(clips.clips, numbers, strict=True) if n not in drawn],
    }
    sides = {name: _side(clips, name, part) for name, part in parts.items()}
    return Division(clips, sides, disjoint=False)


def _sample_number(clip: Clip) -> int:
    found = _SAMPLE.search(clip.id)
    if found is None or int(found[1]) >= PAPER_PAIRS:
        raise UserError(f"clip {clip.id} is none of the paper's 2,485 pairs; split other sets by source")
    return int(found[1])


def _links(clips: ClipSet) -> list[tuple[str, ...]]:
    return [tuple(video_of(source) for source in clip.sources) for clip in clips.clips]


def _videos(clips: Iterable[Clip]) -> set[str]:
    return {video_of(source) for clip in clips for source in clip.sources}


def _stratum(clip: Clip) -> Stratum:
    """Class and variant; a clip's variant is its first tag."""
    return clip.human, clip.tags[0] if clip.tags else ""


def _side(whole: ClipSet, name: str, clips: Sequence[Clip]) -> ClipSet:
    if not clips:
        told = f"split side {name!r} of {whole.name} would be empty: {len(whole)} clips are too entangled"
        raise UserError(f"{told} or too few; use more clips or other fractions")
    return ClipSet(f"{whole.name}/{name}", tuple(clips), whole.classes)


def _check(fractions: Mapping[str, float]) -> None:
    told = f"split fractions {dict(fractions)}"
    if any(not 0 < share <= 1 for share in fractions.values()):
        raise UserError(f"{told}, expected each above 0 and at most 1; leave a side out instead")
    if abs(sum(fractions.values()) - 1.0) > 1e-6:
        raise UserError(f"{told} sum to {sum(fractions.values()):g}, expected 1")


class _Group(NamedTuple):
    """``place`` in 0..1 decides the side; ``clips`` is how much it weighs."""

    name: str
    place: float
    stratum: Stratum
    clips: int


def _groups(members: Mapping[str, Sequence[Clip]], group: Mapping[str, str], seed: int) -> list[_Group]:
    heads: dict[str, tuple[float, str]] = {}
    for source, name in group.items():
        ranked = (unit_hash(seed, "head", source), source)
        heads[name] = min(ranked, heads.get(name, ranked))
    groups = []
    for name, clips in members.items():
        head = heads[name][1]
        groups.append(_Group(name, unit_hash(seed, "place", head), _commonest(clips, head), len(clips)))
    return groups


def _commonest(clips: Sequence[Clip], head: str) -> Stratum:
    """A group's stratum; ties fall by hash, lest the first in the alphabet have them all."""
    counts = Counter(_stratum(clip) for clip in clips)
    return max(counts, key=lambda one: (counts[one], unit_hash(0, head, "|".join(one))), default=("", ""))


def _deal(groups: Sequence[_Group], shares: Mapping[str, float]) -> dict[str, str]:
    """Side by group name. Border after border, each among the groups above the one before."""
    side_of: dict[str, str] = {}
    rest, names, passed = list(groups), list(shares), 0.0
    for name in names[:-1]:
        share = shares[name] / (1 - passed)
        ahead = [group._replace(place=(group.place - passed) / (1 - passed)) for group in rest]
        below = _below(ahead, share)
        side_of |= dict.fromkeys(below, name)
        rest = [group for group in rest if group.name not in below]
        passed += shares[name]
    return side_of | {group.name: names[-1] for group in rest}


class _Band(NamedTuple):
    low: float
    high: float


def _below(groups: Sequence[_Group], share: float) -> set[str]:
    """The groups below a border at ``share``, moved over it as classes and then the side's size ask."""
    near = sorted(groups, key=lambda group: (abs(group.place - share), group.name))
    below = {group.name for group in groups if group.place < share}
    strata: dict[Stratum, list[_Group]] = defaultdict(list)
    for group in near:
        strata[group.stratum].append(group)
    bands = {stratum: _class_band(members, share) for stratum, members in strata.items()}
    held = {stratum: _pull(members, below, bands[stratum]) for stratum, members in strata.items()}

    def fits(group: _Group, change: int) -> bool:
        after = held[group.stratum] + change
        band = bands[group.stratum]
        allowed = after >= band.low if change < 0 else after <= band.high
        held[group.stratum] = after if allowed else held[group.stratum]
        return allowed

    _pull(near, below, _side_band(near, share), fits)
    return below


def _pull(
    near: Sequence[_Group],
    below: set[str],
    band: _Band,
    fits: Callable[[_Group, int], bool] = lambda group, change: True,
) -> int:
    """Move groups over the border, nearest first, until the clips below lie in the band. Returns how many."""
    held = sum(group.clips for group in near if group.name in below)
    for group in near:
        inside = group.name in below
        change = -group.clips if inside else group.clips
        if change and (held > band.high if inside else held < band.low) and fits(group, change):
            below ^= {group.name}
            held += change
    return held


def _class_band(groups: Sequence[_Group], share: float) -> _Band:
    """Around the share of a class; never none where the share makes up a group."""
    total, largest = sum(group.clips for group in groups), max(group.clips for group in groups)
    wanted = share * total
    slack = max(CLASS_SLACK * wanted, CLASS_GROUPS * largest)
    least, most = int(wanted >= largest), total - int(total - wanted >= largest)
    return _Band(max(wanted - slack, least), min(wanted + slack, most))


def _side_band(groups: Sequence[_Group], share: float) -> _Band:
    """Never narrower than the largest group, or groups would cross to and fro."""
    total, largest = sum(group.clips for group in groups), max((group.clips for group in groups), default=0)
    wanted = share * total
    slack = max(SIDE_SLACK * min(wanted, total - wanted), largest / 2)
    return _Band(max(wanted - slack, min(wanted, 1)), wanted + slack)
