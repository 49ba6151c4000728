"""`python -m prompts export`: scored prompts or answers as a table, or one prompt for another program."""

import argparse
import csv
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from assets.errors import UserError
from prompts import inspection
from prompts.commands.common import Command, add_json, open_history
from prompts.commands.templates import DSPY_SIGNATURE, TEMPLATES
from prompts.history import History
from prompts.prompt import Prompt
from vllm_eval.config import TargetConfig

TABLES = ("csv", "json", "parquet")
_FORMAT_HELP = (
    f"of a table: {', '.join(TABLES)} (default: by the ending of --output, else csv); with --prompt: "
    f"{', '.join(TEMPLATES)} (default: text). dspy is read by dspy.Predict({DSPY_SIGNATURE!r}).load(FILE)"
)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", help='run id, the beginning of one, or "latest" (default: all runs)')
    parser.add_argument("--answers", action="store_true", help="every answer instead of every prompt")
    parser.add_argument("--prompt", metavar="ID", help="this prompt alone, in a form that programs take")
    parser.add_argument("--format", metavar="FORMAT", help=_FORMAT_HELP)
    parser.add_argument("--output", metavar="FILE", help="write here instead of standard output")
    add_json(parser)


def _run(args: argparse.Namespace) -> int:
    form = _format(args)
    with open_history(args) as history:
        run_id = inspection.find_run(history, args.run).id if args.run else None
        if args.prompt:
            content: str | bytes = _one(history, args.prompt, run_id, form)
        else:
            content = _table(
                (inspection.answer_rows if args.answers else inspection.export_rows)(history, run_id), form
            )
    _write(args.output, content)
    return 0


def _format(args: argparse.Namespace) -> str:
    """Checked before anything is read. Raises UserError for a form that is none or does not fit."""
    known = tuple(TEMPLATES) if args.prompt else TABLES
    ending = Path(args.output or "").suffix.lower().removeprefix(".")
    ending = "text" if ending == "txt" else ending
    form: str = args.format or (
        "json" if args.json and not args.prompt else ending if ending in known else known[0]
    )
    if form not in known:
        of = "a prompt" if args.prompt else "a table"
        raise UserError(f"format {form!r} is none of {of}'s, expected one of {', '.join(known)}")
    if form == "parquet" and args.output is None:
        raise UserError("parquet is no text, name a file to write it to: --output answers.parquet")
    return form


def _one(history: History, wanted: str, run_id: str | None, form: str) -> str:
    prompt = inspection.find_prompt(history, wanted)
    return TEMPLATES[form](prompt, _target(history, prompt, run_id))


def _target(history: History, prompt: Prompt, run_id: str | None) -> TargetConfig:
    """The target of this run, else of the latest run that scored the prompt, else the default one."""
    known = sorted({place.run_id for place in history.scored_in(run_id, prompt.id)})
    chosen = run_id or (known[-1] if known else None)
    config = history.run(chosen).config.get("target") if chosen else None
    try:
        return TargetConfig.model_validate(config or {})
    except ValueError:  # written by another version
        return TargetConfig()


def _table(rows: Sequence[inspection.Row], form: str) -> str | bytes:
    if form == "json":
        return json.dumps(rows, indent=1) + "\n"
    if form == "parquet":
        return _parquet(rows)
    file = io.StringIO()
    if rows:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(inspection.csv_cells(rows))
    return file.getvalue()


def _parquet(rows: Sequence[inspection.Row]) -> bytes:
    """Columns keep their types; text stays as it is, no spreadsheet runs it."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UserError(
            "parquet needs pyarrow: pip install 'sceneproof[view]'; or take csv or json"
        ) from None
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), sink)
    return sink.getvalue()


def _write(output: str | None, content: str | bytes) -> None:
    if output is None:
        sys.stdout.write(str(content))
        return
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        Path(output).write_bytes(data)
    except OSError as failure:
        problem = f"cannot write {output}: {failure.strerror}; choose another file"
        raise UserError(problem) from failure


COMMAND = Command(
    "prompts or answers as CSV, JSON or Parquet; a prompt for other programs", _add_arguments, _run
)
