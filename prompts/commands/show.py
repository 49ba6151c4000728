"""`python -m prompts show PROMPT`: one prompt with all that is known of it."""

import argparse

from prompts import display, inspection
from prompts.commands.common import Command, add_json, console, open_history, print_json


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "prompt", help="prompt id, the beginning of one, or the name of a hand-written prompt"
    )
    add_json(parser)


def _run(args: argparse.Namespace) -> int:
    with open_history(args) as history:
        detail = inspection.prompt_detail(history, args.prompt)
    print_json(detail) if args.json else display.print_detail(console(), detail)
    return 0


COMMAND = Command("one prompt: text, lineage, scores, confusions, cost", _add_arguments, _run)
