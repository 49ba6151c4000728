"""A trained classifier from its folder: the weights its recipe selects, its configuration and classes."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.errors import UserError
from classifiers.config import Config
from classifiers.models import Size, build_model
from classifiers.predict import Failed, Scores
from videos.clip import ClipSet

if TYPE_CHECKING:
    from torch import nn

PUBLISHED_ENDING = ".pyth"  # of pytorchvideo's checkpoints


@dataclass(frozen=True)
class Trained:
    """``model`` in evaluation mode, ``classes`` in the order of its logits. ``weights`` tells them apart."""

    model: "nn.Module"
    config: Config
    classes: tuple[str, ...]
    weights: str = ""

    @property
    def root(self) -> str:
        """Folder of the data sets."""
        return self.config.data.root

    def scores(self, clips: ClipSet, views: int) -> tuple[Scores, Failed]:
        """Class probabilities [clips, classes], and which clips could not be read."""
        from classifiers.predict import predict

        return predict(self, clips, views)

    def on(self, root: str | None) -> "Trained":
        """The same with data sets from another folder."""
        if root is None:
            return self
        data = self.config.data.model_dump() | {"root": root}
        return replace(self, config=self.config.changed(data=data))


def open_run(folder: Path, device: str = "auto", select: str | None = None) -> Trained:
    """What training left: ``last`` or ``best`` weights (default: as the recipe says). Raises UserError."""
    from classifiers.train.processes import device_of
    from classifiers.train.state import read

    place = device_of(device)
    saved = read(folder / "last.pt", place)
    try:
        about = json.loads(saved["about"])
        classes = tuple(about.pop("classes"))
        config = Config.model_validate(about)
        chosen = select or config.recipe.select
        if chosen == "best":
            saved = read(folder / "best.pt", place)
        model = build_model(config.model, config.size.size(len(classes)))
        model.load_state_dict(saved["model"])
    except (KeyError, ValueError, RuntimeError) as failure:
        raise UserError(
            f"{folder}: {str(failure).splitlines()[0]}; expected a run of python -m classifiers.train"
        ) from None
    return Trained(model.to(place).eval(), config, classes, f"{chosen} {saved['epoch']} {config.key[:8]}")


def open_pretrained(name: str, root: str, device: str = "auto") -> Trained:
    """A model that comes trained: ``i3d`` for the 400 classes of Kinetics, 32 frames at 224."""
    return _of_400(name, {"frames": 32, "pixels": 224}, root, device, name)


def open_published(path: Path, root: str, device: str = "auto") -> Trained:
    """``SLOW_8x8_R50.pyth``, as pytorchvideo publishes it, loaded strictly. Raises UserError."""
    from classifiers.train.state import read

    trained = _of_400("slow_only", {"frames": 8, "pixels": 256}, root, device, path.name)
    saved = read(path)
    try:
        trained.model.load_state_dict(saved["model_state"], strict=True)
    except (KeyError, RuntimeError) as failure:
        reason = str(failure).splitlines()[0]
        raise UserError(f"{path}: {reason}; expected SLOW_8x8_R50.pyth of pytorchvideo's model zoo") from None
    return trained


def _of_400(name: str, size: dict[str, Any], root: str, device: str, weights: str) -> Trained:
    from classifiers.train.processes import device_of
    from videos.datasets.kinetics400 import KINETICS_400

    classes = KINETICS_400.classes
    config = Config.model_validate(
        {"model": name, "size": size, "data": {"root": root, "sampling": "uniform"}}
    )
    model = build_model(name, Size(len(classes), size["frames"], size["pixels"]))
    return Trained(model.to(device_of(device)).eval(), config, classes, weights)
