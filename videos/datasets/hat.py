"""HAT's Action-Swap sets: who is pasted into which scene is told by a pickle, frames lie in three folders."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from assets.errors import UserError
from videos.clip import Clip, ClipSet
from videos.compose import ActionSwap
from videos.datasets.annotations import class_name
from videos.datasets.unpickle import load_plain
from videos.decode import FramesFolder

# What copies in use call the folders of original frames, masks and emptied scenes.
_NAMES = (("ori", "original", "rawframes"), ("seg",), ("inp", "inpaint"))
_LIST = "*_val_list_rawframes.txt"


@dataclass(frozen=True)
class _Folders:
    """Where original frames, person masks and emptied scenes lie."""

    original: Path
    masks: Path
    emptied: Path


def read_hat(root: Path, mix: str) -> tuple[ClipSet, tuple[str, ...]]:
    """The swaps of ``actionswap_<mix>.pickle``, and the ids of those with a folder absent.

    ``mix`` is rand, close, far or same and a number: rand_1. Swaps follow the order of the list file
    (``kinetics400_val_list_rawframes.txt``) and are those it names; without one, the pickle's.
    """
    pairs = _pairs(_pickle(root, mix))
    order = _order(root, pairs)
    folders = _folders(root)
    clips, missing = [], []
    for person in order:
        clip = _clip(folders, person, pairs[person], mix)
        whole = all(part.path.is_dir() for part in vars(clip.frames).values())
        if whole:
            clips.append(clip)
        else:
            missing.append(clip.id)
    classes = {_class_of(key) for key in (*order, *(pairs[key] for key in order))}
    return ClipSet(f"hat:{mix}", tuple(clips), tuple(sorted(classes))), tuple(missing)


def _clip(folders: _Folders, person: str, scene: str, mix: str) -> Clip:
    swap = ActionSwap(
        person=FramesFolder(folders.original / person),
        person_mask=FramesFolder(folders.masks / person),
        scene=FramesFolder(folders.emptied / scene),
        scene_mask=FramesFolder(folders.masks / scene),
    )
    tags = (mix.partition("_")[0],)
    return Clip(f"hat/{person}+{scene}", _class_of(person), _class_of(scene), (person, scene), swap, tags)


def _class_of(key: str) -> str:
    return class_name(key.partition("/")[0])


def _places(root: Path) -> list[Path]:
    """The root and its folders: HAT keeps pickles beside, and frames and list inside, ``kinetics400/``."""
    return [root, *sorted(path for path in root.iterdir() if path.is_dir())] if root.is_dir() else []


def _pickle(root: Path, mix: str) -> Path:
    names = sorted(path.stem[11:] for place in _places(root) for path in place.glob("actionswap_*_*.pickle"))
    found = [place / f"actionswap_{mix}.pickle" for place in _places(root)]
    for path in found if mix in names else ():
        if path.is_file():
            return path
    known = f"one of {', '.join(names)}" if names else "actionswap_rand_1.pickle; put it there"
    raise UserError(f"hat:{mix}: no such swaps in {root}, expected {known}")


def _pairs(path: Path) -> dict[str, str]:
    """Person's clip -> scene's clip, both ``class/clip``."""
    data = load_plain(path)
    if not isinstance(data, dict) or not data:
        raise UserError(f"{path}: {type(data).__name__} of no pairs, expected HAT's dict; fetch it again")
    pairs = {}
    for person, scene in data.items():
        named = scene[0] if isinstance(scene, list | tuple) and len(scene) == 3 else None
        if not _is_key(person) or not _is_key(named):
            entry = repr((person, scene))[:100]
            raise UserError(f"{path}: {entry}, expected 'class/clip': ['class/clip', frames, class index]")
        pairs[person] = str(named)
    return pairs


def _is_key(value: object) -> TypeGuard[str]:
    """``class/clip`` that stays inside its folder."""
    parts = value.split("/") if isinstance(value, str) else []
    return len(parts) == 2 and all(part and part not in (".", "..") and "\0" not in part for part in parts)


def _order(root: Path, pairs: dict[str, str]) -> list[str]:
    """Which of the pairs to take, in order. Class names hold spaces, so columns count from the right."""
    path = next((path for place in _places(root) for path in sorted(place.glob(_LIST))), None)
    if path is None:
        return list(pairs)
    text = path.read_text(encoding="utf-8")
    lines = [line.rsplit(maxsplit=2) for line in text.splitlines() if line.strip()]
    bad = next((number for number, line in enumerate(lines, 1) if len(line) != 3), None)
    if bad:
        raise UserError(f"{path}:{bad}: expected class/clip, frames and class index; fetch it again")
    order = [line[0] for line in lines if line[0] in pairs]
    if not order:
        told = f"none of its {len(lines)} clips is in the pickle, expected the list that belongs to it"
        raise UserError(f"{path}: {told}; remove the list to take all")
    return order


def _folders(root: Path) -> _Folders:
    for place in _places(root):
        found = [next((place / n for n in names if (place / n).is_dir()), None) for names in _NAMES]
        if any(found):
            original, masks, emptied = (
                folder or place / names[0] for folder, names in zip(found, _NAMES, strict=True)
            )
            return _Folders(original, masks, emptied)
    raise UserError(f"{root}: no frames, expected folders ori, seg and inp in it; put HAT's frames there")
