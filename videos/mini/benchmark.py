"""The bundled benchmark on disk: written on first use, once, by as many processes as there are cores."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from assets.cache import cache_dir
from videos.mini.plan import Sizes
from videos.mini.write import tasks, write_annotations, write_clip
from videos.workers import default_workers, spread

_KEPT = 2  # versions: the one in use and the one before


def benchmark(sizes: Sizes | None = None, workers: int | None = None) -> Path:
    """The benchmark's folder, holding ``hat/``, ``kinetics/`` and ``mimetics/``; written if need be.

    It lies in the user's cache under a name that follows from the code that draws it, so that another
    version gets another folder. It appears whole or not at all: interrupted, it is written anew. Two
    processes that need it at once write it once.
    """
    chosen = sizes or Sizes()
    target = cache_dir() / f"benchmark-{version(chosen)}"
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target.parent / "benchmark.lock"):
            if not target.is_dir():
                _write(target, chosen, default_workers() if workers is None else workers)
                _forget_old(target)
    return target


@cache
def version(sizes: Sizes) -> str:
    """Ten hex digits that change with the code that decides a file's bytes."""
    here = Path(__file__).parent
    code = [path for path in sorted(here.glob("*.py")) if path.name not in ("__init__.py", "benchmark.py")]
    digest = sha256(repr(sizes).encode())
    for path in code:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


def _write(target: Path, sizes: Sizes, workers: int) -> None:
    draft = target.with_name(f"{target.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    write_annotations(draft, sizes)
    work = tasks(draft, sizes)
    with _progress() as progress:
        bar = progress.add_task("Writing the bundled benchmark (once)", total=len(work))
        for _ in spread(write_clip, work, workers):
            progress.advance(bar)
    os.rename(draft, target)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def _forget_old(target: Path) -> None:
    """Drop versions but the newest ones, and drafts of versions that are no more."""
    others = [path for path in target.parent.glob("benchmark-*") if path.is_dir() and path != target]
    whole = [path for path in others if path.suffix != ".part"]
    whole.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in [*whole[_KEPT - 1 :], *(path for path in others if path.suffix == ".part")]:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Waits until no other process writes the benchmark; a killed one lets go by itself."""
    with open(path, "w") as file:
        if sys.platform != "win32":  # elsewhere two processes may both write, and the second rename fails
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
