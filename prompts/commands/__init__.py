"""The commands of `python -m prompts`, one module each, by the word that a user types."""

from prompts.commands import (
    check,
    diff,
    export,
    import_,
    lineage,
    list_,
    merge,
    report,
    search,
    show,
    sync,
    view,
)
from prompts.commands.common import Command

COMMANDS: dict[str, Command] = {
    "list": list_.COMMAND,
    "show": show.COMMAND,
    "diff": diff.COMMAND,
    "lineage": lineage.COMMAND,
    "search": search.COMMAND,
    "export": export.COMMAND,
    "import": import_.COMMAND,
    "merge": merge.COMMAND,
    "check": check.COMMAND,
    "sync": sync.COMMAND,
    "report": report.COMMAND,
    "view": view.COMMAND,
}
