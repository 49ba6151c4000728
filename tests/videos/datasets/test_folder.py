"""A folder of one's own: the csv says who does what where."""

from pathlib import Path

import pytest

from assets.errors import UserError
from videos.datasets import load
from videos.datasets.folder import read_folder
from videos.datasets.reading import LeftOut
from videos.decode import FramesFolder


def a_folder(
    root: Path, *rows: str, header: str = "clip, human, background", name: str = "clips.csv"
) -> Path:
    (root / "deep er").mkdir(exist_ok=True)
    for file in ("a.mp4", "b.mov", "deep er/c.webm"):
        (root / file).write_bytes(b"video")
    (root / name).write_text("\n".join([header, *rows]))
    return root


def test_clips_carry_both_labels_and_stand_for_themselves(tmp_path: Path) -> None:
    rows = ("a.mp4, golf driving, surfing water", "b.mov, golf_driving,", "deep er/c, yoga, surfing_water")
    clips = load("folder", a_folder(tmp_path, *rows))
    assert [(clip.id, clip.human, clip.background) for clip in clips.clips] == [
        ("folder/a.mp4", "golf driving", "surfing water"),
        ("folder/b.mov", "golf driving", None),
        ("folder/deep er/c", "yoga", "surfing water"),
    ]
    assert [clip.sources for clip in clips.clips] == [("a.mp4",), ("b.mov",), ("deep er/c",)]
    assert clips.classes == ("golf driving", "surfing water", "yoga")


def test_named_sources_tie_clips_together(tmp_path: Path) -> None:
    rows = ("a.mp4,x,y,one; two", "b.mov,x,y,two", "deep er/c.webm,x,y,")
    clips = load("folder", a_folder(tmp_path, *rows, header="clip,human,background,sources"))
    assert [clip.sources for clip in clips.clips] == [("one", "two"), ("two",), ("deep er/c.webm",)]
    assert clips.clusters()[0] == clips.clusters()[1] != clips.clusters()[2]


def test_further_columns_become_tags(tmp_path: Path) -> None:
    root = a_folder(tmp_path, "a.mp4,x,y,night,", header="clip,human,background,light,crowd")
    assert load("folder", root).clips[0].tags == ("light:night",)


def test_folders_of_frames_serve_as_clips(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "000001.jpg").write_bytes(b"image")
    clips = load("folder", a_folder(tmp_path, "frames,x,"))
    assert isinstance(clips.clips[0].frames, FramesFolder)


@pytest.mark.parametrize(
    ("row", "reason", "complaint"),
    [
        ("gone.mp4,x,y", "missing", "no such file"),
        ("empty.mp4,x,y", "missing", "empty.mp4 is empty"),
        ("x" * 300 + ",x,y", "missing", "too long"),
        ("a.mp4,,y", "unreadable", "empty clip or human"),
        ("a.mp4", "unreadable", "empty clip or human"),
        (",x,y", "unreadable", "empty clip or human"),
        ("/etc/passwd,x,y", "unreadable", "leads out of the folder"),
        ("../a.mp4,x,y", "unreadable", "leads out of the folder"),
        ("b.mov,again,y", "duplicated", "clips.csv:3: listed before"),
    ],
)
def test_a_row_that_gives_no_clip_is_kept_with_its_reason(
    tmp_path: Path, row: str, reason: str, complaint: str
) -> None:
    (tmp_path / "empty.mp4").touch()
    clips, left_out = read_folder(a_folder(tmp_path, "b.mov,x,y", row))
    assert len(clips) == 1
    (lost,) = left_out
    assert isinstance(lost, LeftOut)
    assert lost.reason == reason
    assert complaint in lost.detail


def test_labels_outside_the_class_list_are_told(tmp_path: Path) -> None:
    root = a_folder(tmp_path, "a.mp4,sitting,outside", "b.mov,Standing_up,")
    (root / "classes.txt").write_text("sitting\nstanding up\nlying\n")
    clips, (lost,) = read_folder(root)
    assert [clip.human for clip in clips.clips] == ["standing up"]
    assert clips.classes == ("sitting", "standing up", "lying")
    assert "'outside' is none of the 3 of classes.txt" in str(lost)


def test_one_of_several_csv_files_is_named_behind_the_colon(tmp_path: Path) -> None:
    a_folder(tmp_path, "a.mp4,x,", name="train.csv")
    assert load("folder", tmp_path).name == "folder"  # the only one
    a_folder(tmp_path, "b.mov,x,", name="val.csv")
    assert load("folder:val", tmp_path).name == "folder:val"
    with pytest.raises(UserError, match=r"several csv files in it \(train, val\), .*folder:train"):
        load("folder", tmp_path)
    a_folder(tmp_path, "b.mov,x,")
    assert load("folder", tmp_path).clips[0].id == "folder/b.mov"  # clips.csv goes first
    with pytest.raises(UserError, match=r"no test\.csv in .*, expected one of: clips, train, val"):
        load("folder:test", tmp_path)


def test_an_absent_csv_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no csv in it, expected one with the columns clip,human,background"):
        load("folder", tmp_path)
