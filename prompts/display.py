"""Tables for people. What a model wrote is shown as text, never as markup or control codes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

Row = Mapping[str, Any]

TOP_CONFUSIONS = 5
_SAID = 120  # characters shown of a request and of a reply
WIDE = 104  # columns from which a list of prompts has room for intervals

_METRICS = {
    "shacc": "SHAcc",
    "sberr": "SBErr",
    "bias_gap": "gap",
    "bias_ratio": "bias ratio",
    "other": "other",
    "unparsed": "unparsed",
    "refused": "refused",
}


def shown(text: object) -> Text:
    """Text without meaning to rich or to the terminal: control characters are spelled out."""
    return Text("".join(c if c == "\n" or c.isprintable() else repr(c)[1:-1] for c in str(text)))


def one_line(text: str, longest: int) -> Text:
    """Text in one line of bearable length, without meaning to a terminal."""
    joined = " ".join(text.split())
    return shown(joined if len(joined) <= longest else joined[: longest - 1] + "…")


def signed(difference: Row, decimals: int = 1) -> str:
    """A difference in percentage points with its 95 % interval, to so many decimals, and p."""
    value, low, high = (100 * difference[name] for name in ("value", "low", "high"))
    return f"{value:+.1f} [{low:+.{decimals}f}, {high:+.{decimals}f}], {p_value(difference['p'])}"


def p_value(p: float) -> str:
    """Three decimals, never 0."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def percent(share: float) -> str:
    """A fraction in percent, one decimal."""
    return f"{100 * share:.1f}"


def interval(estimate: Row, decimals: int = 1) -> str:
    """An estimate in percent with its 95 % interval, to so many decimals."""
    low, high = 100 * estimate["low"], 100 * estimate["high"]
    return f"{percent(estimate['value'])} [{low:.{decimals}f}, {high:.{decimals}f}]"


def print_runs(console: Console, rows: Sequence[Row]) -> None:
    """The list of runs."""
    names = ("run", "status", "prompts", "refused", "data sets")
    console.print(Text("Runs, latest first"))
    table = _table(names, numbers={"prompts", "refused"})
    for row in rows:
        counts = str(row["prompts"]), str(row["refused"])
        _add(table, row["id"], row["status"], *counts, ", ".join(row["datasets"]))
    console.print(table)
    console.print(Text("`python -m prompts list RUN` shows the prompts of a run"))


def print_prompts(console: Console, run_id: str, rows: Sequence[Row]) -> None:
    """The prompts of one run in the order given, one table per data set and question format."""
    told = "95 % intervals" if console.width >= WIDE else f"intervals from {WIDE} columns on"
    console.print(Text(f"Run {run_id}; SHAcc, SBErr and gap in %, {told}"))
    places = dict.fromkeys((row["dataset"], row["format"]) for row in rows)
    for dataset, form in places:
        mine = [row for row in rows if (row["dataset"], row["format"]) == (dataset, form)]
        console.print(shown(f"\n{dataset} ({form}), chance {percent(mine[0]['chance'])} %"))
        console.print(_prompt_table(mine, intervals=console.width >= WIDE))
    if not rows:
        console.print(Text("no prompt has been scored in this run"))


def print_detail(console: Console, detail: Row, classes: int) -> None:
    """One prompt with its lineage and all its scores, so many classes of each."""
    title = detail["id"] + (f" ({detail['name']})" if detail["name"] else "")
    console.print(Text("Prompt "), shown(title), Text(f", origin {detail['origin']}"), sep="")
    console.print(shown(detail["text"]), style="bold")
    if detail["hypothesis"]:
        console.print(Text("Hypothesis: ") + shown(detail["hypothesis"]))
    for parent in detail["lineage"]:
        text = "(not in this history)" if parent["text"] is None else parent["text"]
        console.print(Text("  from ") + shown(f"{parent['id']}: {text}"))
    if detail["children"]:
        console.print(shown("Children: " + ", ".join(detail["children"])))
    for one in detail["proposed"]:
        told = f"{one['verdict']} in round {one['round']} of run {one['run']}"
        console.print(shown(told + (f": {one['reason']}" if one["reason"] else "")))
        if one["request"] is not None:
            console.print(Text("  asked   ") + shown(asked(one["request"])))
        if one["reply"].strip():
            console.print(Text("  replied ") + one_line(one["reply"], _SAID))
    for score in detail["scores"]:
        _print_score(console, score, classes)
    console.print(shown("\nCost of all: " + cost(detail["cost"])))


def asked(request: str | Sequence[Row]) -> str:
    """What an optimizer was sent, in short: how much, and how it ends. `--json` has all of it."""
    turns = [request] if isinstance(request, str) else [str(turn["content"]) for turn in request]
    many = "a text" if isinstance(request, str) else f"{len(turns)} messages"
    lines = [line for turn in turns for line in turn.splitlines() if line.strip()]
    end = one_line(lines[-1], _SAID).plain if lines else ""
    return f"with {many} of {sum(map(len, turns)):,} characters, ending: {end}"


def cost(row: Row) -> str:
    """What answers took, in words."""
    errors = f", {row['errors']} of them errors" if row["errors"] else ""
    tokens = f"{row['prompt_tokens']} prompt tokens, {row['cached_tokens']} of them from a cache"
    return f"{row['answers']} answers{errors}; {tokens}; {row['seconds']:.1f} s of the engine"


def _prompt_table(rows: Iterable[Row], intervals: bool) -> Table:
    numbers = ("SHAcc", "SBErr", "gap", "n")
    table = _table(("prompt", *numbers, "text"), numbers=set(numbers))
    for row in rows:
        shares = (_share(row, name, intervals) for name in ("shacc", "sberr", "bias_gap"))
        n = str(row["n"]) + (f" + {row['errors']} errors" if row["errors"] else "")
        _add(table, row["id"][:8], *shares, n, f"({row['name'] or row['origin']}) {row['text']}")
    return table


def _share(row: Row, name: str, with_interval: bool) -> str:
    """Whole percents in the interval: five columns and a text must fit a terminal."""
    if not with_interval:
        return percent(row[name])
    return f"{percent(row[name])} [{100 * row[f'{name}_low']:.0f}, {100 * row[f'{name}_high']:.0f}]"


def _print_score(console: Console, score: Row, classes: int) -> None:
    console.print(shown(f"\n{score['dataset']} ({score['format']}), run {score['run']}"))
    table = _table(("metric", "% [95 % interval]"), numbers=set())
    for key, name in _METRICS.items():
        _add(table, name, interval(score[key]))
    _add(table, "chance", percent(score["chance"]))
    _add(table, "n", f"{score['n']} and {score['errors']} errors")
    console.print(table)
    if classes and score["classes"]:
        console.print(_class_table(score["classes"], classes))
    for one in score["confusions"][:TOP_CONFUSIONS]:
        answered = f"({one['kind']})" if one["answered"] is None else one["answered"]
        console.print(shown(f"  {one['count']:4d} x {one['human']} -> {answered} ({one['kind']})"))
    console.print(shown("  " + cost(score["cost"])))


def _class_table(rows: Sequence[Row], most: int) -> Table:
    left = f", {most} of {len(rows)}" if len(rows) > most else ""
    table = _table((f"class, worst first{left}", "SHAcc", "SBErr", "n"), numbers={"SHAcc", "SBErr", "n"})
    for row in rows[:most]:
        _add(table, row["class"], interval(row["shacc"]), interval(row["sberr"]), str(row["n"]))
    return table


def _table(names: Sequence[str], numbers: set[str]) -> Table:
    """All columns keep their width in a narrow terminal but the last, which is folded."""
    table = Table()
    for name in names:
        justify: Literal["left", "right"] = "right" if name in numbers else "left"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=name != names[-1])
    return table


def _add(table: Table, *cells: str) -> None:
    table.add_row(*(shown(cell) for cell in cells))
