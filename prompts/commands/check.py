"""`python -m prompts check`: is the history what it says? Exit status 1 with one line per finding."""

import argparse
import sys
from dataclasses import asdict

from prompts.commands.common import Command, add_json, print_json


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="recompute a hundred stored figures, not all")
    parser.add_argument(
        "--rebuild", action="store_true", help="first make counts and figures anew from the answers"
    )
    add_json(parser)


def _run(args: argparse.Namespace) -> int:
    from prompts.checking import check, rebuild
    from prompts.database import Database

    database = Database(args.history, create=False)
    try:
        rebuilt = rebuild(database, _progress) if args.rebuild else None
        found = list(check(database, args.quick, _progress))
    finally:
        database.close()
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    if args.json:
        print_json({"rebuilt": rebuilt, "findings": [asdict(one) for one in found]})
    else:
        if rebuilt is not None:
            print(f"counts and figures of {rebuilt} scores made anew")
        for one in found:
            print(
                "".join(
                    c if c.isprintable() else repr(c)[1:-1] for c in f"{one.kind}: {one.where}: {one.problem}"
                )
            )
        if not found:
            print(f"{database.label} is sound")
    return 1 if found else 0


def _progress(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[Kchecking {what}", end="", file=sys.stderr, flush=True)


COMMAND = Command("integrity, orphans, hashes, stored counts and figures recomputed", _add_arguments, _run)
