"""Masks: where the person of a clip is, from composition, folders and the renderer."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets.errors import UserError
from classifiers.data.masks import ComposedMasks, FirstOf, FolderMasks, MiniMasks, fitted, hard
from videos.clip import Clip, Pixels
from videos.compose import ActionSwap, UnalignedSwap
from videos.decode import FramesFolder
from videos.files import VideoFile


def folder(place: Path, images: Pixels, suffix: str) -> FramesFolder:
    place.mkdir(parents=True)
    for number, image in enumerate(images, 1):
        Image.fromarray(image).save(place / f"{number:06d}{suffix}")
    return FramesFolder(place)


def swap(root: Path) -> ActionSwap:
    """A white person on black, put where nobody stood in a grey scene of another size."""
    mask = np.zeros((3, 40, 50), np.uint8)
    mask[:, 10:30, 5:15] = 255
    person = np.repeat(mask[..., None], 3, -1)
    scene = np.full((4, 48, 60, 3), 100, np.uint8)
    there = np.zeros((4, 48, 60), np.uint8)
    there[:, 20:40, 40:50] = 255
    return ActionSwap(
        folder(root / "ori/archery/a", person, ".png"), folder(root / "seg/archery/a", mask, ".png"),
        folder(root / "inp/bowling/b", scene, ".png"), folder(root / "seg/bowling/b", there, ".png"),
    )  # fmt: skip


def clip_of(frames: object, name: str = "hat/archery/a") -> Clip:
    return Clip(name, "archery", "bowling", ("a", "b"), frames)  # type: ignore[arg-type]


def test_the_mask_of_a_swap_lies_where_the_person_was_pasted(tmp_path: Path) -> None:
    made = swap(tmp_path)
    frames = made.read([0, 1, 2])
    levels = ComposedMasks().levels(clip_of(made), [0, 1, 2])
    assert levels is not None
    assert levels.shape == frames.shape[:3]
    assert levels.any()
    assert np.array_equal(levels > 128, (frames == 255).all(-1))


def test_the_mask_of_an_unaligned_swap_is_the_persons(tmp_path: Path) -> None:
    made = swap(tmp_path)
    unaligned = UnalignedSwap(made.person, made.person_mask, made.scene)
    levels = ComposedMasks().levels(clip_of(unaligned), [2])
    assert np.array_equal(levels, made.person_mask.read_grey([2]))


def test_original_clips_of_hat_have_their_masks_beside_them_and_emptied_ones_nobody(tmp_path: Path) -> None:
    made = swap(tmp_path)
    original = ComposedMasks().levels(clip_of(made.person), [1])
    assert np.array_equal(original, made.person_mask.read_grey([1]))
    emptied = fitted(ComposedMasks(), clip_of(made.scene), [0, 1], (2, 48, 60, 3))
    assert emptied.shape == (2, 48, 60)
    assert not emptied.any()


def test_a_folder_of_fewer_masks_than_frames_is_read_by_time(tmp_path: Path) -> None:
    frames = folder(tmp_path / "ori/x/clip", np.zeros((8, 10, 10, 3), np.uint8), ".png")
    levels = np.stack([np.full((10, 10), 60 * k, np.uint8) for k in range(4)])
    folder(tmp_path / "masks/archery/clip", levels, ".png")
    found = FolderMasks(tmp_path / "masks").levels(clip_of(frames), [0, 1, 5, 7])
    assert found is not None
    assert found[:, 0, 0].tolist() == [0, 0, 120, 180]


def test_masks_of_videos_segment_lie_in_seg_and_new_ones_change_the_key(tmp_path: Path) -> None:
    frames = folder(tmp_path / "ori/x/clip", np.zeros((2, 10, 10, 3), np.uint8), ".png")
    masks = FolderMasks(tmp_path / "masks")
    with pytest.raises(UserError, match="masks: no folder; expected person masks"):
        masks.levels(clip_of(frames), [0])
    folder(tmp_path / "masks/seg/bowling/other", np.zeros((2, 10, 10), np.uint8), ".png")
    before = masks.key
    assert masks.levels(clip_of(frames), [0]) is None
    folder(tmp_path / "masks/seg/archery/clip", np.full((2, 10, 10), 200, np.uint8), ".png")
    found = masks.levels(clip_of(frames), [1])
    assert found is not None
    assert (found == 200).all()
    assert masks.key != before


def test_an_unknown_clip_is_all_black_or_all_person(tmp_path: Path) -> None:
    clip = clip_of(VideoFile(tmp_path / "nowhere.mp4"))
    black, whole = (
        fitted(FirstOf((MiniMasks(),), how), clip, [0], (1, 6, 8, 3)) for how in ("black", "whole")
    )
    assert black.shape == whole.shape == (1, 6, 8)
    assert not black.any()
    assert (whole == 255).all()


def test_videos_of_the_bundled_benchmark_get_their_exact_masks(tmp_path: Path) -> None:
    from videos.mini.plan import Sizes, kinetics_clips
    from videos.mini.render import render

    planned = kinetics_clips(Sizes(), "val")[5]
    clip = clip_of(VideoFile(tmp_path / f"{planned.name}.mp4"), planned.key)
    found = MiniMasks().levels(clip, [3, 9])
    assert np.array_equal(found, render(planned.spec, [3, 9]).mask)


def test_hard_masks_split_above_128() -> None:
    assert hard(np.array([[[0, 128, 129, 255]]], np.uint8)).tolist() == [[[0, 0, 255, 255]]]
