"""The result's tables for a paper: Markdown or LaTeX, every number with its interval."""

from collections.abc import Callable, Iterator, Sequence

from prompts.display import shown
from prompts.report import texts
from prompts.report.facts import Facts, Line, Section

_MARKDOWN = {letter: f"\\{letter}" for letter in "\\`*_[]#|~>"} | {"<": "&lt;", "&": "&amp;"}
_LATEX = {letter: f"\\{letter}" for letter in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
}


def markdown(facts: Facts) -> str:
    """One table per reported data set, the prompts below."""
    parts = [_markdown_table(section) for section in facts.sections]
    found = [f"{line.label}: {line.prompt.text}" for line in _prompts(facts)]
    notes = [*texts.verdict(facts), *(f"Limit: {one}" for one in texts.limits(facts))]
    title = f"Run {facts.run.id}"
    told = [f"## {_escaped(title, _MARKDOWN)}", *parts, _bullets(found), _bullets(notes)]
    return "\n\n".join(part for part in told if part) + "\n"


def latex(facts: Facts) -> str:
    """The same as ``table`` environments; needs the package booktabs."""
    return "\n".join(_latex_table(section) for section in facts.sections) or "% nothing reported yet\n"


FORMATS: dict[str, Callable[[Facts], str]] = {"md": markdown, "latex": latex}


def _prompts(facts: Facts) -> list[Line]:
    return list({line.prompt.id: line for section in facts.sections for line in section.lines}.values())


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {_escaped(line, _MARKDOWN)}" for line in lines)


def _head(section: Section) -> list[str]:
    columns = ["prompt"]
    for measure in section.measures:
        columns += [texts.MEASURES[measure], "minus neutral", "p"]
    return columns


def _cells(section: Section, line: Line) -> Iterator[str]:
    for measure in section.measures:
        difference = line.against_neutral.get(measure)
        yield texts.interval(line.estimates[measure])
        yield "" if difference is None else texts.signed(difference)
        yield (
            "" if difference is None else texts.p_value(difference.p).removeprefix("p = ").removeprefix("p ")
        )


def _caption(section: Section) -> str:
    return (
        f"{section.dataset}, {section.n} clips of {section.sources} source videos, chance "
        f"{texts.percent(section.chance)} %; in %, 95 % intervals, differences paired on the same clips."
    )


def _markdown_table(section: Section) -> str:
    head = _head(section)
    rows = [[_escaped(line.label, _MARKDOWN), *_cells(section, line)] for line in section.lines]
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    table = "\n".join(f"| {' | '.join(row)} |" for row in lines)
    return f"{_escaped(_caption(section), _MARKDOWN)}\n\n{table}"


def _latex_table(section: Section) -> str:
    head = _head(section)
    rows = [
        " & ".join(
            [_escaped(line.label, _LATEX), *(_escaped(cell, _LATEX) for cell in _cells(section, line))]
        )
        for line in section.lines
    ]
    body = " \\\\\n".join(rows)
    return (
        "\\begin{table}\n\\centering\n"
        f"\\caption{{{_escaped(_caption(section), _LATEX)}}}\n"
        f"\\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}\n\\toprule\n"
        f"{' & '.join(_escaped(name, _LATEX) for name in head)} \\\\\n\\midrule\n{body} \\\\\n"
        "\\bottomrule\n\\end{tabular}\n\\end{table}\n"
    )


def _escaped(text: str, table: dict[str, str]) -> str:
    """In one line, without meaning to Markdown, HTML or LaTeX."""
    return "".join(table.get(letter, letter) for letter in " ".join(shown(text).plain.split()))
