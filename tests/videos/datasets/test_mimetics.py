"""Mimetics is read with its published annotations."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from assets.errors import UserError
from videos.datasets.annotations import read_rows
from videos.datasets.mimetics import read_mimetics


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"video")


@pytest.fixture
def published(shared_data: Path, tmp_path: Path) -> Path:
    """The three published annotation files; no videos."""
    shutil.copytree(shared_data / "mimetics", tmp_path / "mimetics")
    return tmp_path / "mimetics"


def test_the_published_annotations_name_713_clips_of_50_classes(published: Path) -> None:
    clips, missing = read_mimetics(published)
    assert (len(clips), len(missing), len(clips.classes)) == (0, 713, 50)


def test_videos_are_found_and_carry_the_annotated_needs_as_tags(published: Path) -> None:
    touch(published / "data" / "archery" / "0zFbEjoGlhc_000006_000010.mp4")
    touch(published / "data" / "archery" / "0zFbEjoGlhc_000014_000024.webm")
    clips, missing = read_mimetics(published)
    assert len(missing) == 711
    assert [clip.sources for clip in clips.clips] == [("0zFbEjoGlhc",)] * 2  # two cuts of one video
    assert set(clips.clusters()) == {"0zFbEjoGlhc"}
    first = clips.clips[0]
    assert (first.id, first.human, first.background) == (
        "mimetics/archery/0zFbEjoGlhc_000006_000010",
        "archery",
        None,
    )
    assert first.tags == ("class object:large", "class scene:yes", "object:no", "scene:no", "mime:no")


def test_the_csv_alone_is_enough(tmp_path: Path) -> None:
    (tmp_path / "mimetics_v1.0.csv").write_text(
        "label,youtube_id,time_start,time_end,split,is_cc\nplaying guitar,aaaaaaaaaaa,1,4,test,0\n"
    )
    touch(tmp_path / "playing_guitar" / "aaaaaaaaaaa_000001_000004.mp4")
    clips, missing = read_mimetics(tmp_path)
    assert (clips.clips[0].human, clips.clips[0].tags, missing) == ("playing guitar", (), ())


def test_the_published_annotations_reach_every_clip(published: Path) -> None:
    for row in read_rows(published / "mimetics_v1.0.csv").rows:
        touch(published / "data" / f"{row.name}.mp4")
    clips, left_out = read_mimetics(published)
    assert (len(clips), left_out) == (713, ())
    counts = Counter(tag for clip in clips.clips for tag in clip.tags)
    assert (counts["object:yes"], counts["scene:yes"], counts["mime:yes"]) == (42, 69, 203)
    assert all(len(clip.tags) == 5 for clip in clips.clips)
    assert len(set(clips.clusters())) == 560


def test_another_csv_beside_the_published_one_is_not_taken_for_it(published: Path) -> None:
    (published / "mimetics_mcq.csv").write_text("full_path,label,choice_1\n")
    assert len(read_mimetics(published)[1]) == 713


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("#label object scene\narchery large\n", r"clsannot\.txt:2: 2 columns, expected 3"),
        ("", r"clsannot\.txt: an empty file"),
    ],
)
def test_an_annotation_that_is_cut_off_is_refused(published: Path, text: str, complaint: str) -> None:
    (published / "mimetics_v1.0_clsannot.txt").write_text(text)
    with pytest.raises(UserError, match=complaint):
        read_mimetics(published)


def test_an_absent_csv_is_asked_for_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected mimetics_v1\.0\.csv"):
        read_mimetics(tmp_path)
