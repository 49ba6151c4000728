"""Files that cannot be scored get one clear line."""

from collections.abc import Callable
from pathlib import Path

import pytest
from prediction_files import Rows, Write, pairs, predicted, refused


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda rows: rows[3].update(choice="juggling"),
            "predictions.csv line 5: prediction 'juggling' is no choice",
        ),
        (lambda rows: rows[4].update(rows[1]), "predictions.csv line 6: clip '/n/1/sample_000001"),
        (
            lambda rows: [row.pop("choice") for row in rows],
            "no column for the prediction among 'action_swap_path'",
        ),
        (
            lambda rows: [row.pop("label_A") and row.pop("human_choice") for row in rows],
            "no column for the human",
        ),
        (lambda rows: rows[2].update(label_A="juggling"), "line 4: 'label_A' is 'juggling', expected one of"),
        (lambda rows: rows[2].update(label_B=""), "line 4: no label in 'label_B' (so in 1 of 10 rows)"),
        (lambda rows: rows[2].update(label_B="NaN"), "line 4: no label in 'label_B' (so in 1 of 10 rows)"),
        (lambda rows: rows[2].update(label_B="null"), "line 4: no label in 'label_B' (so in 1 of 10 rows)"),
        (lambda rows: rows[2].update(choice="7"), "line 4: prediction '7' is no choice of this clip"),
        (lambda rows: rows[2].update(choice_2=rows[2]["choice_1"]), "line 4: choice"),
        (lambda rows: rows[2].update(choice_4="", choice_5=rows[2]["choice_5"]), "line 4: choices are"),
        (lambda rows: rows[0].update(human_choice="9"), "holds 9 for"),
        (
            lambda rows: [row.update(response="A") for row in rows],
            "may stand in 'choice' or 'response'; say which",
        ),
        (lambda rows: rows[5].update(action_swap_path=""), "line 7: no clip id in 'action_swap_path'"),
    ],
)
def test_broken_tables_get_one_clear_line(
    write: Write, capsys: pytest.CaptureFixture[str], change: Callable[[Rows], object], told: str
) -> None:
    rows = predicted(pairs(10), "choice")
    change(rows)
    assert told in refused(capsys, write(rows))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty, expected a csv"),
        (b"\n \n", "empty, expected a csv"),
        (b"clip,prediction,human\n", "a header and no rows"),
        (b"clip,prediction,human\na,b\n", "line 2: 2 fields, expected 3"),
        (b"clip,prediction,human\na,b,c,d\n", "line 2: 4 fields, expected 3"),
        (b"clip,clip,human\na,b,c\n", "two columns are called 'clip'"),
        (b'clip,prediction,human\na,"b"x,c\n', "expected csv; mend the quotes"),
        (b"clip,prediction,human\na,\xff\xfe\xfa,c\n", "is no UTF-8 text"),
        (b"PK\x03\x04\x00\x00clip", "binary data"),
        (b'[{"clip": "a", "prediction": }]', "expected json"),
        (b'["a", "b"]', "record 1: 'a', expected an object per clip"),
        (
            b"clip,prediction,human\na,C,archery\n",
            "the choices are not known; name their columns with --choices",
        ),
    ],
)
def test_files_that_are_no_predictions_get_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, told: str
) -> None:
    path = tmp_path / "predictions.csv"
    path.write_bytes(content)
    assert told in refused(capsys, path)


def test_absent_files_columns_and_senseless_flags_get_one_clear_line(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(predicted(pairs(10), "choice"))
    assert "No such file" in refused(capsys, tmp_path / "absent.csv")
    assert "Is a directory" in refused(capsys, tmp_path)
    assert "no column 'x' for --human; there are 'action_swap_path'" in refused(capsys, path, "--human", "x")
    assert "no column 'x' for --sources" in refused(capsys, path, "--sources", "x")
    assert "--by x: nothing to part by" in refused(capsys, path, "--by", "x")
    assert "expected a share between 0 and 1" in refused(capsys, path, "--compare", path, "--margin", "5")
    assert "expected --compare" in refused(capsys, path, "--margin", "0.01")
    elsewhere = write(predicted(pairs(10, seed=4), "choice"), "elsewhere.csv")
    assert "share no clip" in refused(capsys, path, "--compare", elsewhere)
    nameless = write(
        [{k: v for k, v in row.items() if k != "action_swap_path"} for row in predicted(pairs(9), "choice")],
        "nameless.csv",
    )
    assert "no clip ids to join by" in refused(capsys, path, "--compare", nameless)
