"""The composite follows HAT's rules, checked against them written out once more with other means."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from assets.errors import UserError
from videos.clip import Pixels
from videos.compose import ActionSwap, fit_short_side, paste, scene_indices, shift_between
from videos.decode import FramesFolder

RED, BLUE = (250, 10, 10), (10, 10, 250)


def write(path: Path, frames: Pixels) -> FramesFolder:
    path.mkdir(parents=True)
    for number, frame in enumerate(frames, 1):
        Image.fromarray(frame).save(path / f"{number:06d}.png")
    return FramesFolder(path, 10.0)


def blobs(length: int, height: int, width: int, centres: list[tuple[int, int]]) -> Pixels:
    """Soft masks [length, height, width]: a square of 255 with a rim of 100 that does not count as person."""
    masks = np.zeros((length, height, width), np.uint8)
    for mask, (y, x) in zip(masks, centres, strict=True):
        mask[max(0, y - 6) : y + 6, max(0, x - 6) : x + 6] = 100
        mask[max(0, y - 4) : y + 4, max(0, x - 4) : x + 4] = 255
    return masks


@pytest.fixture
def swap(tmp_path: Path) -> ActionSwap:
    """A red person walking right, 6 frames 40x60, into a blue scene of 9 frames 80x100 with its own mask."""
    red, blue = np.full((6, 40, 60, 3), RED, np.uint8), np.full((9, 80, 100, 3), BLUE, np.uint8)
    blue[..., 1] = np.arange(9)[:, None, None] * 20  # tells which frame was taken
    return ActionSwap(
        write(tmp_path / "ori", red),
        write(tmp_path / "seg", blobs(6, 40, 60, [(20, 20 + 5 * k) for k in range(6)])),
        write(tmp_path / "inp", blue),
        write(tmp_path / "seg2", blobs(9, 80, 100, [(40, 70)] * 9)),
    )


def red_centre(frame: Pixels) -> tuple[float, float]:
    centre = ndimage.center_of_mass(frame[..., 0] > 128)
    return float(centre[0]), float(centre[1])


def test_the_canvas_is_the_background_with_its_short_side_at_the_persons(swap: ActionSwap) -> None:
    assert swap.read((0, 3)).shape == (2, 40, 50, 3)
    assert swap.info() == swap.person.info()


def test_the_person_stands_where_the_other_stood_and_moves_as_before(swap: ActionSwap) -> None:
    frames = swap.read((0, 1, 2))
    shift = (0, int(34.75 - 19.5))  # scene mask: column 69.5 of 100, at half size 34.5 or so
    centres = [red_centre(frame) for frame in frames]
    assert centres[0] == pytest.approx((19.5, 19.5 + shift[1]), abs=1.01)
    assert [c[1] - centres[0][1] for c in centres] == [0, 5, 10]


def test_the_shift_comes_from_the_first_frame_sampled(swap: ActionSwap) -> None:
    late = red_centre(swap.read((2, 3))[0])
    early = red_centre(swap.read((0, 3))[0])
    assert late == pytest.approx(early, abs=1.01)
    assert red_centre(swap.read((0, 2))[1])[1] == pytest.approx(early[1] + 10)


def test_only_mask_levels_above_128_are_person(swap: ActionSwap) -> None:
    (frame,) = swap.read((0,))
    assert (frame[..., 0] > 128).sum() == 8 * 8


def test_parts_outside_the_canvas_are_cut_off() -> None:
    person, scene = np.full((10, 10, 3), RED, np.uint8), np.full((10, 10, 3), BLUE, np.uint8)
    everything = np.full((10, 10), 255, np.uint8)
    pasted = paste(person, everything, scene, (4, -7))
    expected = np.zeros((10, 10), bool)
    expected[4:, :3] = True
    assert np.array_equal(pasted[..., 0] > 128, expected)


def test_background_frames_stand_at_the_same_relative_position() -> None:
    assert scene_indices((0, 1, 2, 5), 6, 9) == [0, 2, 3, 8]  # 1.5 to even is 2, 7.5 to even is 8
    assert scene_indices((5,), 6, 3) == [2]  # 2.5 to even
    assert scene_indices((3,), 4, 2) == [1]  # 1.5 to even is 2, which is past the end
    assert scene_indices(range(24), 24, 24) == list(range(24))


def test_a_frame_comes_from_the_relative_position(swap: ActionSwap) -> None:
    corner = swap.read((0, 1, 2, 5))[:, 0, 0, 1]
    assert (corner // 20).tolist() == [0, 2, 3, 8]


@pytest.mark.parametrize(
    ("person", "scene", "expected"), [(0, 1, (24, -7)), (1, 0, (-24, 7)), (0, 0, (0, 0)), (1, 1, (0, 0))]
)
def test_an_empty_mask_counts_as_its_middle_and_shifts_are_cut_towards_zero(
    person: int, scene: int, expected: tuple[int, int]
) -> None:
    masks = [np.zeros((50, 60), np.uint8), np.zeros((50, 60), np.uint8)]
    masks[1][49:, 20:26] = 255  # centre (49, 22.5)
    masks[1][49:, 26] = 51  # a soft pixel: centre (49, 22.61)
    # From the middle (25, 30) that is (24, -7.39).
    assert shift_between(masks[person], masks[scene]) == expected


@pytest.mark.parametrize("size", [(30, 50), (50, 30), (64, 64), (31, 17)])
def test_short_sides_match_in_either_orientation(size: tuple[int, int]) -> None:
    fitted = fit_short_side(np.zeros((*size, 3), np.uint8), 40)
    assert min(fitted.shape[:2]) == 40
    assert fitted.shape[0] / fitted.shape[1] == pytest.approx(size[0] / size[1], rel=0.02)


def test_the_composite_of_noise_agrees_with_the_rules_written_out_again(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    person, scene = (rng.integers(0, 256, (n, 36, 48, 3), np.uint8) for n in (7, 5))
    masks, scene_masks = (rng.integers(0, 256, (n, 36, 48), np.uint8) for n in (7, 5))
    masks[:, :, 30:] = 0
    scene_masks[:, :20] = 0
    folders = [write(tmp_path / str(k), x) for k, x in enumerate((person, masks, scene, scene_masks))]
    asked = (1, 4, 6)
    behind = [min(round(f / 7 * 5), 4) for f in asked]
    a, b = ndimage.center_of_mass(masks[1]), ndimage.center_of_mass(scene_masks[behind[0]])
    down, right = int(b[0] - a[0]), int(b[1] - a[1])
    expected = scene[behind].copy()
    for k, f in enumerate(asked):
        for y, x in zip(*np.nonzero(masks[f] > 128), strict=True):
            if 0 <= y + down < 36 and 0 <= x + right < 48:
                expected[k, y + down, x + right] = person[f, y, x]
    assert (down, right) != (0, 0)
    assert np.array_equal(ActionSwap(*folders).read(asked), expected)


def test_identity_changes_with_each_of_the_four_parts(swap: ActionSwap, tmp_path: Path) -> None:
    other = write(tmp_path / "other", np.zeros((6, 40, 60, 3), np.uint8))
    ids = {replace(swap, **{part: other}).identity() for part in vars(swap)}
    assert len(ids | {swap.identity()}) == 5


def test_masks_that_do_not_fit_their_frames_are_named(swap: ActionSwap, tmp_path: Path) -> None:
    short = write(tmp_path / "short", np.zeros((5, 40, 60), np.uint8))
    with pytest.raises(UserError, match="5 masks for 6 frames"):
        replace(swap, person_mask=short).info()
    small = write(tmp_path / "small", np.zeros((6, 20, 30), np.uint8))
    with pytest.raises(UserError, match="masks of 30x20 for frames of 60x40"):
        replace(swap, person_mask=small).read((0,))
