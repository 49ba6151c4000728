"""HAT: a pickle tells whose person stands in whose scene; frames, masks and emptied scenes lie in folders."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from assets.errors import UserError
from videos.clip import Clip, ClipSet, FrameSource
from videos.compose import MODES, HumanOnly, Stored
from videos.datasets.classes import ClassList, class_name
from videos.datasets.kinetics50 import KINETICS_50
from videos.datasets.pairs import find_pickle, in_order, places, plain, read_list, read_pairs
from videos.datasets.reading import LeftOut, Outcome
from videos.decode import FramesFolder

# What copies in use call the folders of original frames, masks and emptied scenes.
_NAMES = (("ori", "original", "rawframes"), ("seg",), ("inp", "inpaint"))
_LIST = "*_val_list_rawframes.txt"
_MIX = re.compile(r"(?P<mix>[^:]+)(?::(?P<mode>.*))?", re.DOTALL)

VARIANTS = ("original", "human_only", "background_only")
PARTS = f"<rand|close|far|same>_<number>[:paper]|{'|'.join(VARIANTS)}"


@dataclass(frozen=True)
class Folders:
    """Where original frames, person masks and emptied scenes lie, and how a folder of them is read."""

    original: Path
    masks: Path
    emptied: Path
    stored: Callable[[Path], Stored] = FramesFolder

    def open(self, place: Path, key: str) -> Stored | str:
        """Frames of the clip ``class/clip``, or why there are none."""
        folder, (name, _, clip) = place / key, key.partition("/")
        written = self._classes[place].get(class_name(name))
        if written is not None and not folder.is_dir():
            folder = place / written / clip
        return self.stored(folder) if folder.is_dir() else f"no folder {place / key}"

    @cached_property
    def _classes(self) -> dict[Path, dict[str, str]]:
        """Per place, class -> its folder, however that is written: with underscores, with two spaces."""
        return {
            place: {class_name(path.name): path.name for path in sorted(place.glob("*")) if path.is_dir()}
            for place in (self.original, self.masks, self.emptied)
        }


def read_hat(root: Path, part: str) -> Outcome:
    """HAT's clips, and every row that gave none.

    ``part`` is a mix, ``rand_1`` (or close, far, same; any number), whose swaps ``actionswap_rand_1.pickle``
    tells: composed by HAT's rules, or ``rand_1:paper`` by the paper's (see ``videos.compose``). Or it is
    ``original``, ``human_only`` or ``background_only``: single clips, with no background label.

    The list file (``kinetics400_val_list_rawframes.txt``) decides order and membership; without one, or with
    one that names no pair of the pickle, swaps follow the pickle; without one, single clips their folders.
    """
    return _read("hat", root, part, None)


def read_hat50(root: Path, part: str) -> Outcome:
    """The same, of which those with every class among the 50 of Kinetics-50. Ids are those of ``hat``."""
    return _read("hat50", root, part, KINETICS_50)


def read_swaps(
    dataset: str,
    pairs: Sequence[tuple[str, str]],
    folders: Folders,
    kind: tuple[str, str],
    named: Callable[[str], str] = class_name,
    source: Callable[[str], str] = lambda key: key,
) -> tuple[list[Clip], list[LeftOut]]:
    """Swaps of these (person, scene) keys; ``kind`` is the variant that tags them and the mode of composing.

    ``named`` turns a class folder into a label, ``source`` a key into the name of the video it was cut from.
    """
    variant, mode = kind
    clips: dict[str, Clip] = {}
    left_out = []
    for person, scene in pairs:
        name = f"{dataset}/{person}+{scene}{'' if mode == 'hat' else f'@{mode}'}"
        frames = open_swap(folders, person, scene, mode)
        if name in clips:
            left_out.append(LeftOut(name, "duplicated", "listed before"))
        elif isinstance(frames, str):
            left_out.append(LeftOut(name, "missing", frames))
        else:
            labels = named(person.partition("/")[0]), named(scene.partition("/")[0])
            sources = tuple(dict.fromkeys((source(person), source(scene))))
            clips[name] = Clip(name, *labels, sources, frames, (variant,))
    return list(clips.values()), left_out


def find_folders(
    root: Path, deep: Sequence[str] = (), stored: Callable[[Path], Stored] = FramesFolder
) -> Folders:
    """The three folders, in the root or one of its folders. Raises UserError where none of them is there."""
    for place in places(root, deep):
        found = [next((place / n for n in names if (place / n).is_dir()), None) for names in _NAMES]
        if any(found):
            original, masks, emptied = (
                folder or place / names[0] for folder, names in zip(found, _NAMES, strict=True)
            )
            return Folders(original, masks, emptied, stored)
    raise UserError(f"{root}: no frames, expected folders ori, seg and inp in it; put HAT's frames there")


def mix_and_mode(dataset: str, part: str) -> tuple[str, str]:
    """``rand_1:paper`` as ``rand_1`` and ``paper``; the mode is ``hat`` unless told."""
    match = _MIX.fullmatch(part)
    mode = (match and match["mode"]) or "hat"
    if match is None or mode not in MODES:
        raise UserError(f"{dataset}:{part}: no such mode of composing, expected one of: {', '.join(MODES)}")
    return match["mix"], mode


def open_swap(folders: Folders, person: str, scene: str, mode: str) -> FrameSource | str:
    """The composite of two clips in a mode of ``videos.compose``, or which of its folders is absent."""
    needed = [(folders.original, person), (folders.masks, person), (folders.emptied, scene)]
    needed += [(folders.masks, scene)] if mode == "hat" else []
    parts = [folders.open(place, key) for place, key in needed]
    absent = next((part for part in parts if isinstance(part, str)), None)
    if absent is not None:
        return absent
    stored = [part for part in parts if not isinstance(part, str)]
    return MODES[mode](stored[0], stored[1], stored[2], stored[-1])


def _read(dataset: str, root: Path, part: str, only: ClassList | None) -> Outcome:
    if part in VARIANTS:
        return _read_single(dataset, root, part, only)
    mix, mode = mix_and_mode(dataset, part)
    pairs = read_pairs(find_pickle(places(root), mix, dataset))
    listed = read_list(places(root), _LIST)
    order = [key for key in in_order(pairs, listed) if _within(only, key, pairs[key])]
    variant = mix.partition("_")[0]
    swaps = [(key, pairs[key]) for key in order]
    clips, left_out = read_swaps("hat", swaps, find_folders(root), (variant, mode))
    unlisted = [key for key in pairs.keys() - set(order) if _within(only, key, pairs[key])]
    name = listed.path.name if listed.path else ""
    left_out += [LeftOut(f"hat/{key}+{pairs[key]}", "missing", f"not in {name}") for key in sorted(unlisted)]
    classes = (class_name(key.partition("/")[0]) for key in (*order, *(pairs[key] for key in order)))
    return _clip_set(f"{dataset}:{part}", clips, classes, only), tuple(left_out)


def _read_single(dataset: str, root: Path, variant: str, only: ClassList | None) -> Outcome:
    folders, listed = find_folders(root), read_list(places(root), _LIST)
    place = folders.emptied if variant == "background_only" else folders.original
    keys = dict.fromkeys(key for key in (listed.keys or _scan(place)) if _within(only, key))
    clips, left_out = [], []
    for key in keys:
        frames, label = _single(folders, place, key, variant), class_name(key.partition("/")[0])
        name = f"hat/{variant}/{key}"
        if isinstance(frames, str):
            left_out.append(LeftOut(name, "missing", frames))
        else:
            clips.append(Clip(name, label, None, (key,), frames, (variant,)))
    classes = (class_name(key.partition("/")[0]) for key in keys)
    return _clip_set(f"{dataset}:{variant}", clips, classes, only), tuple(left_out)


def _clip_set(name: str, clips: Sequence[Clip], classes: Iterable[str], only: ClassList | None) -> ClipSet:
    return ClipSet(name, tuple(clips), tuple(sorted(only.classes if only else set(classes))))


def _within(only: ClassList | None, *keys: str) -> bool:
    return only is None or all(only.find(key.partition("/")[0]) for key in keys)


def _single(folders: Folders, place: Path, key: str, variant: str) -> FrameSource | str:
    frames = folders.open(place, key)
    if variant != "human_only" or isinstance(frames, str):
        return frames
    masks = folders.open(folders.masks, key)
    return masks if isinstance(masks, str) else HumanOnly(frames, masks)


def _scan(place: Path) -> list[str]:
    """All ``class/clip`` there are, classes by the names they go by."""
    return sorted(plain(f"{path.parent.name}/{path.name}") for path in place.glob("*/*") if path.is_dir())
