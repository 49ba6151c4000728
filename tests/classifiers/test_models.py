"""Models: shapes, published sizes and keys, what each one sees."""

import pytest
import torch

from assets.errors import UserError
from classifiers.models import BACKBONES, FUSIONS, MODELS, PRETRAINED, Size, build_model, builders
from classifiers.models.stages import multiply_adds, parameters

SMALL = {
    "slow_r50": (14, 8), "slow_r101": (14, 8), "slowfast_r50": (14, 8), "x3d_m": (46, 8), "mvit_b": (6, 8),
    "videomae": (3, 16),
}  # fmt: skip
# Millions of parameters and GFLOPs (multiply-adds) of one view at 400 classes, as published: pytorchvideo's
# model zoo, mmaction2 (slow_r101), the X3D and MViT papers.
PUBLISHED = {
    "slow_only": (8, 256, 32.45, 54.52),
    "slowfast_r50": (32, 256, 34.57, 65.71),
    "x3d_m": (16, 224, 3.79, 4.73),
    "mvit_b": (16, 224, 36.61, 70.80),
}


def small(name: str) -> Size:
    depth, width = SMALL[MODELS[name][1]]
    return Size(6, 4, 32, depth, width, dropout=0.0)


@pytest.mark.parametrize("name", [name for name in MODELS if name not in PRETRAINED])
def test_every_model_gives_logits_and_a_gradient_to_every_weight(name: str) -> None:
    torch.manual_seed(0)
    model = build_model(name, small(name))
    logits = model(torch.randn(3, 3, 4, 32, 32), torch.rand(3, 1, 4, 32, 32))
    assert logits.shape == (3, 6)
    logits.logsumexp(1).sum().backward()
    without = [key for key, one in model.named_parameters() if one.grad is None]
    assert not without


@pytest.mark.parametrize("name", PUBLISHED)
def test_full_sizes_are_the_published_ones(name: str) -> None:
    frames, pixels, millions, giga = PUBLISHED[name]
    model = build_model(name, Size(400, frames, pixels)).to("meta")
    assert parameters(model) / 1e6 == pytest.approx(millions, abs=0.02)
    assert multiply_adds(model, frames, pixels) / 1e9 == pytest.approx(giga, rel=0.01)


def test_a_checkpoint_of_the_published_shape_loads_strictly(tmp_path: "object") -> None:
    from pathlib import Path

    builders.builder("resnet")
    from pytorchvideo.models.hub import slow_r50

    published = {"model_state": slow_r50(pretrained=False).state_dict()}
    path = Path(str(tmp_path)) / "SLOW_8x8_R50.pyth"
    torch.save(published, path)
    loaded = torch.load(path, weights_only=True)["model_state"]
    model = build_model("slow_only", Size(classes=400))
    model.load_state_dict(loaded, strict=True)
    assert torch.equal(model.state_dict()["blocks.5.proj.weight"], loaded["blocks.5.proj.weight"])


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"model 'slow_r5' is unknown, expected one of: slow_only, segmented"):
        build_model("slow_r5")


def test_every_fusion_stands_before_every_backbone() -> None:
    assert {f"{fusion}/{name}" for fusion in FUSIONS for name in BACKBONES if name != "slow_r50"} <= set(
        MODELS
    )


def test_an_impossible_size_is_told_in_one_line() -> None:
    with pytest.raises(UserError, match="pixels: 100 does not fit"):
        Size(pixels=100)
    with pytest.raises(UserError, match="Slow-Only has no depth 18, expected one of 14, 26, 50"):
        build_model("slow_only", Size(6, 4, 32, depth=18))
    with pytest.raises(UserError, match="slowfast_r50: 6 frames, expected a multiple of 4"):
        build_model("slowfast_r50", Size(6, 6, 32))


def test_the_segmented_model_sees_nothing_but_the_person() -> None:
    model = build_model("segmented", small("segmented")).eval()
    video, mask = torch.randn(2, 3, 4, 32, 32), torch.zeros(2, 1, 4, 32, 32)
    mask[..., 8:20, 8:20] = 1
    elsewhere = torch.where(mask > 0, video, torch.randn_like(video))
    assert torch.equal(model(video, mask), model(elsewhere, mask))
    whole = build_model("slow_only", small("slow_only")).eval()
    assert torch.equal(whole(video, mask), whole(video, 1 - mask))
    assert not torch.equal(whole(video, mask), whole(elsewhere, mask))


def test_the_stack_reads_twice_the_channels_in_the_first_block_of_res4() -> None:
    with torch.device("meta"):
        model = build_model("dual_stack", Size())
    shapes = {name: tuple(one.shape) for name, one in model.named_parameters()}
    first = "stages.late.blocks.0.res_blocks.0"
    assert shapes[f"{first}.branch1_conv.weight"] == (1024, 1024, 1, 1, 1)
    assert shapes[f"{first}.branch2.conv_a.weight"] == (256, 1024, 3, 1, 1)


def test_the_branches_of_a_dual_model_share_nothing_before_the_fusion() -> None:
    model = build_model("dual_sum", small("dual_sum"))
    first, second = (set(map(id, part.parameters())) for part in (model.stages.early, model.person))
    assert first
    assert len(first) == len(second)
    assert not first & second


def test_without_pytorchvideo_a_model_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'sceneproof\[classifiers\]'"):
        builders.builder("resnet")
