"""`python -m prompts export`: scored prompts or answers as a table."""

import argparse
import csv
import json
import sys
from typing import TextIO

from assets.errors import UserError
from prompts import inspection
from prompts.commands.common import Command, add_json, open_history


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", help='run id, the beginning of one, or "latest" (default: all runs)')
    parser.add_argument("--answers", action="store_true", help="every answer instead of every prompt")
    parser.add_argument("--output", metavar="FILE", help="write here instead of standard output")
    add_json(parser)


def _run(args: argparse.Namespace) -> int:
    with open_history(args) as history:
        run_id = inspection.find_run(history, args.run).id if args.run else None
        rows = (inspection.answer_rows if args.answers else inspection.export_rows)(history, run_id)
    if args.output is None:
        _write(sys.stdout, rows, args.json)
        return 0
    try:
        with open(args.output, "w", encoding="utf-8", newline="") as file:
            _write(file, rows, args.json)
    except OSError as failure:
        problem = f"cannot write {args.output}: {failure.strerror}; choose another file"
        raise UserError(problem) from failure
    return 0


def _write(file: TextIO, rows: list[inspection.Row], as_json: bool) -> None:
    if as_json:
        json.dump(rows, file, indent=1)
        file.write("\n")
    elif rows:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(inspection.csv_cells(rows))


COMMAND = Command("scored prompts or answers as CSV, JSON or Parquet", _add_arguments, _run)
