"""Decode once: entries are whole or absent, shared, bounded, and named by what decides their pixels."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from PIL import Image

from assets.errors import UserError
from videos.clip import Clip, FrameSource, Pixels, SourceInfo
from videos.decode import FramePolicy, FramesFolder
from videos.store import FrameStore

POLICY = FramePolicy(4, size=16)


@dataclass(frozen=True)
class Noise:
    """Frames of noise; counts how often it was read, for which it must stay in this process."""

    name: str
    reads: list[tuple[int, ...]] = field(default_factory=list, compare=False)
    side: int = 32

    def identity(self) -> str:
        return f"noise {self.name}"

    def info(self) -> SourceInfo:
        return SourceInfo(24, 10.0)

    def read(self, indices: Sequence[int]) -> Pixels:
        self.reads.append(tuple(indices))
        rng = np.random.default_rng(list(self.name.encode()))
        return rng.integers(0, 256, (24, self.side, self.side, 3), np.uint8)[list(indices)]

    def __reduce__(self) -> NoReturn:
        raise TypeError("stays here")


class Broken(Noise):
    """Names itself, but cannot be read."""

    def read(self, indices: Sequence[int]) -> Pixels:
        raise UserError(f"{self.name} is cut off")


def a_clip(source: FrameSource, name: str = "clip") -> Clip:
    return Clip(name, "archery", None, (name,), source)


def folders(root: Path, n: int) -> list[Clip]:
    """Clips whose sources exist in other processes too."""
    clips = []
    for number in range(n):
        folder = root / f"clip{number}"
        folder.mkdir(parents=True)
        for frame in range(1, 5):
            Image.new("RGB", (32, 32), (number * 5, frame * 20, 0)).save(folder / f"{frame:06d}.png")
        clips.append(a_clip(FramesFolder(folder, 10.0), folder.name))
    return clips


def entries(store: FrameStore) -> list[Path]:
    return sorted(path for path in store.root.rglob("*") if path.is_file())


def test_a_clip_is_decoded_once_and_its_frames_come_back_the_same(tmp_path: Path) -> None:
    source = Noise("a")
    fresh = FrameStore(tmp_path).get(a_clip(source), POLICY)
    kept = FrameStore(tmp_path).get(a_clip(source), POLICY)
    assert source.reads == [(3, 9, 15, 21)]
    assert (kept.indices, kept.fps, kept.total) == (fresh.indices, fresh.fps, fresh.total)
    assert kept.pixels.shape == (4, 16, 16, 3)
    assert np.array_equal(kept.pixels, fresh.pixels)


def test_a_large_entry_is_mapped_and_writing_to_it_reaches_nobody_else(tmp_path: Path) -> None:
    store, clip, policy = FrameStore(tmp_path), a_clip(Noise("a", side=400)), FramePolicy(4)
    before = store.get(clip, policy).pixels.copy()
    mine = store.get(clip, policy).pixels
    mine[:] = 0
    assert np.array_equal(store.get(clip, policy).pixels, before)


def test_the_media_id_names_whatever_changes_a_pixel_and_nothing_else(tmp_path: Path) -> None:
    store, clip = FrameStore(tmp_path), a_clip(Noise("a"))
    assert store.media_id(clip, POLICY) == store.media_id(replace(clip, id="other", human="bowling"), POLICY)
    others = [replace(POLICY, size=17), replace(POLICY, frames=5), replace(POLICY, sampling="centre")]
    ids = {store.media_id(clip, policy) for policy in [POLICY, *others]}
    assert len(ids | {store.media_id(a_clip(Noise("b")), POLICY)}) == 5


@pytest.mark.parametrize("kept", [0, 5, 0.5, -1])
def test_an_entry_that_is_not_whole_is_decoded_again(tmp_path: Path, kept: float) -> None:
    store, source = FrameStore(tmp_path), Noise("a")
    whole = store.get(a_clip(source), POLICY)
    (path,) = entries(store)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)] if 0 < kept < 1 else data[: int(kept)])
    assert np.array_equal(store.get(a_clip(source), POLICY).pixels, whole.pixels)
    assert len(source.reads) == 2
    assert path.read_bytes() == data


def test_an_entry_of_zeros_as_a_power_cut_leaves_it_is_decoded_again(tmp_path: Path) -> None:
    store, source = FrameStore(tmp_path), Noise("a")
    store.get(a_clip(source), POLICY)
    (path,) = entries(store)
    path.write_bytes(bytes(path.stat().st_size))
    assert store.get(a_clip(source), POLICY).pixels.any()


def test_a_folder_that_cannot_be_written_costs_time_but_no_clip(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = FrameStore(tmp_path / "file")
    with pytest.warns(UserWarning, match="frames cannot be kept"):
        frames = store.get(a_clip(Noise("a")), POLICY)
    assert frames.pixels.any()


def test_the_folder_stays_within_its_bound_and_the_oldest_use_goes_first(tmp_path: Path) -> None:
    size = 4 * 16 * 16 * 3
    store = FrameStore(tmp_path, max_bytes=10 * size)
    clips = [a_clip(Noise(str(number))) for number in range(30)]
    for number, clip in enumerate(clips):
        store.get(clip, POLICY)
        for age, path in enumerate(entries(store)):
            os.utime(path, (1_000_000 + age, 1_000_000 + age))
        store.get(clips[0], POLICY)  # used again and again
        assert sum(path.stat().st_size for path in entries(store)) <= 10 * size, number
    assert len(clips[0].frames.reads) == 1  # type: ignore[attr-defined]


def test_the_bound_can_be_set_for_all_commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SCENEPROOF_FRAMES_GB", raising=False)
    assert FrameStore(tmp_path).max_bytes == 8 * 2**30
    monkeypatch.setenv("SCENEPROOF_FRAMES_GB", "0.5")
    assert FrameStore(tmp_path).max_bytes == 2**29
    for nonsense in ("much", "-1", "0", "inf", "nan"):
        monkeypatch.setenv("SCENEPROOF_FRAMES_GB", nonsense)
        with pytest.raises(UserError, match=f"'{nonsense}', expected gigabytes"):
            FrameStore(tmp_path)


def test_leftovers_of_killed_writers_are_swept(tmp_path: Path) -> None:
    store = FrameStore(tmp_path)
    folder = tmp_path / "ab"
    folder.mkdir()
    (folder / "abc.1-2.part").write_bytes(b"half")
    os.utime(folder / "abc.1-2.part", (0, 0))
    (folder / "abd.1-2.part").write_bytes(b"half, being written")
    (folder / "somebody's.txt").write_text("not ours")
    os.utime(folder / "somebody's.txt", (0, 0))
    store.get(a_clip(Noise("a")), POLICY)
    assert {path.name for path in folder.iterdir()} == {"abd.1-2.part", "somebody's.txt"}


def test_many_threads_and_stores_may_fill_one_folder(tmp_path: Path) -> None:
    sources = [Noise(str(number)) for number in range(8)]

    def all_of_them(_: int) -> list[Pixels]:
        store = FrameStore(tmp_path)
        return [store.get(a_clip(source), POLICY).pixels for source in sources]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(all_of_them, range(8)))
    assert all(np.array_equal(a, b) for result in results for a, b in zip(result, results[0], strict=True))
    assert [path.suffix for path in entries(FrameStore(tmp_path))] == [".frames"] * 8


def test_filling_uses_workers_reports_progress_and_leaves_nothing_to_decode(tmp_path: Path) -> None:
    store, clips = FrameStore(tmp_path / "store"), folders(tmp_path / "clips", 30)
    seen: list[tuple[int, int]] = []
    assert store.fill(clips, POLICY, workers=2, progress=lambda done, of: seen.append((done, of))) == {}
    assert seen[0] == (0, 30)
    assert seen[-1] == (30, 30)
    kept = {clip.id: store.get(clip, POLICY).pixels[0, 0, 0, 0] for clip in clips}
    assert kept == {f"clip{number}": number * 5 for number in range(30)}
    before = [path.stat().st_mtime_ns for path in entries(store)]
    store.fill(clips, POLICY, workers=2)
    assert [path.stat().st_mtime_ns for path in entries(store)] == before


def test_filling_goes_on_past_clips_that_cannot_be_decoded(tmp_path: Path) -> None:
    clips = [a_clip(Noise("a"), "good"), a_clip(Broken("b"), "bad"), *folders(tmp_path / "clips", 1)]
    gone = replace(clips[2], id="gone", frames=FramesFolder(tmp_path / "nowhere", 10.0))
    failed = FrameStore(tmp_path / "store").fill([*clips, gone], POLICY)
    assert set(failed) == {"bad", "gone"}
    assert failed["bad"] == "b is cut off"


def test_sources_that_other_processes_cannot_build_are_decoded_here(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Local(Noise):
        pass

    store, clips = FrameStore(tmp_path), [a_clip(Local(str(n)), str(n)) for n in range(30)]
    assert store.fill(clips, POLICY, workers=2) == {}
    assert len(entries(store)) == 30


def test_a_kept_clip_comes_back_in_a_fifth_of_a_millisecond(tmp_path: Path) -> None:
    store, policy = FrameStore(tmp_path / "store"), FramePolicy(8, size=96)
    clips = folders(tmp_path / "clips", 10)
    store.fill(clips, policy)
    times = []
    for clip in clips * 20:
        start = time.perf_counter()
        store.get(clip, policy)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.0002  # the median too on an idle machine, which tests seldom run on


def test_a_script_without_a_main_guard_can_fill_and_its_workers_load_nothing_of_it(tmp_path: Path) -> None:
    folders(tmp_path / "clips", 30)
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from videos.clip import Clip\n"
        "from videos.decode import FramePolicy, FramesFolder\n"
        "from videos.store import FrameStore\n"
        "print('script runs')\n"
        "root = Path(sys.argv[1])\n"
        "paths = (root / 'clips').iterdir()\n"
        "clips = [Clip(p.name, 'a', None, (p.name,), FramesFolder(p, 10.0)) for p in paths]\n"
        "print(FrameStore(root / 'store').fill(clips, FramePolicy(4), workers=2))\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    python = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], env=python, capture_output=True, text=True, timeout=300
    )
    assert (done.stdout, done.stderr) == ("script runs\n{}\n", "")
