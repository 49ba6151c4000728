"""Where a RunConfig comes from: flags over environment over YAML file over defaults; errors in one line."""

import argparse
import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    CliSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from agents.config import RunConfig
from assets.errors import UserError

ENV_PREFIX = "SCENEPROOF_"
ENV_DELIMITER = "__"
PROGRAM = "python -m agents.optimize"
SHORT = {"--budget": "--budget.prompts", "--history": "--history.url"}
_CONFIG_HELP = "YAML file with any of the fields below; flags and environment win over it"
_PRINT_HELP = "print what would run as YAML, and stop"
_RESUME_HELP = "go on with the latest unfinished run of the same settings, or with this one; else start one"
_EPILOG = (
    f"Every field can also be set in the environment: {ENV_PREFIX}BUDGET{ENV_DELIMITER}PROMPTS=50. "
    "Flags win over the environment, the environment over the file. Keys are read only from the environment."
)


class _Settings(RunConfig, BaseSettings):
    """RunConfig as pydantic-settings fills it."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter=ENV_DELIMITER, env_parse_none_str="none", extra="forbid"
    )


@dataclass(frozen=True)
class Command:
    """What the command line asks for. ``resume``: None not, "" the latest fitting run, else a run's id."""

    config: RunConfig
    print_config: bool
    resume: str | None


def parse(arguments: Sequence[str]) -> Command:
    """The command. Raises UserError for anything unknown or impossible; SystemExit(0) after --help."""
    parser = _parser()
    spelled = [_spelled_out(argument) for argument in arguments]
    flags = _flags(parser, spelled)
    chosen = parser.parse_args(spelled)
    config = _build(_file_values(chosen.config), flags)
    return Command(config, chosen.print_config, chosen.resume)


def load(path: str | Path | None = None) -> RunConfig:
    """The configuration of a file (None: none) and the environment, without a command line."""
    return _build(_file_values(None if path is None else str(path)), None)


def fields(model: type[BaseModel] = RunConfig, prefix: str = "") -> Iterator[str]:
    """Dotted names of all fields that hold a value, in order."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def _spelled_out(argument: str) -> str:
    """pydantic-settings takes the name of a section as JSON for all of it; here it is the field most used."""
    flag, equals, value = argument.partition("=")
    return SHORT.get(flag, flag) + equals + value


class _Parser(argparse.ArgumentParser):
    """argparse that raises one line instead of printing its usage."""

    def error(self, message: str) -> NoReturn:
        unknown = message.partition("unrecognized arguments: ")[2].split()
        if not unknown or not unknown[0].startswith("-"):
            raise UserError(f"{message}; see {PROGRAM} --help")
        flag = unknown[0].split("=")[0]
        raise UserError(f"unknown flag {flag}; {_closest(flag.lstrip('-'))}; see {PROGRAM} --help")


def _parser() -> argparse.ArgumentParser:
    about = "Find prompts that make a video language model look at the person instead of the scene."
    usage = f"{PROGRAM} [--budget N] [--config FILE] [--resume [RUN]] [--print-config] [--FIELD VALUE ...]"
    parser = _Parser(prog=PROGRAM, usage=usage, description=about, epilog=_EPILOG, allow_abbrev=False)
    parser.add_argument("--config", metavar="FILE", help=_CONFIG_HELP)
    parser.add_argument("--print-config", action="store_true", help=_PRINT_HELP)
    parser.add_argument("--resume", nargs="?", const="", metavar="RUN", help=_RESUME_HELP)
    return parser


def _flags(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> PydanticBaseSettingsSource:
    return CliSettingsSource(
        _Settings,
        root_parser=parser,
        cli_parse_args=list(arguments),
        cli_prog_name=PROGRAM,
        cli_avoid_json=True,
        cli_hide_none_type=True,
        cli_use_class_docs_for_groups=False,
        cli_parse_none_str="none",
    )


def _file_values(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as failure:
        raise UserError(f"cannot read --config {path}: {failure}; give a YAML file, see configs/") from None
    except yaml.YAMLError as failure:
        raise UserError(f"--config {path} is no YAML: {' '.join(str(failure).split())}") from None
    if not isinstance(values, dict | None):
        raise UserError(f"--config {path} holds a {type(values).__name__}, expected fields such as budget:")
    return {str(key): value for key, value in (values or {}).items()}


def _build(file_values: dict[str, Any], flags: PydanticBaseSettingsSource | None) -> RunConfig:
    class Sourced(_Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            file = InitSettingsSource(settings_cls, file_values)
            return (*((flags,) if flags else ()), env_settings, file)

    _check_environment()
    try:
        return RunConfig.model_validate(Sourced().model_dump())
    except ValidationError as failure:
        raise UserError(_one_line(failure)) from None
    except SettingsError as failure:
        reason = f"{' '.join(str(failure).split())}: {failure.__cause__}"
        raise UserError(f"{reason}; see {PROGRAM} --help") from None


def _check_environment() -> None:
    """A variable with the prefix and a section is meant for us; a misspelt section would be passed over."""
    sections = [name for name, field in RunConfig.model_fields.items() if field.annotation not in (int, str)]
    for variable in os.environ:
        section, delimiter, _ = variable.removeprefix(ENV_PREFIX).partition(ENV_DELIMITER)
        if variable.startswith(ENV_PREFIX) and delimiter and section.lower() not in sections:
            known = ", ".join(ENV_PREFIX + name.upper() + ENV_DELIMITER for name in sections)
            raise UserError(f"unknown environment variable {variable}; known beginnings: {known}")


def _one_line(failure: ValidationError) -> str:
    errors = failure.errors(include_url=False)
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return _explain(errors[0]) + more


def _explain(error: ErrorDetails) -> str:
    path = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"unknown key {path}; {_known_beside(error['loc'])}"
    message = error["msg"].removeprefix("Value error, ")
    value = error["input"]
    if isinstance(value, Mapping | BaseModel):  # the section as a whole; it may hold what must not be shown
        return f"{path}: {message}; see {PROGRAM} --help"
    return f"{path}: {str(value)[:80]!r} is not possible; {message[:1].lower()}{message[1:]}"


def _known_beside(location: Sequence[int | str]) -> str:
    model: Any = RunConfig
    for part in location[:-1]:
        model = model.model_fields[str(part)].annotation
    where = ".".join(str(part) for part in location[:-1])
    return f"known {f'in {where}' if where else 'keys'}: {', '.join(model.model_fields)}"


def _closest(name: str) -> str:
    known = [*fields(), "budget", "history", "config", "print-config", "resume"]
    close = difflib.get_close_matches(name, known, n=4, cutoff=0.5)
    section = [field for field in known if field.startswith(name.split(".")[0] + ".")]
    return "known: " + ", ".join(f"--{field}" for field in dict.fromkeys(close or section or known))
