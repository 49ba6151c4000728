"""`python -m prompts show PROMPT`: one prompt with all that is known of it."""

import argparse

from prompts import display, inspection
from prompts.commands.common import Command, add_json, console, open_history, print_json

_CLASSES = 8


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "prompt", help="prompt id, the beginning of one, or the name of a hand-written prompt"
    )
    parser.add_argument("--run", help='only scores of this run: its id, the beginning of one, or "latest"')
    parser.add_argument("--dataset", metavar="TEXT", help="only scores on data sets whose name holds this")
    parser.add_argument(
        "--classes",
        type=int,
        default=_CLASSES,
        metavar="N",
        help=f"classes to show per data set, worst first (default {_CLASSES}, 0: none)",
    )
    add_json(parser)


def _run(args: argparse.Namespace) -> int:
    with open_history(args) as history:
        run_id = inspection.find_run(history, args.run).id if args.run else None
        detail = inspection.prompt_detail(history, args.prompt, run_id, args.dataset)
    print_json(detail) if args.json else display.print_detail(console(), detail, args.classes)
    return 0


COMMAND = Command("one prompt: text, lineage, scores, classes, confusions, cost", _add_arguments, _run)
