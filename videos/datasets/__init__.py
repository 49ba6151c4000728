"""Readers of the datasets as they are published; the bundled benchmark is read by the same ones."""

import warnings
from collections import Counter
from pathlib import Path

from assets.cache import cache_dir
from assets.errors import UserError
from videos.clip import ClipSet
from videos.datasets.folder import read_folder
from videos.datasets.footage import PARTS as FOOTAGE_PARTS
from videos.datasets.footage import read_footage
from videos.datasets.hat import PARTS as HAT_PARTS
from videos.datasets.hat import read_hat, read_hat50
from videos.datasets.kinetics import SPLITS, read_kinetics, read_kinetics50
from videos.datasets.mimetics import read_mimetics
from videos.datasets.reading import LeftOut, Reader, Reading
from videos.datasets.swap2485 import PARTS as SWAP_PARTS
from videos.datasets.swap2485 import read_swap2485
from videos.datasets.ucf101_hat import PARTS as UCF_PARTS
from videos.datasets.ucf101_hat import read_ucf101_hat

MINI = "mini"
FOOTAGE = "footage"

_SPLIT = f"<{'|'.join(SPLITS)}>"

# One line for each kind of data set: the name before the colon -> its reader, what may follow the colon,
# and its folder below a root that holds several data sets.
READERS: dict[str, Reader] = {
    "hat": Reader(read_hat, HAT_PARTS, "hat"),
    "hat50": Reader(read_hat50, HAT_PARTS, "hat"),
    "swap2485": Reader(read_swap2485, SWAP_PARTS, "swap2485"),
    "ucf101_hat": Reader(read_ucf101_hat, UCF_PARTS, "ucf101_hat"),
    "kinetics": Reader(read_kinetics, _SPLIT, "kinetics"),
    "kinetics50": Reader(read_kinetics50, _SPLIT, "kinetics"),
    "mimetics": Reader(read_mimetics, "", "mimetics"),
    FOOTAGE: Reader(read_footage, f"<{FOOTAGE_PARTS}>", FOOTAGE),
    "folder": Reader(read_folder, "[<name of its csv>]", ""),
}


class MissingClipsWarning(UserWarning):
    """Some annotated clips cannot be used; they are left out."""


def load(dataset: str, root: str | Path) -> ClipSet:
    """The clips of ``hat:rand_1``, ``kinetics:val``, ``mimetics``, ...: READERS has all names.

    ``root`` is the dataset's folder, one that holds it under its name, or "mini" for the bundled benchmark,
    which is written on first use. Rows that give no clip are left out with a MissingClipsWarning that counts
    them by reason; UserError when none is left.
    """
    reading = read(dataset, root)
    if not reading.clips.clips:
        example = f", {_example(reading.left_out)}" if reading.left_out else ""
        raise UserError(
            f"{reading.root}: no files for any of the {len(reading)} clips of {dataset}{example}; "
            "put them there, or check its annotations"
        )
    if reading.left_out:
        counts = Counter(row.reason for row in reading.left_out)
        told = ", ".join(f"{count} {reason}" for reason, count in counts.items())
        text = f"{dataset}: {len(reading.left_out)} of {len(reading)} clips are left out ({told})"
        warnings.warn(f"{text}, {_example(reading.left_out)}", MissingClipsWarning, stacklevel=2)
    return reading.clips


def read(dataset: str, root: str | Path) -> Reading:
    """The same with all that was left out, and no complaint where that is everything.

    Raises UserError for an unknown data set, an absent root and annotations that cannot be read.
    """
    name, _, part = dataset.partition(":")
    reader = READERS.get(name)
    if reader is None or not reader.takes(part):
        raise UserError(f"dataset {dataset!r} is unknown, expected {known_names()}")
    folder = _root(reader, root)
    if not folder.is_dir():
        found = "is no folder" if folder.exists() else "no such folder"
        made = "make it with `python -m videos footage`" if name == FOOTAGE else f"or use the root {MINI!r}"
        raise UserError(f"{folder}: {found}, expected the root of {name}; {made}")
    clips, left_out = reader.read(folder, part)
    rows = (LeftOut(row, "missing") if isinstance(row, str) else row for row in left_out)
    return Reading(clips, tuple(rows), folder)


def known_names() -> str:
    """All data sets there are readers for, as their names are written."""
    return ", ".join(
        name
        + (f"[:{reader.part[1:]}" if reader.part.startswith("[") else f":{reader.part}" * bool(reader.part))
        for name, reader in READERS.items()
    )


def _root(reader: Reader, root: str | Path) -> Path:
    if str(root) == MINI and reader.folder == FOOTAGE:
        return (
            cache_dir() / FOOTAGE
        )  # made by `videos footage`: it needs downloads, so nothing makes it unasked
    if str(root) == MINI:
        from videos.mini.benchmark import benchmark  # draws and encodes; real data needs none of it

        return benchmark() / reader.folder
    folder = Path(root).expanduser()
    if folder.name == reader.folder or not (folder / reader.folder).is_dir():
        return folder
    return folder / reader.folder


def _example(rows: tuple[LeftOut, ...]) -> str:
    detail = f" ({rows[0].detail})" if rows[0].detail else ""
    return f"{rows[0].clip}{detail} for one"
