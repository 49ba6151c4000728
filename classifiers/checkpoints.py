"""A trained classifier from its folder: the weights its recipe selects, its configuration and classes."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assets.errors import UserError
from classifiers.config import Config
from classifiers.models import Size, build_model

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Trained:
    """``model`` in evaluation mode; ``classes`` in the order of its logits."""

    model: "nn.Module"
    config: Config
    classes: tuple[str, ...]


def open_run(folder: Path, device: str = "cpu", select: str | None = None) -> Trained:
    """What training left: ``last`` or ``best`` weights (default: as the recipe says). Raises UserError."""
    from classifiers.train.state import read

    saved = read(folder / "last.pt", device)
    try:
        about = json.loads(saved["about"])
        classes = tuple(about.pop("classes"))
        config = Config.model_validate(about)
        if (select or config.recipe.select) == "best":
            saved = read(folder / "best.pt", device)
        model = build_model(config.model, config.size.size(len(classes)))
        model.load_state_dict(saved["model"])
    except (KeyError, ValueError, RuntimeError) as failure:
        raise UserError(
            f"{folder}: {str(failure).splitlines()[0]}; expected a run of python -m classifiers.train"
        ) from None
    return Trained(model.to(device).eval(), config, classes)


def open_pretrained(name: str, root: str, device: str = "cpu") -> Trained:
    """A model that comes trained: ``i3d`` for the 400 classes of Kinetics, 32 frames at 224."""
    from videos.datasets.kinetics400 import KINETICS_400

    classes = KINETICS_400.classes
    size = {"frames": 32, "pixels": 224}
    config = Config.model_validate(
        {"model": name, "size": size, "data": {"root": root, "sampling": "uniform"}}
    )
    model = build_model(name, Size(len(classes), 32, 224))
    return Trained(model.to(device).eval(), config, classes)
