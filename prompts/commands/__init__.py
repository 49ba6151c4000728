"""The commands of `python -m prompts`, one module each, by the word that a user types."""

from prompts.commands import export, list_, show
from prompts.commands.common import Command

COMMANDS: dict[str, Command] = {
    "list": list_.COMMAND,
    "show": show.COMMAND,
    "export": export.COMMAND,
}
