"""Real people before real photographs, as `python -m videos footage` writes them in HAT's format."""

from dataclasses import replace
from pathlib import Path

from assets.errors import UserError
from videos.clip import Clip, ClipSet
from videos.datasets.hat import VARIANTS, read_hat
from videos.datasets.reading import LeftOut, Outcome
from videos.footage.sources import EXCERPTS, PHOTO_PREFIX

SWAP = "swap"
PARTS = "|".join((*VARIANTS, SWAP))

_SOURCES = {excerpt.name: excerpt.source for excerpt in EXCERPTS}


def read_footage(root: Path, part: str) -> Outcome:
    """``swap``: each person before each photograph, the label of the photograph as background.

    ``original`` and ``human_only``: the excerpts; ``background_only``: photographs, under the action their
    place suggests, and the excerpts' emptied scenes. Excerpts of one performance share their source, however
    many cameras filmed it: there are very few independent people here.
    """
    if part not in (*VARIANTS, SWAP):
        raise UserError(f"dataset footage:{part} is unknown, expected one of: {PARTS.replace('|', ', ')}")
    if not list(root.glob("actionswap_rand_*.pickle")):
        raise UserError(f"{root}: no footage set; make it with `python -m videos footage`")
    if part == SWAP:
        clips, left_out, classes = _swaps(root)
    else:
        found, told = read_hat(root, part)
        wanted = [clip for clip in found.clips if part == "background_only" or not _is_photo(clip)]
        clips, left_out, classes = wanted, list(told), set(found.classes)
    named = tuple(_renamed(clip) for clip in clips)
    return ClipSet(f"footage:{part}", named, tuple(sorted(classes))), left_out


def _swaps(root: Path) -> tuple[list[Clip], list[LeftOut | str], set[str]]:
    clips: dict[str, Clip] = {}
    left_out: list[LeftOut | str] = []
    classes: set[str] = set()
    for path in sorted(root.glob("actionswap_rand_*.pickle")):
        found, told = read_hat(root, path.stem.removeprefix("actionswap_"))
        clips.update({clip.id: clip for clip in found.clips})
        left_out += told
        classes.update(found.classes)
    return list(clips.values()), left_out, classes


def _is_photo(clip: Clip) -> bool:
    return clip.sources[0].rpartition("/")[2].startswith(PHOTO_PREFIX)


def _renamed(clip: Clip) -> Clip:
    """The name and the sources it has here."""
    sources = tuple(dict.fromkeys(_source(source) for source in clip.sources))
    return replace(clip, id=f"footage/{clip.id.removeprefix('hat/')}", sources=sources)


def _source(key: str) -> str:
    name = key.rpartition("/")[2]
    return _SOURCES.get(name, name)
