"""HAT's swaps are read from its list file, its pickles and its three frame folders."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets.errors import UserError
from videos.datasets.hat import read_hat

KEYS = [
    "archery/aaaaaaaaaaa_000000_000002",
    "bending back/bbbbbbbbbbb_000010_000012",
    "yoga/ccccccccccc_000001_000003",
]
PAIRS = {KEYS[0]: [KEYS[1], 6, 20], KEYS[1]: [KEYS[2], 6, 399], KEYS[2]: [KEYS[0], 6, 5]}


def write_frames(folder: Path, level: int, suffix: str, mode: str = "RGB") -> None:
    folder.mkdir(parents=True)
    for number in range(1, 7):
        pixels = np.full((20, 30), level, np.uint8)
        Image.fromarray(pixels).convert(mode).save(folder / f"{number:06d}{suffix}")


def write_hat(root: Path, names: tuple[str, str, str] = ("ori", "seg", "inp"), below: str = "") -> Path:
    for number, key in enumerate(KEYS):
        write_frames(root / below / names[0] / key, 200 + number, ".jpg")
        write_frames(root / below / names[1] / key, 0, ".png", "L")
        write_frames(root / below / names[2] / key, 50 * number, ".jpg")
    (root / "actionswap_rand_1.pickle").write_bytes(pickle.dumps(PAIRS))
    lines = "".join(f"{key} 6 {number}\n" for key, number in zip(KEYS, (5, 20, 399), strict=True))
    (root / below / "kinetics400_val_list_rawframes.txt").write_text(lines)
    return root


@pytest.mark.parametrize("below", ["", "kinetics400"])
@pytest.mark.parametrize("names", [("ori", "seg", "inp"), ("rawframes", "seg", "inpaint")])
def test_swaps_carry_both_classes_and_both_sources(
    tmp_path: Path, names: tuple[str, str, str], below: str
) -> None:
    clips, missing = read_hat(write_hat(tmp_path, names, below), "rand_1")
    assert missing == ()
    assert clips.classes == ("archery", "bending back", "yoga")
    assert [(c.human, c.background) for c in clips.clips] == [
        ("archery", "bending back"),
        ("bending back", "yoga"),
        ("yoga", "archery"),
    ]
    assert clips.clips[0].sources == (KEYS[0], KEYS[1])
    assert clips.clips[0].id == f"hat/{KEYS[0]}+{KEYS[1]}"
    assert clips.clips[0].tags == ("rand",)


def test_the_emptied_scene_is_the_others_and_rates_follow_from_names(tmp_path: Path) -> None:
    clip = read_hat(write_hat(tmp_path), "rand_1")[0].clips[0]
    assert clip.frames.info().fps == 3.0  # six frames in two seconds
    assert clip.frames.read((0,)).mean() == pytest.approx(50, abs=2)  # empty mask: nothing but the scene


def test_the_list_file_decides_order_and_membership(tmp_path: Path) -> None:
    root = write_hat(tmp_path)
    (root / "kinetics400_val_list_rawframes.txt").write_text(f"{KEYS[2]} 6 399\n{KEYS[0]} 6 5\n")
    assert [clip.human for clip in read_hat(root, "rand_1")[0].clips] == ["yoga", "archery"]
    (root / "kinetics400_val_list_rawframes.txt").unlink()
    assert [clip.human for clip in read_hat(root, "rand_1")[0].clips] == ["archery", "bending back", "yoga"]


@pytest.mark.parametrize(("folder", "lost"), [("ori", 1), ("seg", 2), ("inp", 1)])
def test_a_swap_with_a_folder_absent_is_left_out_and_named(tmp_path: Path, folder: str, lost: int) -> None:
    root = write_hat(tmp_path)
    shutil.rmtree(root / folder / KEYS[0])
    clips, missing = read_hat(root, "rand_1")
    assert (len(clips), len(missing)) == (3 - lost, lost)
    assert all(KEYS[0] in name for name in missing)
    assert len(clips.classes) == 3


def test_strings_for_numbers_are_as_good_as_numbers(tmp_path: Path) -> None:
    root = write_hat(tmp_path)
    pairs = {key: [scene, str(frames), str(index)] for key, (scene, frames, index) in PAIRS.items()}
    (root / "actionswap_far_3.pickle").write_bytes(pickle.dumps(pairs))
    assert len(read_hat(root, "far_3")[0]) == 3


@pytest.mark.parametrize(
    "data",
    [
        [],
        {},
        {"archery/a": "bowling/b"},
        {"archery": ["bowling/b", 1, 2]},
        {"archery/a": ["../../secret", 1, 2]},
        {"../a": ["bowling/b", 1, 2]},
        {"/a": ["bowling/b", 1, 2]},
        {"archery/..": ["bowling/b", 1, 2]},
        {1: ["bowling/b", 1, 2]},
    ],
)
def test_pairs_of_another_shape_or_outside_the_folder_are_refused(tmp_path: Path, data: object) -> None:
    root = write_hat(tmp_path)
    (root / "actionswap_rand_1.pickle").write_bytes(pickle.dumps(data))
    with pytest.raises(UserError, match=r"actionswap_rand_1\.pickle: .*expected"):
        read_hat(root, "rand_1")


def test_an_unknown_mix_lists_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"hat:rand_7: no such swaps in .*, expected one of rand_1"):
        read_hat(write_hat(tmp_path), "rand_7")
    with pytest.raises(UserError, match="expected one of rand_1"):
        read_hat(tmp_path, "../rand_1")


def test_a_broken_list_line_is_named(tmp_path: Path) -> None:
    root = write_hat(tmp_path)
    (root / "kinetics400_val_list_rawframes.txt").write_text(f"{KEYS[0]} 6 5\nlonely\n")
    with pytest.raises(UserError, match=r"rawframes\.txt:2: expected class/clip"):
        read_hat(root, "rand_1")


def test_absent_frames_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "actionswap_rand_1.pickle").write_bytes(pickle.dumps(PAIRS))
    with pytest.raises(UserError, match="expected folders ori, seg and inp"):
        read_hat(tmp_path, "rand_1")


@pytest.mark.parametrize("mix", ["rand_1", "close_1", "far_1", "same_1"])
def test_the_published_pairs_are_read_and_those_without_frames_named(
    shared_data: Path, tmp_path: Path, mix: str
) -> None:
    shutil.copy(shared_data / "hat" / f"actionswap_{mix}.pickle", tmp_path)
    (tmp_path / "ori").mkdir()
    clips, missing = read_hat(tmp_path, mix)
    assert len(clips) == 0
    assert len(missing) == (7860 if mix == "close_1" else 5631)
    assert len(clips.classes) == (391 if mix == "same_1" else 400)  # nine classes have no two clips


def test_a_list_that_belongs_to_other_pairs_is_pointed_out(shared_data: Path) -> None:
    with pytest.raises(UserError, match="none of its 2 clips is in the pickle"):
        read_hat(shared_data / "hat", "rand_1")
