"""HAT's pickles of pairs and its list files: whose person stands before whose scene, both ``class/clip``."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from assets.errors import UserError
from videos.datasets.classes import class_name
from videos.datasets.text import read_lines
from videos.datasets.unpickle import load_plain

_SHAPE = "'class/clip': ['class/clip', frames, class index]"


@dataclass(frozen=True)
class Listed:
    """Clips of a list file in its order, by the names ``plain`` gives; ``path`` None where there is none."""

    path: Path | None
    keys: tuple[str, ...]


def places(root: Path, deep: Sequence[str] = ()) -> list[Path]:
    """The root, its folders, and what these patterns find in it: where copies keep lists, pickles, frames."""
    if not root.is_dir():
        return []
    below = sorted(path for path in root.iterdir() if path.is_dir())
    found = (path for pattern in deep for path in sorted(root.glob(pattern)) if path.is_dir())
    return list(dict.fromkeys([root, *below, *found]))


def find_pickle(folders: Sequence[Path], mix: str, dataset: str) -> Path:
    """``actionswap_<mix>.pickle``. Raises UserError that lists the mixes there are."""
    paths = [path for place in folders for path in sorted(place.glob("actionswap_*_*.pickle"))]
    found = {path.stem[11:]: path for path in reversed(paths)}  # the first place counts
    if mix in found:
        return found[mix]
    names = ", ".join(sorted(found))
    known = f"one of {names}" if names else "actionswap_rand_1.pickle; put it there"
    raise UserError(f"{dataset}:{mix}: no such swaps in {folders[0]}, expected {known}")


def read_pairs(path: Path) -> dict[str, str]:
    """Person's clip -> scene's clip, in the pickle's order. Raises UserError for any other shape."""
    data = load_plain(path)
    if not isinstance(data, dict) or not data:
        raise UserError(f"{path}: {type(data).__name__} of no pairs, expected HAT's dict; fetch it again")
    return {person: _scene(path, person, scene) for person, scene in data.items()}


def read_list(folders: Iterable[Path], pattern: str) -> Listed:
    """The first file that matches, ``class/clip frames index`` a line. Class names hold spaces, so columns
    count from the right. Raises UserError that names a line of another form."""
    path = next((path for place in folders for path in sorted(place.glob(pattern))), None)
    if path is None:
        return Listed(None, ())
    expected = "class/clip, frames and class index"
    keys = []
    for number, text in read_lines(path, f"lines of {expected}"):
        key, *numbers = text.rsplit(maxsplit=2)
        if len(numbers) != 2 or not all(value.isdecimal() for value in numbers) or not is_key(key):
            raise UserError(f"{path}:{number}: {text[:60]!r}, expected {expected}; fetch it again")
        keys.append(plain(key))
    return Listed(path, tuple(keys))


def plain(key: str) -> str:
    """A key with its class as it is called, whichever way it was written: one space between words."""
    name, _, clip = key.partition("/")
    return f"{class_name(name)}/{clip}"


def is_key(value: object) -> TypeGuard[str]:
    """``class/clip`` that stays inside its folder."""
    parts = value.split("/") if isinstance(value, str) else []
    return len(parts) == 2 and all(part.strip(". ") and "\0" not in part for part in parts)


def in_order(pairs: Mapping[str, str], listed: Listed) -> list[str]:
    """Keys of the pairs in the list's order, those it names; all, in the pickle's, without a list or where it
    names none of them: then it belongs to other clips, such as the two that HAT demonstrates itself with.
    """
    by_plain = {plain(key): key for key in pairs}
    return [by_plain[key] for key in listed.keys if key in by_plain] or list(pairs)


def _scene(path: Path, person: object, scene: object) -> str:
    fits = isinstance(scene, list | tuple) and len(scene) == 3 and all(_is_number(n) for n in scene[1:])
    if not is_key(person) or not fits or not is_key(scene[0]):  # type: ignore[index]
        entry = repr((person, scene))[:100]
        raise UserError(f"{path}: {entry}, expected {_SHAPE}; fetch it again")
    return str(scene[0])  # type: ignore[index]


def _is_number(value: object) -> bool:
    """UCF101's pickles hold strings."""
    return value.isdecimal() if isinstance(value, str) else isinstance(value, int) and value >= 0
