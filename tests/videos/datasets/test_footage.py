"""The set of real footage: made from what is fetched, read as Action-Swap, honest about its sources."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

import people_world as world

from assets.cache import cache_dir
from assets.errors import UserError
from videos.clip import Pixels, SourceInfo
from videos.compose import ActionSwap
from videos.datasets import load
from videos.footage import make
from videos.footage.sources import EXCERPTS, FOLDER, SCENES
from videos.masks import run

pytest.importorskip("cv2", reason="opencv is not installed")

LENGTH = 4


class Video:
    """A person who walks, in place of what would be fetched."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def info(self) -> SourceInfo:
        return SourceInfo(400, 30.0)

    def read(self, indices: list[int]) -> Pixels:
        return np.stack([world.frame_of(world.mask_of(place)) for place in range(len(indices))])


def photographs(archive: Path, folder: Path) -> None:
    for number, photo in enumerate(SCENES):
        path = folder / FOLDER / photo.file
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (72, 54), (0, 20 * number, 90)).save(path)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCENEPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(make, "fetch", Path)
    monkeypatch.setattr(make, "VideoFile", Video)
    monkeypatch.setattr(make, "_unpack", photographs)
    monkeypatch.setattr(make, "SIDE", 48)
    monkeypatch.setattr(run, "backends", lambda text: (world.Eyes(), world.Hands([])))
    return cache_dir() / "footage"


def test_each_person_stands_before_each_photograph(root: Path) -> None:
    rows = make.make(root, LENGTH)
    assert [row.status for row in rows] == ["kept"] * len(EXCERPTS)
    swaps = load("footage:swap", "mini")
    assert len(swaps) == len(EXCERPTS) * len(SCENES)
    assert len({(clip.human, clip.background, clip.sources) for clip in swaps.clips}) == 2 * len(SCENES)
    frames = swaps.clips[0].frames
    assert isinstance(frames, ActionSwap)
    shown = frames.read(range(LENGTH))
    assert (world.there(shown[0]) > 0).any()
    assert abs(int(shown[0][0, 0, 2]) - 90) < 6, "the photograph is behind"


def test_cameras_of_one_performance_are_one_source(root: Path) -> None:
    make.make(root, LENGTH)
    originals = load("footage:original", root)
    assert {clip.sources for clip in originals.clips} == {("beam",), ("outdoors",)}
    assert {clip.human for clip in originals.clips} == {excerpt.action for excerpt in EXCERPTS}
    assert len(load("footage:human_only", root)) == len(EXCERPTS)
    alone = load("footage:background_only", root)
    assert len(alone) == len(EXCERPTS) + len(SCENES)
    assert {photo.action for photo in SCENES} <= {clip.human for clip in alone.clips}


def test_made_again_nothing_is_cut_out_twice(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make.make(root, LENGTH)
    hands = world.Hands([])
    monkeypatch.setattr(run, "backends", lambda text: (world.Eyes(), hands))
    make.make(root, LENGTH)
    assert hands.starts == []


def test_an_excerpt_without_people_is_left_out_and_none_at_all_is_told(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "backends", lambda text: (world.Eyes(0.1), world.Hands([])))
    with pytest.raises(UserError, match="nobody was found in any excerpt"):
        make.make(root, LENGTH)


def test_an_excerpt_in_which_nobody_is_found_costs_that_excerpt_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Empty(Video):
        """Nobody comes."""

        def read(self, indices: list[int]) -> Pixels:
            empty = np.zeros((world.HIGH, world.WIDE), np.uint8)
            return np.stack([world.frame_of(empty)] * len(indices))

    monkeypatch.setattr(
        make, "VideoFile", lambda path: (Empty if path.name == EXCERPTS[1].asset else Video)(path)
    )
    rows = make.make(root, LENGTH)
    assert [row.status for row in rows].count("missing") == 1
    assert len(load("footage:swap", root)) == (len(EXCERPTS) - 1) * len(SCENES)


def test_a_set_of_another_length_is_not_mixed_in(root: Path) -> None:
    make.make(root, LENGTH)
    with pytest.raises(UserError, match="clips of 4 frames, expected 5; name another --root"):
        make.make(root, LENGTH + 1)
    with pytest.raises(UserError, match="--frames 1, expected 2 or more"):
        make.make(root, 1)


def test_a_set_that_was_not_made_says_how(root: Path) -> None:
    with pytest.raises(UserError, match="make it with `python -m videos footage`"):
        load("footage:swap", "mini")
    root.mkdir(parents=True)
    with pytest.raises(UserError, match="dataset footage:other is unknown, expected one of: original, "):
        load("footage:other", "mini")
