"""Kinetics is read in the layouts people have it in."""

from pathlib import Path

import pytest

from assets.errors import UserError
from videos.datasets.annotations import class_name, read_rows
from videos.datasets.kinetics import read_kinetics
from videos.decode import FramesFolder, VideoFile

HEAD = "label,youtube_id,time_start,time_end,split"
ROWS = [
    ("archery", "aaaaaaaaaaa", 3, 13),
    ("golf driving", "bbb-bbb_bbb", 100, 110),
    ("punching person (boxing)", "-cccccccccc", 0, 10),
]
NAMES = ["aaaaaaaaaaa_000003_000013", "bbb-bbb_bbb_000100_000110", "-cccccccccc_000000_000010"]


def annotate(path: Path, quoted: bool = False, is_cc: bool = False, split: str = "val") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mark = '"' if quoted else ""
    lines = [HEAD + (",is_cc" if is_cc else "")]
    for label, name, start, end in ROWS:
        lines.append(f"{mark}{label}{mark},{name},{start},{end},{split}" + (",0" if is_cc else ""))
    path.write_text("\n".join(lines) + "\n")


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"video")


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("is_cc", [False, True])
@pytest.mark.parametrize("split", ["val", "validate"])
def test_annotations_may_be_quoted_and_carry_licences(
    tmp_path: Path, quoted: bool, is_cc: bool, split: str
) -> None:
    annotate(tmp_path / "annotations" / "val.csv", quoted, is_cc, split)
    touch(*(tmp_path / "val" / f"{name}.mp4" for name in NAMES))
    clips, missing = read_kinetics(tmp_path, "val")
    assert missing == ()
    assert clips.classes == ("archery", "golf driving", "punching person (boxing)")
    assert [(c.human, c.background) for c in clips.clips] == [(row[0], None) for row in ROWS]
    assert [c.sources for c in clips.clips] == [(row[1],) for row in ROWS]
    assert clips.clips[0].id == "kinetics/archery/aaaaaaaaaaa_000003_000013"


@pytest.mark.parametrize(
    "place",
    [
        "val/{name}.mp4",
        "val/{name}.webm",
        "videos_val/{spaces}/{name}.mp4",
        "videos_val/{underscores}/{name}.mkv",
        "videos/val/{spaces}/{name}.mp4",
        "{spaces}/{name}.mp4",
        "anything/{underscores}/{name}.mp4",
        "val/{id}.mp4",
    ],
)
def test_videos_are_found_flat_or_by_class_with_spaces_or_underscores(tmp_path: Path, place: str) -> None:
    annotate(tmp_path / "annotations" / "val.csv")
    for (label, name_id, _, _), name in zip(ROWS, NAMES, strict=True):
        names = {"spaces": label, "underscores": label.replace(" ", "_"), "name": name, "id": name_id}
        touch(tmp_path / place.format(**names))
    clips, missing = read_kinetics(tmp_path, "val")
    assert (len(clips), missing) == (3, ())
    assert all(isinstance(clip.frames, VideoFile) for clip in clips.clips)


def test_folders_of_frames_serve_as_clips(tmp_path: Path) -> None:
    annotate(tmp_path / "val.csv")
    for name in NAMES:
        touch(*(tmp_path / "rawframes_val" / "some class" / name / f"{k:06d}.jpg" for k in range(1, 151)))
    clips, missing = read_kinetics(tmp_path, "val")
    assert missing == ()
    assert isinstance(clips.clips[0].frames, FramesFolder)
    assert clips.clips[0].frames.info().fps == 15.0  # 150 frames in the 10 seconds of its name


def test_another_splits_videos_are_not_taken(tmp_path: Path) -> None:
    annotate(tmp_path / "annotations" / "val.csv")
    touch(tmp_path / "val" / f"{NAMES[0]}.mp4", tmp_path / "train" / f"{NAMES[1]}.mp4")
    clips, missing = read_kinetics(tmp_path, "val")
    assert [clip.human for clip in clips.clips] == ["archery"]
    assert missing == (NAMES[1], NAMES[2])


def test_replacements_of_corrupted_clips_are_preferred_and_mp4_is_among_twins(tmp_path: Path) -> None:
    annotate(tmp_path / "annotations" / "val.csv")
    touch(*(tmp_path / "val" / f"{name}.mp4" for name in NAMES))
    touch(tmp_path / "val" / f"{NAMES[1]}.mkv", tmp_path / "replacement" / f"{NAMES[0]}.mp4")
    paths = [clip.frames.path for clip in read_kinetics(tmp_path, "val")[0].clips]  # type: ignore[attr-defined]
    assert paths[0] == tmp_path / "replacement" / f"{NAMES[0]}.mp4"
    assert paths[1] == tmp_path / "val" / f"{NAMES[1]}.mp4"


def test_empty_downloads_count_as_missing(tmp_path: Path) -> None:
    annotate(tmp_path / "annotations" / "val.csv")
    touch(*(tmp_path / "val" / f"{name}.mp4" for name in NAMES))
    (tmp_path / "val" / f"{NAMES[2]}.mp4").write_bytes(b"")
    assert read_kinetics(tmp_path, "val")[1] == (NAMES[2],)


def test_classes_are_those_annotated_even_where_no_clip_is_there(tmp_path: Path) -> None:
    annotate(tmp_path / "annotations" / "val.csv")
    touch(tmp_path / "val" / f"{NAMES[0]}.mp4")
    assert len(read_kinetics(tmp_path, "val")[0].classes) == 3


def test_an_unknown_split_and_absent_annotations_say_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected one of train, val, test"):
        read_kinetics(tmp_path, "dev")
    with pytest.raises(UserError, match=r"expected annotations/train\.csv"):
        read_kinetics(tmp_path, "train")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("label,youtube_id\narchery,a\n", "no column time_start, time_end"),
        (f"{HEAD}\narchery,aaaaaaaaaaa,3,13,val\narchery,b,x,13,val\n", r"val\.csv:3: times 'x' to '13'"),
        (f"{HEAD}\narchery\n", r"val\.csv:2: times '' to ''"),
        (f"{HEAD}\n,aaaaaaaaaaa,3,13,val\n", "empty label"),
        (f"{HEAD}\narchery,\xff\xfe,3,13,val\n", "expected a csv"),
    ],
)
def test_a_broken_annotation_is_named_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "val.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=complaint):
        read_rows(tmp_path / "val.csv")


def test_labels_with_underscores_name_the_same_class() -> None:
    assert class_name("punching_person_(boxing)") == "punching person (boxing)"


def test_the_published_validation_list_is_read(shared_data: Path, tmp_path: Path) -> None:
    published = shared_data / "kinetics" / "kinetics_val_every_20th.csv"
    rows = read_rows(published)
    assert len(rows) > 900
    assert rows[0].name == "0wR5jVB-WPk_000417_000427"
    (tmp_path / "kinetics_val_every_20th.csv").write_bytes(published.read_bytes())
    touch(tmp_path / "val" / f"{rows[0].name}.mp4")
    clips, missing = read_kinetics(tmp_path, "val")
    assert [clip.human for clip in clips.clips] == ["abseiling"]
    assert len(missing) == len(set(rows)) - 1
    assert len(clips.classes) > 350
