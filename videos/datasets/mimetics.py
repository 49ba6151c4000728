"""Mimetics: people miming actions, away from the usual place and without the usual things."""

from pathlib import Path

from assets.errors import UserError
from videos.clip import ClipSet
from videos.datasets.annotations import class_name, read_rows
from videos.datasets.kinetics import clips_of
from videos.datasets.media import index_media

_CLASSES = "mimetics_v1.0_clsannot.txt"
_CLIPS = "mimetics_v1.0_objectsceneannot.txt"


def read_mimetics(root: Path) -> tuple[ClipSet, tuple[str, ...]]:
    """The clips in the csv's order, and the names of those whose files are absent.

    ``mimetics_v1.0.csv`` (or another mimetics*.csv) lies in the root, videos anywhere below ``data/`` or
    the root. Where the two further annotation files lie beside it, clips carry their columns as tags:
    ``class object:large``, ``class scene:yes``, ``object:no``, ``scene:no``, ``mime:yes``.
    """
    found = sorted(root.glob("mimetics*.csv"))
    if not found:
        raise UserError(f"{root}: no annotations, expected mimetics_v1.0.csv; put it there")
    rows = read_rows(found[0])
    by_class = {class_name(key): tags for key, tags in _table(root / _CLASSES, "class ").items()}
    by_clip = {key.partition(".")[0]: tags for key, tags in _table(root / _CLIPS, "").items()}
    tags = {row.name: by_class.get(row.label, ()) + by_clip.get(row.name, ()) for row in rows}
    videos = root / "data" if (root / "data").is_dir() else root
    return clips_of("mimetics", rows, index_media([videos]), tags)


def _table(path: Path, prefix: str) -> dict[str, tuple[str, ...]]:
    """First column -> the others as ``name:value``; columns are set by spaces, the header starts with #."""
    if not path.is_file():
        return {}
    head, *lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return {
        key: tuple(f"{prefix}{name}:{value}" for name, value in zip(head[1:], values, strict=False))
        for key, *values in lines
    }
