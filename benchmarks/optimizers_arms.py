"""What is compared: our strategies with and without racing, other libraries, controls, the paper's loop."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from agents.config import OptimizerConfig

FEW = 32  # clips of an arm that scores every prompt on a fixed subset: data.tune_clips by default
_UNLIMITED = 10**5  # prompts: answers end a run, not the number of prompts
_REFUSALS = 60  # in a row, after which a run has ended: small models need more patience than the default

# MIPROv2 proposes all its candidates first and tries them 1.5 times on 35 clips, every fifth time on all.
_MIPRO_TRIALS, _MIPRO_CLIPS, _MIPRO_FULL_EVERY = 1.5, 35, 5


@dataclass(frozen=True)
class Arm:
    """``clips`` of the tune side it searches on, None: all. ``sized``: how it goes depends on the budget, so
    that a run serves one budget only."""

    name: str
    strategy: str
    race: Literal["sequential", "none"] = "sequential"
    clips: int | None = None
    minibatch: int | None = None
    per_round: int = 4
    form: Literal["auto", "chat", "ranked"] = "auto"
    sized: bool = False

    def optimizer(self, llm: str) -> OptimizerConfig:
        """The section of a run's configuration."""
        values: dict[str, Any] = {
            "strategy": self.strategy,
            "race": self.race,
            "minibatch": self.minibatch,
            "per_round": self.per_round,
            "form": self.form,
            "llm": {"model": llm},
        }
        return OptimizerConfig.model_validate(values)

    def prompts(self, budget: int, clips: int, baselines: int) -> int:
        """How many prompts the strategy is told to plan for."""
        if not self.sized:
            return _UNLIMITED
        full = clips / _MIPRO_FULL_EVERY
        each = _MIPRO_TRIALS * (min(_MIPRO_CLIPS, clips) + full)
        return max(2, int((budget - baselines * clips) / each))

    @property
    def refusals(self) -> int:
        """Refused proposals in a row that end a run."""
        return _REFUSALS


def _arms() -> Mapping[str, Arm]:
    raced = [Arm(name, name) for name in ("agent", "opro", "evolve", "reflective")]
    plain = [
        replace(arm, name=f"{arm.name}, no race", race="none", clips=FEW)
        for arm in raced
        if arm.strategy != "evolve"
    ]
    chats = [replace(arm, name=f"{arm.name}, chat", form="chat") for arm in raced if arm.strategy != "evolve"]
    ordered = [
        raced[0],
        # One prompt at a time on the full split. A model that obeys gets a chat, as the paper's did; one that
        # does not, as the bundled ones, continues a ranked list.
        Arm("paper's loop", "opro", race="none", per_round=1),
        Arm("gepa", "gepa"),
        Arm("paraphrase", "paraphrase"),
        Arm("gepa, minibatch 64", "gepa", minibatch=64),
        Arm("capo", "capo"),
        raced[2],
        Arm("dspy-copro", "dspy-copro"),
        Arm("dspy-mipro", "dspy-mipro", sized=True),
        plain[0],
        Arm("evolve, no race", "evolve", race="none", clips=FEW),
        Arm("grid", "grid"),
        *raced[1:2],
        *raced[3:],
        *plain[1:],
        *chats,
    ]
    return {arm.name: arm for arm in ordered}


ARMS = _arms()
