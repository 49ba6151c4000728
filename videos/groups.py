"""Which video a source is, and which videos belong together: those some clip shows both of."""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

# A video's name, from and to in seconds, and what a file may end in.
_EXCERPT = re.compile(r"(?:.*/)?([^/]+?)_\d{6}_\d{6}(?:\.\w+)?", re.DOTALL)


def unit_hash(seed: int, purpose: str, name: str) -> float:
    """A number in 0..1 that follows from its arguments alone, evenly spread over names."""
    digest = sha256(f"{seed}:{purpose}:{name}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / (1 << 56)  # 56 bits: float64 rounds 64 of them up to 1


def video_of(source: str) -> str:
    """The video a source was cut from, by the name that data sets share: what is held apart, both in dividing
    a set and between sets.

    HAT writes ``class/video_000010_000020`` for the excerpt that Kinetics calls by its video alone. Any other
    source keeps its name, folder and all: in other data ``a/clip1`` and ``b/clip1`` are two videos.
    """
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
