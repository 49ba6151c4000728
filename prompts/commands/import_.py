"""`python -m prompts import FILE`: prompts that others wrote."""

import argparse
from pathlib import Path

from prompts import display
from prompts.commands.common import Command, add_json, console, print_json


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        type=Path,
        help=".txt (one prompt a line, # for comments), .csv (column text), .json (list of texts or objects)",
    )
    parser.add_argument(
        "--origin", default="import", help="whose they are, where the file does not say (default: import)"
    )
    add_json(parser)


def _run(args: argparse.Namespace) -> int:
    from prompts.history import History
    from prompts.importing import import_prompts, read_prompts

    read_prompts(args.file, args.origin)  # what is wrong with the file shows before a history is made
    with History(args.history) as history:
        done = import_prompts(history, args.file, args.origin)
        url = history.url
    if args.json:
        rows = [
            {"id": one.id, "text": one.text, "origin": one.origin, "new": one.id not in done.known}
            for one in done.prompts
        ]
        print_json({"run": done.run_id, "prompts": rows})
        return 0
    for one in done.prompts:
        known = " (known)" if one.id in done.known else ""
        console().print(display.shown(f"{one.id}{known} {one.text}"))
    new = len(done.prompts) - len(done.known)
    console().print(display.shown(f"{len(done.prompts)} prompts, {new} new, as run {done.run_id} of {url}"))
    return 0


COMMAND = Command("take in prompts that others wrote", _add_arguments, _run)
