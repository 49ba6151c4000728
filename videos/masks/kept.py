"""What a segmented data set leaves: ``seg/<class>/<clip>/000001.png`` as HAT has it, and a table."""

import csv
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from PIL import Image

from assets.errors import UserError
from videos.clip import Clip, FrameSource, Pixels
from videos.folders import FramesFolder

TABLE = "segmented.csv"
SETTINGS = "settings.json"
_LOCK = ".lock"
_MASKS, _ALONE = "seg", "human"
_UNSAFE = re.compile(r"[^\w.+@-]+")
_FILMED = ("ori", "original", "rawframes")
_LONGEST = 150  # characters of a folder's name


@dataclass(frozen=True)
class Row:
    """One clip: ``identity`` of its frames, ``key`` its folder below seg, ``status`` as of ``cut.Cut``, or
    failed; ``people`` seen at once, ``frames`` of it, ``covered`` share of person pixels."""

    clip: str
    identity: str
    key: str
    status: str
    people: int = 0
    frames: int = 0
    covered: float = 0.0
    seconds: float = 0.0
    detail: str = ""


_COLUMNS = tuple(field.name for field in fields(Row))


def key_of(clip: Clip) -> str:
    """``class/name``, HAT's own where the clip lies in HAT's folders; else from its label and id."""
    source = clip.frames
    if isinstance(source, FramesFolder) and len(source.path.parts) > 2 and source.path.parts[-3] in _FILMED:
        return "/".join(source.path.parts[-2:])
    name = _UNSAFE.sub("_", clip.id)
    if len(name) > _LONGEST or name != clip.id:
        name = f"{name[:_LONGEST]}-{sha256(clip.id.encode()).hexdigest()[:8]}"
    return f"{_UNSAFE.sub('_', clip.human)}/{name}"


def write_masks(folder: Path, key: str, masks: Pixels) -> None:
    """Lossless, whole or not at all."""
    _write(folder / _MASKS / key, masks, ".png", {"compress_level": 3})


def write_alone(folder: Path, key: str, frames: Pixels) -> None:
    """The person alone, frames uint8 [T, H, W, 3]: ``human/<class>/<clip>/000001.jpg``."""
    _write(folder / _ALONE / key, frames, ".jpg", {"quality": 95})


def append(folder: Path, row: Row) -> None:
    """Add a clip to the table, durably."""
    path = folder / TABLE
    new = not path.exists() or not path.stat().st_size
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(asdict(row))
        file.flush()
        os.fsync(file.fileno())


def mend(folder: Path) -> None:
    """Take away what a process that was killed left of a line: the next row would be written onto it."""
    path = folder / TABLE
    if path.exists():
        with open(path, "r+b") as file:
            whole, end, _ = file.read().rpartition(b"\n")
            file.truncate(len(whole) + len(end))


def rows(folder: Path) -> dict[str, Row]:
    """The last row of each clip, by its id; none where there is no table. Raises UserError for another's."""
    path = folder / TABLE
    if not path.exists():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    if found and tuple(found[0]) != _COLUMNS:
        told = ", ".join(map(str, found[0]))
        raise UserError(f"{path}: columns {told}, expected {', '.join(_COLUMNS)}; name another folder")
    # A process killed while it wrote leaves half a line: that clip is done again.
    return {one["clip"]: _row(one) for one in found if all(one[name] is not None for name in _COLUMNS)}


def remember(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write down what made these masks. Raises UserError where others did: two makes are not mixed, and
    masks that a data set came with are not written over."""
    path = folder / SETTINGS
    folder.mkdir(parents=True, exist_ok=True)
    told = json.dumps(settings, indent=1, sort_keys=True)
    if not path.exists():
        if (folder / _MASKS).exists():
            raise UserError(f"{folder}: has masks that `videos segment` did not write; name another folder")
        draft = path.with_suffix(".part")
        draft.write_text(told + "\n", encoding="utf-8")
        os.replace(draft, path)
        return
    before = _settings(path)
    if before != json.loads(told):
        changed = sorted(k for k in before.keys() | settings.keys() if before.get(k) != settings.get(k))
        raise UserError(
            f"{folder}: holds masks made with other settings ({', '.join(changed)}); name another folder"
        )


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder is this process's alone. Raises UserError where another one writes into it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        told = "another process writes masks there; wait for it, or name another"
        raise UserError(f"{folder}: {told}") from None
    try:
        yield
    finally:
        lock.release()


def is_whole(folder: Path, row: Row, alone: bool) -> bool:
    """Whether what the row tells of lies there; ``alone``: the person before black too."""
    if row.status not in ("kept", "empty"):
        return True
    return all(
        (folder / place / row.key).is_dir() and len(os.listdir(folder / place / row.key)) == row.frames
        for place in ((_MASKS, _ALONE) if alone else (_MASKS,))
    )


def find_row(folder: Path, source: FrameSource) -> Row:
    """What the table tells of these very frames. Raises UserError where it does not know them."""
    if not (folder / TABLE).exists():
        raise UserError(f"{folder}: no {TABLE} in it, expected a folder that `videos segment` wrote")
    found = _by_identity(str(folder), (folder / TABLE).stat().st_mtime_ns).get(source.identity())
    if found is None:
        raise UserError(f"{folder}: no masks of this clip's frames; segment its data set into it")
    return found


def find_masks(folder: Path, source: FrameSource) -> FramesFolder:
    """The masks made of these very frames. Raises UserError where there are none."""
    found = find_row(folder, source)
    if found.status not in ("kept", "empty"):
        told = f": {found.detail}" if found.detail else ", nobody was found in it"
        raise UserError(f"{found.clip}: {found.status} in {folder}{told}")
    return FramesFolder(folder / _MASKS / found.key)


@lru_cache(maxsize=16)
def _by_identity(folder: str, changed: int) -> dict[str, Row]:
    return {row.identity: row for row in rows(Path(folder)).values()}


def _settings(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as failure:
        raise UserError(f"{path}: {failure}, expected what made these masks; name another folder") from None
    if not isinstance(found, dict):
        raise UserError(f"{path}: no settings in it, expected what made these masks; name another folder")
    return found


def _row(values: Mapping[str, str]) -> Row:
    numbers = {"people": int, "frames": int, "covered": float, "seconds": float}
    return Row(**{name: numbers.get(name, str)(values[name]) for name in _COLUMNS})


def _write(target: Path, frames: Iterable[Pixels], suffix: str, options: dict[str, Any]) -> None:
    draft = target.with_name(f"{target.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for number, frame in enumerate(frames, 1):
        Image.fromarray(frame).save(draft / f"{number:06d}{suffix}", **options)
    shutil.rmtree(target, ignore_errors=True)
    os.rename(draft, target)


def statuses(found: Iterable[Row]) -> Sequence[tuple[str, int]]:
    """How many clips of each status."""
    order = ("kept", "empty", "missing", "failed")
    told = [row.status for row in found]
    return [(status, told.count(status)) for status in order if status in told]
