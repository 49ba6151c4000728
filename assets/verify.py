"""Is this file the one the catalogue means? Size every time, the whole hash once per state of the file."""

from hashlib import sha256
from pathlib import Path

from assets.cache import cache_dir
from assets.catalogue import Asset

_BLOCK = 1 << 20


def assets_dir() -> Path:
    """Where fetched files are kept."""
    return cache_dir() / "assets"


def holds(path: Path, asset: Asset) -> bool:
    """True when the file at path is the asset. Reads it whole only when it changed since the last time.

    A file counts as changed with its size, time of change or inode; damage that leaves all three alone is
    not seen.
    """
    try:
        if not path.is_file() or path.stat().st_size != asset.size:
            return False
        state = _state(path)
        stamp = _stamp(path, asset)
        if stamp.is_file() and stamp.read_text() == state:
            return True
        if digest(path) != asset.sha256:
            return False
    except OSError:
        return False
    _remember(stamp, state)
    return True


def digest(path: Path) -> str:
    """The file's sha256 in hex."""
    hasher = sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest()


def _state(path: Path) -> str:
    stat = path.stat()
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ino}"


def _stamp(path: Path, asset: Asset) -> Path:
    place = sha256(str(path.resolve()).encode()).hexdigest()[:12]
    return assets_dir() / ".verified" / f"{asset.sha256[:12]}-{place}"


def _remember(stamp: Path, state: str) -> None:
    """Best effort: without a stamp (a cache that cannot be written) the hash is computed again next time."""
    try:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(state)
    except OSError:
        pass
