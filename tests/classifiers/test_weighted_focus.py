"""Weighted-Focus as published can collapse to one ratio for all clips and stay there; the safe one cannot."""

import pytest
import torch
from torch import Tensor

from classifiers.models.weighted_focus import PublishedRatio, WeightedFocus
from classifiers.models.weighted_focus_safe import LIMIT, SafeRatio

CHANNELS = 12


def features(count: int = 40) -> Tensor:
    """After a ReLU, as those of res3 are: [B, 12, 8, 8, 8], every clip another."""
    torch.manual_seed(1)
    return torch.randn(count, CHANNELS, 8, 8, 8).add(torch.randn(count, CHANNELS, 1, 1, 1)).relu()


def spread(r: Tensor) -> float:
    """Standard deviation over clips."""
    return float(r.detach().std(correction=0))


def slopes(ratio: torch.nn.Module, r: Tensor) -> dict[str, float]:
    """Largest gradient of each weight for a target that asks every clip for a ratio of its own."""
    target = torch.linspace(-0.9, 0.5, len(r))
    (r - target).pow(2).sum().backward()
    return {
        name: float(one.grad.abs().max()) for name, one in ratio.named_parameters() if one.grad is not None
    }


def test_the_published_ratio_starts_at_zero_for_every_clip() -> None:
    assert torch.equal(PublishedRatio(CHANNELS)(features()), torch.zeros(40))


def test_dead_units_of_the_published_net_leave_one_ratio_for_ever() -> None:
    ratio = PublishedRatio(CHANNELS)
    with torch.no_grad():
        ratio.score.out.weight.normal_()
        ratio.score.hidden.bias.fill_(-100)  # where a large step may take it
    r = ratio(features())
    assert spread(r) == 0
    found = slopes(ratio, r)
    # Only the common part still learns: nothing that could tell clips apart ever gets a gradient again.
    assert {name for name, slope in found.items() if slope > 0} == {"score.out.bias"}


@pytest.mark.parametrize("end", [-1.0, 1.0])
def test_a_saturated_published_ratio_has_no_way_back(end: float) -> None:
    ratio = PublishedRatio(CHANNELS)
    with torch.no_grad():
        ratio.score.out.weight.normal_(std=0.1)
        ratio.score.out.bias.fill_(end * 40)
    r = ratio(features())
    assert spread(r) < 1e-6
    assert torch.allclose(r, torch.full((40,), end))
    assert max(slopes(ratio, r).values()) < 1e-6


@pytest.mark.parametrize("hidden", [-100.0, 0.0, 100.0])
@pytest.mark.parametrize("offset", [-40.0, 0.0, 40.0])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_safe_ratio_differs_between_clips_whatever_its_weights_are(
    hidden: float, offset: float, scale: float
) -> None:
    torch.manual_seed(0)
    ratio = SafeRatio(CHANNELS)
    with torch.no_grad():
        ratio.score.hidden.bias.fill_(hidden)
        ratio.score.out.weight.mul_(scale)
        ratio.offset.fill_(offset)
    r = ratio(features())
    assert spread(r) > 0.15
    assert abs(float(r.detach().mean())) < 0.75
    found = slopes(ratio, r)
    assert found["score.hidden.weight"] > 0
    assert found["score.squeeze.weight"] > 0


def test_the_safe_ratio_judges_a_clip_alone_as_it_does_in_company() -> None:
    torch.manual_seed(0)
    ratio, seen = SafeRatio(CHANNELS), features()
    for _ in range(60):
        ratio(seen)
    ratio.eval()
    together = ratio(seen)
    alone = torch.cat([ratio(one[None]) for one in seen])
    assert torch.allclose(together, alone, atol=1e-5)
    assert spread(together) > 0.15
    assert LIMIT < 2


def test_inside_and_outside_of_the_mask_are_weighed_by_one_plus_and_one_minus_the_ratio() -> None:
    class Fixed(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.tensor([0.5])

    class Halves(torch.nn.Module):
        places = (True,)

        def early(self, video: Tensor) -> tuple[Tensor]:
            return (video,)

        def late(self, maps: tuple[Tensor, ...]) -> Tensor:
            return maps[0]

    mask = torch.zeros(1, 1, 2, 4, 4)
    mask[..., :2] = 1
    weighed = WeightedFocus(Halves(), Fixed())(torch.ones(1, 3, 2, 4, 4), mask)  # type: ignore[arg-type]
    assert torch.equal(weighed[..., :2], torch.full((1, 3, 2, 4, 2), 1.5))
    assert torch.equal(weighed[..., 2:], torch.full((1, 3, 2, 4, 2), 0.5))
