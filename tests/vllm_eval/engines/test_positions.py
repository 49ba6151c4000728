"""Text stands behind the video in every axis, however long the video is."""

from pathlib import Path

import pytest
import torch

from tests.vllm_eval.engines.tiny_general import write_general
from videos.clip import Frames
from vllm_eval.engines.general_model import GeneralModel
from vllm_eval.engines.positions import behind

PAIRS, SIDE = 5, 3  # five pairs of frames, three by three tokens


def published(text: int, tail: int, step: float) -> torch.Tensor:
    """Positions [3, L] of text, a video and text, counted as Qwen2-VL's paper has it."""
    grid = [
        (text + int(t * step), text + h, text + w)
        for t in range(PAIRS)
        for h in range(SIDE)
        for w in range(SIDE)
    ]
    after = max(max(place) for place in grid) + 1
    before = [(n, n, n) for n in range(text)]
    return torch.tensor([*before, *grid, *((after + n,) * 3 for n in range(tail))]).T


def test_text_goes_on_behind_the_largest_position() -> None:
    right = published(4, 6, 1.0)
    kinds = torch.tensor([0] * 4 + [2] * PAIRS * SIDE**2 + [0] * 6)
    wrong = right.clone()
    wrong[:, -6:] -= PAIRS - SIDE
    assert behind(wrong, kinds).equal(right)
    assert behind(right, kinds).equal(right)


def test_every_frame_of_its_own_is_followed_by_its_text() -> None:
    kinds = torch.tensor([0, 2, 2, 0, 2, 2, 0])
    placed = torch.tensor([[0, 1, 1, 2, 3, 3, 4], [0, 1, 2, 2, 3, 4, 4], [0, 1, 1, 2, 3, 3, 4]])
    assert behind(placed, kinds)[0].tolist() == [0, 1, 1, 3, 4, 4, 6]


@pytest.mark.parametrize(("family", "step"), [("qwen2_vl", 1.0), ("qwen2_5_vl", 4.0)])
def test_models_place_text_as_published(tmp_path: Path, family: str, step: float) -> None:
    model = GeneralModel(str(write_general(tmp_path, family)), "float32", "cpu")
    pixels = torch.randint(0, 255, (2 * PAIRS, 28 * SIDE, 28 * SIDE, 3), dtype=torch.uint8).numpy()
    media = model.see(Frames(pixels, tuple(range(2 * PAIRS)), 1.0, 2 * PAIRS))
    row = model.template.head(media.text)
    text = row.index(model.source.config.video_token_id)
    tail = len(row) - text - PAIRS * SIDE**2
    places, following = model._positions(row, media)
    right = published(text, tail, step)
    assert places is not None
    assert places[:, 0].equal(right)
    assert following == int(right.max()) + 1
