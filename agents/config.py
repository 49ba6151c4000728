"""RunConfig: everything a run depends on, one validated object. Its values come from agents/sources.py.

The sections that scoring needs too, data, target and history, are those of vllm_eval/config.py.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, model_validator

from prompts.records import AT, plain, redacted
from vllm_eval.config import (
    DataConfig,
    Fractions,
    FramesConfig,
    HistoryConfig,
    QuestionConfig,
    Section,
    TargetConfig,
    one_of,
)
from vllm_eval.engines.openai_settings import VARIABLE

__all__ = [
    "BudgetConfig",
    "DataConfig",
    "Fractions",
    "FramesConfig",
    "HistoryConfig",
    "LLMConfig",
    "NamedTarget",
    "ObjectiveConfig",
    "OptimizerConfig",
    "QuestionConfig",
    "RacingConfig",
    "RunConfig",
    "Section",
    "TargetConfig",
    "experiment",
]


def _spelt_out(value: object) -> object:
    """On a command line "none" stands for no value; here it is one."""
    return "none" if value is None else value


def _strategies() -> Mapping[str, object]:
    from agents.strategies import STRATEGIES

    return STRATEGIES


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
    optimizer_tokens: int | None = Field(
        default=None, ge=1, description="most tokens of the optimizer's model, read and written; none: no cap"
    )
    dollars: float | None = Field(
        default=None,
        gt=0,
        description="most dollars for the optimizer's model, by the table of prices; none: no cap",
    )
    prices: str | None = Field(
        default=None, description="YAML table of prices; none: configs/prices.yaml of this project"
    )


class LLMConfig(Section):
    """The language model that proposes."""

    model: str = Field(
        default="smollm2-135m-instruct",
        description="bundled name, path of a .gguf file, transformers:NAME, vllm:NAME, or name at base_url",
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
    thinking_tokens: int = Field(
        default=0,
        ge=0,
        description="tokens a reply may take besides its text, for models that think before they answer; 0: "
        "none, until a reply shows that it needs some",
    )
    timeout: float = Field(default=600.0, gt=0, description="seconds to wait for one reply of base_url")
    deadline: float = Field(
        default=900.0,
        gt=0,
        description="seconds to go on asking a base_url that is busy or out of reach, all attempts together",
    )
    extra_body: dict[str, Any] = Field(
        default_factory=dict,
        description="sent to base_url with every request as it stands, e.g. {reasoning_effort: low}",
    )

    @model_validator(mode="after")
    def _names_a_variable(self) -> "LLMConfig":
        # Whoever writes the key itself here must not find it in an error message or a history.
        if not VARIABLE.fullmatch(self.api_key_env):
            raise ValueError(
                "api_key_env must be the name of an environment variable, in capitals, never the key itself"
            )
        return self


class RacingConfig(Section):
    """When a race stops asking about a prompt. Shares are of the score (1 + SHAcc - SBErr) / 2."""

    block: int = Field(default=8, ge=1, description="clips that all prompts of a round see between two looks")
    alpha: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="chance that a prompt no better than the best so far is ever called better",
    )
    futility_alpha: float = Field(
        default=0.4, gt=0, lt=1, description="chance that a prompt better by worthwhile is ever given up"
    )
    worthwhile: float = Field(
        default=0.05, ge=0, lt=1, description="a lead over the best so far that is worth finding"
    )
    surrogate_clips: int = Field(
        default=16,
        ge=0,
        description="first clips on which probabilities may give a prompt up, too; 0: answers alone do",
    )
    twin_clips: int = Field(
        default=16,
        ge=0,
        description="first clips by which a prompt that acts like another is known; 0: never",
    )
    twin_distance: float = Field(
        default=0.02,
        ge=0,
        le=2,
        description="mean distance of p(human) - p(background) up to which prompts act alike",
    )


class ObjectiveConfig(Section):
    """What the winner is chosen by on the select side."""

    rule: Literal["score", "sberr"] = Field(
        default="score",
        description="score: highest SHAcc - SBErr, of equals the least loss on ordinary clips; sberr: lowest "
        "SBErr among prompts shown to lose less than margin there",
    )
    margin: float = Field(
        default=0.01, gt=0, lt=1, description="of rule sberr: loss of accuracy that is ruled out at 95 %"
    )
    targets: Literal["worst", "mean"] = Field(
        default="worst",
        description="of several target models: a prompt counts as on the worst of them, or as on average",
    )
    report: Literal["winner", "finalists"] = Field(
        default="winner",
        description="found prompts asked about the reported clips: the winner, or all finalists, which costs "
        "their answers and shows what they trade",
    )

    def reported(self, finalists: int) -> int:
        """The most found prompts that are reported."""
        return max(1, finalists) if self.report == "finalists" else 1


class GuardConfig(Section):
    """What a proposed prompt must keep to; see also agents/guard.py."""

    max_words: int = Field(default=60, ge=3, description="most words of a prompt")
    max_characters: int = Field(default=400, ge=10, description="most characters of a prompt")
    english: bool = Field(default=True, description="refuse prompts that are plainly not in English")
    anchors: tuple[str, ...] = Field(
        default=(), description="ids of tune clips a winner must not lose against the neutral prompt"
    )
    anchors_lost: int = Field(default=0, ge=0, description="how many anchors a winner may lose all the same")


class OptimizerConfig(Section):
    """Who proposes prompts, and how many compete at the end."""

    strategy: Annotated[str, one_of(_strategies)] = Field(
        default="agent",
        description="who proposes: agent (a language model with tools over the history), reflective (from "
        "failures), opro (from scores), evolve (crossover and mutation); controls paraphrase, grid, file; "
        "other optimizers gepa, dspy-copro, dspy-mipro, capo",
    )
    per_round: int = Field(default=4, ge=1, description="prompts proposed and scored together")
    finalists: int = Field(
        default=4, ge=1, description="best prompts of the tune side compared on the select side"
    )
    race: Annotated[Literal["sequential", "none"], BeforeValidator(_spelt_out)] = Field(
        default="sequential",
        description="sequential: ask no more about a prompt once it is told apart; none: ask all clips",
    )
    racing: RacingConfig = Field(default_factory=RacingConfig, description="when a race stops asking")
    form: Literal["auto", "chat", "ranked"] = Field(
        default="auto",
        description="of the request: chat, a ranked list to continue, or what suits the model",
    )
    file: str | None = Field(
        default=None,
        description="strategy file: a text file with one prompt a line; strategy grid: a YAML file with "
        "template and slots, none: its own",
    )
    minibatch: int | None = Field(
        default=None,
        ge=1,
        description="clips on which gepa, dspy-mipro and capo try a prompt first; none: their own default",
    )
    guard: GuardConfig = Field(default_factory=GuardConfig, description="what is refused unscored")
    llm: LLMConfig = Field(default_factory=LLMConfig, description="the language model that proposes")

    @model_validator(mode="after")
    def _has_its_file(self) -> "OptimizerConfig":
        if self.strategy == "file" and not self.file:
            raise ValueError("strategy file needs optimizer.file, a text file with one prompt a line")
        return self


class NamedTarget(TargetConfig):
    """One of several target models."""

    name: str | None = Field(
        default=None, min_length=1, description="what it is called in history and report; none: its model"
    )

    @property
    def called(self) -> str:
        """Its name."""
        return self.name or self.model


class RunConfig(Section):
    """One run. Secrets are no part of it: keys are read from the environment variables it names."""

    data: DataConfig = Field(default_factory=DataConfig, description="which clips")
    target: TargetConfig = Field(default_factory=TargetConfig, description="the model whose bias is measured")
    targets: tuple[NamedTarget, ...] = Field(
        default=(),
        description="several models instead of target, a prompt being tuned for all; docs/objectives.md",
    )
    optimizer: OptimizerConfig = Field(default_factory=OptimizerConfig, description="who proposes prompts")
    budget: BudgetConfig = Field(default_factory=BudgetConfig, description="what may be spent")
    objective: ObjectiveConfig = Field(
        default_factory=ObjectiveConfig, description="what the winner is chosen by"
    )
    history: HistoryConfig = Field(default_factory=HistoryConfig, description="where all is remembered")
    seed: int = Field(default=0, ge=0, description="seed of the optimizer's randomness")
    output: str = Field(default="runs", description="folder for reports, one subfolder per run")

    @model_validator(mode="before")
    @classmethod
    def _target_is_the_first_of_several(cls, values: Any) -> Any:
        # Whoever reads one target of a run, as a report does, finds the first.
        several = values.get("targets") if isinstance(values, Mapping) else None
        if not isinstance(several, list | tuple) or not several or values.get("target"):
            return values
        first = several[0]
        first = first.model_dump() if isinstance(first, NamedTarget) else first
        if not isinstance(first, Mapping):
            return values
        return {**values, "target": {key: value for key, value in first.items() if key != "name"}}

    @model_validator(mode="after")
    def _targets_are_told_apart(self) -> "RunConfig":
        if not self.targets:
            return self
        names = [one.called for one in self.targets]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(f"two of targets are called {twice[0]!r}; give each a name of its own")
        if any(AT in name for name in names):
            raise ValueError(f"names of targets must not contain {AT!r}")
        if self.target.model_dump() != self.targets[0].model_dump(exclude={"name"}):
            raise ValueError("give either target or targets, not both")
        return self

    @model_validator(mode="after")
    def _has_clips_to_prove_on(self) -> "RunConfig":
        # The proof comes after the search: without this the whole of it would be paid for nothing.
        if self.objective.rule == "sberr" and self.data.agreement is None:
            raise ValueError(
                "objective.rule sberr needs ordinary clips as proof, but data.agreement is none: "
                "set it, e.g. to kinetics:train, or use objective.rule score"
            )
        return self

    def panel(self) -> dict[str, TargetConfig]:
        """The target models by name."""
        return {one.called: one for one in self.targets} or {self.target.model: self.target}

    def values(self) -> dict[str, Any]:
        """All values as JSON holds them, without secrets."""
        clean: dict[str, Any] = redacted(plain(self.model_dump(mode="json")))
        if not self.targets:  # a run is found again by its values: of one target they are those of before
            del clean["targets"], clean["objective"]["targets"]
        return clean

    def yaml(self) -> str:
        """All values as a file that ``--config`` takes."""
        return yaml.safe_dump(self.values(), sort_keys=False, allow_unicode=True)


# Of the optimizer's model: how long it is waited for, and how much it may think. Caps, in their way.
_WAITING = ("timeout", "deadline", "thinking_tokens")


def experiment(values: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a run's values that makes it this experiment and no other: what resuming must not change.

    Caps may be raised, and places moved, without making another experiment.
    """
    kept = {key: value for key, value in values.items() if key not in ("history", "output", "budget")}
    optimizer = dict(kept.get("optimizer") or {})
    llm = {key: value for key, value in (optimizer.get("llm") or {}).items() if key not in _WAITING}
    if not llm.get("extra_body"):  # as runs were written before there was one
        llm.pop("extra_body", None)
    return (
        kept | {"optimizer": optimizer | {"llm": llm}} | {"prompts": values.get("budget", {}).get("prompts")}
    )
