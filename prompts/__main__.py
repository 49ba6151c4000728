"""`python -m prompts list|show|export`: look into a history."""

import argparse
import csv
import json
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console

from assets.errors import UserError
from prompts import display, inspection
from prompts.history import DEFAULT_URL, History


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 0, or 2 after one line about what the user can mend."""
    options = _parser().parse_args(arguments)
    try:
        with History(options.history, create=False) as history:
            options.command(history, options)
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, e.g. `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _list(history: History, options: argparse.Namespace) -> None:
    if options.run is None:
        rows = inspection.run_rows(history)
        return _json(rows) if options.json else display.print_runs(Console(), rows)
    run_id = inspection.find_run(history, options.run).id
    rows = inspection.prompt_rows(history, run_id)
    return _json(rows) if options.json else display.print_prompts(Console(), run_id, rows)


def _show(history: History, options: argparse.Namespace) -> None:
    detail = inspection.prompt_detail(history, options.prompt)
    return _json(detail) if options.json else display.print_detail(Console(), detail)


def _export(history: History, options: argparse.Namespace) -> None:
    run_id = inspection.find_run(history, options.run).id if options.run else None
    rows = (inspection.answer_rows if options.answers else inspection.export_rows)(history, run_id)
    if options.output is None:
        return _write(sys.stdout, rows, options.json)
    try:
        with open(options.output, "w", encoding="utf-8", newline="") as file:
            _write(file, rows, options.json)
    except OSError as failure:
        problem = f"cannot write {options.output}: {failure.strerror}; choose another file"
        raise UserError(problem) from failure


def _write(file: TextIO, rows: list[inspection.Row], as_json: bool) -> None:
    if as_json:
        json.dump(rows, file, indent=1)
        file.write("\n")
    elif rows:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(inspection.csv_cells(rows))


def _json(value: object) -> None:
    json.dump(value, sys.stdout, indent=1)
    print()


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    url = os.environ.get("SCENEPROOF_HISTORY__URL", DEFAULT_URL)
    help_text = f"database URL (default: $SCENEPROOF_HISTORY__URL, else {DEFAULT_URL})"
    shared.add_argument("--history", metavar="URL", default=url, help=help_text)
    shared.add_argument("--json", action="store_true", help="for programs: fractions, nothing cut")
    parser = argparse.ArgumentParser(prog="python -m prompts", description="Look into a history.")
    commands = parser.add_subparsers(required=True, metavar="list|show|export")

    listing = commands.add_parser("list", parents=[shared], help="runs, or the scored prompts of one run")
    listing.add_argument("run", nargs="?", help='run id, the beginning of one, or "latest"')
    listing.set_defaults(command=_list)

    show = commands.add_parser("show", parents=[shared], help="one prompt: text, lineage, scores, confusions")
    show.add_argument("prompt", help="prompt id, the beginning of one, or the name of a hand-written prompt")
    show.set_defaults(command=_show)

    export = commands.add_parser("export", parents=[shared], help="scored prompts or answers as CSV or JSON")
    export.add_argument("--run", help='run id, the beginning of one, or "latest" (default: all runs)')
    export.add_argument("--answers", action="store_true", help="every answer instead of every prompt")
    export.add_argument("--output", metavar="FILE", help="write here instead of standard output")
    export.set_defaults(command=_export)
    return parser


if __name__ == "__main__":
    sys.exit(main())
