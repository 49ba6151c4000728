"""The commands of `python -m prompts`, one module each, by the word that a user types."""

from prompts.commands import diff, export, lineage, list_, report, search, show, view
from prompts.commands.common import Command

COMMANDS: dict[str, Command] = {
    "list": list_.COMMAND,
    "show": show.COMMAND,
    "diff": diff.COMMAND,
    "lineage": lineage.COMMAND,
    "search": search.COMMAND,
    "export": export.COMMAND,
    "report": report.COMMAND,
    "view": view.COMMAND,
}
