"""SAM2's video predictor and a detector of transformers, as small networks with random weights."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

import people_world as world

from assets.errors import UserError
from videos.masks.detectors import load_detector
from videos.masks.followers import Start, load_follower

_SIDE = 64


def a_small_sam2(folder: Path) -> Path:
    """A checkpoint of Sam2VideoModel of 64x64 pixels, written as transformers writes one."""
    import torch
    from transformers import Sam2VideoConfig, Sam2VideoModel

    torch.manual_seed(0)
    wide = 128  # twice the memory, whose 64 are fixed
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 8,
        "image_size": [_SIDE, _SIDE],
        "blocks_per_stage": [1, 1, 1, 1],
        "embed_dim_per_stage": [8, 16, 32, 64],
        "num_attention_heads_per_stage": [1, 1, 2, 4],
        "global_attention_blocks": [],
        "window_size_per_stage": [4, 4, 2, 2],
    }
    made: dict[str, Any] = {
        "vision_config": {
            "backbone_config": backbone,
            "backbone_channel_list": [64, 32, 16, 8],
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": wide,
        },
        "prompt_encoder_config": {"hidden_size": wide, "image_size": _SIDE, "patch_size": 16},
        "mask_decoder_config": {
            "hidden_size": wide,
            "mlp_dim": 32,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 32,
        },
        "image_size": _SIDE,
        "memory_attention_hidden_size": wide,
        "memory_attention_num_layers": 1,
        "memory_attention_feed_forward_hidden_size": 32,
        "memory_attention_rope_feat_sizes": [4, 4],
        "memory_encoder_hidden_size": wide,
        "memory_encoder_output_channels": 64,
        "memory_fuser_embed_dim": wide,
        "memory_fuser_intermediate_dim": 32,
        "mask_downsampler_embed_dim": wide,
    }
    Sam2VideoModel(Sam2VideoConfig(**made)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def sam2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_small_sam2(tmp_path_factory.mktemp("sam2"))


@pytest.mark.filterwarnings("ignore")
def test_sam2_gives_a_mask_for_each_frame_before_and_after_the_start(sam2: Path) -> None:
    frames = np.stack([world.frame_of(world.mask_of(i)) for i in range(5)])
    watched = load_follower("transformers", {"model": str(sam2)}).watch(frames, world.Eyes())
    both = watched.follow(Start(2, (14, 12, 26, 40)))
    assert both.shape == frames.shape[:3]
    assert set(np.unique(both)) <= {0, 255}
    onwards = watched.follow(Start(2, (14, 12, 26, 40), backwards=False))
    assert not onwards[:2].any()
    again = watched.follow(Start(2, (14, 12, 26, 40)))
    assert (again == both).all(), "one person is forgotten before the next"


@pytest.mark.filterwarnings("ignore")
def test_sam2_writes_files_and_goes_on_where_it_was_interrupted(
    sam2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = load_follower("transformers", {"model": str(sam2)})
    found = world.interrupted(follower, tmp_path, 3, monkeypatch)
    assert {row.status for row in found} <= {"kept", "empty"}
    assert world.written(tmp_path) == [["000001.png", "000002.png", "000003.png"]] * 2


@pytest.mark.filterwarnings("ignore")
def test_a_detector_of_transformers_gives_people_alone(tmp_path: Path) -> None:
    import torch
    from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessor

    torch.manual_seed(0)
    config = YolosConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=[64, 64],
        num_detection_tokens=9,
        id2label={0: "person", 1: "dog"},
        label2id={"person": 0, "dog": 1},
    )
    YolosForObjectDetection(config).save_pretrained(tmp_path)
    YolosImageProcessor(size={"height": 64, "width": 64}).save_pretrained(tmp_path)
    detector = load_detector("transformers", {"model": str(tmp_path)})
    frames = np.stack([world.frame_of(world.mask_of(i)) for i in range(3)])
    batch = detector.people(frames, 0.0)
    for frame, found in zip(frames, batch, strict=True):
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        assert len(detector.people(frame[None], 0.99)[0]) <= len(found) <= 9
        (alone,) = detector.people(frame[None], 0.0)
        assert [one.box for one in alone] == [pytest.approx(one.box, abs=0.01) for one in found]


def test_detectors_of_torchvision_get_a_batch_and_give_every_frame_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import torch

    class Net(torch.nn.Module):
        def forward(self, images: list[Any]) -> list[dict[str, Any]]:
            return [
                {
                    "boxes": torch.tensor([[255 * float(image.mean()), 1, 90, 9]] * 3),
                    "scores": torch.tensor([0.3, 0.9, 0.8]),
                    "labels": torch.tensor([1, 1, 7]),
                }
                for image in images
            ]

    models = ModuleType("torchvision.models")
    monkeypatch.setattr(models, "get_model", lambda name, **options: Net(), raising=False)
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    weights = tmp_path / "none.pt"
    torch.save({}, weights)
    detector = load_detector("torchvision", {"weights": str(weights)})
    frames = np.stack([np.full((20, 30, 3), level, np.uint8) for level in (10, 40)])
    found = detector.people(frames, 0.2)
    assert [[one.score for one in people] for people in found] == [[pytest.approx(s) for s in (0.9, 0.3)]] * 2
    assert [people[0].box[0] for people in found] == [pytest.approx(10), pytest.approx(40)]
    assert [len(people) for people in detector.people(frames, 0.5)] == [1, 1]


def test_a_detector_of_ultralytics_gets_a_batch_in_bgr(monkeypatch: pytest.MonkeyPatch) -> None:
    class Model:
        def predict(self, images: list[Any], *, conf: float, classes: list[int], **rest: Any) -> list[Any]:
            assert classes == [0]
            return [
                SimpleNamespace(
                    boxes=SimpleNamespace(
                        xyxy=np.array([[float(image[0, 0, 0]), 1, 20, 9]]), conf=np.array([conf])
                    )
                )
                for image in images
            ]

    package = ModuleType("ultralytics")
    monkeypatch.setattr(package, "YOLO", lambda model: Model(), raising=False)
    monkeypatch.setitem(sys.modules, "ultralytics", package)
    frames = np.zeros((2, 8, 9, 3), np.uint8)
    frames[:, :, :, 2] = np.array([3, 5])[:, None, None]  # blue, which ultralytics takes first
    found = load_detector("ultralytics", {}).people(frames, 0.25)
    assert [[one.box for one in people] for people in found] == [
        [(3.0, 1.0, 20.0, 9.0)],
        [(5.0, 1.0, 20.0, 9.0)],
    ]


def test_what_is_not_installed_or_not_there_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ultralytics", "sam2", "sam2.build_sam"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError, match=r"AGPL-3\.0"):
        load_detector("ultralytics", {})
    with pytest.raises(UserError, match="package sam2 is not installed"):
        load_follower("sam2", {})
    with pytest.raises(UserError, match="cannot be loaded"):
        load_follower("transformers", {"model": str(tmp_path)})
