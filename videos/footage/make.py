"""Writes the footage set: excerpts to frames, their people to masks, both to swaps.

Every step passes over what an earlier call left, so that it can be interrupted: cutting people out takes some
seconds a frame.
"""

import pickle
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from assets.cache import cache_dir
from assets.errors import UserError
from assets.fetch import fetch
from videos.clip import Clip, Pixels
from videos.decode import FramesFolder, VideoFile, resize
from videos.footage.sources import EXCERPTS, FOLDER, PHOTOGRAPHS, SCENES, Excerpt, Photograph
from videos.inpaint.run import inpaint, write_frames
from videos.masks.config import SegmentConfig
from videos.masks.kept import Row, write_masks
from videos.masks.run import segment

Progress = Callable[[int, int], None]
SIDE = 240  # short side in pixels
FRAMES = 16
_SEARCHED = 5  # frames that people are searched in: they come and go


def footage_folder() -> Path:
    """Where the set lies: in the user's cache."""
    return cache_dir() / "footage"


def make(root: Path, frames: int = FRAMES, progress: Progress | None = None) -> list[Row]:
    """The set below ``root``; a row for each excerpt whose people were searched.

    Raises UserError where footage, photographs or networks cannot be had, where nobody was found at all, and
    where the folder holds a set of another length.
    """
    if frames < 2:
        raise UserError(f"--frames {frames}, expected 2 or more")
    _check_length(root, frames)
    for excerpt in EXCERPTS:
        _extract(root, excerpt, frames)
    clips = [_clip(root, excerpt) for excerpt in EXCERPTS]
    config = SegmentConfig(dataset="footage:original", root=str(root), out=str(root), search_frames=_SEARCHED)
    rows = segment(clips, config, progress)
    kept = [excerpt for excerpt, row in zip(EXCERPTS, rows, strict=True) if row.status == "kept"]
    if not kept:
        raise UserError(
            f"{root}: nobody was found in any excerpt, for one: {rows[0].detail or rows[0].status}"
        )
    _photographs(root, frames)
    for key, why in inpaint(root, keys=[key_of(excerpt) for excerpt in kept]).failed.items():
        raise UserError(f"{key}: its background cannot be filled: {why}")
    _write_annotations(root, kept, frames)
    return rows


def _check_length(root: Path, frames: int) -> None:
    for excerpt in EXCERPTS:
        folder = root / "ori" / key_of(excerpt)
        if folder.is_dir() and FramesFolder(folder).info().length != frames:
            found = FramesFolder(folder).info().length
            raise UserError(f"{root}: clips of {found} frames, expected {frames}; name another --root")


def _extract(root: Path, excerpt: Excerpt, frames: int) -> None:
    """Frames spread evenly over the excerpt, at a short side of ``SIDE``."""
    target = root / "ori" / key_of(excerpt)
    if target.is_dir():
        return
    video = VideoFile(fetch(excerpt.asset))
    picks = np.linspace(excerpt.first, min(excerpt.last, video.info().length - 1), frames).round().astype(int)
    write_frames(target, list(resize(video.read(picks.tolist()), SIDE)))


def _photographs(root: Path, frames: int) -> None:
    """Each as a clip that stands still, with empty masks: nobody is in it, it is its own emptied scene."""
    targets = [(photo, root / "ori" / key_of(photo)) for photo in SCENES]
    if all(target.is_dir() and (root / "inp" / key_of(photo)).is_dir() for photo, target in targets):
        return
    with tempfile.TemporaryDirectory() as folder:
        _unpack(fetch(PHOTOGRAPHS), Path(folder))
        for photo, target in targets:
            picture = _picture(Path(folder) / FOLDER / photo.file)
            still = [picture] * frames
            write_masks(root, key_of(photo), np.zeros((frames, *picture.shape[:2]), np.uint8))
            write_frames(root / "inp" / key_of(photo), still)
            write_frames(target, still)


def key_of(one: Excerpt | Photograph) -> str:
    """``class/clip`` as HAT names folders."""
    return f"{one.action}/{one.name}"


def _picture(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(resize(np.asarray(image.convert("RGB"))[None], SIDE)[0])


def _unpack(archive: Path, folder: Path) -> None:
    try:
        subprocess.run(["dpkg-deb", "-x", str(archive), str(folder)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as failure:
        raise UserError(f"{archive}: dpkg-deb cannot unpack it ({failure}); install dpkg") from failure


def _clip(root: Path, excerpt: Excerpt) -> Clip:
    key = key_of(excerpt)
    return Clip(f"footage/{key}", excerpt.action, None, (excerpt.source,), FramesFolder(root / "ori" / key))


def _write_annotations(root: Path, kept: Sequence[Excerpt], frames: int) -> None:
    """HAT's list and pickles; mix n puts each person before one photograph, all mixes together before all."""
    names = sorted({*(one.action for one in EXCERPTS), *(one.action for one in SCENES)})
    listed: list[Excerpt | Photograph] = [*kept, *SCENES]
    lines = [f"{key_of(one)} {frames} {names.index(one.action)}\n" for one in listed]
    (root / "kinetics400_val_list_rawframes.txt").write_text("".join(lines), encoding="utf-8")
    (root / "classes.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    for mix in range(len(SCENES)):
        pairs = {}
        for place, one in enumerate(kept):
            scene = SCENES[(mix + place) % len(SCENES)]
            pairs[key_of(one)] = [key_of(scene), frames, names.index(scene.action)]
        (root / f"actionswap_rand_{mix + 1}.pickle").write_bytes(pickle.dumps(pairs))
