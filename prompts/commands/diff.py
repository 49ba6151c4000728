"""`python -m prompts diff A B`: what changed in the words, and what that did to the same clips."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from prompts import inspection
from prompts.commands.common import Command, add_json, console, open_history, print_json
from prompts.comparison import Compared, Pair, comparisons
from prompts.display import interval, shown, signed
from prompts.library import name_of
from prompts.prompt import Prompt
from prompts.wording import word_diff

_CLIPS = 5
_NAMES = {"shacc": "SHAcc", "sberr": "SBErr", "gap": "gap", "accuracy": "accuracy"}
_WIDE = 90  # columns from which the ends of intervals have a decimal
_STYLES = {"same": "", "removed": "red strike", "added": "bold green"}
_MARKS = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", help="prompt id, the beginning of one, or the name of a hand-written prompt")
    parser.add_argument("b", help="the same; differences are B - A")
    parser.add_argument("--run", help="compare in this run (default: the latest that scored both)")
    parser.add_argument("--dataset", metavar="TEXT", help="only data sets whose name holds this")
    parser.add_argument(
        "--clips", type=int, default=_CLIPS, metavar="N", help=f"clips to name (default {_CLIPS})"
    )
    add_json(parser)


def _run(args: argparse.Namespace) -> int:
    with open_history(args) as history:
        run_id = inspection.find_run(history, args.run).id if args.run else None
        a, b = inspection.find_prompt(history, args.a), inspection.find_prompt(history, args.b)
        found = comparisons(history, a, b, run_id, args.dataset or "")
    print_json(_json(a, b, found)) if args.json else _print(console(), a, b, found, args.clips)
    return 0


def _print(out: Console, a: Prompt, b: Prompt, found: Sequence[Compared], clips: int) -> None:
    for letter, prompt in (("A", a), ("B", b)):
        out.print(Text(f"{letter} ", style="bold") + shown(_title(prompt)))
    out.print(_words(a, b, marks=not out.color_system))
    for one in found:
        out.print(_table(one, decimals=1 if out.width >= _WIDE else 0))
        for name, pairs in (("fixed", one.fixed), ("broken", one.broken)):
            _print_clips(out, name, pairs, clips)


def _title(prompt: Prompt) -> str:
    name = name_of(prompt.id)
    return f"{prompt.id} ({name or prompt.origin})"


def _words(a: Prompt, b: Prompt, marks: bool) -> Text:
    """In colours, or with [-marks-] {+as git writes them+} where there are none."""
    text = Text()
    for change in word_diff(a.text, b.text):
        told = _MARKS[change.operation].format(change.text) if marks else change.text
        text += Text(shown(told).plain, style=_STYLES[change.operation])
    return text


def _table(one: Compared, decimals: int) -> Table:
    """``decimals`` of the ends of intervals: with none, all of it fits 80 columns."""
    forms = " and ".join(dict.fromkeys(one.formats))
    title = f"{one.dataset} ({forms}), {len(one.pairs)} clips, run {one.run_id}"
    table = Table(title=shown(title), title_justify="left")
    for name in ("%", "A", "B", "B - A [95 % interval], p"):
        table.add_column(name, no_wrap=True)
    for measure, difference in one.differences.items():
        mine, theirs = (interval(asdict(estimate), decimals) for estimate in one.estimates[measure])
        table.add_row(_NAMES[measure], mine, theirs, Text(signed(asdict(difference), decimals)))
    return table


def _print_clips(out: Console, name: str, pairs: Sequence[Pair], most: int) -> None:
    more = f", {most} of them" if len(pairs) > most else ""
    clips = "clip" if len(pairs) == 1 else "clips"
    out.print(shown(f"{len(pairs)} {clips} {name}{more}" + (":" if pairs and most else "")))
    for pair in pairs[:most]:
        out.print(shown(f"  {pair.a.clip_id}: {_said(pair, 'a')} -> {_said(pair, 'b')}"))


def _said(pair: Pair, side: str) -> str:
    answer = (pair.a if side == "a" else pair.b).answer
    return f"{answer.label or answer.text!r} ({answer.kind})"


def _json(a: Prompt, b: Prompt, found: Sequence[Compared]) -> dict[str, Any]:
    sides = {"a": a, "b": b}
    return {
        **{key: {"id": one.id, "name": name_of(one.id), "text": one.text} for key, one in sides.items()},
        "words": [asdict(change) for change in word_diff(a.text, b.text)],
        "compared": [_compared_json(one) for one in found],
    }


def _compared_json(one: Compared) -> dict[str, Any]:
    return {
        "run": one.run_id,
        "dataset": one.dataset,
        "formats": list(one.formats),
        "n": len(one.pairs),
        "measures": {
            name: {
                "a": asdict(one.estimates[name][0]),
                "b": asdict(one.estimates[name][1]),
                "difference": asdict(difference),
            }
            for name, difference in one.differences.items()
        },
        "fixed": [_pair_json(pair) for pair in one.fixed],
        "broken": [_pair_json(pair) for pair in one.broken],
    }


def _pair_json(pair: Pair) -> dict[str, Any]:
    told: dict[str, Any] = {"clip": pair.a.clip_id, "human": pair.a.human, "background": pair.a.background}
    for side, row in (("a", pair.a), ("b", pair.b)):
        answer = row.answer
        told[side] = {"label": answer.label, "kind": answer.kind, "text": answer.text}
    return told


COMMAND = Command(
    "two prompts: words changed, paired difference, clips fixed and broken", _add_arguments, _run
)
