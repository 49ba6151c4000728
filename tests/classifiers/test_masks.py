"""Masks: where the person of a clip is, from composition, folders and the renderer."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets.errors import UserError
from classifiers.data.masks import ComposedMasks, FirstOf, FolderMasks, MiniMasks, fitted, hard
from videos.clip import Clip, Pixels, SourceInfo
from videos.compose import ActionSwap, UnalignedSwap
from videos.decode import FramesFolder
from videos.files import VideoFile
from videos.masks.kept import key_of, write_masks


def folder(place: Path, images: Pixels, suffix: str) -> FramesFolder:
    place.mkdir(parents=True)
    for number, image in enumerate(images, 1):
        Image.fromarray(image).save(place / f"{number:06d}{suffix}")
    return FramesFolder(place)


class Still:
    """A video of so many frames, wherever it lies."""

    def __init__(self, length: int) -> None:
        self._length = length

    def info(self) -> SourceInfo:
        return SourceInfo(self._length, 8.0)

    def identity(self) -> str:
        return f"{self._length} frames"

    def read(self, indices: Sequence[int]) -> Pixels:
        raise AssertionError("not to be read")


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


def test_masks_that_videos_segment_wrote_for_videos_are_found(tmp_path: Path) -> None:
    frames = folder(tmp_path / "ori/x/clip", np.zeros((2, 10, 10, 3), np.uint8), ".png")
    filmed = Clip("kinetics/archery/clip_000011_000021", "archery", None, ("clip",), frames)
    video = replace(filmed, frames=Still(2))
    write_masks(tmp_path / "masks", key_of(video), np.full((2, 10, 10), 255, np.uint8))
    masks = FolderMasks(tmp_path / "masks")
    assert masks.knows(video)
    found = masks.levels(video, [0, 1])
    assert found is not None
    assert found.all()


def test_a_folder_has_no_masks_of_another_person(tmp_path: Path) -> None:
    made = swap(tmp_path)
    same = clip_of(made, "hat/archery/a+archery/b")
    folder(tmp_path / "masks/archery/b", np.full((4, 48, 60), 255, np.uint8), ".png")
    folder(tmp_path / "masks/b", np.full((4, 48, 60), 255, np.uint8), ".png")
    both = FirstOf((FolderMasks(tmp_path / "masks"), ComposedMasks()))
    assert np.array_equal(both.levels(same, [0]), made.person_levels([0]))  # type: ignore[arg-type]
    emptied = both.levels(clip_of(made.scene, "hat/archery/b"), [0])
    assert emptied is not None
    assert not emptied.any()


def test_masks_of_another_number_than_frames_are_told(tmp_path: Path) -> None:
    made = swap(tmp_path)
    (tmp_path / "seg/archery/a/000003.png").unlink()
    with pytest.raises(UserError, match="seg/archery/a: 2 masks of 3 frames; segment the clip again"):
        ComposedMasks().levels(clip_of(made.person), [0, 2])


def test_only_what_is_at_hand_is_known(tmp_path: Path) -> None:
    made = swap(tmp_path)
    composed = ComposedMasks()
    assert all(composed.knows(clip_of(one)) for one in (made, made.person, made.scene))
    bare = folder(tmp_path / "other/archery/c", np.zeros((2, 10, 10, 3), np.uint8), ".png")
    assert not FirstOf((composed, MiniMasks())).knows(clip_of(bare))
