"""All clips below a root: ori/ and seg/ in, inp/ out."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from assets.errors import UserError
from videos.folders import FramesFolder
from videos.inpaint.fill import check, fill, from_files

Progress = Callable[[int, int], None]
_QUALITY = 95


@dataclass(frozen=True)
class Inpainted:
    """``class/clip`` of what was ``filled``, of what was ``there`` before, and why others ``failed``."""

    filled: tuple[str, ...]
    there: tuple[str, ...]
    failed: Mapping[str, str]


def inpaint(
    root: Path,
    method: str = "auto",
    files: Path | None = None,
    progress: Progress | None = None,
    keys: Sequence[str] | None = None,
) -> Inpainted:
    """Fill every clip ``ori/class/clip`` (or only ``keys``) that has no ``inp/class/clip`` yet.

    ``files``: a folder with ``class/clip`` frames that another program filled, instead of ``method``. Raises
    UserError where the root has no ori and seg, and for a method or folder that is none.
    """
    if not (root / "ori").is_dir() or not (root / "seg").is_dir():
        raise UserError(f"{root}: no ori and seg in it, expected frames and masks in HAT's format")
    if files is None:
        check(method)
    elif not files.is_dir():
        raise UserError(f"{files}: no such folder, expected class/clip frames that another program filled")
    told: dict[str, str | None] = {}
    wanted = _keys(root) if keys is None else keys
    for number, key in enumerate(wanted, 1):
        told[key] = None if (root / "inp" / key).is_dir() else _one(root, key, method, files)
        if progress:
            progress(number, len(wanted))
    return Inpainted(
        tuple(key for key, why in told.items() if why == ""),
        tuple(key for key, why in told.items() if why is None),
        {key: why for key, why in told.items() if why},
    )


def _keys(root: Path) -> list[str]:
    found = sorted((root / "ori").glob("*/*"))
    return [f"{path.parent.name}/{path.name}" for path in found if path.is_dir() and path.suffix != ".part"]


def write_frames(target: Path, frames: Sequence[object]) -> None:
    """000001.jpg and so on, the folder whole or not at all."""
    draft = target.with_name(f"{target.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for number, frame in enumerate(frames, 1):
        Image.fromarray(frame).save(draft / f"{number:06d}.jpg", quality=_QUALITY)  # type: ignore[arg-type]
    shutil.rmtree(target, ignore_errors=True)
    os.rename(draft, target)


def _one(root: Path, key: str, method: str, files: Path | None) -> str:
    """Fill one clip; why not, where that fails."""
    if not (root / "seg" / key).is_dir():
        return "no masks"
    try:
        original, masks = FramesFolder(root / "ori" / key), FramesFolder(root / "seg" / key)
        length, found = original.info().length, masks.info().length
        if length != found:
            return f"{found} masks for {length} frames, expected one each"
        frames, levels = original.read(range(length)), masks.read_grey(range(length))
        filled = from_files(frames, levels, files / key) if files else fill(frames, levels, method)
    except (UserError, ValueError) as failure:
        return str(failure)
    write_frames(root / "inp" / key, list(filled))
    return ""
