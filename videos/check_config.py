"""Which data sets a run's configuration names and what it shows of them: what `videos check` reads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from assets.errors import UserError
from videos.config import DataConfig, ShownConfig
from videos.decode import FramePolicy
from videos.sections import Section, none_read, one_line


@dataclass(frozen=True)
class Wanted:
    """What to check. ``datasets`` are named once each, in the order of the configuration's fields;
    ``policies`` once each, too: one for all target models that are shown the same."""

    root: str
    datasets: tuple[str, ...]
    policies: tuple[FramePolicy, ...]


class _Target(ShownConfig):
    """One of several."""

    name: Any = None


class _Run(Section):
    """A run's file. What is typed Any is not looked into: `python -m agents.optimize --print-config` does."""

    data: DataConfig = Field(default_factory=DataConfig)
    target: ShownConfig = Field(default_factory=ShownConfig)
    targets: tuple[_Target, ...] = ()
    optimizer: Any = None
    budget: Any = None
    objective: Any = None
    history: Any = None
    seed: Any = None
    output: Any = None

    @model_validator(mode="before")
    @classmethod
    def _without_an_empty_target(cls, values: Any) -> Any:
        # As a run has it: the first of several stands for a target that says nothing.
        if isinstance(values, dict) and values.get("targets") and not values.get("target"):
            return {key: value for key, value in values.items() if key != "target"}
        return values

    @model_validator(mode="after")
    def _one_or_several(self) -> "_Run":
        # A run that is printed has both, target being the first of targets.
        if self.targets and "target" in self.model_fields_set:
            one, first = self.target, self.targets[0]
            if (one.model, one.policy()) != (first.model, first.policy()):
                raise ValueError("give either target or targets, not both")
        return self

    def policies(self) -> tuple[FramePolicy, ...]:
        """What its target models see, each once."""
        return tuple(dict.fromkeys(target.policy() for target in self.targets or (self.target,)))


def read_config(path: Path) -> Wanted:
    """The data sets of a run's YAML and what its targets see of them, absent fields at their defaults.

    Sections are those the run is validated with. Raises UserError for a file that is no YAML and for what the
    run would refuse in ``data``, in what a target is shown, and in the names of sections and fields.
    """
    values = none_read(_yaml(path))
    if not isinstance(values, dict | None):
        raise UserError(f"{path}: it holds {values!r:.60}, expected fields such as data: or target:")
    try:
        run = _Run.model_validate({str(key): value for key, value in (values or {}).items()})
    except ValidationError as failure:
        raise UserError(f"{path}: {one_line(failure, _Run, 'docs/options.md')}") from None
    return Wanted(run.data.root, run.data.datasets, run.policies())


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as failure:
        raise UserError(f"{path}: {failure.strerror}, expected a YAML file; see configs/") from failure
    except (UnicodeDecodeError, yaml.YAMLError) as failure:
        told = " ".join(str(failure).split())
        raise UserError(f"{path}: no YAML ({told}); see configs/ for examples") from failure
