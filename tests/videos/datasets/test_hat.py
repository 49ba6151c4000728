"""HAT's swaps are read from its list file, its pickles and its three frame folders."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets.errors import UserError
from videos.clip import SourceInfo
from videos.datasets.hat import VARIANTS, read_hat, read_hat50
from videos.datasets.reading import LeftOut

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
    assert all(KEYS[0] in row.clip and row.reason == "missing" for row in missing)
    assert missing[0].detail == f"no folder {root / folder / KEYS[0]}"
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
    with pytest.raises(UserError, match=r"rawframes\.txt:2: 'lonely', expected class/clip"):
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


def test_a_list_that_names_no_pair_is_set_aside(shared_data: Path) -> None:
    assert len(read_hat(shared_data / "hat", "original")[0]) == 1  # the list of HAT's demonstration
    clips, missing = read_hat(shared_data / "hat", "rand_1")
    assert (len(clips), len(missing)) == (0, 5631)
    assert "no folder" in missing[0].detail


def test_single_clips_are_original_without_scene_and_without_person(tmp_path: Path) -> None:
    root = write_hat(tmp_path)
    write_mask(root / "seg" / KEYS[1])
    for part, expected in (("original", 201), ("human_only", 201), ("background_only", 50)):
        clips, missing = read_hat(root, part)
        assert missing == ()
        assert [clip.id for clip in clips.clips] == [f"hat/{part}/{key}" for key in KEYS]
        clip = clips.clips[1]
        assert (clip.human, clip.background, clip.sources) == ("bending back", None, (KEYS[1],))
        assert clip.tags == (part,)
        frame = clip.frames.read((0,))[0]
        assert frame[:, :15].mean() == pytest.approx(expected, abs=2)
        beside = (123, 116, 103) if part == "human_only" else [expected] * 3
        assert frame[:, 15:].mean((0, 1)) == pytest.approx(np.array(beside), abs=2)
    assert len({read_hat(root, part)[0].clips[1].frames.identity() for part in VARIANTS}) == 3


def write_mask(folder: Path) -> None:
    """The left half is person."""
    for path in sorted(folder.iterdir()):
        mask = np.zeros((20, 30), np.uint8)
        mask[:, :15] = 255
        Image.fromarray(mask).save(path)


def test_without_a_list_single_clips_are_those_there_are_folders_of(tmp_path: Path) -> None:
    root = write_hat(tmp_path)
    (root / "kinetics400_val_list_rawframes.txt").unlink()
    (root / "ori" / "bending back").rename(root / "ori" / "bending_back")
    clips, _ = read_hat(root, "original")
    assert [clip.id for clip in clips.clips] == [f"hat/original/{key}" for key in KEYS]


def test_the_papers_mode_makes_other_clips_of_the_same_pairs(tmp_path: Path) -> None:
    root = write_hat(tmp_path)
    shutil.rmtree(root / "seg" / KEYS[2])
    aligned, lost = read_hat(root, "rand_1")
    unaligned, lost_too = read_hat(root, "rand_1:paper")
    assert (len(lost), len(lost_too)) == (2, 1)  # the scene's own mask is only needed to align
    both = [(a, b) for b in unaligned.clips for a in aligned.clips if b.id == f"{a.id}@paper"]
    assert len(both) == 1
    assert all(a.frames.identity() != b.frames.identity() and a.sources == b.sources for a, b in both)
    assert read_hat(root, "rand_1:hat")[0].clips == aligned.clips
    with pytest.raises(
        UserError, match="hat:rand_1:soft: no such mode of composing, expected one of: hat, paper"
    ):
        read_hat(root, "rand_1:soft")


@pytest.mark.parametrize("written", ["bending_back", "bending  back"])
@pytest.mark.parametrize("place", ["folder", "list", "pickle"])
def test_class_names_are_found_however_their_spaces_are_written(
    tmp_path: Path, written: str, place: str
) -> None:
    root = write_hat(tmp_path)
    if place == "folder":
        for part in ("ori", "seg", "inp"):
            (root / part / "bending back").rename(root / part / written)
    elif place == "list":
        path = root / "kinetics400_val_list_rawframes.txt"
        path.write_text(path.read_text().replace("bending back", written).replace(" 6 ", "\t 6  "))
    else:
        text = pickle.dumps({k.replace("bending back", written): v for k, v in PAIRS.items()})
        (root / "actionswap_rand_1.pickle").write_bytes(text)
    clips, missing = read_hat(root, "rand_1")
    assert missing == ()
    assert {"bending back"} < {clip.human for clip in clips.clips} == set(clips.classes)


def test_a_pair_that_is_not_in_the_list_is_told(tmp_path: Path) -> None:
    root = write_hat(tmp_path)
    (root / "kinetics400_val_list_rawframes.txt").write_text(f"{KEYS[2]} 6 399\n{KEYS[0]} 6 5\n")
    _, missing = read_hat(root, "rand_1")
    (row,) = missing
    assert row == LeftOut(f"hat/{KEYS[1]}+{KEYS[2]}", "missing", "not in kinetics400_val_list_rawframes.txt")


def test_kinetics_50_keeps_pairs_with_both_classes_in_it(tmp_path: Path) -> None:
    root = write_hat(tmp_path)
    clips, missing = read_hat50(root, "rand_1")
    assert (len(clips), missing, len(clips.classes)) == (0, (), 50)
    assert [clip.human for clip in read_hat50(root, "original")[0].clips] == ["archery"]
    pairs = {KEYS[0]: [KEYS[0], 6, 5], KEYS[1]: [KEYS[0], 6, 5]}
    (root / "actionswap_same_1.pickle").write_bytes(pickle.dumps(pairs))
    (clip,) = read_hat50(root, "same_1")[0].clips
    assert (clip.id, clip.sources) == (f"hat/{KEYS[0]}+{KEYS[0]}", (KEYS[0],))


@pytest.mark.parametrize(
    ("mix", "within"), [("rand_1", 88), ("close_1", 260), ("far_1", 103), ("same_1", 776)]
)
def test_the_published_pairs_within_kinetics_50(
    shared_data: Path, tmp_path: Path, mix: str, within: int
) -> None:
    shutil.copy(shared_data / "hat" / f"actionswap_{mix}.pickle", tmp_path)
    (tmp_path / "ori").mkdir()
    assert len(read_hat50(tmp_path, mix)[1]) == within


def test_the_published_frames_are_read_as_they_are(shared_data: Path) -> None:
    clips, missing = read_hat(shared_data / "hat", "original")
    (clip,) = clips.clips
    assert clip.human == "archery"
    assert clip.frames.info() == SourceInfo(150, 15.0)
    assert [row.clip for row in missing] == ["hat/original/bending back/05mZDSLkGQI_000007_000017"]
