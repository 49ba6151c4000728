"""A file of prompts is read alike by the import, the strategy `file` and evaluate."""

from argparse import Namespace
from pathlib import Path

import pytest

from agents.strategies.file import FileStrategy
from assets.errors import UserError
from prompts.importing import read_prompts
from prompts.view import HistoryView
from vllm_eval.evaluate import _texts
from vllm_eval.prompt_file import PromptLine, prompt_lines

TEXT = "\ufeff# published\r\n\r\n  Who\u2028moves? \r\n\t# spare\nWhat is done? # as it stands\n"
TEXTS = ["Who\u2028moves?", "What is done? # as it stands"]


def test_blank_lines_and_comments_are_none_and_lines_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "p.txt"
    path.write_bytes(TEXT.encode())
    assert prompt_lines(path, "--prompts") == [PromptLine(3, TEXTS[0]), PromptLine(5, TEXTS[1])]


def test_whoever_takes_a_file_of_prompts_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "p.txt"
    path.write_bytes(TEXT.encode())
    assert [one.text for one in read_prompts(path)] == TEXTS
    assert [one.text for one in FileStrategy(str(path)).ask(HistoryView((), (), 0), 9)] == TEXTS
    assert _texts(Namespace(prompt=None, prompts=str(path))) == TEXTS


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (
            None,
            "cannot read optimizer.file .*: No such file or directory; give a text file, one prompt a line",
        ),
        (b"caf\xe9", "optimizer.file .* is no UTF-8 text"),
        (b"# nothing\n", "optimizer.file .* holds no prompt, expected one a line"),
    ],
)
def test_a_file_without_prompts_is_told_with_the_flag_that_named_it(
    tmp_path: Path, held: bytes | None, told: str
) -> None:
    if held is not None:
        (tmp_path / "p.txt").write_bytes(held)
    with pytest.raises(UserError, match=told):
        FileStrategy(str(tmp_path / "p.txt"))
