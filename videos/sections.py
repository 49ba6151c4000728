"""Sections of a configuration: unknown keys are refused, and a refusal is told in one line."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails


class Section(BaseModel):
    """Unknown keys are refused: a misspelt one would silently be the default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def one_line(failure: ValidationError, model: type[BaseModel], help_at: str) -> str:
    """The first fault in values of ``model``; an unknown key is told with the known ones beside it.

    ``help_at`` says where to read on, for faults of a whole section, whose values are not shown.
    """
    errors = failure.errors(include_url=False)
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return _explained(errors[0], model, help_at) + more


def none_read(value: Any) -> Any:
    """With "none" read as no value, as flags and the environment write it; YAML itself writes null."""
    if isinstance(value, dict):
        return {key: none_read(held) for key, held in value.items()}
    if isinstance(value, list):
        return [none_read(held) if isinstance(held, dict) else held for held in value]
    return None if value == "none" else value


def _explained(error: ErrorDetails, model: type[BaseModel], help_at: str) -> str:
    path = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"unknown key {path}; {_known_beside(error['loc'], model)}"
    message = error["msg"].removeprefix("Value error, ")
    value = error["input"]
    if isinstance(value, Mapping | BaseModel):  # the section as a whole; it may hold what must not be shown
        return f"{path}: {message}; see {help_at}".removeprefix(": ")
    return f"{path}: {str(value)[:80]!r} is not possible; {message[:1].lower()}{message[1:]}"


def _known_beside(location: Sequence[int | str], model: Any) -> str:
    for part in location[:-1]:
        place = isinstance(part, int)  # in a list
        model = get_args(model)[0] if place else model.model_fields[str(part)].annotation
    where = ".".join(str(part) for part in location[:-1])
    return f"known {f'in {where}' if where else 'keys'}: {', '.join(model.model_fields)}"
