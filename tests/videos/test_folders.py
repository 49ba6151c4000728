"""Folders of frames under the names that data sets give them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets.errors import UserError
from videos.folders import FramesFolder


def write_frames(folder: Path, pattern: str, first: int, level: int) -> None:
    folder.mkdir(parents=True)
    for number in range(3):
        pixels = np.full((24, 32), level + 20 * number, np.uint8)
        Image.fromarray(pixels).save(folder / pattern.format(first + number))


@pytest.mark.parametrize(
    ("pattern", "first"),
    [("image_{:05d}.jpg", 1), ("img_{:05d}.png", 0), ("{:06d}.jpg", 1), ("{:05d}.png", 0)],
)
def test_frames_are_counted_from_0_or_1(tmp_path: Path, pattern: str, first: int) -> None:
    write_frames(tmp_path / "clip", pattern, first, 10)
    frames = FramesFolder(tmp_path / "clip", 25.0)
    assert frames.info().length == 3
    assert frames.read((0, 1, 2)).mean((1, 2, 3)) == pytest.approx(np.array([10, 30, 50]), abs=2)
    assert frames.read_grey((1,)).shape == (1, 24, 32)


def test_the_identity_follows_contents_and_a_copy_is_the_same_clip(tmp_path: Path) -> None:
    for name, level in (("a", 10), ("b", 10), ("c", 90)):
        write_frames(tmp_path / name, "img_{:05d}.png", 0, level)
    a, b, c = (FramesFolder(tmp_path / name, 25.0).identity() for name in "abc")
    assert a == b != c


@pytest.mark.parametrize("lost", ["image_00002.jpg", "image_00001.jpg"])
def test_frames_left_out_are_told(tmp_path: Path, lost: str) -> None:
    write_frames(tmp_path / "clip", "image_{:05d}.jpg", 1, 10)
    (tmp_path / "clip" / lost).unlink()
    with pytest.raises(UserError, match=f"no frame {lost}"):
        FramesFolder(tmp_path / "clip", 25.0).info()
