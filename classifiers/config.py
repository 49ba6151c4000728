"""What a training run is: one validated object, read from a YAML file with a few flags on top."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from assets.errors import UserError
from classifiers.models import Size
from videos.sections import Section, one_line

RENDERED = "rendered"  # training clips drawn on the fly by the bundled benchmark's renderer


class DataConfig(Section):
    """Which clips, and what is known of the people in them."""

    root: str = Field(default="mini", description='folder of the data sets; "mini": the bundled benchmark')
    train: str = Field(default="kinetics50:train", description='a data set, or "rendered": drawn on the fly')
    validation: str | None = Field(
        default=None, description="a data set; none: a share of the training clips"
    )
    validation_share: float = Field(default=0.2, gt=0, lt=1, description="the paper holds out a fifth")
    sampling: str = Field(default="paper", description="which frames: see videos.decode.FramePolicy")
    masks: str | None = Field(default=None, description="folder of person masks, class/clip/000001.png")
    mask_kind: Literal["soft", "hard"] = "soft"
    missing: Literal["black", "whole"] = Field(
        default="black", description="where a clip has no mask: nobody (as the paper), or all is person"
    )
    clips: int = Field(default=2000, ge=1, description="rendered clips in all, validation included")
    agree: float = Field(default=0.9, ge=0, le=1, description="rendered: how often the scene fits the action")


class AugmentConfig(Section):
    """The paper's mix: every clip once as it is, and once with its person in front of something else."""

    backgrounds: str | None = Field(
        default=None,
        description='folder of pictures such as Places365, "rendered", or emptied clips such as '
        "hat:background_only (action swap); none: no augmentation",
    )
    corrupt_masks: float = Field(default=0.0, ge=0, le=1, description="share of clips with spoilt masks")

    @property
    def on(self) -> bool:
        """Whether the training set is doubled."""
        return self.backgrounds is not None


class RecipeConfig(Section):
    """How it is trained. ``paper`` presets are arXiv 2512.17953's, ``modern`` ones what is usual now."""

    name: Literal["paper", "modern"] = "paper"
    epochs: int = Field(default=300, ge=1)
    batch: int = Field(default=20, ge=1, description="clips of one optimizer step, all processes together")
    accumulate: int = Field(default=1, ge=1, description="parts a batch is computed in")
    lr: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    warmup: float = Field(default=0.05, ge=0, lt=1, description="modern: share of steps")
    precision: Literal["float32", "bfloat16"] = "float32"
    ema: float = Field(default=0.0, ge=0, lt=1, description="decay of averaged weights; 0: none")
    select: Literal["last", "best"] = Field(default="last", description="the paper evaluates the last epoch")
    patience: int | None = Field(default=None, ge=1, description="epochs without gain that end training")
    plateau: int = Field(default=40, ge=1, description="paper: epochs without gain that divide lr by 10")

    @model_validator(mode="before")
    @classmethod
    def _presets(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("name") == "modern":
            modern = {"weight_decay": 0.05, "precision": "bfloat16", "ema": 0.999, "select": "best"}
            return modern | dict(values)
        return values

    @model_validator(mode="after")
    def _divides(self) -> "RecipeConfig":
        if self.batch % self.accumulate:
            raise ValueError(f"batch {self.batch} cannot be computed in {self.accumulate} equal parts")
        return self


class ModelConfig(Section):
    """None: as published."""

    frames: int = 8
    pixels: int = 256
    depth: int | None = None
    width: int | None = None
    dropout: float = Field(default=0.5, ge=0, lt=1)

    def size(self, classes: int) -> Size:
        """For so many classes."""
        return Size(classes, self.frames, self.pixels, self.depth, self.width, self.dropout)


class Config(Section):
    """One run."""

    model: str = "slow_only"
    size: ModelConfig = Field(default_factory=ModelConfig)
    data: DataConfig = Field(default_factory=DataConfig)
    augment: AugmentConfig = Field(default_factory=AugmentConfig)
    recipe: RecipeConfig = Field(default_factory=RecipeConfig)
    seed: int = Field(default=0, ge=0)
    workers: int = Field(default=0, ge=0, description="processes that prepare clips")
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:1, ...")
    output: str = "runs/classifiers"

    @property
    def name(self) -> str:
        """Of its folder: model, augmentation, seed and a hash of all that changes the result."""
        augmented = "-aug" if self.augment.on else ""
        return f"{self.model.replace('/', '.')}{augmented}-seed{self.seed}-{self.key[:8]}"

    @property
    def key(self) -> str:
        """Hash of everything that decides the trained weights."""
        values = self.model_dump(mode="json", exclude={"output", "workers", "device"})
        return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    @property
    def folder(self) -> Path:
        """Where everything of this run is kept."""
        return Path(self.output) / self.name

    def changed(self, **values: Any) -> "Config":
        """With other values, dotted sections as dictionaries: ``changed(seed=1, augment={...})``."""
        return _build(_merged(self.model_dump(), values), "configuration")


def read_config(path: str | None, **flags: Any) -> Config:
    """The file's values, flags (not None) over them. Raises UserError in one line."""
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
        except (OSError, UnicodeDecodeError) as failure:
            raise UserError(
                f"cannot read --config {path}: {failure}; see configs/classifiers_mini.yaml"
            ) from None
        except yaml.YAMLError as failure:
            raise UserError(f"--config {path} is no YAML: {' '.join(str(failure).split())}") from None
    if not isinstance(values, dict):
        raise UserError(f"--config {path} holds a {type(values).__name__}, expected sections such as recipe:")
    return _build(
        _merged(values, {key: one for key, one in flags.items() if one is not None}), path or "flags"
    )


def assignments(texts: list[str]) -> dict[str, Any]:
    """``recipe.epochs=3`` ... as nested dictionaries. Raises UserError."""
    values: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise UserError(f"--set {text!r}: expected FIELD=VALUE such as recipe.epochs=3")
        *sections, last = name.split(".")
        place = values
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise UserError(f"--set {text!r}: {section!r} has a value already; set its fields one by one")
        try:
            place[last] = yaml.safe_load(value)
        except yaml.YAMLError:
            place[last] = value
    return values


def _merged(values: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for key, one in over.items():
        old = merged.get(key)
        both = isinstance(one, Mapping) and isinstance(old, Mapping)
        merged[key] = _merged(old, one) if both else one  # type: ignore[arg-type]
    return merged


def _build(values: dict[str, Any], where: str) -> Config:
    try:
        return Config.model_validate(values)
    except ValidationError as failure:
        raise UserError(f"{where}: {one_line(failure, Config, 'docs/classifiers.md')}") from None
