"""`python -m prompts list|show|diff|lineage|...`: look into a history."""

import argparse
import os
import sys
from collections.abc import Sequence

from assets.commands import exit_status
from prompts.commands import COMMANDS
from prompts.history import DEFAULT_URL


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is its own, or 2 after one line about what the user can mend."""
    args = _parser().parse_args(arguments)
    return exit_status(lambda: COMMANDS[args.command].run(args))


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    url = os.environ.get("SCENEPROOF_HISTORY__URL", DEFAULT_URL)
    help_text = f"database URL (default: $SCENEPROOF_HISTORY__URL, else {DEFAULT_URL})"
    shared.add_argument("--history", metavar="URL", default=url, help=help_text)
    parser = argparse.ArgumentParser(prog="python -m prompts", description="Look into a history.")
    words = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, command in COMMANDS.items():
        command.add_arguments(words.add_parser(name, parents=[shared], help=command.help))
    return parser


if __name__ == "__main__":
    sys.exit(main())
