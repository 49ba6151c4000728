"""The YAML file of `python -m videos segment`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, ValidationError

from assets.errors import UserError
from videos.masks.detectors import DETECTORS
from videos.masks.followers import FOLLOWERS
from videos.sections import Section, one_line


def _known(names: Any) -> AfterValidator:
    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"known: {', '.join(names)}")
        return name

    return AfterValidator(check)


class Backend(Section):
    """A detector or follower and its options."""

    options: dict[str, Any] = Field(
        default_factory=dict, description="as its file in videos/masks takes them"
    )


class DetectorConfig(Backend):
    """What finds people."""

    name: Annotated[str, _known(DETECTORS)] = "yolox"


class FollowerConfig(Backend):
    """What follows them."""

    name: Annotated[str, _known(FOLLOWERS)] = "onnx"


class SegmentConfig(Section):
    """Which clips, by what, where to."""

    dataset: str = Field(description="as hat:original, kinetics:val, mimetics, ...")
    root: str = Field(default="mini", description='its folder, or "mini"')
    out: str = Field(description="folder for masks and table")
    mode: Literal["every", "paper"] = Field(default="every", description="see docs/masks.md")
    search_frames: int = Field(default=3, ge=1, description="frames that people are searched in")
    least_score: float = Field(default=0.4, gt=0, lt=1, description="score from which a detection is one")
    detector: DetectorConfig = Field(default_factory=DetectorConfig)
    follower: FollowerConfig = Field(default_factory=FollowerConfig)
    files: str | None = Field(
        default=None, description="class/clip masks of another program, instead of detector and follower"
    )
    devices: tuple[str, ...] = Field(
        default=(), description="as cuda:0, cuda:1: one for each process in turn"
    )
    workers: int = Field(default=1, ge=1, description="processes, each with its own networks")
    seconds: float = Field(
        default=3600.0, gt=0, description="what one clip may take, where there are several processes"
    )
    human_only: bool = Field(default=False, description="write the person before black as JPEG frames too")
    clips: int | None = Field(default=None, ge=1, description="only so many clips, the first ones")

    def makes(self) -> dict[str, Any]:
        """The settings that decide a mask's pixels."""
        if self.files is not None:
            return {"files": self.files, "mode": self.mode}
        return self.model_dump(
            mode="json", include={"mode", "search_frames", "least_score", "detector", "follower"}
        )


def read_config(path: Path, flags: Mapping[str, Any] | None = None) -> SegmentConfig:
    """The file as settings, ``flags`` that are not None over it, checked together.

    Raises UserError that names file or flag, field and what was expected.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as failure:
        told = " ".join(str(failure).split())
        raise UserError(f"{path}: {told}; expected a YAML file with dataset and out") from failure
    if not isinstance(values, dict):
        raise UserError(f"{path}: no settings in it, expected a YAML file with dataset and out")
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    try:
        return SegmentConfig.model_validate({**values, **given})
    except ValidationError as failure:
        flag = failure.errors()[0]["loc"][:1] in [(name,) for name in given]
        where = "--" if flag else f"{path}: "
        raise UserError(f"{where}{one_line(failure, SegmentConfig, 'configs/segment.yaml')}") from None
