"""What the bundled benchmark holds: which clips, called what, and who is swapped with whom. Draws nothing."""

import random
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from videos.mini.actions import ACTIONS
from videos.mini.distance import close_to, far_from
from videos.mini.render import Spec
from videos.mini.scenes import PLAIN

# Seeds of bodies and clips; the bundled model is trained on bodies 0 to 99,999.
_FIRST = {"hat": 1_000_000, "val": 1_100_000, "train": 1_200_000, "mimetics": 2_000_000}
_SECONDS = 2  # 24 frames at 10 a second, in the whole seconds file names can tell
_GROUP = 4  # clips of a rand or same group: swaps stay inside it, so that few of them share a source


@dataclass(frozen=True)
class Sizes:
    """Clips of each class."""

    hat: int = 80
    val: int = 22
    train: int = 11
    mimetics: int = 22


@dataclass(frozen=True)
class Planned:
    """One clip to draw and its made-up YouTube id and start second."""

    spec: Spec
    youtube_id: str
    start: int

    @property
    def end(self) -> int:
        """Its end, in seconds."""
        return self.start + _SECONDS

    @property
    def name(self) -> str:
        """``<id>_<start>_<end>``, as Kinetics, HAT and Mimetics name clips."""
        return f"{self.youtube_id}_{self.start:06d}_{self.end:06d}"

    @property
    def key(self) -> str:
        """``class/clip``, as HAT names clips."""
        return f"{self.spec.action}/{self.name}"


def hat_clips(sizes: Sizes) -> list[Planned]:
    """Actions in their usual scenes without props: the mask must hold all that tells the action."""
    return list(_clips("hat", sizes.hat, props=False))


def kinetics_clips(sizes: Sizes, split: str) -> list[Planned]:
    """Actions in their usual scenes with props; ``split`` is train or val."""
    return list(_clips(split, sizes.val if split == "val" else sizes.train, props=True))


def mimetics_clips(sizes: Sizes) -> list[Planned]:
    """Actions without props by other bodies, half in plain scenes, half where another action belongs."""
    return list(_clips("mimetics", sizes.mimetics, props=False))


def swaps(clips: Sequence[Planned], kind: str) -> dict[str, Planned]:
    """For each clip's key, the clip whose emptied scene it goes into; kind is rand, close, far or same."""
    rng = random.Random(f"swaps {kind}")
    by_class = {action: [clip for clip in clips if clip.spec.action == action] for action in ACTIONS}
    for group in by_class.values():
        rng.shuffle(group)
    rounds = [list(group) for group in zip(*by_class.values(), strict=True)]  # one clip of each class in each
    if kind == "same":
        groups = [part for group in by_class.values() for part in _parts(group)]
    elif kind == "rand":
        groups = _mixed(rounds, rng)
    else:
        return _by_distance(rounds, kind, rng)
    return {clip.key: other for group in groups for clip, other in zip(group, _turned(group), strict=True)}


def _clips(part: str, per_class: int, props: bool) -> Iterator[Planned]:
    for number in range(per_class * len(ACTIONS)):
        action, turn = ACTIONS[number // per_class], number % per_class
        rng = random.Random(f"clip {part} {number}")
        scene = _elsewhere(action, turn, rng) if part == "mimetics" else action
        seed = _FIRST[part] + number
        digest = sha256(f"{part} {number}".encode()).digest()
        youtube_id = urlsafe_b64encode(digest).decode()[:11]
        yield Planned(Spec(action, scene, seed, seed, props), youtube_id, rng.randrange(300))


def _elsewhere(action: str, turn: int, rng: random.Random) -> str:
    """A plain scene on even turns, on odd ones the scene of another action."""
    return rng.choice([*PLAIN] if turn % 2 == 0 else [other for other in ACTIONS if other != action])


def _parts(clips: Sequence[Planned]) -> list[Sequence[Planned]]:
    """Groups of four; the last may be smaller, and takes a fifth clip rather than leave it alone."""
    parts = [clips[start : start + _GROUP] for start in range(0, len(clips), _GROUP)]
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [clips[-_GROUP - 1 :]]
    return parts


def _mixed(rounds: Sequence[list[Planned]], rng: random.Random) -> list[Sequence[Planned]]:
    """Groups of four (the last may be smaller or larger) with no class twice in one."""
    line: list[Planned] = []
    for group in rounds:
        rest = {clip.spec.action for clip in line[len(line) - len(line) % _GROUP :]}
        rng.shuffle(group)
        # Those whose class waits in an unfinished group go last: fourteen hold enough others to finish it.
        line += sorted(group, key=lambda clip: clip.spec.action in rest)
    return _parts(line)


def _turned(group: Sequence[Planned]) -> Sequence[Planned]:
    return [*group[1:], group[0]]


def _by_distance(rounds: Sequence[list[Planned]], kind: str, rng: random.Random) -> dict[str, Planned]:
    """Any clip of the same round whose class is near (or far): components hold one clip a class at most."""
    wanted = close_to if kind == "close" else far_from
    pairs = {}
    for group in rounds:
        by_class = {clip.spec.action: clip for clip in group}
        pairs.update({clip.key: by_class[rng.choice(wanted(clip.spec.action))] for clip in group})
    return pairs
