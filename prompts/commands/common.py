"""What all commands of `python -m prompts` share: how one is written, and what it opens and prints."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from prompts.history import History


@dataclass(frozen=True)
class Command:
    """One word after `python -m prompts`. ``run`` returns the exit status and raises UserError.

    Every command also has ``--history URL``, as ``args.history``.
    """

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def open_history(args: argparse.Namespace) -> History:
    """The history that --history names. Raises UserError where there is none: looking creates nothing."""
    return History(args.history, create=False)


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``, for programs: fractions, nothing cut."""
    parser.add_argument("--json", action="store_true", help="for programs: fractions, nothing cut")


def print_json(value: Any) -> None:
    """To standard output, indented, one document."""
    json.dump(value, sys.stdout, indent=1, ensure_ascii=True, allow_nan=False)
    print()


def console() -> Console:
    """Where people read: standard output as it is now."""
    return Console(highlight=False)
