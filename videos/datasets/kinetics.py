"""Kinetics in the layouts people have it in: flat or by class, videos or frames, csv quoted or not, lists."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from assets.errors import UserError
from videos.clip import Clip, ClipSet
from videos.datasets.annotations import Annotation, Row, read_rows
from videos.datasets.classes import ClassList, own_classes
from videos.datasets.kinetics50 import KINETICS_50
from videos.datasets.kinetics400 import KINETICS_400
from videos.datasets.lists import is_list, read_list
from videos.datasets.media import Media
from videos.datasets.reading import LeftOut, Outcome

_SPLITS = {"train": ("train",), "val": ("val", "validate", "validation"), "test": ("test",)}
SPLITS = tuple(_SPLITS)

_ALL_NAMES = {name for names in _SPLITS.values() for name in names}
# The last three are HAT's: beside them lie masks and emptied scenes under the same clip names.
_FOLDERS = ("{}", "videos_{}", "videos/{}", "rawframes_{}", "ori", "original", "rawframes")


def read_kinetics(root: Path, split: str) -> Outcome:
    """The split's clips in the annotation's order, and every row that gave none.

    The annotation: ``annotations/<split>.csv``, or any csv beside it with the split in its name, or a list
    of paths and class indices (``*<split>*list*.txt``). Videos or frame folders: anywhere below ``<split>/``,
    ``videos_<split>/``, ``videos/<split>/`` or ``rawframes_<split>/``, else anywhere below the root; files in
    ``replacement/`` are preferred. Classes are those of Kinetics-400, or of ``classes.txt`` in the root.
    """
    return _read("kinetics", root, split, None)


def read_kinetics50(root: Path, split: str) -> Outcome:
    """The same, of which those of the 50 classes that Mimetics mimes: the paper's Kinetics-50."""
    return _read("kinetics50", root, split, KINETICS_50)


def clips_of(
    dataset: str,
    rows: Iterable[Row],
    media: Media,
    known: ClassList,
    tags: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[list[Clip], list[LeftOut]]:
    """Rows as clips called ``<dataset>/<class>/<name>``, and those that gave none; ``tags`` by clip name.

    A clip's source is its YouTube id: several clips may be cut from one video.
    """
    clips: list[Clip] = []
    left_out: list[LeftOut] = []
    places: dict[str, Row] = {}
    for row in rows:
        label, first = known.find(row.label), places.setdefault(row.name, row)
        if first is not row:
            told = f"{row.place} is {first.place} again" if row.label == first.label else _twice(first, row)
            left_out.append(LeftOut(row.name, "duplicated", told))
        elif label is None:
            left_out.append(LeftOut(row.name, "unknown class", known.complaint(row.label)))
        elif isinstance(source := media.find(row.name, row.video), str):
            left_out.append(LeftOut(row.name, "missing", source))
        else:
            clip_id, extra = f"{dataset}/{label}/{row.name}", (tags or {}).get(row.name, ())
            clips.append(Clip(clip_id, label, None, (row.video,), source, extra))
    return clips, left_out


def classes_of(rows: Iterable[Row], known: ClassList) -> tuple[str, ...]:
    """The classes that are annotated, whether or not their clips are there."""
    return tuple(sorted({label for row in rows if (label := known.find(row.label))}))


def _read(dataset: str, root: Path, split: str, part: ClassList | None) -> Outcome:
    if split not in _SPLITS:
        raise UserError(f"{dataset}:{split}: unknown split, expected one of {', '.join(SPLITS)}")
    names = _SPLITS[split]
    known = own_classes(root, root / "annotations") or KINETICS_400
    annotation = _annotation(root, names, known)
    rows = [row for row in annotation.rows if row.split in ("", *names)]
    if part:  # rows of no class at all are kept, to be told of
        rows = [row for row in rows if part.find(row.label) or not known.find(row.label)]
    clips, left_out = clips_of("kinetics", rows, Media(_folders(root, names), rows), known)
    classes = tuple(sorted(part.classes)) if part else classes_of(rows, known)
    broken = (*_of_no_split(annotation.rows), *annotation.broken)
    return ClipSet(f"{dataset}:{split}", tuple(clips), classes), (*left_out, *broken)


def _of_no_split(rows: Iterable[Row]) -> list[LeftOut]:
    """They would belong to nobody."""
    return [
        LeftOut(row.name, "unreadable", f"{row.place}: split {row.split!r}, expected {', '.join(SPLITS)}")
        for row in rows
        if row.split not in ("", *_ALL_NAMES)
    ]


def _twice(first: Row, row: Row) -> str:
    return f"{row.place} says {row.label!r}, {first.place} said {first.label!r}"


def _annotation(root: Path, names: Sequence[str], known: ClassList) -> Annotation:
    path = _annotation_file(root, names)
    return read_list(path, known) if path.is_file() and is_list(path) else read_rows(path)


def _annotation_file(root: Path, names: Sequence[str]) -> Path:
    """The file that names the split most plainly; a csv tells more than a list."""
    places = [root / "annotations", root]
    plain = [place / f"{name}.csv" for place in places for name in names]
    loose = [
        path
        for ending in (".csv", "list*.txt")
        for place in places
        for name in names
        for path in sorted(place.glob(f"*{name}*{ending}"))
    ]
    found = next((path for path in (*plain, *loose) if path.exists()), None)
    if found is None:
        raise UserError(f"{root}: no annotations, expected annotations/{names[0]}.csv; put it there")
    return found


def _folders(root: Path, names: Sequence[str]) -> list[Path]:
    places = [root / pattern.format(name) for pattern in _FOLDERS for name in names]
    own = [place for place in places if place.is_dir()]
    return [*(own or [root]), root / "replacement"]
