"""Readers of the datasets as they are published; the bundled benchmark is read by the same ones."""

import warnings
from pathlib import Path

from assets.errors import UserError
from videos.clip import ClipSet
from videos.datasets.hat import read_hat
from videos.datasets.kinetics import read_kinetics
from videos.datasets.mimetics import read_mimetics

MINI = "mini"

_KNOWN = "hat:<rand|close|far|same>_<number>, kinetics:<train|val|test> or mimetics"


class MissingClipsWarning(UserWarning):
    """Some annotated clips have no files; they are left out."""


def load(dataset: str, root: str | Path) -> ClipSet:
    """The clips of ``hat:rand_1`` (or close, far, same; any number), ``kinetics:val`` or ``mimetics``.

    ``root`` is the dataset's folder, or "mini" for the bundled benchmark, which is written on first use.
    Clips without files are left out with a MissingClipsWarning that counts them; UserError when none is left.
    """
    name, _, part = dataset.partition(":")
    if name not in ("hat", "kinetics", "mimetics") or bool(part) != (name != "mimetics"):
        raise UserError(f"dataset {dataset!r} is unknown, expected {_KNOWN}")
    folder = _root(name, root)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder, expected the root of {name}; or use the root {MINI!r}")
    clips, missing = _read(name, part, folder)
    _report(clips, missing, folder)
    return clips


def _root(name: str, root: str | Path) -> Path:
    if str(root) == MINI:
        from videos.mini.benchmark import benchmark  # draws and encodes; real data needs none of it

        return benchmark() / name
    return Path(root).expanduser()


def _read(name: str, part: str, root: Path) -> tuple[ClipSet, tuple[str, ...]]:
    if name == "hat":
        return read_hat(root, part)
    return read_kinetics(root, part) if name == "kinetics" else read_mimetics(root)


def _report(clips: ClipSet, missing: tuple[str, ...], root: Path) -> None:
    total = len(clips) + len(missing)
    if not clips.clips:
        example = f", {missing[0]} for one; put them there" if missing else "; check its annotations"
        raise UserError(f"{root}: no files for any of the {total} clips of {clips.name}{example}")
    if missing:
        text = f"{clips.name}: {len(missing)} of {total} clips have no files in {root}, {missing[0]} for one"
        warnings.warn(f"{text}; they are left out", MissingClipsWarning, stacklevel=3)
