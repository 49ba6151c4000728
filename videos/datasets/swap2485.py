"""The 2,485 pairs of arXiv 2512.17953 with the five choices each is asked with, in the paper's order."""

import re
from collections.abc import Mapping
from pathlib import Path

from assets.errors import UserError
from videos.clip import Clip, ClipSet, FrameSource
from videos.compose import MODES
from videos.datasets.classes import class_name
from videos.datasets.hat import Folders, find_folders, open_swap
from videos.datasets.reading import LeftOut, Outcome
from videos.datasets.text import Line, read_table
from videos.decode import FramesFolder

PARTS = f"[{'|'.join(MODES)}]"

_CHOICES = tuple(f"choice_{number}" for number in range(1, 6))
_COLUMNS = ("pair", "human_label", "background_label", *_CHOICES, "human_choice", "background_choice")
# As the paper's repository calls them.
_OTHER_NAMES = {"action_swap_path": "pair", "label_A": "human_label", "label_B": "background_label"}
_CLIP = r".{11}_\d{6}_\d{6}"
_PAIR = re.compile(rf"sample_\d{{6}}_(?P<labels>.+)_(?P<person>{_CLIP})_bg_(?P<scene>{_CLIP})")


def read_swap2485(root: Path, part: str = "") -> Outcome:
    """The pairs in the csv's order, with ``Clip.choices``, and every row that gave none.

    The csv: the one in the root that has ``pair`` (or ``action_swap_path``, whose last folder counts), both
    labels, five choices, and which of them, from 1, are the human's and the background's. Frames: folders
    called like the pairs, in the root or one of its folders, as the authors' script writes them; else they
    are composed by the paper's rules from HAT's ori, seg and inp, in the same places or in hat/ beside the
    root. ``part`` "paper" or "hat" always composes, in that mode. Clips of mode hat have ids of their own:
    they are other pictures.
    """
    if part and part not in MODES:
        raise UserError(f"swap2485:{part}: no such mode of composing, expected one of: {', '.join(MODES)}")
    lines = _lines(root)
    frames = _Frames(root, part)
    clips: dict[str, Clip] = {}
    left_out: list[LeftOut] = []
    for line in lines:
        found = _clip(line, frames)
        if isinstance(found, LeftOut):
            left_out.append(found)
        elif found.id in clips:
            left_out.append(LeftOut(found.id, "duplicated", f"{line.place}: listed before"))
        else:
            clips[found.id] = found
    labels = {class_name(line.values[column]) for line in lines for column in _CHOICES}
    name = f"swap2485:{part}" if part else "swap2485"
    return ClipSet(name, tuple(clips.values()), tuple(sorted(labels - {""}))), tuple(left_out)


class _Frames:
    """Finds the frames of a pair: stored ones, else composed ones."""

    def __init__(self, root: Path, part: str) -> None:
        self.mode = part or "paper"
        self.suffix = "@hat" if self.mode == "hat" else ""
        self._stored = {} if part else _stored(root)
        self._folders = _folders(root) or _folders(root.parent / "hat")

    def of(self, pair: str, person: str, scene: str) -> FrameSource | str:
        """How to read it, or why not."""
        if pair in self._stored:
            return FramesFolder(self._stored[pair])
        if self._folders is None:
            return f"no folder {pair}, and no folders ori, seg and inp to compose it from"
        return open_swap(self._folders, person, scene, self.mode)


def _folders(root: Path) -> Folders | None:
    try:
        return find_folders(root)
    except UserError:
        return None


def _stored(root: Path) -> dict[str, Path]:
    return {path.name: path for pattern in ("sample_*", "*/sample_*") for path in root.glob(pattern)}


def _lines(root: Path) -> list[Line]:
    for path in sorted(root.glob("*.csv")):
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            header = file.readline()
        if "choice_1" in header:
            names = [_OTHER_NAMES.get(name.strip(), name.strip()) for name in header.split(",")]
            absent = [name for name in _COLUMNS if name not in names]
            if absent:
                raise UserError(
                    f"{path}: no column {', '.join(absent)}, expected {','.join(_COLUMNS)}; add it"
                )
            return [_renamed(line) for line in read_table(path, (), ",".join(_COLUMNS))]
    raise UserError(
        f"{root}: no csv of pairs and choices, expected pairs_mcq.csv with choice_1; put it there"
    )


def _renamed(line: Line) -> Line:
    return Line(line.place, {_OTHER_NAMES.get(name, name): value for name, value in line.values.items()})


def _clip(line: Line, frames: _Frames) -> Clip | LeftOut:
    values = line.values
    pair = values["pair"].rstrip("/").rpartition("/")[2]
    match = _PAIR.fullmatch(pair)
    human, background = (class_name(values[column]) for column in ("human_label", "background_label"))
    if match is None or match["labels"] != f"{values['human_label']}_to_{values['background_label']}":
        told = "expected sample_<number>_<human>_to_<background>_<clip>_bg_<clip> with these labels"
        return LeftOut(pair or line.place, "unreadable", f"{line.place}: {told}")
    choices = tuple(class_name(values[column]) for column in _CHOICES)
    wrong = _wrong(values, choices, human, background)
    if wrong:
        return LeftOut(pair, "unreadable", f"{line.place}: {wrong}")
    person, scene = f"{human}/{match['person']}", f"{background}/{match['scene']}"
    source = frames.of(pair, person, scene)
    if isinstance(source, str):
        return LeftOut(pair, "missing", source)
    name = f"swap2485/{pair}{frames.suffix}"
    return Clip(name, human, background, (person, scene), source, ("swap2485",), choices)


def _wrong(values: Mapping[str, str], choices: tuple[str, ...], human: str, background: str) -> str:
    """What is wrong with the choices; empty where nothing is."""
    if len(set(choices)) != len(choices) or "" in choices:
        return f"choices {', '.join(choices)}; expected five different labels"
    for column, label in (("human_choice", human), ("background_choice", background)):
        number = values[column]
        if number not in "12345" or len(number) != 1 or choices[int(number) - 1] != label:
            return f"{column} {number!r} is not {label!r}; expected its number, 1 to 5"
    return ""
