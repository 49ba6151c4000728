"""`python -m prompts list [RUN]`: runs, or the scored prompts of one run, sorted and filtered."""

import argparse

from prompts import display, inspection
from prompts.commands.common import Command, add_json, console, open_history, print_json
from prompts.selecting import filtered, ordered

_FILTER_HELP = (
    "keep rows such as 'shacc>=0.5', 'sberr<20%%', 'origin=opro', 'dataset~tune', 'text~person'; "
    "may be given several times"
)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="?", help='run id, the beginning of one, or "latest"')
    parser.add_argument("--sort", metavar="FIELD", help="order by a field of --json, the largest first")
    parser.add_argument("--ascending", action="store_true", help="with --sort: the smallest first")
    parser.add_argument("--filter", metavar="TEST", action="append", default=[], help=_FILTER_HELP)
    add_json(parser)


def _run(args: argparse.Namespace) -> int:
    with open_history(args) as history:
        run_id = inspection.find_run(history, args.run).id if args.run else None
        rows = inspection.prompt_rows(history, run_id) if run_id else inspection.run_rows(history)
    some = filtered(rows, args.filter)
    if args.sort:
        some = ordered(some, args.sort, args.ascending)
    if args.json:
        print_json(some)
    elif rows and not some:
        console().print(f"none of {len(rows)} rows passes the filter")
    elif run_id:
        display.print_prompts(console(), run_id, some)
    else:
        display.print_runs(console(), some)
    return 0


COMMAND = Command("runs, or the scored prompts of one run", _add_arguments, _run)
