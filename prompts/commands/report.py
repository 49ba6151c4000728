"""`python -m prompts report RUN --out report.html`: a run for somebody who has never seen this project."""

import argparse
import sys
from pathlib import Path

from assets.errors import UserError
from prompts import inspection
from prompts.commands.common import Command, open_history

FORMATS = ("html", "md", "latex")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help='run id, the beginning of one, or "latest"')
    parser.add_argument("--out", metavar="FILE", help="write here (html: needed; else standard output)")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="html",
        help="html: one self-contained file; md, latex: the result's tables (default html)",
    )
    parser.add_argument(
        "--clips", type=int, default=6, metavar="N", help="clips fixed and broken to show, N each"
    )
    parser.add_argument(
        "--no-frames", action="store_true", help="leave pictures of clips out; nothing is decoded or drawn"
    )


def _run(args: argparse.Namespace) -> int:
    if args.format == "html" and args.out is None:
        raise UserError("an HTML report goes to a file, name it: --out report.html")
    # Here, so that other commands do not pay for the template engine.
    from prompts.footage import Footage
    from prompts.report import facts, page, tables

    with open_history(args) as history:
        found = facts.collect(history, inspection.find_run(history, args.run).id)
    if args.format == "html":
        footage = None if args.no_frames else Footage(found.run.config)
        text = page.render(found, footage, max(0, args.clips))
    else:
        text = tables.FORMATS[args.format](found)
    if args.out is None:
        sys.stdout.write(text)
        return 0
    _write(Path(args.out), text)
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as failure:
        raise UserError(f"cannot write {path}: {failure.strerror}; choose another file") from failure
    print(f"wrote {path}, {len(text.encode()) / 1e6:.1f} MB", file=sys.stderr)


COMMAND = Command("a run as one HTML file, or its tables in Markdown or LaTeX", _add_arguments, _run)
