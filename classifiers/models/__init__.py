"""Action classifiers by name. Importing this loads nothing heavy; building a model loads torch.

Every model is called as ``model(video, mask) -> logits``: ``video`` float [B, 3, T, H, W], RGB normalised as
(x / 255 - 0.45) / 0.225; ``mask`` float [B, 1, T, H, W] in 0..1, how much of a pixel is person; ``logits``
[B, classes]. Models that look at the whole picture ignore the mask.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from assets.errors import UserError

if TYPE_CHECKING:
    from torch import nn

# What every backbone is called, and the module that builds it.
BACKBONES = {
    "slow_r50": "slow_only",
    "slow_r101": "slow_r101",
    "slowfast_r50": "slowfast_r50",
    "x3d_m": "x3d_m",
    "mvit_b": "mvit_b",
    "videomae": "videomae",
}
# How the person gets a say; each can stand before any backbone: dual_sum/x3d_m.
FUSIONS = ("segmented", "dual_sum", "dual_stack", "weighted_focus", "weighted_focus_safe")
PRETRAINED = {"i3d": "i3d"}


@dataclass(frozen=True)
class Size:
    """How large a model is. None: as published. ``width``: channels of the first stage (64 in a ResNet)."""

    classes: int = 50
    frames: int = 8
    pixels: int = 256
    depth: int | None = None
    width: int | None = None
    dropout: float = 0.5

    def __post_init__(self) -> None:
        if self.pixels < 32 or self.pixels % 32:
            raise UserError(
                f"pixels: {self.pixels} does not fit, expected a multiple of 32 such as 64 or 256"
            )
        if min(self.classes, self.frames, self.depth or 1, self.width or 1) < 1:
            raise UserError(f"{self}: nothing may be below 1; see configs/classifiers_mini.yaml")


def _names() -> dict[str, tuple[str, str]]:
    """Per name its (fusion or "", backbone)."""
    plain = {"slow_only": ("", "slow_r50")} | {name: (name, "slow_r50") for name in FUSIONS}
    plain |= {name: ("", name) for name in BACKBONES if name != "slow_r50"}
    others = [name for name in BACKBONES if name != "slow_r50"]
    fused = {f"{fusion}/{name}": (fusion, name) for name in others for fusion in FUSIONS}
    return plain | fused | {name: ("", name) for name in PRETRAINED}


MODELS: dict[str, tuple[str, str]] = _names()


def check_name(name: str) -> str:
    """The name itself. Raises UserError with all known ones."""
    if name not in MODELS:
        raise UserError(f"model {name!r} is unknown, expected one of: {', '.join(MODELS)}")
    return name


def build_model(name: str, size: Size | None = None) -> "nn.Module":
    """A new model. Raises UserError for an unknown name and for a size the model cannot have."""
    fusion, backbone = MODELS[check_name(name)]
    size = size or Size()
    if backbone in PRETRAINED:
        return import_module(f"classifiers.models.{PRETRAINED[backbone]}").build(size)  # type: ignore[no-any-return]
    module = import_module(f"classifiers.models.{BACKBONES[backbone]}")
    if not fusion:
        return module.build(size)  # type: ignore[no-any-return]
    return import_module(f"classifiers.models.{fusion}").build(module.stages, size)  # type: ignore[no-any-return]
