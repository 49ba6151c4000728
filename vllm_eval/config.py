"""The sections of a configuration that scoring depends on: which clips, which model, where answers are kept.

`agents.optimize` (agents/config.py), `vllm_eval.evaluate` and `vllm_eval.doctor` read the same files.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer

from videos.config import DataConfig, Fractions, FramesConfig, ShownConfig
from videos.sections import Section

__all__ = [
    "AUTO",
    "DEFAULT_HISTORY",
    "ONLY_OF_RUNS",
    "DataConfig",
    "Fractions",
    "FramesConfig",
    "HistoryConfig",
    "QuestionConfig",
    "ScoringConfig",
    "Section",
    "TargetConfig",
    "one_of",
]

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


class QuestionConfig(Section):
    """How it is asked."""

    format: Annotated[str, one_of(_formats)] = Field(
        default="mcq5", description="mcq5: five lettered choices; closed: all classes; open: free text"
    )
    seed: int = Field(default=0, ge=0, description="seed of distractors and order of the choices")
    instruction: str = Field(
        default="", description="constant last line, e.g. Answer with the letter only.; empty: none"
    )


class TargetConfig(ShownConfig):
    """The video language model whose bias is measured."""

    engine: Annotated[str, one_of(_engines)] = Field(
        default="transformers",
        description="what runs the model; auto: a server where options has its base_url, else what is here",
    )
    revision: str | None = Field(
        default=None,
        min_length=1,
        description="branch, tag or commit of a model of the hub; none: its main branch",
    )
    options: Annotated[dict[str, Any], BeforeValidator(_typed)] = Field(
        default_factory=dict, description="further options of the engine, e.g. dtype=float32"
    )
    question: QuestionConfig = Field(default_factory=QuestionConfig, description="how it is asked")

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
