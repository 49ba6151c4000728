"""The sections of a configuration that scoring depends on: which clips, which model, where answers are kept.

`agents.optimize` (agents/config.py), `vllm_eval.evaluate` and `vllm_eval.doctor` read the same files.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

MINI = "mini"
MINI_FRAMES = {"count": 6, "size": 84}  # what the bundled model was trained on
AUTO = "auto"
DEFAULT_HISTORY = "sqlite:///runs/history.db"  # as prompts.history has it, which lies above this package

_UNSET = (("revision", None), ("view", "original"), ("masks", None))  # of a target

# Sections and fields of a run's file that scoring passes over.
ONLY_OF_RUNS = ("optimizer", "objective", "budget", "seed", "output", "targets")


def one_of(registry: Callable[[], Mapping[str, object]]) -> AfterValidator:
    """A name that must stand in a registry, which is read only when a value is checked."""

    def check(name: str) -> str:
        if name not in registry():
            raise ValueError(f"known: {', '.join(registry())}")
        return name

    return AfterValidator(check)


def _engines() -> Mapping[str, object]:
    from vllm_eval.engines import ENGINES

    return {**ENGINES, AUTO: None}


def _formats() -> Mapping[str, object]:
    from vllm_eval.questions import FORMATS

    return FORMATS


def _view(text: str) -> str:
    from assets.errors import UserError
    from videos.views import parse_view

    try:
        return parse_view(text).text
    except UserError as problem:
        raise ValueError(str(problem)) from None


def _typed(options: object) -> object:
    """Option values given as text on the command line or in the environment get the type YAML gives them."""
    if not isinstance(options, Mapping):
        return options
    return {key: _of_text(value) if isinstance(value, str) else value for key, value in options.items()}


def _of_text(text: str) -> object:
    """A number, a truth, nothing, a bracketed list or mapping; all else is the text itself, as it stands.

    A file's texts come here, too, and YAML would take "#" and ": " in them for its own.
    """
    try:
        value = yaml.safe_load(text) if text else text
    except yaml.YAMLError:
        return text
    bracketed = text.lstrip().startswith(("{", "["))
    return value if bracketed or value is None or isinstance(value, bool | int | float) else text


class Section(BaseModel):
    """Unknown keys are refused: a misspelt one would silently be the default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


class FramesConfig(Section):
    """What the model sees of a clip."""

    count: int = Field(default=8, ge=1, description="frames per clip; where unset the bundled model gets 6")
    sampling: Literal["uniform", "centre", "dense", "paper", "paper_internvl3"] = Field(
        default="uniform",
        description="uniform over the clip, its centre, as dense as it was filmed, or as the paper did",
    )
    size: int | None = Field(
        default=None,
        ge=16,
        description="short side in pixels; none: as filmed; where unset the bundled model gets 84",
    )


class QuestionConfig(Section):
    """How it is asked."""

    format: Annotated[str, one_of(_formats)] = Field(
        default="mcq5", description="mcq5: five lettered choices; closed: all classes; open: free text"
    )
    seed: int = Field(default=0, ge=0, description="seed of distractors and order of the choices")
    instruction: str = Field(
        default="", description="constant last line, e.g. Answer with the letter only.; empty: none"
    )


class TargetConfig(Section):
    """The video language model whose bias is measured."""

    engine: Annotated[str, one_of(_engines)] = Field(
        default="transformers",
        description="what runs the model; auto: a server where options has its base_url, else what is here",
    )
    model: str = Field(default=MINI, description='model id or folder; "mini": the bundled model')
    revision: str | None = Field(
        default=None,
        min_length=1,
        description="branch, tag or commit of a model of the hub; none: its main branch",
    )
    options: Annotated[dict[str, Any], BeforeValidator(_typed)] = Field(
        default_factory=dict, description="further options of the engine, e.g. dtype=float32"
    )
    frames: FramesConfig = Field(default_factory=FramesConfig, description="what the model sees of a clip")
    question: QuestionConfig = Field(default_factory=QuestionConfig, description="how it is asked")
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

    @model_serializer(mode="wrap")
    def _without_what_is_unset(self, values: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # A run is found again by its values: without a revision or a view they are those of before.
        told: dict[str, Any] = values(self)
        return {key: value for key, value in told.items() if (key, value) not in _UNSET}


class HistoryConfig(Section):
    """Where everything is remembered."""

    url: str = Field(
        default=DEFAULT_HISTORY,
        description="database URL, sqlite:///PATH or postgresql://...; also --history URL",
    )


class ScoringConfig(Section):
    """What scoring depends on."""

    data: DataConfig = Field(default_factory=DataConfig, description="which clips")
    target: TargetConfig = Field(default_factory=TargetConfig, description="the model whose bias is measured")
    history: HistoryConfig = Field(default_factory=HistoryConfig, description="where all is remembered")
