"""Patches are those of transformers' own Qwen2-VL processing, number by number."""

from pathlib import Path

import numpy as np
import pytest

from assets.errors import UserError
from videos.clip import Pixels
from vllm_eval.engines.patches import PatchSettings, cut, grid_size, normaliser, read_settings, settings_of

SMALL = PatchSettings(min_pixels=56 * 56, max_pixels=112 * 112)
SHAPES = [(112, 112), (192, 192), (60, 100), (30, 30), (240, 320), (113, 55)]


def frames(count: int, height: int = 112, width: int = 112) -> Pixels:
    return np.random.default_rng(count).integers(0, 256, (count, height, width, 3)).astype(np.uint8)


def normalised(values: Pixels, settings: PatchSettings = SMALL) -> np.ndarray:
    mean, std = normaliser(settings)
    return (values.astype(np.float32) - mean) / std


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_a_still_video_is_patched_as_transformers_patches_the_image(height: int, width: int) -> None:
    from PIL import Image
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    image = frames(1, height, width)[0]
    size = {"shortest_edge": SMALL.min_pixels, "longest_edge": SMALL.max_pixels}
    theirs = Qwen2VLImageProcessorPil(size=size)(Image.fromarray(image), return_tensors="np")
    ours = cut(np.stack([image, image]), SMALL)
    assert [list(ours.grid)] == theirs["image_grid_thw"].tolist()
    np.testing.assert_allclose(normalised(ours.values), theirs["pixel_values"], atol=1e-5)


def test_a_patch_holds_colour_then_time_then_rows() -> None:
    """Written out by hand: what transformers' video processor does to a [T, C, H, W] video."""
    video = frames(4, 56, 84)
    patches = cut(video, SMALL)
    assert patches.grid == (2, 4, 6)
    # Patches go by merged blocks of 2x2: number 5 is the second block's upper right one.
    expected = video[2:4, 0:14, 42:56].transpose(3, 0, 1, 2).reshape(-1)
    np.testing.assert_array_equal(patches.values[24 + 5], expected)
    below = video[0:2, 14:28, 28:42].transpose(3, 0, 1, 2).reshape(-1)
    np.testing.assert_array_equal(patches.values[6], below)


def test_an_odd_frame_is_paired_with_itself() -> None:
    video = frames(3)
    assert cut(video, SMALL).grid == (2, 8, 8)
    np.testing.assert_array_equal(cut(video, SMALL).values, cut(video[[0, 1, 2, 2]], SMALL).values)


def test_frames_of_the_grids_size_keep_every_pixel() -> None:
    video = frames(2)
    assert sorted(cut(video, SMALL).values.reshape(-1)) == sorted(video.reshape(-1))


@pytest.mark.parametrize(("height", "width"), [*SHAPES, (2000, 1500), (28, 300)])
def test_the_grid_has_whole_merged_patches_and_keeps_to_its_bounds(height: int, width: int) -> None:
    high, wide = grid_size(height, width, SMALL)
    assert high % 28 == wide % 28 == 0
    assert high * wide <= SMALL.max_pixels
    assert (high >= wide) == (height >= width)


def test_tokens_are_merged_patches() -> None:
    assert cut(frames(8), SMALL).tokens(SMALL.merge) == 4 * 4 * 4


@pytest.mark.parametrize("wrong", [np.zeros((2, 28, 28), np.uint8), np.zeros((2, 28, 28, 3), np.float32)])
def test_what_is_no_video_is_refused(wrong: Pixels) -> None:
    with pytest.raises(UserError, match="expected uint8"):
        cut(wrong, SMALL)


def test_a_sliver_is_refused() -> None:
    with pytest.raises(UserError, match="too thin"):
        grid_size(10, 3000, SMALL)


def test_settings_are_read_in_either_spelling() -> None:
    old = settings_of({"min_pixels": 5, "max_pixels": 7})
    new = settings_of({"size": {"shortest_edge": 5, "longest_edge": 7}})
    assert old == new == PatchSettings(min_pixels=5, max_pixels=7)
    assert old.key != PatchSettings().key


def test_the_video_processors_file_comes_first(tmp_path: Path) -> None:
    def find(name: str) -> Path | None:
        return tmp_path / name if (tmp_path / name).exists() else None

    assert read_settings(find) == PatchSettings()
    (tmp_path / "preprocessor_config.json").write_text('{"max_pixels": 1}')
    assert read_settings(find).max_pixels == 1
    (tmp_path / "video_preprocessor_config.json").write_text('{"max_pixels": 2}')
    assert read_settings(find).max_pixels == 2
