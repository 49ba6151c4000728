"""`python -m prompts list [RUN]`: runs, or the scored prompts of one run, sorted and filtered."""

import argparse

from prompts import display, inspection
from prompts.commands.common import Command, add_json, console, open_history, print_json


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="?", help='run id, the beginning of one, or "latest"')
    add_json(parser)


def _run(args: argparse.Namespace) -> int:
    with open_history(args) as history:
        if args.run is None:
            rows = inspection.run_rows(history)
            print_json(rows) if args.json else display.print_runs(console(), rows)
            return 0
        run_id = inspection.find_run(history, args.run).id
        rows = inspection.prompt_rows(history, run_id)
        print_json(rows) if args.json else display.print_prompts(console(), run_id, rows)
    return 0


COMMAND = Command("runs, or the scored prompts of one run", _add_arguments, _run)
