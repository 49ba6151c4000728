"""Sources that belong together: those some clip shows both of, and neighbourhoods cut from large tangles."""

import heapq
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

HEAD_START = 1 / 1.5  # mean head start of a ball, in steps; more makes larger pieces and cuts fewer pairs

_EXCERPT = re.compile(r"(?:.*/)?(.{11})_\d{6}_\d{6}", re.DOTALL)  # YouTube id, from and to, in seconds


def unit_hash(seed: int, purpose: str, name: str) -> float:
    """A number in 0..1 that follows from its arguments alone, evenly spread over names."""
    digest = sha256(f"{seed}:{purpose}:{name}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / (1 << 56)  # 56 bits: float64 rounds 64 of them up to 1


def video_of(source: str) -> str:
    """The name that datasets share: HAT writes ``class/video_000010_000020`` for what Kinetics calls by its
    YouTube id alone. Any other source keeps its name."""
    found = _EXCERPT.fullmatch(source)
    return found[1] if found else source


def components(links: Iterable[Sequence[str]]) -> dict[str, str]:
    """Each source's connected component, called by its smallest source. A link: sources of one clip."""
    parent: dict[str, str] = {}

    def find(source: str) -> str:
        parent.setdefault(source, source)
        while parent[source] != source:
            parent[source] = parent[parent[source]]
            source = parent[source]
        return source

    for link in links:
        roots = sorted({find(source) for source in link})
        for root in roots[1:]:
            parent[root] = roots[0]
    return {source: find(source) for source in parent}


def neighbourhoods(links: Iterable[Sequence[str]], seed: int) -> dict[str, str]:
    """Each source's neighbourhood, called by its centre: many, connected, with few links between them.

    Every source starts a ball, the earlier the larger an exponential number drawn from its hash; balls grow
    a step at a time, and a source belongs to the one that reaches it first (Miller, Peng & Xu 2013, arXiv
    1307.3692). A source with a single partner follows it, which costs no link. What a new link changes lies
    within the few steps that balls grow.
    """
    around: dict[str, set[str]] = defaultdict(set)
    for link in links:
        for source in link:
            around[source].update(other for other in link if other != source)
    follows = {source: next(iter(others)) for source, others in around.items() if len(others) == 1}
    follows = {source: other for source, other in follows.items() if other not in follows}
    core = around.keys() - follows.keys()
    centre = _grow({source: around[source] - follows.keys() for source in core}, seed)
    return centre | {source: centre[other] for source, other in follows.items()}


def _grow(around: Mapping[str, set[str]], seed: int) -> dict[str, str]:
    starts = {source: HEAD_START * math.log(1 - unit_hash(seed, "ball", source)) for source in around}
    waiting = [(start, source, source) for source, start in starts.items()]
    heapq.heapify(waiting)
    centre: dict[str, str] = {}
    while waiting:
        time, ball, source = heapq.heappop(waiting)
        if source not in centre:
            centre[source] = ball
            for other in around[source] - centre.keys():
                heapq.heappush(waiting, (time + 1, ball, other))
    return centre
