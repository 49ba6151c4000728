"""All clips below a root: ori/ and seg/ in, inp/ out."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from assets.errors import UserError
from videos.decode import FramesFolder
from videos.inpaint.fill import fill, from_files

Progress = Callable[[int, int], None]
_QUALITY = 95


def inpaint(
    root: Path, method: str = "auto", files: Path | None = None, progress: Progress | None = None
) -> list[tuple[str, str]]:
    """Fill every clip ``ori/class/clip`` that has masks and no ``inp/class/clip`` yet.

    ``files``: a folder with ``class/clip`` frames that another program filled, instead of ``method``. Returns
    (clip, why) for those that failed. Raises UserError where the root has no ori and seg.
    """
    if not (root / "ori").is_dir() or not (root / "seg").is_dir():
        raise UserError(f"{root}: no ori and seg in it, expected frames and masks in HAT's format")
    keys = [f"{path.parent.name}/{path.name}" for path in sorted((root / "ori").glob("*/*")) if path.is_dir()]
    failed = []
    for number, key in enumerate(keys, 1):
        why = _one(root, key, method, files)
        if why:
            failed.append((key, why))
        if progress:
            progress(number, len(keys))
    return failed


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
    if (root / "inp" / key).is_dir():
        return ""
    if not (root / "seg" / key).is_dir():
        return "no masks"
    try:
        original = FramesFolder(root / "ori" / key)
        every = range(original.info().length)
        frames, masks = original.read(every), FramesFolder(root / "seg" / key).read_grey(every)
        filled = from_files(frames, masks, files / key) if files else fill(frames, masks, method)
    except (UserError, IndexError, ValueError) as failure:
        if "is unknown" in str(failure) or "not installed" in str(failure):
            raise
        return str(failure)
    write_frames(root / "inp" / key, list(filled))
    return ""
