"""pytorchvideo's builders, with or without torchvision.

pytorchvideo 0.1.5 imports torchvision for the region pooling of detection heads, which no model here has, and
torchvision's wheels bring CUDA where torch itself came without. Where it is absent a stand-in takes its place
for as long as the import lasts.
"""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

from assets.errors import UserError

# Beside those pytorchvideo knows: bottleneck blocks in the numbers of ResNet-10 and ResNet-18.
EXTRA_DEPTHS = {14: (1, 1, 1, 1), 26: (2, 2, 2, 2)}


def builder(name: str) -> Any:
    """``pytorchvideo.models.NAME``: resnet, slowfast, x3d, vision_transformers.

    Raises UserError where pytorchvideo is not installed.
    """
    if importlib.util.find_spec("pytorchvideo") is None:
        raise UserError("this model needs pytorchvideo: pip install 'sceneproof[classifiers]'")
    _import_all()
    module: Any = importlib.import_module(f"pytorchvideo.models.{name}")
    if name in ("resnet", "slowfast"):
        for depth, stages in EXTRA_DEPTHS.items():
            module._MODEL_STAGE_DEPTH.setdefault(depth, stages)
    return module


def _import_all() -> None:
    if "pytorchvideo.models" in sys.modules or importlib.util.find_spec("torchvision") is not None:
        importlib.import_module("pytorchvideo.models")
        return
    outer, inner = ModuleType("torchvision"), ModuleType("torchvision.ops")
    inner.RoIAlign = None  # type: ignore[attr-defined]
    outer.ops = inner  # type: ignore[attr-defined]
    sys.modules |= {"torchvision": outer, "torchvision.ops": inner}
    try:
        importlib.import_module("pytorchvideo.models")
    finally:  # others ask whether torchvision is there, and must be told the truth
        del sys.modules["torchvision"], sys.modules["torchvision.ops"]
