"""RunConfig: everything a run depends on, one validated object. Its values come from agents/sources.py."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from prompts.history import DEFAULT_URL
from prompts.records import plain, redacted

MINI = "mini"
MINI_FRAMES = {"count": 6, "size": 84}  # what the bundled model was trained on


def _one_of(registry: Callable[[], Mapping[str, object]]) -> AfterValidator:
    """A name that must stand in a registry, which is read only when a value is checked."""

    def check(name: str) -> str:
        if name not in registry():
            raise ValueError(f"known: {', '.join(registry())}")
        return name

    return AfterValidator(check)


def _engines() -> Mapping[str, object]:
    from vllm_eval.engines import ENGINES

    return ENGINES


def _formats() -> Mapping[str, object]:
    from vllm_eval.questions import FORMATS

    return FORMATS


def _strategies() -> Mapping[str, object]:
    from agents.strategies import STRATEGIES

    return STRATEGIES


def _typed(options: object) -> object:
    """Option values given as text on the command line or in the environment get the type YAML gives them."""
    if not isinstance(options, Mapping):
        return options
    return {key: yaml.safe_load(v) if isinstance(v, str) and v else v for key, v in options.items()}


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
        description="ordinary clips on which the winner must not be worse than neutral; none: no such check",
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
    agreement_clips: int = Field(default=120, ge=1, description="clips of the agreement check")


class FramesConfig(Section):
    """What the model sees of a clip."""

    count: int = Field(default=8, ge=1, description="frames per clip; where unset the bundled model gets 6")
    sampling: Literal["uniform", "centre", "dense"] = Field(
        default="uniform", description="uniform over the clip, its centre, or as dense as it was filmed"
    )
    size: int | None = Field(
        default=None,
        ge=16,
        description="short side in pixels; none: as filmed; where unset the bundled model gets 84",
    )


class QuestionConfig(Section):
    """How it is asked."""

    format: Annotated[str, _one_of(_formats)] = Field(
        default="mcq5", description="mcq5: five lettered choices; closed: all classes; open: free text"
    )
    seed: int = Field(default=0, ge=0, description="seed of distractors and order of the choices")
    instruction: str = Field(
        default="", description="constant last line, e.g. Answer with the letter only.; empty: none"
    )


class TargetConfig(Section):
    """The video language model whose bias is measured."""

    engine: Annotated[str, _one_of(_engines)] = Field(
        default="transformers", description="what runs the model"
    )
    model: str = Field(default=MINI, description='model id or folder; "mini": the bundled model')
    options: Annotated[dict[str, Any], BeforeValidator(_typed)] = Field(
        default_factory=dict, description="further options of the engine, e.g. dtype=float32"
    )
    frames: FramesConfig = Field(default_factory=FramesConfig, description="what the model sees of a clip")
    question: QuestionConfig = Field(default_factory=QuestionConfig, description="how it is asked")

    @model_validator(mode="before")
    @classmethod
    def _suit_the_bundled_model(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("model", MINI) == MINI:
            frames = values.get("frames", {})
            if isinstance(frames, Mapping):
                return {**values, "frames": {**MINI_FRAMES, **frames}}
        return values


class BudgetConfig(Section):
    """What may be spent."""

    prompts: int = Field(default=50, ge=1, description="distinct proposed prompts to score; also --budget N")
    refusals: int = Field(
        default=20, ge=1, description="stop proposing after so many refused proposals in a row"
    )
    clip_evaluations: int | None = Field(
        default=None,
        ge=1,
        description="most answers to buy from the target model, report included; none: no cap",
    )
    seconds: float | None = Field(
        default=None,
        gt=0,
        description="most seconds of work, report included, over all resumptions; none: no cap",
    )


class HistoryConfig(Section):
    """Where everything is remembered."""

    url: str = Field(
        default=DEFAULT_URL,
        description="database URL, sqlite:///PATH or postgresql://...; also --history URL",
    )


class LLMConfig(Section):
    """The language model that proposes."""

    model: str = Field(
        default="smollm2-135m-instruct",
        description="bundled name, path of a .gguf file, or name at base_url",
    )
    base_url: str | None = Field(
        default=None,
        description="any OpenAI-compatible endpoint, e.g. https://api.openai.com/v1; none: run it here",
    )
    api_key_env: str = Field(
        default="OPENAI_API_KEY", description="environment variable that holds the key of base_url"
    )
    temperature: float = Field(
        default=1.0, ge=0, le=2, description="sampling temperature; 0: always the likeliest word"
    )

    @model_validator(mode="after")
    def _names_a_variable(self) -> "LLMConfig":
        # Whoever writes the key itself here must not find it in an error message or a history.
        if not self.api_key_env.isidentifier():
            raise ValueError("api_key_env must be the name of an environment variable, never the key itself")
        return self


class OptimizerConfig(Section):
    """Who proposes prompts, and how many compete at the end."""

    strategy: Annotated[str, _one_of(_strategies)] = Field(
        default="opro",
        description="opro: a language model reads the scores so far; file: the lines of a text file",
    )
    per_round: int = Field(default=4, ge=1, description="prompts proposed and scored together")
    finalists: int = Field(
        default=4, ge=1, description="best prompts of the tune side compared on the select side"
    )
    form: Literal["auto", "chat", "ranked"] = Field(
        default="auto",
        description="of opro's request: chat, a ranked list to continue, or what suits the model",
    )
    file: str | None = Field(default=None, description="strategy file: a text file with one prompt a line")
    llm: LLMConfig = Field(default_factory=LLMConfig, description="the language model that proposes")

    @model_validator(mode="after")
    def _has_its_file(self) -> "OptimizerConfig":
        if self.strategy == "file" and not self.file:
            raise ValueError("strategy file needs optimizer.file, a text file with one prompt a line")
        return self


class RunConfig(Section):
    """One run. Secrets are no part of it: keys are read from the environment variables it names."""

    data: DataConfig = Field(default_factory=DataConfig, description="which clips")
    target: TargetConfig = Field(default_factory=TargetConfig, description="the model whose bias is measured")
    optimizer: OptimizerConfig = Field(default_factory=OptimizerConfig, description="who proposes prompts")
    budget: BudgetConfig = Field(default_factory=BudgetConfig, description="what may be spent")
    history: HistoryConfig = Field(default_factory=HistoryConfig, description="where all is remembered")
    seed: int = Field(default=0, ge=0, description="seed of the optimizer's randomness")
    output: str = Field(default="runs", description="folder for reports, one subfolder per run")

    def values(self) -> dict[str, Any]:
        """All values as JSON holds them, without secrets."""
        clean: dict[str, Any] = redacted(plain(self.model_dump(mode="json")))
        return clean

    def yaml(self) -> str:
        """All values as a file that ``--config`` takes."""
        return yaml.safe_dump(self.values(), sort_keys=False, allow_unicode=True)


def experiment(values: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a run's values that makes it this experiment and no other: what resuming must not change.

    Caps may be raised, and places moved, without making another experiment.
    """
    kept = {key: value for key, value in values.items() if key not in ("history", "output", "budget")}
    return kept | {"prompts": values.get("budget", {}).get("prompts")}
