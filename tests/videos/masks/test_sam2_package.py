"""SAM2's video predictor of its authors' package, hiera-tiny at random weights: shapes, files, resumption.

Needs `pip install sam2==1.1.0` and a torchvision that can be imported beside this torch: with CPU builds of
torch that is the environment of the vLLM tests, where `python -m vllm_eval.engines.vllm_cpu` mended it.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

import people_world as world

from assets.errors import UserError
from videos.masks.followers import Follower, Start, load_follower

pytestmark = [
    pytest.mark.skipif(find_spec("sam2") is None, reason="sam2 is not installed"),
    pytest.mark.filterwarnings("ignore"),
]

CONFIG = "configs/sam2.1/sam2.1_hiera_t.yaml"


@pytest.fixture(scope="module")
def follower(tmp_path_factory: pytest.TempPathFactory) -> Follower:
    import torch
    from sam2.build_sam import build_sam2_video_predictor

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("sam2") / "random.pt"
    made = build_sam2_video_predictor(CONFIG, None, device="cpu")
    torch.save({"model": made.state_dict()}, path)
    return load_follower("sam2", {"model": CONFIG, "checkpoint": str(path), "device": "cpu"})


def test_a_mask_for_each_frame_before_and_after_the_start(follower: Follower) -> None:
    frames = np.stack([world.frame_of(world.mask_of(i)) for i in range(3)])
    watched = follower.watch(frames, world.Eyes())
    both = watched.follow(Start(1, (12, 12, 24, 40)))
    assert both.shape == frames.shape[:3]
    assert both.any(axis=(1, 2)).tolist() == [True] * 3
    assert set(np.unique(both)) <= {0, 255}
    onwards = watched.follow(Start(1, (12, 12, 24, 40), backwards=False))
    assert onwards.any(axis=(1, 2)).tolist() == [False, True, True]
    assert (onwards[1:] == both[1:]).all(), "one person is forgotten before the next"


def test_files_are_written_and_an_interrupted_run_goes_on(
    follower: Follower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = world.interrupted(follower, tmp_path, 2, monkeypatch)
    assert {row.status for row in found} <= {"kept", "empty"}
    assert world.written(tmp_path) == [["000001.png", "000002.png"]] * 2


def test_a_model_that_cannot_be_had_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"SAM2 model .* cannot be loaded"):
        load_follower("sam2", {"model": CONFIG, "checkpoint": str(tmp_path / "none.pt"), "device": "cpu"})
    with pytest.raises(UserError, match=r"SAM2 model 'nothing' cannot be loaded"):
        load_follower("sam2", {"model": "nothing", "checkpoint": str(tmp_path), "device": "cpu"})
