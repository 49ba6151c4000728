"""Where settings come from: flags over environment over YAML file over defaults; errors in one line.

Works for any command whose settings are one pydantic model, ``Form`` names what differs between commands.
"""

import argparse
import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NoReturn, TypeVar, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_settings import (
    BaseSettings,
    CliSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from assets.errors import UserError
from videos.sections import none_read, one_line

ENV_PREFIX = "SCENEPROOF_"
ENV_DELIMITER = "__"
FROM_ENVIRONMENT = SettingsConfigDict(
    env_prefix=ENV_PREFIX, env_nested_delimiter=ENV_DELIMITER, env_parse_none_str="none", extra="forbid"
)

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Form(Generic[Model]):
    """A command's settings: the model, the same as pydantic-settings fills it, and the command's name.

    ``short`` maps flags to the field they stand for; ``own`` are flags that are no field; ``sections`` all
    that may follow the prefix in the environment, of other commands too.
    """

    model: type[Model]
    settings: type[BaseSettings]
    program: str
    short: Mapping[str, str]
    own: Sequence[str]
    sections: Sequence[str]

    def of_file(self, path: str | None) -> dict[str, Any]:
        """What a file says about these settings. Raises UserError where it cannot be read."""
        return file_values(path)


class Parser(argparse.ArgumentParser):
    """argparse that raises one line instead of printing its usage."""

    def __init__(self, form: Form[Any], **given: Any) -> None:
        super().__init__(prog=form.program, allow_abbrev=False, **given)
        self._form = form

    def error(self, message: str) -> NoReturn:
        """Raises UserError; an unknown flag is told with the closest ones."""
        unknown = message.partition("unrecognized arguments: ")[2].split()
        if not unknown or not unknown[0].startswith("-"):
            raise UserError(f"{message}; see {self.prog} --help")
        flag = unknown[0].split("=")[0]
        raise UserError(
            f"unknown flag {flag}; {_closest(self._form, flag.lstrip('-'))}; see {self.prog} --help"
        )


def parse(form: Form[Model], parser: Parser, arguments: Sequence[str]) -> tuple[Model, argparse.Namespace]:
    """The settings and everything the parser was told; ``parser`` must know --config.

    Raises UserError for anything unknown or impossible; SystemExit(0) after --help.
    """
    spelled = [_spelled_out(form.short, argument) for argument in arguments]
    spelled = list(_mappings_as_json(form.model, spelled))
    try:
        flags: PydanticBaseSettingsSource = CliSettingsSource(
            form.settings,
            root_parser=parser,
            cli_parse_args=spelled,
            cli_prog_name=form.program,
            cli_avoid_json=True,
            cli_hide_none_type=True,
            cli_use_class_docs_for_groups=False,
            cli_parse_none_str="none",
        )
    except SettingsError as failure:
        raise UserError(f"{' '.join(str(failure).split())}; see {form.program} --help") from None
    given = parser.parse_args(spelled)
    return build(form, form.of_file(given.config), flags), given


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted names of all fields that hold a value, in order."""
    for name, _ in _kinds(model, prefix):
        yield name


def _kinds(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """As ``fields``, each with its type."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _kinds(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, field.annotation


def file_values(path: str | None) -> dict[str, Any]:
    """The fields of a YAML file, none without one. Raises UserError where it cannot be read."""
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
    return {str(key): none_read(value) for key, value in (values or {}).items()}


def build(
    form: Form[Model], values: dict[str, Any], flags: PydanticBaseSettingsSource | None = None
) -> Model:
    """The validated settings of a file's values, the environment and flags. Raises UserError."""
    settings: Any = form.settings

    class Sourced(settings):  # type: ignore[misc]
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            file = InitSettingsSource(settings_cls, values)
            return (*((flags,) if flags else ()), env_settings, file)

    _check_environment(form.sections)
    try:
        return form.model.model_validate(Sourced().model_dump())
    except ValidationError as failure:
        raise UserError(one_line(failure, form.model, f"{form.program} --help")) from None
    except SettingsError as failure:
        reason = f"{' '.join(str(failure).split())}: {failure.__cause__}"
        raise UserError(f"{reason}; see {form.program} --help") from None


def _spelled_out(short: Mapping[str, str], argument: str) -> str:
    """pydantic-settings takes the name of a section as JSON for all of it; here it is the field most used."""
    flag, equals, value = argument.partition("=")
    return short.get(flag, flag) + equals + value


def _mappings_as_json(model: type[BaseModel], arguments: Sequence[str]) -> Iterator[str]:
    """A mapping given in one flag, ``--target.options "{dtype: float32}"``, is YAML like the files; as JSON
    pydantic-settings reads it. NAME=VALUE, its other way of writing, is left alone."""
    mappings = {f"--{name}" for name, kind in _kinds(model) if get_origin(kind) is dict}
    flag = ""
    for argument in arguments:
        if flag:
            yield _mapping_as_json(flag, argument)
            flag = ""
        elif argument.partition("=")[0] in mappings:
            flag, equals, value = argument.partition("=")
            yield f"{flag}={_mapping_as_json(flag, value)}" if equals else flag
            flag = "" if equals else flag
        else:
            yield argument


def _mapping_as_json(flag: str, text: str) -> str:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = None
    if isinstance(value, Mapping):
        return json.dumps(value, default=str)
    if re.match(r"[\w.]+=", text):
        return text
    raise UserError(
        f'{flag} {text[:80]!r} is not possible; give YAML such as "{{dtype: float32}}", or dtype=float32'
    )


def _check_environment(sections: Sequence[str]) -> None:
    """A variable with the prefix and a section is meant for us; a misspelt section would be passed over."""
    for variable in os.environ:
        section, delimiter, _ = variable.removeprefix(ENV_PREFIX).partition(ENV_DELIMITER)
        if variable.startswith(ENV_PREFIX) and delimiter and section.lower() not in sections:
            known = ", ".join(ENV_PREFIX + name.upper() + ENV_DELIMITER for name in sections)
            raise UserError(f"unknown environment variable {variable}; known beginnings: {known}")


def _closest(form: Form[Any], name: str) -> str:
    known = [*fields(form.model), *form.own]
    close = difflib.get_close_matches(name, known, n=4, cutoff=0.5)
    section = [field for field in known if field.startswith(name.split(".")[0] + ".")]
    return "known: " + ", ".join(f"--{field}" for field in dict.fromkeys(close or section or known))
