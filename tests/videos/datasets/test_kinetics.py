"""Kinetics is read in the layouts people have it in."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from assets.errors import UserError
from videos.datasets.annotations import read_rows
from videos.datasets.kinetics import read_kinetics, read_kinetics50
from videos.datasets.kinetics50 import KINETICS_50, KINETICS_400_INDEX
from videos.datasets.kinetics400 import KINETICS_400
from videos.datasets.reading import LeftOut
from videos.datasets.unpickle import load_plain
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


def names_of(left_out: Sequence[LeftOut | str], reason: str) -> list[str]:
    return [row.clip for row in left_out if isinstance(row, LeftOut) and row.reason == reason]


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
        "val/{name}.MP4",
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
    assert names_of(missing, "missing") == NAMES[1:]


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
    (row,) = read_kinetics(tmp_path, "val")[1]
    assert isinstance(row, LeftOut)
    assert (row.clip, row.reason) == (NAMES[2], "missing")
    assert row.detail.endswith(f"{NAMES[2]}.mp4 is empty")


def test_classes_are_those_annotated_even_where_no_clip_is_there(tmp_path: Path) -> None:
    annotate(tmp_path / "annotations" / "val.csv")
    touch(tmp_path / "val" / f"{NAMES[0]}.mp4")
    assert len(read_kinetics(tmp_path, "val")[0].classes) == 3


def test_an_unknown_split_and_absent_annotations_say_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected one of train, val, test"):
        read_kinetics(tmp_path, "dev")
    with pytest.raises(UserError, match=r"expected annotations/train\.csv"):
        read_kinetics(tmp_path, "train")


def test_seconds_in_file_names_need_no_zeros(tmp_path: Path) -> None:
    annotate(tmp_path / "val.csv")
    touch(tmp_path / "val" / "aaaaaaaaaaa_3_13.mp4", tmp_path / "val" / "bbb-bbb_bbb_7_17.mp4")
    clips, missing = read_kinetics(tmp_path, "val")
    assert [clip.id for clip in clips.clips] == [f"kinetics/archery/{NAMES[0]}"]
    assert names_of(missing, "missing") == NAMES[1:]  # the same video, other seconds


def test_class_folders_may_be_links_even_in_circles(tmp_path: Path) -> None:
    annotate(tmp_path / "root" / "val.csv")
    touch(*(tmp_path / "disk" / f"{name}.mp4" for name in NAMES))
    (tmp_path / "root" / "val").mkdir()
    (tmp_path / "root" / "val" / "archery").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "back").symlink_to(tmp_path / "root" / "val")
    assert len(read_kinetics(tmp_path / "root", "val")[0]) == 3


def test_a_whole_video_is_not_taken_for_each_of_two_clips_cut_from_it(tmp_path: Path) -> None:
    (tmp_path / "val.csv").write_text(
        f"{HEAD}\narchery,aaaaaaaaaaa,3,13,val\narchery,aaaaaaaaaaa,20,30,val\n"
    )
    touch(tmp_path / "val" / "aaaaaaaaaaa.mp4")
    clips, missing = read_kinetics(tmp_path, "val")
    assert len(clips) == 0
    assert all("not cut into its 2 clips" in str(row) for row in missing)


def test_hats_frames_serve_as_kinetics_without_their_masks_and_emptied_scenes(tmp_path: Path) -> None:
    annotate(tmp_path / "val.csv")
    for folder in ("inp", "ori", "seg"):
        touch(*(tmp_path / folder / "archery" / name / "000001.jpg" for name in NAMES))
    clips = read_kinetics(tmp_path, "val")[0].clips
    assert [clip.frames.path.parts[-3] for clip in clips] == ["ori"] * 3  # type: ignore[attr-defined]


def test_rows_of_another_split_are_not_this_ones_and_rows_of_none_are_told(tmp_path: Path) -> None:
    lines = ["archery,aaaaaaaaaaa,0,9,train", "archery,bbbbbbbbbbb,0,9,Val", "archery,ccccccccccc,0,9,valid"]
    (tmp_path / "val.csv").write_text("\n".join([HEAD, *lines]))
    touch(*(tmp_path / "val" / f"{letter * 11}_000000_000009.mp4" for letter in "abc"))
    clips, left_out = read_kinetics(tmp_path, "val")
    assert [clip.sources for clip in clips.clips] == [("b" * 11,)]
    assert names_of(left_out, "unreadable") == ["ccccccccccc_000000_000009"]
    assert "split 'valid', expected train, val, test" in str(left_out)


def test_the_same_row_twice_is_one_clip_and_one_count(tmp_path: Path) -> None:
    row = "archery,aaaaaaaaaaa,3,13,val"
    (tmp_path / "val.csv").write_text("\n".join([HEAD, row, row, "yoga,aaaaaaaaaaa,3,13,val"]))
    touch(tmp_path / "val" / f"{NAMES[0]}.mp4")
    clips, left_out = read_kinetics(tmp_path, "val")
    assert [clip.human for clip in clips.clips] == ["archery"]
    assert names_of(left_out, "duplicated") == [NAMES[0]] * 2
    assert "says 'yoga'" in str(left_out)


def test_a_label_that_is_no_class_is_told_with_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "val.csv").write_text(f"{HEAD}\narchry,aaaaaaaaaaa,3,13,val\n")
    touch(tmp_path / "val" / f"{NAMES[0]}.mp4")
    clips, left_out = read_kinetics(tmp_path, "val")
    assert (len(clips), names_of(left_out, "unknown class")) == (0, [NAMES[0]])
    assert "none of the 400 of Kinetics-400; did you mean 'archery'?" in str(left_out)


def test_classes_of_ones_own_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "val.csv").write_text(f"{HEAD}\nmoon_walking,aaaaaaaaaaa,3,13,val\n")
    (tmp_path / "classes.txt").write_text("Moon walking\n")
    touch(tmp_path / "val" / f"{NAMES[0]}.mp4")
    assert read_kinetics(tmp_path, "val")[0].clips[0].human == "Moon walking"


def test_one_bad_row_costs_itself_alone(tmp_path: Path) -> None:
    (tmp_path / "val.csv").write_text(f"{HEAD}\narchery,bbbbbbbbbbb,x,13,val\narchery,aaaaaaaaaaa,3,13,val\n")
    touch(tmp_path / "val" / f"{NAMES[0]}.mp4")
    clips, left_out = read_kinetics(tmp_path, "val")
    assert (len(clips), names_of(left_out, "unreadable")) == (1, [f"{tmp_path / 'val.csv'}:2"])


def test_the_50_classes_are_those_mimetics_mimes_with_kinetics_indices(shared_data: Path) -> None:
    mimed = {row.label for row in read_rows(shared_data / "mimetics" / "mimetics_v1.0.csv").rows}
    assert mimed == set(KINETICS_50.classes)
    assert len(KINETICS_400_INDEX) == 50
    assert all(KINETICS_400.classes[index] == name for name, index in KINETICS_400_INDEX.items())


def test_the_400_classes_are_in_the_published_order(shared_data: Path) -> None:
    published: dict[int, str] = {}
    for path in (shared_data / "hat").glob("*.pickle"):
        pairs = load_plain(path)
        assert isinstance(pairs, dict)
        published.update((index, scene.partition("/")[0]) for scene, _, index in pairs.values())
    assert tuple(published[index] for index in range(400)) == KINETICS_400.classes
    assert sorted(KINETICS_400.classes) == list(KINETICS_400.classes)


def test_kinetics_50_is_the_part_of_kinetics_in_those_classes(tmp_path: Path) -> None:
    lines = ["archery,aaaaaaaaaaa,3,13,val", "yoga,bbbbbbbbbbb,3,13,val", "archry,ccccccccccc,3,13,val"]
    (tmp_path / "val.csv").write_text("\n".join([HEAD, *lines]))
    touch(*(tmp_path / "val" / f"{letter * 11}_000003_000013.mp4" for letter in "abc"))
    clips, left_out = read_kinetics50(tmp_path, "val")
    assert [clip.id for clip in clips.clips] == ["kinetics/archery/aaaaaaaaaaa_000003_000013"]
    assert (clips.name, len(clips.classes)) == ("kinetics50:val", 50)
    assert names_of(left_out, "unknown class") == ["ccccccccccc_000003_000013"]


def test_the_published_validation_list_is_read(shared_data: Path, tmp_path: Path) -> None:
    published = shared_data / "kinetics" / "kinetics_val_every_20th.csv"
    rows = read_rows(published).rows
    assert len(rows) == 996
    assert rows[0].name == "0wR5jVB-WPk_000417_000427"
    (tmp_path / "kinetics_val_every_20th.csv").write_bytes(published.read_bytes())
    touch(tmp_path / "val" / f"{rows[0].name}.mp4")
    clips, missing = read_kinetics(tmp_path, "val")
    assert [clip.human for clip in clips.clips] == ["abseiling"]
    assert len(names_of(missing, "missing")) == 995
    assert clips.classes == KINETICS_400.classes


def test_the_published_validation_list_holds_121_clips_of_the_50(shared_data: Path, tmp_path: Path) -> None:
    shutil.copy(shared_data / "kinetics" / "kinetics_val_every_20th.csv", tmp_path)
    clips, missing = read_kinetics50(tmp_path, "val")
    assert (len(clips), len(missing), len(clips.classes)) == (0, 121, 50)
