"""A store under attack: files that hang, crash or change, disks that fill, processes that get in the way."""

import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path
from signal import SIGKILL

import numpy as np
import pytest
from hard_videos import LEVELS, Crashing, Flat, Hanging, Raising, Rewritten, UnluckyOnce, greys, write_video

from assets.errors import UserError
from videos import workers
from videos.clip import Clip, FrameSource
from videos.decode import FramePolicy, VideoFile
from videos.entries import evict
from videos.store import FrameStore

POLICY = FramePolicy(4)


def a_clip(source: FrameSource, name: str = "clip") -> Clip:
    return Clip(name, "archery", None, (name,), source)


def files(store: FrameStore) -> list[Path]:
    return sorted(path for path in store.root.rglob("*") if path.is_file())


def test_files_that_hang_or_crash_the_decoder_cost_themselves_alone(tmp_path: Path) -> None:
    sources = [Flat(1), Crashing(2), Flat(3), Hanging(4), Crashing(5, SIGKILL), Flat(6)]
    clips = [a_clip(source, f"clip {source.level}") for source in sources]
    store = FrameStore(tmp_path, seconds=1)
    progress: list[tuple[int, int]] = []
    failed = store.fill(clips, POLICY, workers=2, progress=lambda *done: progress.append(done))
    assert failed == {
        "clip 2": "clip 2: decoding it crashed its process (SIGSEGV), twice; look at its file",
        "clip 4": "clip 4: decoding it took more than 1 s, twice; look at its file",
        "clip 5": "clip 5: decoding it crashed its process (SIGKILL), twice; look at its file",
    }
    assert progress[-1] == (6, 6)
    assert [store.get(clips[k], POLICY).pixels.mean() for k in (0, 2, 5)] == [1, 3, 6]


def test_asking_for_one_clip_is_as_safe(tmp_path: Path) -> None:
    store = FrameStore(tmp_path, seconds=1)
    with pytest.raises(UserError, match="clip: decoding it took more than 1 s, twice; look at its file"):
        store.get(a_clip(Hanging()), POLICY)
    with pytest.raises(UserError, match=r"crashed its process \(SIGSEGV\), twice"):
        store.get(a_clip(Crashing()), POLICY)
    assert store.get(a_clip(Flat(7)), POLICY).pixels.mean() == 7


def test_an_error_that_nobody_foresaw_costs_its_clip_alone(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"odd \xff name\n.mp4")
    clips = [a_clip(Raising(1), "raising"), a_clip(VideoFile(odd), "odd"), a_clip(Flat(3), "good")]
    write_video(tmp_path / "plain.mp4", greys(LEVELS)).rename(odd)
    failed = FrameStore(tmp_path / "store").fill(clips, POLICY)
    told = "raising: ZeroDivisionError cannot tell two lines from one; look at its file"
    assert failed == {"raising": told}


def test_the_victim_of_anothers_hunger_for_memory_is_tried_again(tmp_path: Path) -> None:
    clip = a_clip(UnluckyOnce(9, tmp_path / "killed"))
    assert FrameStore(tmp_path / "store").fill([clip], POLICY) == {}
    assert (tmp_path / "killed").exists()


BROKEN_DECORD = {
    "hangs": "import time\ndef VideoReader(*_, **__): time.sleep(600)",
    "crashes": "import os, signal\ndef VideoReader(*_, **__): os.kill(os.getpid(), signal.SIGSEGV)",
    "raises": "def VideoReader(*_, **__): raise RuntimeError('no')",
    "is no module": "raise ImportError('libdecord.so: cannot open shared object file')",
}


@pytest.mark.parametrize("fault", BROKEN_DECORD)
def test_a_video_whose_decord_fails_is_read_by_pyav(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = "\nclass logging:\n  QUIET = 0\n  set_level = print\ndef cpu(_): pass\n"
    (tmp_path / "decord.py").write_text(BROKEN_DECORD[fault] + rest.replace("print", "staticmethod(id)"))
    monkeypatch.syspath_prepend(tmp_path)
    workers.retire()  # new ones look for decord where this process does
    clip = a_clip(VideoFile(write_video(tmp_path / "clip.mp4", greys(LEVELS))))
    try:
        frames = FrameStore(tmp_path / "store", seconds=2).get(clip, POLICY)
    finally:
        workers.retire()
    assert frames.indices == (2, 7, 12, 17)
    assert frames.pixels.mean(axis=(1, 2, 3)) == pytest.approx([LEVELS[i] for i in frames.indices], abs=3)


def test_a_file_that_changes_during_a_run_is_not_passed_off_as_the_old_one(tmp_path: Path) -> None:
    clip = a_clip(VideoFile(write_video(tmp_path / "clip.mp4", greys(LEVELS))))
    store = FrameStore(tmp_path / "store")
    named = store.media_id(clip, POLICY)
    store.get(clip, POLICY)
    write_video(tmp_path / "clip.mp4", greys(LEVELS[::-1]))
    with pytest.raises(UserError, match="clip: its files changed during this run; start again"):
        store.get(clip, POLICY)
    assert store.fill([clip], POLICY).keys() == {"clip"}
    assert store.media_id(clip, POLICY) != named  # named anew, it is welcome
    assert store.get(clip, POLICY).pixels[0].mean() == pytest.approx(LEVELS[-3], abs=3)


def test_frames_of_another_file_than_was_named_are_not_kept(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("first version")
    store = FrameStore(tmp_path / "store")
    with pytest.raises(UserError, match="changed while they were read; start again once they are written"):
        store.get(a_clip(Rewritten(path=tmp_path / "text")), POLICY)
    assert files(store) == []


def test_on_a_full_disk_clips_are_decoded_all_the_same(tmp_path: Path) -> None:
    store, clip = FrameStore(tmp_path), a_clip(Flat(5))
    workers.retire()  # new ones inherit the limit, which the kernel enforces as it does a full disk
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.warns(UserWarning, match="frames cannot be kept in .*: .*File too large") as warned:
            frames = [store.get(clip, POLICY) for _ in range(3)]
        assert store.fill([clip, a_clip(Flat(6), "next")], POLICY) == {}
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        workers.retire()
    assert [one.pixels.mean() for one in frames] == [5, 5, 5]
    assert len(warned) == 1  # not one for each clip
    assert files(store) == []


def test_an_entry_evicted_while_it_is_mapped_stays_readable(tmp_path: Path) -> None:
    store = FrameStore(tmp_path / "store")
    clip = a_clip(VideoFile(write_video(tmp_path / "clip.mp4", greys(LEVELS, 512, 512))))
    store.get(clip, POLICY)
    frames = store.get(clip, POLICY)
    evict(store.root, 0)
    assert files(store) == []
    assert frames.pixels.mean(axis=(1, 2, 3)) == pytest.approx([LEVELS[i] for i in (2, 7, 12, 17)], abs=3)


def test_a_clip_larger_than_the_store_comes_back_all_the_same(tmp_path: Path) -> None:
    store = FrameStore(tmp_path, max_bytes=1000)
    assert store.get(a_clip(Flat(8)), POLICY).pixels.mean() == 8
    assert files(store) == []


def test_two_stores_on_one_folder_keep_its_bound_together(tmp_path: Path) -> None:
    entry = 4 * 32 * 32 * 3
    stores = [FrameStore(tmp_path, max_bytes=40 * entry) for _ in range(2)]
    for number in range(60):
        source = Flat(number)
        object.__setattr__(source, "here", lambda: None)  # cannot be sent: decoded here, which is quicker
        stores[number % 2].get(a_clip(source, str(number)), POLICY)
        assert sum(path.stat().st_size for path in files(stores[0])) <= 40 * entry
    assert len(files(stores[0])) > 30


def test_two_processes_fill_one_folder_at_once(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import sys
        sys.path[:0] = {[str(Path(__file__).parents[2]), str(Path(__file__).parent)]!r}
        from pathlib import Path
        from hard_videos import Flat
        from videos.clip import Clip
        from videos.decode import FramePolicy
        from videos.store import FrameStore
        store = FrameStore(Path({str(tmp_path)!r}))
        clips = [Clip(str(k), "a", None, (str(k),), Flat(k)) for k in range(40)]
        assert store.fill(clips, FramePolicy(4), workers=2) == {{}}
        assert [store.get(clip, FramePolicy(4)).pixels.max() for clip in clips] == list(range(40))
        """
    )
    both = [
        subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert [(one.communicate(timeout=300)[1], one.returncode) for one in both] == [("", 0)] * 2
    entries = files(FrameStore(tmp_path))
    assert [path.suffix for path in entries] == [".frames"] * 40
    assert np.unique([path.stat().st_size for path in entries]).size == 1
