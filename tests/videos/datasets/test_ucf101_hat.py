"""UCF101's swaps: labels in words, groups as sources, frames however copies number them."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets.errors import UserError
from videos.datasets import load
from videos.datasets.ucf101_hat import label_of, read_ucf101_hat

A, B = "ApplyEyeMakeup/v_ApplyEyeMakeup_g06_c03", "YoYo/v_YoYo_g01_c02"
SAME = "ApplyEyeMakeup/v_ApplyEyeMakeup_g06_c04"
PAIRS = {A: [B, "3", "100"], B: [A, "3", "0"]}  # numbers are strings in the published files


def write_frames(folder: Path, pattern: str, first: int, level: int) -> None:
    folder.mkdir(parents=True)
    for number in range(3):
        pixels = np.full((24, 32), level + 20 * number, np.uint8)
        Image.fromarray(pixels).save(folder / pattern.format(first + number))


def write_set(
    root: Path, pickles: str = "", names: tuple[str, str, str] = ("rawframes", "seg", "inpaint")
) -> Path:
    """As DEVIAS reads it: originals numbered from 1, masks and emptied scenes from 0."""
    for key in (A, B):
        write_frames(root / names[0] / key, "image_{:05d}.jpg", 1, 180)
        write_frames(root / names[1] / key, "img_{:05d}.png", 0, 0)
        write_frames(root / names[2] / key, "img_{:05d}.jpg", 0, 60)
    (root / pickles).mkdir(parents=True, exist_ok=True)
    (root / pickles / "actionswap_far_2.pickle").write_bytes(pickle.dumps(PAIRS))
    return root


@pytest.mark.parametrize("pickles", ["", "far", "filelist/hat/ucf101/far"])
def test_swaps_are_read_in_the_layouts_there_are(tmp_path: Path, pickles: str) -> None:
    clips = load("ucf101_hat:far_2", write_set(tmp_path, pickles))
    assert clips.classes == ("apply eye makeup", "yo yo")
    first = clips.clips[0]
    assert (first.id, first.human, first.background) == (f"ucf101_hat/{A}+{B}", "apply eye makeup", "yo yo")
    assert first.sources == ("ApplyEyeMakeup/v_ApplyEyeMakeup_g06", "YoYo/v_YoYo_g01")
    assert first.tags == ("far",)
    assert first.frames.info().fps == 25.0
    assert first.frames.read((0, 2)).mean((1, 2, 3)) == pytest.approx(np.array([60, 100]), abs=2)


def test_clips_cut_from_one_video_are_one_source(tmp_path: Path) -> None:
    write_set(tmp_path)
    (tmp_path / "actionswap_far_2.pickle").write_bytes(pickle.dumps({A: [SAME, "3", "0"]}))
    write_frames(tmp_path / "inpaint" / SAME, "img_{:05d}.jpg", 0, 60)
    write_frames(tmp_path / "seg" / SAME, "img_{:05d}.png", 0, 0)
    (clip,) = read_ucf101_hat(tmp_path, "far_2")[0].clips
    assert clip.sources == ("ApplyEyeMakeup/v_ApplyEyeMakeup_g06",)


@pytest.mark.parametrize(
    ("name", "label"),
    [("Archery", "archery"), ("CleanAndJerk", "clean and jerk"), ("HandStandPushups", "hand stand pushups")],
)
def test_labels_are_words(name: str, label: str) -> None:
    assert label_of(name) == label


def test_an_absent_mix_and_absent_frames_are_told(tmp_path: Path) -> None:
    root = write_set(tmp_path)
    with pytest.raises(UserError, match=r"ucf101_hat:rand_1: no such swaps in .*, expected one of far_2"):
        read_ucf101_hat(root, "rand_1")
    shutil.rmtree(root / "inpaint" / B)
    _, left_out = read_ucf101_hat(root, "far_2")
    assert [(row.clip, row.reason) for row in left_out] == [(f"ucf101_hat/{A}+{B}", "missing")]
    assert left_out[0].detail == f"no folder {root / 'inpaint' / B}"
