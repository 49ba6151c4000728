"""Kinetics in the layouts people have it in: flat or by class, videos or frames, csv quoted or not."""

from collections.abc import Iterable
from pathlib import Path

from assets.errors import UserError
from videos.clip import Clip, ClipSet
from videos.datasets.annotations import Row, read_rows
from videos.datasets.media import index_media, source_of

_SPLITS = {"train": ("train",), "val": ("val", "validate", "validation"), "test": ("test",)}
SPLITS = tuple(_SPLITS)


def read_kinetics(root: Path, split: str) -> tuple[ClipSet, tuple[str, ...]]:
    """The split's clips in the csv's order, and the names of those whose files are absent.

    The csv: ``annotations/<split>.csv``, or any csv beside it with the split in its name. Videos or frame
    folders: anywhere below ``<split>/``, ``videos_<split>/``, ``videos/<split>/`` or ``rawframes_<split>/``,
    else anywhere below the root; files in ``replacement/`` are preferred.
    """
    if split not in _SPLITS:
        raise UserError(f"kinetics:{split}: unknown split, expected one of {', '.join(SPLITS)}")
    names = _SPLITS[split]
    rows = [row for row in read_rows(_annotation(root, names)) if row.split in ("", *names)]
    return clips_of(f"kinetics:{split}", rows, index_media(_folders(root, names)))


def clips_of(
    name: str, rows: Iterable[Row], files: dict[str, Path], tags: dict[str, tuple[str, ...]] | None = None
) -> tuple[ClipSet, tuple[str, ...]]:
    """Rows whose file is there as clips, and the names of the others; ``tags`` by clip name.

    A clip's source is its YouTube id: several clips may be cut from one video.
    """
    dataset = name.partition(":")[0]
    rows = list(dict.fromkeys(rows))
    clips, missing = [], []
    for row in rows:
        path = files.get(row.name) or files.get(row.youtube_id)
        source = source_of(path) if path else None
        if source is None:
            missing.append(row.name)
        else:
            clip_id = f"{dataset}/{row.label}/{row.name}"
            extra = (tags or {}).get(row.name, ())
            clips.append(Clip(clip_id, row.label, None, (row.youtube_id,), source, extra))
    classes = tuple(sorted({row.label for row in rows}))
    return ClipSet(name, tuple(clips), classes), tuple(missing)


def _annotation(root: Path, names: tuple[str, ...]) -> Path:
    """The csv that names the split most plainly."""
    places = [root / "annotations", root]
    plain = [place / f"{name}.csv" for place in places for name in names]
    loose = [path for place in places for name in names for path in sorted(place.glob(f"*{name}*.csv"))]
    found = next((path for path in (*plain, *loose) if path.is_file()), None)
    if found is None:
        raise UserError(f"{root}: no annotations, expected annotations/{names[0]}.csv; put it there")
    return found


def _folders(root: Path, names: tuple[str, ...]) -> list[Path]:
    patterns = ("{}", "videos_{}", "videos/{}", "rawframes_{}")
    places = [root / pattern.format(name) for pattern in patterns for name in names]
    own = [place for place in places if place.is_dir()]
    return [*(own or [root]), root / "replacement"]
