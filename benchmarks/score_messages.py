"""What ``python -m vllm_eval.score`` says to broken files: writes each, runs the command, prints a table.

python -m benchmarks.score_messages
"""

import contextlib
import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from vllm_eval.score.command import main

HEAD = "clip,prediction,human,background,choice_1,choice_2,choice_3,choice_4,choice_5\n"
ROWS = (
    "swap-1,A,archery,bowling,archery,smoking,bowling,writing,drinking\n",
    "swap-2,B,smoking,archery,writing,smoking,archery,bowling,drinking\n",
    "swap-3,E,bowling,writing,smoking,writing,archery,drinking,bowling\n",
)
GOOD = HEAD + "".join(ROWS)
NUMBERS = "clip,prediction,human,background,choices\na,{},archery,bowling,archery|smoking|bowling|writing\n"

# What is wrong, the file's bytes (None: no file), further arguments.
CASES: tuple[tuple[str, str | bytes | None, Sequence[str]], ...] = (
    ("no such file", None, ()),
    ("empty file", "", ()),
    ("header without rows", HEAD, ()),
    ("a spreadsheet, not a csv", b"PK\x03\x04\x14\x00\x06\x00", ()),
    ("another encoding", GOOD.replace("swap-2", "schw\u00e4ne").encode("latin-1"), ()),
    ("a field too few", HEAD + ROWS[0] + ROWS[1].replace(",drinking", ""), ()),
    ("an unquoted comma", GOOD.replace("swap-2", "swap,2"), ()),
    ("an open quote", GOOD.replace("swap-2", '"swap"-2'), ()),
    ("two columns of one name", GOOD.replace("choice_5", "choice_4"), ()),
    ("no column of predictions", GOOD.replace("prediction", "says"), ()),
    ("two columns of predictions", GOOD.replace("choice_5", "response"), ()),
    ("a column that is not there", GOOD, ("--human", "label")),
    ("a clip twice", GOOD + ROWS[0], ()),
    ("a clip without id", GOOD.replace("swap-2", ""), ()),
    ("an unknown prediction", GOOD.replace("swap-2,B", "swap-2,jogging"), ()),
    ("a reply in words", GOOD.replace("swap-2,B", "swap-2,it may be B"), ()),
    ("a person's label that is no choice", GOOD.replace("B,smoking", "B,jogging"), ()),
    ("no background label", GOOD.replace("smoking,archery,writing", "smoking,,writing"), ()),
    ("a choice twice", GOOD.replace("bowling,drinking\n", "drinking,drinking\n"), ()),
    ("a number beyond the choices", NUMBERS.format(7), ("--count-from", "1")),
    ("numbers that may count from 0 or 1", NUMBERS.format(2), ()),
    (
        "0 and the number of choices",
        NUMBERS.format(0) + "b,4,archery,bowling,archery|smoking|bowling|writing\n",
        (),
    ),
    ("letters, and no choices", "clip,prediction,human,background\na,C,archery,bowling\n", ()),
    ("broken json", '[{"clip": "a", "prediction": }]', ()),
    ("json of something else", '["A", "B"]', ()),
    ("a part that is not there", GOOD, ("--by", "object")),
)


def message(content: str | bytes | None, arguments: Sequence[str]) -> str:
    """The one line printed for this file, in a fresh folder."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        path = Path("predictions.csv")
        if content is not None:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            status = main([str(path), *arguments])
    line = said.getvalue().rstrip(os.linesep)
    assert (status, line.count("\n"), line[:7]) == (2, 0, "error: "), (content, arguments, status, line)
    return line


def rows() -> list[str]:
    """The table's rows, as markdown."""
    return [
        f"| {wrong}{' (`' + ' '.join(arguments) + '`)' if arguments else ''} | "
        f"`{message(content, arguments).replace('|', chr(92) + '|')}` |"
        for wrong, content, arguments in CASES
    ]


if __name__ == "__main__":
    print("| what is wrong | what is printed |\n|---|---|\n" + "\n".join(rows()))
