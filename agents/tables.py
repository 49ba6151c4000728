"""A report for people: tables in percent with intervals, and where everything is."""

from collections.abc import Iterator
from pathlib import Path

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from agents.budget import ANSWERS, DOLLARS, SECONDS, TOKENS
from agents.display import duration, percents
from agents.finals import PassedOver
from agents.objectives import LENGTH
from agents.report import Line, Measured, Report, Section
from prompts.display import shown
from vllm_eval.statistics import Difference

_NAMES = {"shacc": "SHAcc", "sberr": "SBErr", "accuracy": "accuracy"}


PASSED_OVER = 5  # of prompts that might not win, so many are told
WIDE = 100  # columns from which a table has room for decimals


def render(report: Report, folder: Path, history: str, width: int) -> Iterator[RenderableType]:
    """Everything there is to say, in order, for so many columns."""
    yield Text(f"\nRun {report.run_id}: {report.stopped}.\n")
    yield from (_table(section, digits=1 if width >= WIDE else 0) for section in report.sections)
    yield Text(
        "The difference is to neutral on the same clips; * marks p below 5 %. All in %, 95 % intervals."
    )
    if report.front:
        yield _front_table(report)
    if report.improved:
        yield Text("Best found: ") + shown(report.winner.text)
    else:
        yield Text("No proposed prompt was better than neutral where the winner is chosen.")
    if report.proof:
        yield Text(report.proof)
    others = [line for line in report.sections[0].lines if line.label.startswith("finalist ")]
    yield from (Text(f"{line.label.capitalize()}: ") + shown(line.prompt.text) for line in others)
    yield from (_passed_over(one) for one in report.passed_over[:PASSED_OVER])
    if len(report.passed_over) > PASSED_OVER:
        yield Text(f"{len(report.passed_over) - PASSED_OVER} more were passed over, see the history.")
    yield Text(
        f"Optimism of (1 + SHAcc - SBErr) / 2{_over(report)}: {100 * report.optimism:+.1f} points, "
        f"{100 * report.tune_score:.1f} on the clips it was found on, {100 * report.test_score:.1f} on test"
    )
    yield Text(_spent(report))
    if report.race:
        yield Text(report.race)
    yield shown(
        f"Saved: {folder}/report.txt, report.json, pareto.png, config.yaml; every answer in {history}"
    )
    yield shown(f"Look into it: python -m prompts list {report.run_id} --history {history}")


def _passed_over(one: PassedOver) -> Text:
    return Text("Passed over, ") + shown(f"{one.reason}: {one.prompt.text}")


def _over(report: Report) -> str:
    count = len(report.targets)
    return f", {'worst' if report.rule == 'worst' else 'mean'} of {count} models" if count else ""


def save_text(path: Path, report: Report, history: str) -> None:
    """The same as a text file."""
    with path.open("w", encoding="utf-8") as file:
        console = Console(file=file, width=110)
        for part in render(report, path.parent, history, console.width):
            console.print(part)


def _table(section: Section, digits: int) -> Table:
    chance = 100 * section.chance
    title = shown(f"{section.name}: {section.clips}, n = {section.n}, chance {chance:.0f}")
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.padding = (0, 1 if digits else 0)  # 80 columns hold two measures only so
    table.add_column("prompt")
    for measure in section.lines[0].measures:
        table.add_column(_NAMES[measure], justify="right")
        table.add_column("difference", justify="right")
    for line in section.lines:
        cells = [cell for one in line.measures.values() for cell in _cells(one, digits)]
        table.add_row(shown(_label(line)), *cells)
    return table


def _front_table(report: Report) -> Table:
    """Reported prompts over all objectives, on the clips reported above."""
    over = f", over all {len(report.targets)} models" if report.targets else ""
    title = f"All objectives at once{over}: which of {len(report.front)} reported prompts no other beats"
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    labels = {line.prompt.id: line.label for line in report.sections[0].lines}
    for heading in ("prompt", *report.front[0].values, "on the front", "likeliest to beat it"):
        table.add_column(heading, justify="left" if heading == "prompt" else "right")
    for one in report.front:
        values = [_figure(axis, value) for axis, value in one.values.items()]
        rival = f"{labels.get(one.rival, one.rival)} {100 * one.dominated:.0f} %" if one.rival else ""
        mark = f"{'yes' if one.on_front else 'no'}, p {one.front_share:.2f}"
        table.add_row(shown(labels.get(one.prompt_id, one.prompt_id)), *values, mark, shown(rival))
    return table


def _figure(axis: str, value: float | None) -> str:
    """Words as they are, shares in percent; "-" where not one clip was answered."""
    if value is None:
        return "-"
    return f"{value:.0f}" if axis == LENGTH else f"{100 * value:.0f}"


def _label(line: Line) -> str:
    return line.label + (f", {line.errors} errors" if line.errors else "")


def _cells(measured: Measured, digits: int) -> tuple[Text, Text]:
    """A figure and its difference; none of what was not answered."""
    difference = measured.against_neutral
    against = "" if difference is None or not difference.n else _difference(difference, digits)
    return Text(percents(measured.estimate, digits) if measured.estimate.n else "-"), Text(against)


def _difference(difference: Difference, digits: int) -> str:
    shares = (difference.value, difference.low, difference.high)
    value, low, high = (f"{100 * share:+.{digits}f}" for share in shares)
    return f"{value}{'*' if difference.significant else ''} [{low}, {high}]"


def _spent(report: Report) -> str:
    spent = report.spent
    tokens = f", {spent[TOKENS]:.0f} tokens of the optimizer's model" if spent.get(TOKENS) else ""
    dollars = f" (${spent[DOLLARS]:.4f})" if spent.get(DOLLARS) else ""
    return f"Spent: {spent.get(ANSWERS, 0):.0f} answers{tokens}{dollars}, {duration(spent.get(SECONDS, 0))}"
