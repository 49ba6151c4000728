"""The sections of a run's configuration that clips are read by: which data sets, and what is shown of a clip.

`vllm_eval/config.py` adds to a target what scoring needs, `agents/config.py` the rest of a run.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from videos.decode import FramePolicy, Sampling
from videos.sections import Section

MINI = "mini"
MINI_FRAMES = {"count": 6, "size": 84}  # what the bundled model was trained on


def _view(text: str) -> str:
    from assets.errors import UserError
    from videos.views import parse_view

    try:
        return parse_view(text).text
    except UserError as problem:
        raise ValueError(str(problem)) from None


class Fractions(Section):
    """Shares of the swapped clips; no source video stands on two sides."""

    tune: float = Field(
        default=0.15, gt=0, lt=1, description="share of the clips that proposals are scored on"
    )
    select: float = Field(default=0.28, gt=0, lt=1, description="share of the clips the winner is chosen on")
    test: float = Field(default=0.57, gt=0, lt=1, description="share of the clips the result is reported on")

    @model_validator(mode="after")
    def _sum_to_one(self) -> "Fractions":
        total = self.tune + self.select + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"tune, select and test sum to {total:g}, they must sum to 1")
        return self


class DataConfig(Section):
    """Which clips."""

    root: str = Field(
        default="mini",
        description='folder with hat, kinetics and mimetics in it; "mini": the bundled benchmark',
    )
    swap: str = Field(
        default="hat:rand_1", description="swapped clips to optimise on, hat:{rand,close,far,same}_N"
    )
    mimetics: str | None = Field(
        default="mimetics", description="mimed actions, reported at the end; none: leave out"
    )
    kinetics: str | None = Field(
        default="kinetics:val", description="ordinary clips, reported at the end; none: leave out"
    )
    agreement: str | None = Field(
        default="kinetics:train",
        description="ordinary clips on which the winner must not lose much against neutral; none: no check",
    )
    fractions: Fractions = Field(default_factory=Fractions, description="how the swapped clips are divided")
    seed: int = Field(default=0, ge=0, description="seed of the division and of every subset of clips")
    tune_clips: int = Field(default=32, ge=1, description="clips of the tune side each proposal is scored on")
    select_clips: int | None = Field(
        default=80, ge=1, description="clips of the select side to use; none: all"
    )
    test_clips: int | None = Field(default=160, ge=1, description="clips of the test side to use; none: all")
    report_clips: int | None = Field(
        default=150, ge=1, description="clips of each other reported set to use; none: all"
    )
    agreement_clips: int = Field(default=100, ge=1, description="clips of the agreement check")

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets that are looked at, each once."""
        named = (self.swap, self.mimetics, self.kinetics, self.agreement)
        return tuple(dict.fromkeys(name for name in named if name is not None))


class FramesConfig(Section):
    """What the model sees of a clip."""

    count: int = Field(default=8, ge=1, description="frames per clip; where unset the bundled model gets 6")
    sampling: Sampling = Field(
        default="uniform",
        description="uniform over the clip, its centre, as dense as it was filmed, or as the paper did",
    )
    size: int | None = Field(
        default=None,
        ge=16,
        description="short side in pixels; none: as filmed; where unset the bundled model gets 84",
    )


class ShownConfig(Section):
    """A target model as clips are shown to it. What is typed Any is for `vllm_eval.config.TargetConfig` to
    tell; it stands here so that a misspelt field of a target is told from one that is not looked at."""

    engine: Any = None
    model: str = Field(default=MINI, description='model id or folder; "mini": the bundled model')
    revision: Any = None
    options: Any = None
    frames: FramesConfig = Field(default_factory=FramesConfig, description="what the model sees of a clip")
    question: Any = None
    view: Annotated[str, AfterValidator(_view)] = Field(
        default="original",
        description="what is shown of a clip: original, black, dim:0.3, crop, side, ...; docs/views.md",
    )
    masks: str | None = Field(
        default=None,
        min_length=1,
        description="folder of person masks that `videos segment` wrote; none: the data set's own",
    )

    @model_validator(mode="before")
    @classmethod
    def _suit_the_bundled_model(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("model", MINI) == MINI:
            frames = values.get("frames", {})
            if isinstance(frames, Mapping):
                return {**values, "frames": {**MINI_FRAMES, **frames}}
        return values

    def policy(self) -> FramePolicy:
        """Which frames the model sees, and what of them."""
        frames = self.frames
        return FramePolicy(frames.count, frames.sampling, frames.size, self.view, self.masks)
