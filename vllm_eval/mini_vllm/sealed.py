"""Folders built once: sealed by a manifest of sizes and hashes, rebuilt when they don't match it."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock

from assets.verify import digest

MANIFEST = "manifest.json"


def build_sealed(folder: Path, write: Callable[[Path], None]) -> Path:
    """``folder``, intact. Where it is absent or damaged, ``write`` fills a fresh one that takes its place.

    Several processes may ask for the same folder: one builds, the others wait.
    """
    if is_intact(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        if not is_intact(folder):
            _build(folder, write)
    return folder


def is_intact(folder: Path) -> bool:
    """True when every file of the manifest is there with its size and hash."""
    try:
        files: dict[str, dict[str, Any]] = json.loads((folder / MANIFEST).read_text())
        return all(_matches(folder / name, entry) for name, entry in files.items())
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return False


def _matches(path: Path, entry: dict[str, Any]) -> bool:
    # Sizes first: a half-written file is found without reading it.
    return bool(path.stat().st_size == entry["size"] and digest(path) == entry["sha256"])


def _build(folder: Path, write: Callable[[Path], None]) -> None:
    staging = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(staging, ignore_errors=True)  # what a killed process left; the lock is ours
    staging.mkdir()
    write(staging)
    _seal(staging)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(staging, folder)


def _seal(folder: Path) -> None:
    files = {
        path.relative_to(folder).as_posix(): {"size": path.stat().st_size, "sha256": digest(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    (folder / MANIFEST).write_text(json.dumps(files, indent=2) + "\n")
