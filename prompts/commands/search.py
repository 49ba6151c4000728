"""`python -m prompts search WORDS`: full text over prompts, hypotheses and what was refused."""

import argparse
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from assets.errors import UserError
from prompts import inspection
from prompts.commands.common import Command, add_json, console, open_history, print_json
from prompts.display import shown
from prompts.history import History
from prompts.library import name_of


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words", nargs="+", help='all must occur, in any case and order; "quoted words" as they stand'
    )
    parser.add_argument("--run", help='only prompts of this run: its id, the beginning of one, or "latest"')
    parser.add_argument("--refused", action="store_true", help="search refused proposals too")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="matches to show (default 20)")
    add_json(parser)


def _run(args: argparse.Namespace) -> int:
    terms = _terms(args.words)
    with open_history(args) as history:
        run_id = inspection.find_run(history, args.run).id if args.run else None
        found = [row for row in _texts(history, run_id, args.refused) if _fits(row, terms)]
    # What names the words most often goes first, the shorter text before the longer.
    found.sort(key=lambda row: (-_hits(row, terms), len(row["text"])))
    if args.json:
        print_json(found)
        return 0
    for row in found[: args.limit]:
        where = f" {row['verdict']}: {row['reason']}" if row["verdict"] == "refused" else ""
        console().print(shown(f"{row['id']} ({row['name'] or row['origin']}){where}"), style="dim")
        console().print(_highlighted(f"  {row['text']}", terms))
        if any(term in row["hypothesis"].casefold() for term in terms):
            console().print(Text("  hypothesis: ") + _highlighted(row["hypothesis"], terms))
    more = f", {args.limit} shown" if len(found) > args.limit else ""
    console().print(Text(f"{len(found)} found{more}"))
    return 0


def _terms(words: Sequence[str]) -> list[str]:
    """Each argument with spaces is a phrase, as the shell hands it over; quotes inside make phrases too."""
    if len(words) > 1:
        terms = list(words)
    else:
        words_of = shlex.shlex(words[0], posix=True)
        words_of.whitespace_split, words_of.quotes, words_of.escape, words_of.commenters = True, '"', "", ""
        try:
            terms = list(words_of)
        except ValueError:
            terms = words[0].split()
    terms = [term.casefold() for term in terms if term.strip()]
    if not terms:
        raise UserError("nothing to search for; give words that the prompts should hold")
    return terms


def _texts(history: History, run_id: str | None, refused: bool) -> Iterator[dict[str, Any]]:
    for prompt in history.prompts(run_id):
        yield _row(prompt.id, prompt.text, prompt.origin, prompt.hypothesis, "accepted", "")
    for run in ([run_id] if run_id else [one.id for one in history.runs()]) if refused else ():
        for one in history.proposals(run):
            if one.verdict == "refused":
                mine = one.prompt
                yield _row(mine.id, mine.text, mine.origin, mine.hypothesis, one.verdict, one.reason)


def _row(
    prompt_id: str, text: str, origin: str, hypothesis: str, verdict: str, reason: str
) -> dict[str, Any]:
    names = {"id": prompt_id, "name": name_of(prompt_id), "origin": origin, "verdict": verdict}
    return names | {"reason": reason, "text": text, "hypothesis": hypothesis}


def _whole(row: dict[str, Any]) -> str:
    return f"{row['text']}\n{row['hypothesis']}".casefold()


def _fits(row: dict[str, Any], terms: Sequence[str]) -> bool:
    whole = _whole(row)
    return all(term in whole for term in terms)


def _hits(row: dict[str, Any], terms: Sequence[str]) -> int:
    whole = _whole(row)
    return sum(whole.count(term) for term in terms)


def _highlighted(text: str, terms: Sequence[str]) -> Text:
    told = shown(text)
    told.highlight_words(terms, style="bold yellow", case_sensitive=False)
    return told


COMMAND = Command("full text search over prompts and hypotheses", _add_arguments, _run)
