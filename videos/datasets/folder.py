"""A folder of videos of one's own with a csv that says what is done in them: ``clip, human, background``."""

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from assets.errors import UserError
from videos.clip import Clip, ClipSet, FrameSource
from videos.datasets.classes import ClassList, class_name, own_classes
from videos.datasets.media import source_of
from videos.datasets.reading import LeftOut, Outcome
from videos.datasets.text import Line, read_table
from videos.decode import VIDEO_SUFFIXES

_NEEDED = ("clip", "human", "background")
_OWN = (*_NEEDED, "sources")
_USUAL = "clips"


def read_folder(root: Path, part: str = "") -> Outcome:
    """The clips in the csv's order, and every row that gave none.

    The csv is ``<part>.csv`` in the root, else ``clips.csv``, else the only one there. Its columns:
    ``clip``, a video or a folder of frames below the root, its ending left out or not; ``human``, the action
    done; ``background``, the action the place suggests, empty where none is known. ``sources``, where
    present, names the original videos in a clip, set apart by semicolons: clips that share one are never
    taken for independent; without it every clip is its own. All further columns become tags
    ``column:value``, to break results down by.

    Classes are those of ``classes.txt`` in the root, else every label that occurs.
    """
    path = _csv(root, part)
    lines = list(read_table(path, _NEEDED, ",".join(_NEEDED)))
    known = own_classes(root)
    clips: dict[str, Clip] = {}
    left_out: list[LeftOut] = []
    for line in lines:
        found = _clip(root, line, known)
        if isinstance(found, Clip) and found.id in clips:
            left_out.append(LeftOut(line.values["clip"], "duplicated", f"{line.place}: listed before"))
        elif isinstance(found, Clip):
            clips[found.id] = found
        else:
            left_out.append(found)
    name = f"folder:{part}" if part else "folder"
    return ClipSet(name, tuple(clips.values()), known.classes if known else _labels(lines)), left_out


def _csv(root: Path, part: str) -> Path:
    found = {path.stem: path for path in sorted(root.glob("*.csv"))}
    names = ", ".join(found) or "none there"
    if part and part not in found:
        raise UserError(f"folder:{part}: no {part}.csv in {root}, expected one of: {names}")
    if not found:
        columns = ",".join(_NEEDED)
        raise UserError(f"{root}: no csv in it, expected one with the columns {columns}; put it there")
    if not part and _USUAL not in found and len(found) > 1:
        hint = f"expected one; say which, as folder:{next(iter(found))}"
        raise UserError(f"{root}: several csv files in it ({names}), {hint}")
    return found[part] if part else found.get(_USUAL, next(iter(found.values())))


def _clip(root: Path, line: Line, known: ClassList | None) -> Clip | LeftOut:
    values = line.values
    name = values["clip"].replace("\\", "/")
    if not name or not values["human"]:
        return LeftOut(name or line.place, "unreadable", f"{line.place}: empty clip or human, expected both")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        return LeftOut(
            name, "unreadable", f"{line.place}: leads out of the folder, expected a path in {root}"
        )
    labels = [class_name(values[column]) for column in ("human", "background") if values[column]]
    if known and (strange := next((label for label in labels if not known.find(label)), None)):
        return LeftOut(name, "unknown class", f"{line.place}: {known.complaint(strange)}")
    source = _source(root / path)
    if isinstance(source, str):
        return LeftOut(name, "missing", source)
    human, background = (*((known.find(label) or label) if known else label for label in labels), None)[:2]
    return Clip(f"folder/{path}", str(human), background, _sources(values, name), source, _tags(values))


def _source(path: Path) -> FrameSource | str:
    """The file itself, or the video of that name with an ending."""
    paths = (path, *(Path(f"{path}{suffix}") for suffix in VIDEO_SUFFIXES))
    try:
        found = next((one for one in paths if one.exists()), None)
    except OSError as failure:  # a name too long to be one
        return f"{failure.strerror}: {str(path)[:80]}"
    if found is None:
        return f"no such file: {path}"
    return source_of(found) or f"{found} is empty"


def _sources(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    told = [source.strip() for source in values.get("sources", "").split(";")]
    return tuple(dict.fromkeys(source for source in told if source)) or (name,)


def _tags(values: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}:{value}" for name, value in values.items() if name not in _OWN and name and value)


def _labels(lines: Iterable[Line]) -> tuple[str, ...]:
    named = (class_name(line.values[column]) for line in lines for column in ("human", "background"))
    return tuple(sorted({label for label in named if label}))
