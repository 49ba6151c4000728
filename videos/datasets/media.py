"""Finds clips by name in whichever folders a copy of a dataset keeps them: videos or folders of frames."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from videos.clip import FrameSource
from videos.datasets.annotations import Row
from videos.decode import VIDEO_SUFFIXES, FramesFolder, VideoFile

_CLIP = re.compile(r"(?P<video>.{11})_(?P<start>\d+)_(?P<end>\d+)")


class Media:
    """The videos and frame folders of a data set by the names of clips.

    A file is also found under its YouTube id alone, where one clip only is cut from that video, and with
    seconds that are not padded with zeros.
    """

    def __init__(self, folders: Iterable[Path], rows: Iterable[Row]) -> None:
        """``rows``: all that will be asked for."""
        self._files = index_media(folders)
        self._clips = Counter({row.name: row.video for row in rows}.values())

    def find(self, name: str, video: str) -> FrameSource | str:
        """How to read the clip of that name, or why it is missing."""
        path = self._files.get(name)
        if path is None and (path := self._files.get(video)) is not None and self._clips[video] > 1:
            return f"{path} is not cut into its {self._clips[video]} clips, expected {name}{path.suffix}"
        if path is None:
            return "no video and no folder of frames of that name"
        return source_of(path) or f"{path} is empty"


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


def _below(folder: Path) -> Mapping[str, Path]:
    found: dict[str, Path] = {}
    for place, folders, files in _walk(folder):
        for name in folders:
            found.setdefault(_padded(name), place / name)
        for suffix in reversed(VIDEO_SUFFIXES):
            own = (name for name in files if name.lower().endswith(suffix))
            found.update({_padded(name[: -len(suffix)]): place / name for name in own})
    return found


def _walk(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """(place, frame folders in it, files in it); through links too, each folder once."""
    seen: set[tuple[int, int]] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        clips = [name for name in folders if _CLIP.fullmatch(name)]
        folders[:] = sorted(name for name in folders if name not in clips)  # frames hold no further clips
        yield Path(place), clips, files


def _padded(name: str) -> str:
    """A clip's name with its seconds in six digits; other names as they are."""
    match = _CLIP.fullmatch(name)
    return f"{match['video']}_{int(match['start']):06d}_{int(match['end']):06d}" if match else name
