"""Which original videos a clip was made of, told by its id: what clips are clustered by."""

import re

# YouTube id and excerpt in seconds, as Kinetics, HAT and Mimetics name clips.
_EXCERPT = re.compile(r"([A-Za-z0-9_-]{11})_\d{6}_\d{6}")
# UCF101: clips of one group show the same people and place.
_GROUP = re.compile(r"(v_[A-Za-z]+_g\d+)_c\d+")


def sources_of(clip: str) -> tuple[str, ...]:
    """The videos named in a clip's id, person first; the id itself where it names none.

    Known are YouTube ids followed by an excerpt (``abcdefghijk_000010_000020``), one for an ordinary clip and
    two for a swap, and UCF101's groups. Excerpts of one video are one source.
    """
    found = _EXCERPT.findall(clip) or _GROUP.findall(clip)
    return tuple(dict.fromkeys(found)) or (clip,)


def person_of(clip: str) -> str:
    """The person's excerpt of a swap, or the ordinary clip it names: what joins the two."""
    match = _EXCERPT.search(clip) or re.search(r"v_[A-Za-z]+_g\d+_c\d+", clip)
    return match[0] if match else clip
