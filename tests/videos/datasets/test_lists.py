"""mmaction2's and PySlowFast's lists: paths that may hold spaces, then numbers."""

from pathlib import Path

import pytest

from assets.errors import UserError
from videos.datasets.kinetics import read_kinetics
from videos.datasets.kinetics400 import KINETICS_400
from videos.datasets.lists import is_list, read_list
from videos.datasets.reading import LeftOut

NAME = "05mZDSLkGQI_000007_000017"


def written(folder: Path, *lines: str, name: str = "kinetics400_val_list_videos.txt") -> Path:
    path = folder / name
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize(
    "line",
    [
        f"bending back/{NAME}.mp4 20",
        f"bending_back/{NAME}.mkv 20",
        f"/data/k400/videos_val/bending back/{NAME}.mp4 20",
        f"{NAME}.mp4 20",
        f"bending back/{NAME} 300 20",
        f"bending back/{NAME}.mp4,20",
        f'"bending back/{NAME}.mp4"\t20',
        f"bending back\\{NAME}.webm 20",
    ],
)
def test_columns_count_from_the_right(tmp_path: Path, line: str) -> None:
    path = written(tmp_path, line)
    assert is_list(path)
    (row,) = read_list(path, KINETICS_400).rows
    assert (row.label, row.name, row.video) == ("bending back", NAME, "05mZDSLkGQI")


@pytest.mark.parametrize(
    ("line", "reason", "complaint"),
    [
        (f"{NAME}.mp4 400", "unknown class", "class index 400 of .*, expected 0 to 399 of Kinetics-400"),
        (f"{NAME}.mp4 -1", "unknown class", "class index -1"),
        (
            f"archery/{NAME}.mp4 20",
            "unreadable",
            "20 is 'bending back' in Kinetics-400, the folder says 'archery'",
        ),
        (f"{NAME}.mp4", "unreadable", "is no path and class index"),
    ],
)
def test_a_line_that_makes_no_sense_is_broken_and_the_others_stay(
    tmp_path: Path, line: str, reason: str, complaint: str
) -> None:
    annotation = read_list(written(tmp_path, "archery/aaaaaaaaaaa_000001_000011.mp4 5", line), KINETICS_400)
    assert len(annotation.rows) == 1
    (broken,) = annotation.broken
    assert broken == LeftOut(
        f"{tmp_path / 'kinetics400_val_list_videos.txt'}:2", broken.reason, broken.detail
    )
    assert broken.reason == reason
    with pytest.raises(UserError, match=complaint):  # nothing else in the file
        read_list(written(tmp_path, line), KINETICS_400)


def test_a_list_serves_where_there_is_no_csv_and_gives_the_same_clip(tmp_path: Path) -> None:
    path = tmp_path / "videos_val" / "bending_back" / f"{NAME}.mp4"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"video")
    written(tmp_path, f"bending_back/{NAME}.mp4 20", "archery/aaaaaaaaaaa_000001_000011.mp4 5")
    clips, left_out = read_kinetics(tmp_path, "val")
    assert len(left_out) == 1
    (tmp_path / "val.csv").write_text(
        "label,youtube_id,time_start,time_end,split\nbending back,05mZDSLkGQI,7,17,val\n"
    )
    assert read_kinetics(tmp_path, "val")[0].clips == clips.clips


def test_a_csv_without_a_header_is_a_list(tmp_path: Path) -> None:
    written(tmp_path, f"videos/{NAME}.mp4 20", name="train.csv")
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / f"{NAME}.mp4").write_bytes(b"video")
    assert [clip.human for clip in read_kinetics(tmp_path, "train")[0].clips] == ["bending back"]


def test_indices_follow_classes_of_ones_own(tmp_path: Path) -> None:
    written(tmp_path, "a.mp4 1")
    (tmp_path / "a.mp4").write_bytes(b"video")
    (tmp_path / "classes.txt").write_text("sitting\nstanding\n")
    assert [clip.human for clip in read_kinetics(tmp_path, "val")[0].clips] == ["standing"]


def test_the_real_list_of_frames_is_read(shared_data: Path) -> None:
    path = shared_data / "hat" / "kinetics400" / "kinetics400_val_list_rawframes.txt"
    rows = read_list(path, KINETICS_400).rows
    assert [(row.label, row.name) for row in rows] == [
        ("archery", "01xStFVYC7U_000011_000021"),
        ("bending back", NAME),
    ]
