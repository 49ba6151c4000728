"""Decoded frames a second: the store against plain decord, and a warm store against a cold one.

    python -m benchmarks.decoding --runs 5

Clips are copies of one video, each with a few bytes of its own so that it is another file. Every run
measures, one after the other on fresh stores: plain decord in one process (a reader for each file, default
threads), filling with one worker and with one for each core, asking for clip after clip, and asking again, in
the same process and in a new one that has to hash and scan the files first. All return the same full-size
frames. Filling includes the start of the workers; the new process is timed once its libraries are loaded.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.record import append
from videos import workers
from videos.clip import Clip, Pixels
from videos.decode import FramePolicy, VideoFile
from videos.store import FrameStore

GOAL = 20.0  # warm against cold
REAL = Path(__file__).parents[2] / "shared" / "data" / "video" / "two_people_arm_wrestling.mp4"
RATIOS = {
    "store filled by all cores / plain decord": ("fill, all cores", "plain decord"),
    "store filled by one worker / plain decord": ("fill, one worker", "plain decord"),
    "warm / cold": ("warm", "cold"),
    "warm in a new process / cold": ("warm, new process", "cold"),
}


@dataclass(frozen=True)
class Work:
    """What is read: video files, and a store's folder."""

    paths: tuple[Path, ...]
    root: Path
    policy: FramePolicy

    def clips(self) -> list[Clip]:
        """One for each file."""
        return [Clip(path.stem, "", None, (path.stem,), VideoFile(path)) for path in self.paths]


def copies(video: Path, count: int, folder: Path) -> tuple[Path, ...]:
    """As many files of the same frames but other content: each ends in a free box of its own (ISO 14496)."""
    data, paths = video.read_bytes(), []
    for number in range(count):
        paths.append(folder / f"{video.stem}_{number}.mp4")
        paths[-1].write_bytes(data + (16).to_bytes(4) + b"free" + number.to_bytes(8))
    return tuple(paths)


def plain_decord(work: Work) -> float:
    """Seconds of a loop as anyone would write it."""
    import decord

    length = len(decord.VideoReader(str(work.paths[0])))
    indices = [(2 * i + 1) * length // (2 * work.policy.frames) for i in range(work.policy.frames)]
    return timed(
        lambda: [touch(decord.VideoReader(str(path)).get_batch(indices).asnumpy()) for path in work.paths]
    )


def filled(work: Work, count: int) -> float:
    """Seconds to fill an empty store, starting the workers included."""
    workers.retire()
    store = fresh(work)
    return timed(lambda: complain(store.fill(work.clips(), work.policy, workers=count)))


def asked(work: Work, store: FrameStore) -> float:
    """Seconds to ask for clip after clip."""
    return timed(lambda: [touch(store.get(clip, work.policy).pixels) for clip in work.clips()])


def asked_by_a_new_process(work: Work) -> float:
    """The same with nothing known of the files: each is hashed and scanned. Libraries are loaded before."""
    import av  # noqa: F401

    return asked(work, FrameStore(work.root))


def fresh(work: Work) -> FrameStore:
    """A store on an emptied folder."""
    shutil.rmtree(work.root, ignore_errors=True)
    return FrameStore(work.root)


def touch(pixels: Pixels) -> int:
    """Read a byte of every page: what is mapped only then comes."""
    return int(pixels.reshape(-1)[::4096].sum(dtype=np.int64))


def complain(failed: dict[str, str]) -> None:
    """A clip that was not decoded would make everything faster."""
    if failed:
        raise RuntimeError(f"{len(failed)} clips failed: {next(iter(failed.values()))}")


def timed(action: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def run_once(work: Work) -> dict[str, float]:
    """Frames a second of each way."""
    seconds = {
        "plain decord": plain_decord(work),
        "fill, one worker": filled(work, 1),
        "fill, all cores": filled(work, workers.default_workers()),
    }
    store = fresh(work)
    seconds["cold"] = asked(work, store)
    seconds["warm"] = asked(work, store)
    workers.retire()
    found = workers.alone(asked_by_a_new_process, work)
    if isinstance(found, workers.Lost):
        raise RuntimeError(f"the new process {found.reason}")
    seconds["warm, new process"] = found
    frames = len(work.paths) * work.policy.frames
    return {name: round(frames / value, 1) for name, value in seconds.items()}


def ratios(runs: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Each ratio within its run: median, least and most."""
    found = {}
    for name, (above, below) in RATIOS.items():
        values = [run[above] / run[below] for run in runs]
        found[name] = {
            "median": round(statistics.median(values), 2),
            "least": round(min(values), 2),
            "most": round(max(values), 2),
        }
    return found


def measure(video: Path, count: int, frames: int, runs: int) -> dict[str, Any]:
    """All figures."""
    load = [round(value, 2) for value in os.getloadavg()]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        work = Work(copies(video, count, place), place / "store", FramePolicy(frames))
        info = VideoFile(work.paths[0]).info()
        shape = FrameStore(work.root).get(work.clips()[0], work.policy).pixels.shape
        measured = [run_once(work) for _ in range(runs)]
    return {
        "video": video.name, "video frames": info.length, "size": f"{shape[2]}x{shape[1]}",
        "clips": count, "frames a clip": frames, "load before": load,
        "decord2": metadata.version("decord2"),
        "frames a second, each run": measured, "ratios": ratios(measured),
        "goal": f"warm / cold >= {GOAL:g}",
    }  # fmt: skip


def show(result: dict[str, Any]) -> None:
    """Tables for people."""
    console = Console()
    runs = result["frames a second, each run"]
    table = Table(
        "frames a second", "median", "least", "most", title=f"{result['clips']} clips, {len(runs)} runs"
    )
    for name in runs[0]:
        values = [run[name] for run in runs]
        table.add_row(
            name, *(f"{value:,.1f}" for value in (statistics.median(values), min(values), max(values)))
        )
    console.print(table)
    table = Table("ratio, within runs", "median", "least", "most")
    for name, one in result["ratios"].items():
        table.add_row(name, *(f"{value:,.2f}" for value in one.values()))
    console.print(table)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--video", type=Path, default=REAL, help="an mp4 to copy (default: the real one)")
    parser.add_argument("--clips", type=int, default=32, help="copies of it")
    parser.add_argument("--frames", type=int, default=8, help="frames of each, uniform")
    parser.add_argument("--runs", type=int, default=5, help="how often all is measured")
    options = parser.parse_args()
    if not options.video.is_file():
        parser.error(f"{options.video}: no such file, expected an mp4; name one with --video")
    result = measure(options.video, options.clips, options.frames, options.runs)
    show(result)
    print(append("decoding", result))


if __name__ == "__main__":
    import benchmarks.decoding  # under its own name a new process finds what it is sent

    benchmarks.decoding.main()
