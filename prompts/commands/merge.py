"""`python -m prompts merge OTHER --into URL`: another history into this one."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from assets.errors import UserError
from prompts.commands.common import Command, add_json, print_json


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("other", help="the history to read: a database URL, or an SQLite file")
    parser.add_argument(
        "--into", metavar="URL", help="the history to write, made where there is none (default: --history)"
    )
    add_json(parser)


def _run(args: argparse.Namespace) -> int:
    from prompts.database import Database
    from prompts.merging import Merge

    source, target = as_url(args.other), as_url(args.into or args.history)
    source_database = Database(source, create=False)
    try:
        target_database = Database(target)
        try:
            if source_database.place == target_database.place:
                raise UserError(
                    f"{args.other} and {target_database.label} are the same history; name another"
                )
            merged = asdict(Merge(source_database, target_database, _progress).run())
        finally:
            target_database.close()
    finally:
        source_database.close()
    if args.json:
        print_json(merged)
    else:
        told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in merged.items())
        print(f"merged {source_database.label} into {target_database.label}: {told}")
    return 0


def as_url(given: str) -> str:
    """A database URL as it is, the path of a file as SQLite's URL."""
    return given if "://" in given else f"sqlite:///{Path(given).expanduser()}"


def _progress(what: str, count: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{count} {what}", end="", file=sys.stderr, flush=True)


COMMAND = Command("put another history into this one", _add_arguments, _run)
