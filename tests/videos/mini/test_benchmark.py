"""The bundled benchmark is written once, whole, the same each time, and read by the real readers."""

import pickle
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from videos import datasets
from videos.decode import FramePolicy, decode
from videos.mini import benchmark as module
from videos.mini.actions import ACTIONS
from videos.mini.benchmark import benchmark, version
from videos.mini.plan import Sizes, hat_clips, kinetics_clips, swaps
from videos.mini.render import render
from videos.mini.write import tasks, write_annotations, write_clip

SMALL = Sizes(hat=1, val=1, train=1, mimetics=1)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def written(cache: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCENEPROOF_CACHE", str(cache))
        return benchmark(SMALL, workers=2)


def contents(root: Path) -> dict[str, str]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest() for path in files}


def test_all_files_are_there_and_no_draft_is_left(written: Path, cache: Path) -> None:
    names = contents(written)
    assert len([name for name in names if name.startswith("hat/ori/")]) == 14 * 24
    assert len([name for name in names if name.startswith("hat/seg/") and name.endswith(".png")]) == 14 * 24
    assert len([name for name in names if name.endswith(".mp4")]) == 3 * 14
    assert {path.name for path in cache.iterdir()} == {written.name, "benchmark.lock"}


@pytest.mark.parametrize("name", ["hat:rand_1", "hat:close_1", "hat:far_1", "hat:same_1"])
def test_hats_reader_reads_the_swaps_and_they_compose(
    name: str, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "benchmark", lambda: written)
    clips = datasets.load(name, "mini")
    assert (len(clips), clips.classes) == (14, ACTIONS)
    frames = decode(clips.clips[0].frames, FramePolicy(4, size=96))
    assert frames.pixels.shape == (4, 96, 96, 3)


@pytest.mark.parametrize("name", ["kinetics:val", "kinetics:train", "mimetics"])
def test_the_readers_of_videos_read_the_rest(
    name: str, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "benchmark", lambda: written)
    clips = datasets.load(name, "mini")
    assert (len(clips), clips.classes) == (14, ACTIONS)
    frames = decode(clips.clips[0].frames, FramePolicy(8))
    assert (frames.pixels.shape, frames.fps, frames.total) == ((8, 192, 192, 3), 10.0, 24)


def test_a_video_shows_what_was_drawn(written: Path) -> None:
    (clip, *_) = kinetics_clips(SMALL, "val")
    source = next(c.frames for c in datasets.load("kinetics:val", written / "kinetics").clips)
    drawn = render(clip.spec, (3, 20)).frames.astype(float)
    assert np.abs(source.read((3, 20)) - drawn).mean() < 12  # compression and sensor noise


def test_a_swap_shows_the_person_of_one_clip_before_the_scene_of_the_other(written: Path) -> None:
    person = hat_clips(SMALL)[0]
    scene = swaps(hat_clips(SMALL), "rand")[person.key]
    clip = next(c for c in datasets.load("hat:rand_1", written / "hat").clips if c.sources[0] == person.key)
    assert clip.sources == (person.key, scene.key)
    (frame,) = clip.frames.read((0,)).astype(float)
    away = np.abs(frame - render(scene.spec, (0,)).background[0]).mean(axis=-1)
    share = (render(person.spec, (0,)).mask[0] > 128).mean()
    assert np.median(away) < 8
    assert 0.3 * share < (away > 40).mean() < 1.5 * share


def test_pickles_hold_plain_lists_as_hats_do(written: Path) -> None:
    pairs = pickle.loads((written / "hat" / "actionswap_rand_1.pickle").read_bytes())
    for person, (scene, frames, index) in pairs.items():
        assert person.split("/")[0] in ACTIONS
        assert (frames, ACTIONS[index]) == (24, scene.split("/")[0])


def test_written_again_in_another_process_every_byte_is_the_same(written: Path, tmp_path: Path) -> None:
    write_annotations(tmp_path, SMALL)
    for task in tasks(tmp_path, SMALL)[::6]:
        write_clip(task)
    again, before = contents(tmp_path), contents(written)
    assert {name: before[name] for name in again} == again
    assert {Path(name).suffix for name in again} == {".jpg", ".png", ".mp4", ".pickle", ".csv", ".txt"}


def test_it_is_written_once(written: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEPROOF_CACHE", str(cache))
    monkeypatch.setattr(module, "_write", lambda *_: pytest.fail("written again"))
    assert benchmark(SMALL) == written


def test_a_half_written_one_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("SCENEPROOF_CACHE", str(tmp_path))
    nothing = Sizes(0, 0, 0, 0)
    with monkeypatch.context() as patch:
        patch.setattr("videos.mini.benchmark.os.rename", stop)
        with pytest.raises(KeyboardInterrupt):
            benchmark(nothing, workers=1)
    (draft,) = tmp_path.glob("benchmark-*.part")
    (draft / "rubbish").write_text("half")
    target = benchmark(nothing, workers=1)
    assert not (target / "rubbish").exists()
    assert not draft.exists()


def test_the_newest_two_versions_are_kept_and_nothing_else_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENEPROOF_CACHE", str(tmp_path))
    (tmp_path / "mini-vllm-0123").mkdir()
    for number in range(4):
        monkeypatch.setattr(module, "version", lambda _, number=number: f"version{number}")
        benchmark(Sizes(0, 0, 0, 0), workers=1)
    kept = {path.name for path in tmp_path.glob("benchmark-*")}
    assert kept == {"benchmark-version2", "benchmark-version3"}
    assert (tmp_path / "mini-vllm-0123").is_dir()


def test_the_version_follows_the_sizes() -> None:
    assert version(SMALL) != version(Sizes())


def test_processes_that_need_it_at_once_write_it_once(tmp_path: Path) -> None:
    code = (
        "from videos.mini.benchmark import benchmark\n"
        "from videos.mini.plan import Sizes\n"
        "print(benchmark(Sizes(0, 0, 1, 0), workers=1))"
    )
    root = str(Path(__file__).parents[3])
    env = {"PYTHONPATH": root, "SCENEPROOF_CACHE": str(tmp_path), "HOME": str(tmp_path)}
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen([sys.executable, "-c", code], env=env, stdout=pipe, stderr=pipe) for _ in range(2)
    ]
    said = [process.communicate(timeout=300) for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert said[0][0] == said[1][0]
    assert sorted(b"Writing" in error for _, error in said) == [False, True]


def test_importing_the_benchmark_loads_no_torch() -> None:
    code = (
        "import sys, videos.mini.benchmark, videos.datasets\n"
        "print({'torch', 'transformers'} & set(sys.modules))"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
