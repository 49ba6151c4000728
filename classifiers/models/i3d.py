"""I3D (Carreira & Zisserman, CVPR 2017), RGB, trained on Kinetics-400: the audited baseline of 400 classes.

Weights from the catalogue entry ``i3d-kinetics-400``: a pickle of numpy arrays in flax's layout, read without
running anything. Ported from the layout of DeepMind's network ("SAME" padding as TensorFlow's, batch norm
without scale, epsilon 1e-3).

video [B, 3, T, S, S] normalised as for all models here -> -1..1 inside; T 16 or more (32 usual), S 224:

    Conv3d_1a [B, 64, T/2, S/2]  2c [B, 192, T/2, S/4]  Mixed_3c [B, 480, T/2, S/8]
    Mixed_4f [B, 832, T/4, S/16]  Mixed_5c [B, 1024, T/8, S/32] -> mean over space, pairs of times -> [B, 400]

Published: 12.7 M parameters with this head, 71.1 % top-1 on Kinetics-400 (RGB, pretrained on ImageNet).
"""

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from assets.errors import UserError
from classifiers.models import Size
from classifiers.models.stages import MEAN, STD

ASSET = "i3d-kinetics-400"
CLASSES = 400
Triple = tuple[int, int, int]

# Per Mixed block: 1x1 | 1x1, 3x3 | 1x1, 3x3 | pooled 1x1.
_MIXED = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32), "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64), "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64), "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128), "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}  # fmt: skip
_BRANCHES = (
    "Branch_0/Conv3d_0a_1x1", "Branch_1/Conv3d_0a_1x1", "Branch_1/Conv3d_0b_3x3",
    "Branch_2/Conv3d_0a_1x1", "Branch_2/Conv3d_0b_3x3", "Branch_3/Conv3d_0b_1x1",
)  # fmt: skip
_POOLS: dict[str, tuple[Triple, Triple]] = {  # before these blocks: window, stride
    "Conv3d_2b_1x1": ((1, 3, 3), (1, 2, 2)),
    "Mixed_3b": ((1, 3, 3), (1, 2, 2)),
    "Mixed_4b": ((3, 3, 3), (2, 2, 2)),
    "Mixed_5b": ((2, 2, 2), (2, 2, 2)),
}


def same(x: Tensor, window: Triple, stride: Triple, value: float = 0.0) -> Tensor:
    """Padded as TensorFlow's "SAME": the odd row goes to the end."""
    pads: list[int] = []
    for length, size, step in zip(x.shape[2:], window, stride, strict=True):
        total = max((-(-length // step) - 1) * step + size - length, 0)
        pads = [total // 2, total - total // 2, *pads]
    return F.pad(x, pads, value=value)


def pool(x: Tensor, window: Triple, stride: Triple) -> Tensor:
    """Maximum over "SAME" windows."""
    return F.max_pool3d(same(x, window, stride, float("-inf")), window, stride)


class Unit(nn.Module):
    """Convolution, batch norm, ReLU: [B, C, T, H, W] -> [B, C', T/s, H/s, W/s]."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = (kernel,) * 3, (stride,) * 3
        self.conv = nn.Conv3d(inputs, outputs, kernel, stride, bias=False)
        self.norm = nn.BatchNorm3d(outputs, eps=1e-3, momentum=1e-3)
        self.norm.weight.requires_grad_(False)  # the published network has no scale

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(same(x, self.kernel, self.stride))))


class Mixed(nn.Module):
    """Four branches side by side: [B, C, T, H, W] -> [B, sum of their widths, T, H, W]."""

    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        a, b, c, d, e, f = widths
        shapes = ((inputs, a, 1), (inputs, b, 1), (b, c, 3), (inputs, d, 1), (d, e, 3), (inputs, f, 1))
        self.units = nn.ModuleList(Unit(*shape) for shape in shapes)
        self.outputs = a + c + e + f

    def forward(self, x: Tensor) -> Tensor:
        u = self.units
        pooled = pool(x, (3, 3, 3), (1, 1, 1))
        return torch.cat([u[0](x), u[2](u[1](x)), u[4](u[3](x)), u[5](pooled)], 1)


class I3D(nn.Module):
    """Logits [B, classes]; the mask is ignored."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.blocks = nn.ModuleDict(
            {
                "Conv3d_1a_7x7": Unit(3, 64, 7, 2),
                "Conv3d_2b_1x1": Unit(64, 64, 1),
                "Conv3d_2c_3x3": Unit(64, 192, 3),
            }
        )
        channels = 192
        for name, widths in _MIXED.items():
            mixed = Mixed(channels, widths)
            self.blocks[name], channels = mixed, mixed.outputs
        self.logits = nn.Conv3d(channels, classes, 1)

    def forward(self, video: Tensor, mask: Tensor | None = None) -> Tensor:
        x = (video * STD + MEAN) * 2 - 1
        for name, block in self.blocks.items():
            if name in _POOLS:
                x = pool(x, *_POOLS[name])
            x = block(x)
        x = F.avg_pool3d(x, (min(2, x.shape[2]), *x.shape[3:]), 1)
        return cast(Tensor, self.logits(x).mean((2, 3, 4)))


def build(size: Size) -> nn.Module:
    """With the Kinetics-400 weights where 400 classes are asked for, else untrained."""
    model = I3D(size.classes)
    if size.classes == CLASSES:
        from assets.fetch import fetch

        load_weights(model, fetch(ASSET))
    return model


def load_weights(model: I3D, path: Path) -> None:
    """Into the model, every value of the file used and every value of the model set. Raises UserError."""
    weights = read_weights(path)
    try:
        for name, block in model.blocks.items():
            if isinstance(block, Unit):
                _fill(block, weights, (name,))
            else:
                for unit, branch in zip(cast(Mixed, block).units, _BRANCHES, strict=True):
                    _fill(cast(Unit, unit), weights, (name, branch))
        head = weights["params"]["Logits/Conv3d_0c_1x1"]["Conv_0"]
        _copy(model.logits.weight, _kernel(head["kernel"]))
        _copy(cast(Tensor, model.logits.bias), head["bias"])
    except (KeyError, TypeError, RuntimeError) as failure:
        raise UserError(f"{path}: no I3D weights ({failure}); fetch {ASSET} again") from None


def _fill(unit: Unit, weights: Mapping[str, Any], place: tuple[str, ...]) -> None:
    params, statistics = weights["params"], weights["batch_stats"]
    for name in place:
        params, statistics = params[name], statistics[name]
    _copy(unit.conv.weight, _kernel(params["Conv_0"]["kernel"]))
    _copy(unit.norm.bias, np.ravel(params["BatchNorm_0"]["bias"]))
    _copy(cast(Tensor, unit.norm.running_mean), np.ravel(statistics["BatchNorm_0"]["mean"]))
    _copy(cast(Tensor, unit.norm.running_var), np.ravel(statistics["BatchNorm_0"]["var"]))


def _kernel(values: Any) -> Any:
    """flax [T, H, W, in, out] -> torch [out, in, T, H, W]."""
    return np.asarray(values).transpose(4, 3, 0, 1, 2)


@torch.no_grad()
def _copy(target: Tensor, values: Any) -> None:
    found = torch.from_numpy(np.array(values, np.float32))
    if found.shape != target.shape:
        raise RuntimeError(f"{tuple(found.shape)} values for {tuple(target.shape)}")
    target.copy_(found)


class _Arrays(pickle.Unpickler):
    """Knows numpy arrays and nothing else."""

    def find_class(self, module_name: str, global_name: str, /) -> object:
        name = (module_name.replace("numpy._core", "numpy.core"), global_name)
        if name == ("numpy", "ndarray"):
            return np.ndarray
        if name == ("numpy", "dtype"):
            return np.dtype
        if name == ("numpy.core.multiarray", "_reconstruct"):
            return _reconstruct
        raise pickle.UnpicklingError(f"it asks for {module_name}.{global_name}, which arrays never do")

    def persistent_load(self, pid: object) -> object:
        raise pickle.UnpicklingError("it refers to data outside itself")


def _reconstruct(kind: type, shape: tuple[int, ...], dtype: Any) -> Any:
    if kind is not np.ndarray:
        raise pickle.UnpicklingError(f"it builds a {kind}, expected arrays")
    return np.ndarray.__new__(np.ndarray, shape, dtype)


def read_weights(path: Path) -> Mapping[str, Any]:
    """The nested dictionaries of arrays in the file. Raises UserError for anything else."""
    try:
        loaded = _Arrays(io.BytesIO(path.read_bytes())).load()
    except OSError as failure:
        raise UserError(f"{path}: {failure.strerror}; expected the weights of {ASSET}") from None
    except Exception as failure:  # a damaged pickle can raise nearly anything
        raise UserError(f"{path}: no pickle of arrays ({failure}); fetch {ASSET} again") from None
    if not isinstance(loaded, Mapping):
        raise UserError(f"{path}: holds a {type(loaded).__name__}, expected arrays by name")
    return loaded
