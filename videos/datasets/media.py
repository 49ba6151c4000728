"""Finds clips by name in whichever folders a copy of a dataset keeps them: videos or folders of frames."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from videos.clip import FrameSource
from videos.decode import VIDEO_SUFFIXES, FramesFolder, VideoFile

_CLIP = re.compile(r".{11}_\d{6}_\d{6}")


def index_media(folders: Iterable[Path]) -> dict[str, Path]:
    """Clip name -> video or frame folder, anywhere below. Later folders win, and .mp4 over .mkv and .webm."""
    found: dict[str, Path] = {}
    for folder in folders:
        found.update(_below(folder))
    return found


def source_of(path: Path) -> FrameSource | None:
    """How to read it; None where it is an empty file or folder, as failed downloads leave them."""
    if path.is_dir():
        return FramesFolder(path) if any(path.iterdir()) else None
    return VideoFile(path) if path.is_file() and path.stat().st_size else None


def _below(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for place, folders, files in os.walk(folder):
        clips = [name for name in folders if _CLIP.fullmatch(name)]
        folders[:] = sorted(name for name in folders if name not in clips)  # frames hold no further clips
        for name in clips:
            found.setdefault(name, Path(place, name))
        for suffix in reversed(VIDEO_SUFFIXES):
            found.update({name[: -len(suffix)]: Path(place, name) for name in files if name.endswith(suffix)})
    return found
