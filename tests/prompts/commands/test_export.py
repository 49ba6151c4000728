"""export writes tables and prompts that other programs read."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from story import CHILD, HOSTILE, WINNER, Story, tell

from prompts.__main__ import main
from prompts.inspection import csv_cells

Told = pytest.CaptureFixture[str]


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return tell(f"sqlite:///{tmp_path}/history.db")


def told(capsys: Told, story: Story, *arguments: str) -> str:
    status = main(["export", *arguments, "--history", story.url])
    captured = capsys.readouterr()
    assert status == 0, captured.err
    return captured.out


def test_parquet_keeps_numbers_lists_and_texts(capsys: Told, story: Story, tmp_path: Path) -> None:
    parquet: Any = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    path = tmp_path / "answers.parquet"
    told(capsys, story, "--answers", "--output", str(path))
    rows = parquet.read_table(path).to_pylist()
    assert rows == json.loads(told(capsys, story, "--answers", "--json"))
    assert rows[0]["logprobs"] == [-0.1, -2.0, -3.0, -4.0, -5.0]
    prompts = tmp_path / "prompts.parquet"
    told(capsys, story, "--output", str(prompts))
    assert HOSTILE in parquet.read_table(prompts).column("text").to_pylist()


def test_no_cell_of_a_csv_is_a_formula(capsys: Told, story: Story) -> None:
    rows = list(csv.DictReader(io.StringIO(told(capsys, story))))
    assert {row["text"] for row in rows if row["id"] == CHILD.id} == {f"'{HOSTILE}"}
    signs = ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1", "\n=1"]
    assert [row["x"][0] for row in csv_cells([{"x": sign} for sign in signs])] == ["'"] * len(signs)
    assert list(csv_cells([{"x": "a = b", "n": -1.5}])) == [{"x": "a = b", "n": -1.5}]


def test_a_prompt_is_exported_as_its_text(capsys: Told, story: Story, tmp_path: Path) -> None:
    assert told(capsys, story, "--prompt", WINNER.id[:6]) == WINNER.text + "\n"
    path = tmp_path / "prompt.txt"
    told(capsys, story, "--prompt", WINNER.id, "--output", str(path))
    assert path.read_text(encoding="utf-8") == WINNER.text + "\n"


@pytest.mark.parametrize(("form", "media"), [("openai", "image_url"), ("vllm", "video_url")])
def test_a_server_request_asks_as_the_run_did(capsys: Told, story: Story, form: str, media: str) -> None:
    body = json.loads(told(capsys, story, "--prompt", WINNER.id, "--format", form))
    assert body["model"] == "some/model"
    (user,) = body["messages"]
    *clip, question = user["content"]
    assert {part["type"] for part in clip} == {media}
    lines = question["text"].splitlines()
    assert (lines[0], lines[1], len(lines)) == (WINNER.text, "A. {choice_1}", 6)
    assert body["temperature"] == 0.0


def test_dspy_loads_the_exported_program(capsys: Told, story: Story, tmp_path: Path) -> None:
    state = json.loads(told(capsys, story, "--prompt", CHILD.id, "--format", "dspy"))
    assert state["signature"]["instructions"] == HOSTILE
    dspy: Any = pytest.importorskip("dspy", reason="dspy is not installed")
    path = tmp_path / "program.json"
    told(capsys, story, "--prompt", CHILD.id, "--format", "dspy", "--output", str(path))
    program = dspy.Predict("video, choices -> answer")
    program.load(str(path))
    assert program.signature.instructions == HOSTILE
    assert list(program.signature.fields) == ["video", "choices", "answer"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--format", "xlsx"), "expected one of csv, json, parquet"),
        (("--prompt", WINNER.id, "--format", "csv"), "expected one of text, openai, vllm, dspy"),
        (("--format", "parquet"), "parquet is no text, name a file"),
        (("--output", "/dev/null/x.csv"), "choose another file"),
    ],
)
def test_what_cannot_be_written_is_told_in_one_line(
    capsys: Told, story: Story, arguments: tuple[str, ...], problem: str
) -> None:
    assert main(["export", *arguments, "--history", story.url]) == 2
    error = capsys.readouterr().err
    assert problem in error
    assert error.count("\n") == 1
