"""Where a RunConfig comes from: flags over environment over YAML file over defaults; errors in one line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel
from pydantic_settings import BaseSettings

from agents.config import RunConfig
from assets.errors import UserError
from vllm_eval import settings
from vllm_eval.settings import ENV_DELIMITER, ENV_PREFIX, FROM_ENVIRONMENT, Form, Parser

PROGRAM = "python -m agents.optimize"
SHORT = {"--budget": "--budget.prompts", "--history": "--history.url"}
_CONFIG_HELP = "YAML file with any of the fields below; flags and environment win over it"
_PRINT_HELP = "print what would run as YAML, and stop"
_RESUME_HELP = "go on with the latest unfinished run of the same settings, or with this one; else start one"
_FINISH_HELP = "with --resume RUN: propose no more, report with the prompts it has"
_ESTIMATE_HELP = "tell what the run would take, measured on a few clips, and stop"
_EPILOG = (
    f"Every field can also be set in the environment: {ENV_PREFIX}BUDGET{ENV_DELIMITER}PROMPTS=50. "
    "Flags win over the environment, the environment over the file. Keys are read only from the environment."
)


class _Settings(RunConfig, BaseSettings):
    """RunConfig as pydantic-settings fills it."""

    model_config = FROM_ENVIRONMENT


_FORM = Form(
    RunConfig,
    _Settings,
    PROGRAM,
    SHORT,
    own=("budget", "history", "config", "print-config", "resume", "finish", "estimate"),
    sections=[name for name, field in RunConfig.model_fields.items() if field.annotation not in (int, str)],
)


@dataclass(frozen=True)
class Command:
    """What the command line asks for. ``resume``: None not, "" the latest fitting run, else a run's id.
    ``finish``: that run is to end with the prompts it has."""

    config: RunConfig
    print_config: bool
    resume: str | None
    estimate: bool = False
    finish: bool = False


def parse(arguments: Sequence[str]) -> Command:
    """The command. Raises UserError for anything unknown or impossible; SystemExit(0) after --help."""
    config, chosen = settings.parse(_FORM, _parser(), arguments)
    if chosen.finish and not chosen.resume:
        raise UserError("--finish ends a run that was begun: name it, --resume RUN --finish")
    return Command(config, chosen.print_config, chosen.resume, chosen.estimate, chosen.finish)


def load(path: str | Path | None = None) -> RunConfig:
    """The configuration of a file (None: none) and the environment, without a command line."""
    return settings.build(_FORM, settings.file_values(None if path is None else str(path)))


def fields(model: type[BaseModel] = RunConfig, prefix: str = "") -> Iterator[str]:
    """Dotted names of all fields that hold a value, in order."""
    return settings.fields(model, prefix)


def _parser() -> Parser:
    about = "Find prompts that make a video language model look at the person instead of the scene."
    usage = (
        f"{PROGRAM} [--budget N] [--config FILE] [--resume [RUN] [--finish]] [--estimate] [--print-config] "
        "[...]"
    )
    parser = Parser(_FORM, usage=usage, description=about, epilog=_EPILOG)
    parser.add_argument("--config", metavar="FILE", help=_CONFIG_HELP)
    parser.add_argument("--print-config", action="store_true", help=_PRINT_HELP)
    parser.add_argument("--estimate", action="store_true", help=_ESTIMATE_HELP)
    parser.add_argument("--resume", nargs="?", const="", metavar="RUN", help=_RESUME_HELP)
    parser.add_argument("--finish", action="store_true", help=_FINISH_HELP)
    return parser
