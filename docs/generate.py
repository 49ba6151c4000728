"""Parts of the pages that follow from the code: option tables, lists of names, what commands print.

    python docs/generate.py           write them anew
    python docs/generate.py --check   exit status 1 and the stale blocks, one a line

A block stands between ``<!-- generated: KIND WHAT -->`` and ``<!-- end -->``. Kinds: ``options
module:Model``, a table of a pydantic model's fields; ``flags module:function``, of an argparse parser's
flags; ``names module:DICT``, of what a dict of the code holds; ``output command``, what a command prints.
"""

import argparse
import importlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

DOCS = Path(__file__).resolve().parent
_BLOCK = re.compile(
    r"(?P<head><!-- generated: (?P<kind>\w+) (?P<what>.+?) -->\n)(?P<body>.*?)(?P<end><!-- end -->)",
    re.DOTALL,
)


def options(what: str) -> str:
    """A pydantic model's fields with sections spelled out: name, default, what it means."""
    rows = _fields(_found(what), "")
    return _table(("field", "default", "what it is"), rows)


def flags(what: str) -> str:
    """An argparse parser's flags, from the function that builds it."""
    parser = _found(what)()
    actions = [action for action in parser._actions if action.dest != "help"]
    return _table(
        ("flag", "what it does"), ((f"`{_spelled(action)}`", _told(action, parser)) for action in actions)
    )


def names(what: str) -> str:
    """Keys of a dict of the code, each with its value's ``help``, or the first line of its docstring."""
    return _table(
        ("name", "what it is"), ((f"`{key}`", _first_line(value)) for key, value in _found(what).items())
    )


def output(what: str) -> str:
    """What a command prints, run from the repository's root with a plain terminal 110 columns wide."""
    environment = {**os.environ, "COLUMNS": "110", "NO_COLOR": "1", "TERM": "dumb"}
    words = shlex.split(what)
    words[0] = sys.executable if words[0] == "python" else words[0]
    done = subprocess.run(
        words, capture_output=True, text=True, env=environment, cwd=DOCS.parent, check=False
    )
    printed = "\n".join(line.rstrip() for line in (done.stdout or done.stderr).strip().splitlines())
    return f"```\n$ {what}\n{printed}\n```\n"


KINDS: dict[str, Callable[[str], str]] = {
    "options": options,
    "flags": flags,
    "names": names,
    "output": output,
}


def renewed(text: str) -> str:
    """A page with its generated blocks as the code has them now."""
    return _BLOCK.sub(
        lambda block: f"{block['head']}{KINDS[block['kind']](block['what'])}{block['end']}", text
    )


def stale(text: str) -> Iterator[str]:
    """Heads of the blocks that are not as the code has them."""
    for block in _BLOCK.finditer(text):
        if KINDS[block["kind"]](block["what"]) != block["body"]:
            yield block["head"].strip()


def main() -> int:
    """Write all pages anew, or check them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change nothing, tell what is stale")
    only_checked = parser.parse_args().check
    found = 0
    for page in sorted(DOCS.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if only_checked:
            for head in stale(text):
                print(f"{page.name}: {head} is stale; run python docs/generate.py")
                found += 1
        elif (fresh := renewed(text)) != text:
            page.write_text(fresh, encoding="utf-8")
            print(f"{page.name} written")
    return 1 if found else 0


def _found(what: str) -> Any:
    module, _, name = what.partition(":")
    return getattr(importlib.import_module(module), name)


def _fields(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from _fields(section, f"{prefix}{name}.")
        else:
            yield (
                f"`{prefix}{name}`",
                _default(field.get_default(call_default_factory=True)),
                field.description or "",
            )


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "required"
    return "none" if value in (None, {}, []) else f"`{value}`"


def _spelled(action: argparse.Action) -> str:
    value = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
    return f"{', '.join(action.option_strings)} {value}".strip()


def _told(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    told = (action.help or "").replace("%%", "%")
    return told % {**vars(action), "prog": parser.prog} if "%(" in told else told


def _first_line(value: object) -> str:
    return str(getattr(value, "help", None) or value.__doc__ or "").strip().partition("\n")[0]


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
