"""Emptied scenes: what a still camera saw at other times, what is smeared in, what another program filled."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import people_world as world

from assets.errors import UserError
from videos.__main__ import main
from videos.decode import FramesFolder
from videos.inpaint import fill
from videos.inpaint.fill import from_files, grown, is_still

pytest.importorskip("cv2", reason="opencv is not installed")

LENGTH = 12


def place() -> np.ndarray:
    """A background with texture, never the same twice."""
    return np.random.default_rng(0).integers(0, 140, (world.HIGH, world.WIDE, 3)).astype(np.uint8)


def a_scene(left: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Frames and masks of a person who walks through a still picture, wide enough to free every place."""
    masks = np.stack([world.mask_of(2 * i, left=left, wide=10) for i in range(LENGTH)])
    return np.where(masks[..., None] > 0, np.array(world.PERSON, np.uint8), place()), masks


def test_a_still_camera_saw_what_is_behind_the_person_at_other_times() -> None:
    frames, masks = a_scene()
    for method in ("auto", "median"):
        assert (fill(frames, masks, method) == place()).all()


def test_a_camera_that_moves_is_filled_frame_by_frame() -> None:
    frames, masks = a_scene()
    moved = np.stack([np.roll(frame, 3 * i, axis=1) for i, frame in enumerate(frames)])
    holes = np.stack([grown(mask) for mask in masks])
    assert is_still(frames, holes)
    assert not is_still(moved, holes)
    filled = fill(moved, masks)
    assert (filled[~holes] == moved[~holes]).all()
    assert (fill(moved, masks, "telea") == filled).all()
    assert not (fill(moved, masks, "ns") == filled).all()


def test_what_was_never_seen_is_smeared_in_and_nobody_changes_nothing() -> None:
    frames, masks = a_scene()
    still = np.repeat(frames[:1], 4, axis=0)
    same = np.repeat(masks[:1], 4, axis=0)
    filled = fill(still, same, "median")
    inside = masks[0] > 0
    assert filled[0][inside][:, 0].max() < 200, "the person was red"
    assert (fill(frames, np.zeros_like(masks)) == frames).all()


def test_another_programs_frames_are_taken_under_the_masks_alone(tmp_path: Path) -> None:
    frames, masks = a_scene()
    small = world.write(tmp_path / "a" / "b", [np.full((24, 32, 3), 77, np.uint8)] * LENGTH)
    filled = from_files(frames, masks, small.path)
    holes = np.stack([grown(mask) for mask in masks])
    assert (filled[holes] == 77).all()
    assert (filled[~holes] == frames[~holes]).all()
    with pytest.raises(UserError, match="12 filled frames for 5"):
        from_files(frames[:5], masks[:5], small.path)


def test_the_command_fills_what_is_missing_and_counts_what_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.a_clip(tmp_path, "yoga/one")
    world.a_clip(tmp_path, "yoga/bare", masks=False)
    assert main(["inpaint", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert "failed: yoga/bare: no masks" in told
    assert "1 filled, 0 there already, 1 failed" in told
    emptied = FramesFolder(tmp_path / "inp" / "yoga" / "one").read(range(6))
    assert emptied[..., 0].max() < 120
    world.write(tmp_path / "ori" / "yoga" / "short", [world.frame_of(world.mask_of(0))] * 2)
    world.write(tmp_path / "seg" / "yoga" / "short", [world.mask_of(0)])
    assert main(["inpaint", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert "failed: yoga/short: 1 masks for 2 frames" in told
    assert "0 filled, 1 there already, 2 failed" in told
    assert main(["inpaint", str(tmp_path), "--method", "magic"]) == 2
    assert "method 'magic' is unknown" in capsys.readouterr().err
    assert main(["inpaint", str(tmp_path), "--files", str(tmp_path / "nowhere")]) == 2
    assert "nowhere: no such folder" in capsys.readouterr().err
    assert main(["inpaint", str(tmp_path / "inp")]) == 2
    assert "no ori and seg in it" in capsys.readouterr().err


def test_the_hole_grows_as_hats_does_and_masks_of_another_size_fit() -> None:
    dot = np.zeros((21, 21), np.uint8)
    dot[10, 10] = 255
    rows, columns = np.nonzero(grown(dot))
    assert len(rows) == 41, "a cross of 3x3, four times: a diamond"
    assert (np.abs(rows - 10) + np.abs(columns - 10)).max() == 4
    frames, masks = a_scene()
    assert (fill(frames, masks[:, ::2, ::2]) == fill(frames, masks)).all()


def test_an_unknown_method_names_what_is_known() -> None:
    frames, masks = a_scene()
    with pytest.raises(UserError, match="expected one of: auto, median, telea, ns"):
        fill(frames, masks, "magic")
