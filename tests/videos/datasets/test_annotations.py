"""Rows of Kinetics' format: what is no such csv is refused, a row that makes no sense is kept as broken."""

from pathlib import Path

import pytest

from assets.errors import UserError
from videos.datasets.annotations import HEADER, read_rows
from videos.datasets.classes import ClassList, class_name, own_classes

ROW = "archery,aaaaaaaaaaa,3,13,val"


def written(folder: Path, data: str | bytes) -> Path:
    path = folder / "val.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("label,youtube_id\narchery,a\n", "no column time_start, time_end in 'label,youtube_id'"),
        ("label;youtube_id;time_start;time_end\n", "no column label, youtube_id, time_start, time_end"),
        ("", "an empty file, expected a csv"),
        (" \n\n", "an empty file"),
        (
            f"{HEADER}\narchery,\xff\xfe,3,13,val\n".encode("latin-1"),
            r"val\.csv:2: not UTF-8, .*save it as UTF-8",
        ),
        (f"{HEADER}\n{ROW}\n".encode("utf-16"), r"val\.csv:1: not UTF-8"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16-le"), "holds zero bytes"),
        (f'{HEADER}\n"archery,aaaaaaaaaaa,3,13,val\n{ROW}\n', r"val\.csv:3: .*repair the line"),
        (f'{HEADER}\n"archery\n{ROW}\n",aaaaaaaaaaa,3,13,val\n', "a quote spans lines"),
        (f"{HEADER}\n" + "a" * 200_000 + ",b,1,2,val\n", "field larger than field limit"),
    ],
)
def test_a_file_that_is_no_such_csv_is_refused_in_one_line(
    tmp_path: Path, data: str | bytes, complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint) as caught:
        read_rows(written(tmp_path, data))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("archery,b,x,13,val", "times 'x' to '13' of b"),
        ("archery,b,nan,13,val", "times 'nan'"),
        ("archery,b,1,1e999,val", "to '1e999'"),
        ("archery,b,13,3,val", "times '13' to '3'"),
        ("archery,b,-3,3,val", "times '-3'"),
        ("archery", "empty label or youtube_id"),
        (",aaaaaaaaaaa,3,13,val", "empty label or youtube_id"),
    ],
)
def test_a_row_that_makes_no_sense_is_broken_and_the_others_stay(
    tmp_path: Path, row: str, complaint: str
) -> None:
    annotation = read_rows(written(tmp_path, f"{HEADER}\n{ROW}\n{row}\n"))
    assert [row.name for row in annotation.rows] == ["aaaaaaaaaaa_000003_000013"]
    (broken,) = annotation.broken
    assert broken.clip.endswith("val.csv:3")
    assert complaint in broken.detail


@pytest.mark.parametrize(
    "data",
    [
        f"\ufeff{HEADER}\n{ROW}\n",
        f"{HEADER}\r\n{ROW}\r\n",
        f"{HEADER}\r{ROW}\r",
        f"{HEADER}\n\n{ROW},0,more\n",
        'label , "youtube_id", time_start, time_end\n"archery", "aaaaaaaaaaa", 3.0, 13.0\n',
        "time_end,time_start,youtube_id,label\n13,3,aaaaaaaaaaa,archery\n",
    ],
)
def test_marks_line_ends_spaces_and_order_of_columns_do_not_matter(tmp_path: Path, data: str) -> None:
    (row,) = read_rows(written(tmp_path, data)).rows
    assert (row.label, row.name, row.video) == ("archery", "aaaaaaaaaaa_000003_000013", "aaaaaaaaaaa")


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "val.csv").mkdir()
    with pytest.raises(UserError, match=r"val\.csv: Is a directory, expected a csv file"):
        read_rows(tmp_path / "val.csv")


def test_labels_with_underscores_or_capitals_name_the_same_class() -> None:
    known = ClassList("mine", ("punching person (boxing)",))
    assert class_name("punching_person_(boxing)") == "punching person (boxing)"
    assert known.find("Punching_Person_(boxing)") == "punching person (boxing)"
    assert known.find("punching") is None


def test_classes_in_a_file_are_numbered_by_line_and_stand_once(tmp_path: Path) -> None:
    (tmp_path / "label_map_k3.txt").write_text("b\na\n\nc_d\n")
    found = own_classes(tmp_path)
    assert found is not None
    assert found.classes == ("b", "a", "c d")
    (tmp_path / "classes.txt").write_text("a\nb\na\n")
    with pytest.raises(UserError, match=r"classes\.txt: class 'a' twice"):
        own_classes(tmp_path)
