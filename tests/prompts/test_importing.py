"""Prompts of others come in from text, CSV and JSON; a bad file is told by line and stores nothing."""

import json
from pathlib import Path

import pytest
from rows import WHAT, rows

from assets.errors import UserError
from prompts.__main__ import main
from prompts.history import History
from prompts.importing import import_prompts, read_prompts
from prompts.prompt import Prompt


@pytest.fixture
def url(history_url: str) -> str:
    return history_url


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_lines_of_text_are_prompts(tmp_path: Path) -> None:
    path = written(tmp_path / "p.txt", "\ufeffWho moves?\n\n  What is done? \nWho moves?\n")
    assert read_prompts(path, "a colleague") == [
        Prompt("Who moves?", origin="a colleague"),
        Prompt("What is done?", origin="a colleague"),
    ]


def test_comments_are_no_prompts_and_a_table_may_hold_what_begins_like_one(tmp_path: Path) -> None:
    path = written(tmp_path / "p.txt", "\ufeff# mine\n  # more\nWho moves? # as written\n")
    assert [one.text for one in read_prompts(path)] == ["Who moves? # as written"]
    path = written(tmp_path / "p.csv", "text\n# Who moves?\n")
    assert [one.text for one in read_prompts(path)] == ["# Who moves?"]


def test_a_table_names_texts_origins_and_more(tmp_path: Path) -> None:
    table = 'id,text,origin,hypothesis,parents\n1,"Who, then?\nSay it.",paper,h,aa bb\n2,What?,,,\n'
    found = read_prompts(written(tmp_path / "p.csv", table))
    assert found == [
        Prompt("Who, then?\nSay it.", ("aa", "bb"), "paper", "h"),
        Prompt("What?", origin="import"),
    ]


def test_json_holds_texts_or_objects(tmp_path: Path) -> None:
    entries = ["Who?", {"text": "What?", "origin": "paper", "parents": ["aa"], "score": 3}]
    found = read_prompts(written(tmp_path / "p.json", json.dumps(entries)))
    assert found == [Prompt("Who?", origin="import"), Prompt("What?", ("aa",), "paper")]


def test_what_export_guarded_against_spreadsheets_comes_back(tmp_path: Path) -> None:
    text = "=cmd what?"
    path = written(tmp_path / "p.csv", f"id,text\n{Prompt(text).id},'{text}\nx,'quoted'\n")
    assert [one.text for one in read_prompts(path)] == [text, "'quoted'"]


def test_prompts_are_stored_once_under_a_run_that_names_the_file(url: str, tmp_path: Path) -> None:
    path = written(tmp_path / "theirs.txt", "Who moves?\nWhat is done?\n")
    with History(url) as history:
        first = import_prompts(history, path)
        second = import_prompts(history, path)
        assert (len(first.known), len(second.known)) == (0, 2)
        assert [one.text for one in history.prompts(first.run_id)] == ["Who moves?", "What is done?"]
        assert len(history.prompts()) == 2
        run = history.run(second.run_id)
        assert (run.config["file"], run.status) == ("theirs.txt", "finished")
        assert run.summary == {"command": "import", "prompts": 2, "new": 0}


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("p.txt", "\n \n# Who?\n", "holds no prompt"),
        ("p.yaml", "x", "ends in .txt, .csv, .json"),
        ("p.csv", "prompt\nWho?\n", "has no column text (found: prompt)"),
        ("p.csv", 'text\nWho?\n""\n', "line 3 has no text"),
        ("p.csv", 'text\n"Who?\n', "is no CSV"),
        ("p.json", "{", "is no JSON"),
        ("p.json", "{}", "holds dict, expected a list"),
        ("p.json", "[3]", "entry 1 is 3, expected a text"),
        ("p.json", '[{"text": 3}]', "text is 3, expected text"),
        ("p.json", '["a", {"text": "b", "parents": "aa"}]', "entry 2: parents is 'aa'"),
        ("p.json", json.dumps([{"text": "a", "origin": "x" * 65}]), "longer than 64 characters"),
    ],
)
def test_a_bad_file_is_one_line_and_nothing_is_stored(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, text: str, problem: str
) -> None:
    path = written(tmp_path / name, text)
    assert main(["import", str(path), "--history", f"sqlite:///{tmp_path}/none.db"]) == 2
    error = capsys.readouterr().err
    assert problem in error
    assert error.count("\n") == 1
    assert not (tmp_path / "none.db").exists()


def test_files_that_cannot_be_read_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    for name, problem in (("latin.txt", "is no UTF-8 text"), ("absent.txt", "No such file")):
        url = f"sqlite:///{tmp_path}/none.db"
        assert main(["import", str(tmp_path / name), "--history", url]) == 2
        assert problem in capsys.readouterr().err


def test_the_command_tells_ids_and_which_are_new(
    capsys: pytest.CaptureFixture[str], url: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "p.txt", "Who \x1b[2J moves?\n")
    assert main(["import", str(path), "--origin", "them", "--history", url]) == 0
    shown = capsys.readouterr().out
    assert "\\x1b[2J" in shown
    assert "1 prompts, 1 new" in " ".join(shown.split())
    assert main(["import", str(path), "--history", url, "--json"]) == 0
    (prompt,) = json.loads(capsys.readouterr().out)["prompts"]
    assert (prompt["new"], prompt["text"]) == (False, "Who \x1b[2J moves?")


@pytest.mark.parametrize("sign", ["\u2028", "\x0b", "\x85", "\r", "\r\n", "\n"], ids=ascii)
def test_what_export_writes_comes_back_whatever_breaks_its_lines(url: str, tmp_path: Path, sign: str) -> None:
    strange, path = Prompt(f"Look at the person.{sign}What is done?", origin="opro"), tmp_path / "p.csv"
    with History(url) as history:
        run = history.start_run({}, 0)
        for prompt in (strange, WHAT):
            history.add_prompt(run, prompt)
            history.add(rows(run, prompt, ["human"]))
    assert main(["export", "--history", url, "--output", str(path)]) == 0
    assert {one.text for one in read_prompts(path)} == {strange.text, WHAT.text}


def test_a_short_row_has_no_text(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="line 2 has no text"):
        read_prompts(written(tmp_path / "p.csv", "origin,text\nopro\n"))


def test_lines_end_where_editors_end_them(tmp_path: Path) -> None:
    path = tmp_path / "p.txt"
    path.write_bytes("Who\u2028moves?\r\nWhat is done?\r\n".encode())
    assert [one.text for one in read_prompts(path)] == ["Who\u2028moves?", "What is done?"]
