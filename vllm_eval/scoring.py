"""The settings of evaluate and doctor: flags, environment and the file that the optimizer reads too."""

from collections.abc import Sequence
from typing import Any

from pydantic_settings import BaseSettings

from assets.errors import UserError
from vllm_eval import settings
from vllm_eval.config import ONLY_OF_RUNS, ScoringConfig
from vllm_eval.settings import FROM_ENVIRONMENT, Form

SHORT = {"--data": "--data.swap", "--history": "--history.url"}
CONFIG_HELP = "YAML file as of agents.optimize; its sections data, target and history are read"
EPILOG = (
    "Every field of the file's sections data, target and history can be given as a flag, as --data.root, or "
    "in the environment. Flags win over the environment, the environment over the file."
)


class _Settings(ScoringConfig, BaseSettings):
    """ScoringConfig as pydantic-settings fills it."""

    model_config = FROM_ENVIRONMENT


class ScoringForm(Form[ScoringConfig]):
    """A form that passes over the sections of a file that only a run has."""

    def of_file(self, path: str | None) -> dict[str, Any]:
        """As Form.of_file."""
        values = super().of_file(path)
        if values.get("targets") and "target" not in values:
            raise UserError(
                f"--config {path} has several targets and here one is asked; give a file with a section "
                "target, the one you mean"
            )
        return {key: value for key, value in values.items() if key not in ONLY_OF_RUNS}


def form(program: str, own: Sequence[str]) -> ScoringForm:
    """The form of a command with these flags of its own."""
    sections = [*ScoringConfig.model_fields, *ONLY_OF_RUNS]
    return ScoringForm(ScoringConfig, _Settings, program, SHORT, ("data", "history", *own), sections)


def parser(of: ScoringForm, about: str, usage: str) -> settings.Parser:
    """Its parser, with --config."""
    made = settings.Parser(of, usage=f"{of.program} {usage}", description=about, epilog=EPILOG)
    made.add_argument("--config", metavar="FILE", help=CONFIG_HELP)
    return made
