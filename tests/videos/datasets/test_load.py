"""One name opens each dataset; what is missing is counted, never fatal."""

from pathlib import Path

import pytest

from assets.errors import UserError
from videos.datasets import READERS, MissingClipsWarning, load, read

CSV = (
    "label,youtube_id,time_start,time_end,split\narchery,aaaaaaaaaaa,0,10,val\nbowling,bbbbbbbbbbb,0,10,val\n"
)


def a_kinetics(root: Path, names: list[str]) -> Path:
    (root / "val").mkdir()
    (root / "val.csv").write_text(CSV)
    for name in names:
        (root / "val" / f"{name}.mp4").write_bytes(b"video")
    return root


@pytest.mark.parametrize(
    "name", ["", "hat", "hat:", "kinetics", "mimetics:val", "k400:val", "mini", "kinetics50"]
)
def test_an_unknown_dataset_lists_the_known_ones(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is unknown, expected hat:.*kinetics:.*mimetics.*folder\["):
        load(name, tmp_path)


def test_an_absent_root_says_what_it_should_be(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected the root of hat"):
        load("hat:rand_1", tmp_path / "nowhere")


def test_a_whole_set_loads_in_silence(tmp_path: Path) -> None:
    clips = load("kinetics:val", a_kinetics(tmp_path, ["aaaaaaaaaaa", "bbbbbbbbbbb"]))
    assert (clips.name, len(clips)) == ("kinetics:val", 2)


def test_missing_clips_are_counted_in_a_warning(tmp_path: Path) -> None:
    told = r"1 of 2 clips are left out \(1 missing\), bbbbbbbbbbb_000000_000010"
    with pytest.warns(MissingClipsWarning, match=told):
        clips = load("kinetics:val", str(a_kinetics(tmp_path, ["aaaaaaaaaaa"])))
    assert [clip.human for clip in clips.clips] == ["archery"]


def test_a_set_without_any_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no files for any of the 2 clips"):
        load("kinetics:val", a_kinetics(tmp_path, []))


def test_a_root_that_holds_several_sets_is_looked_into(tmp_path: Path) -> None:
    (tmp_path / "kinetics").mkdir()
    a_kinetics(tmp_path / "kinetics", ["aaaaaaaaaaa", "bbbbbbbbbbb"])
    assert len(load("kinetics:val", tmp_path)) == len(load("kinetics50:val", tmp_path)) == 2


def test_a_file_for_a_root_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="file: is no folder, expected the root of mimetics"):
        load("mimetics", tmp_path / "file")


def test_what_was_left_out_can_be_read_without_a_warning(tmp_path: Path) -> None:
    reading = read("kinetics:val", a_kinetics(tmp_path, ["aaaaaaaaaaa"]))
    assert (len(reading), len(reading.clips)) == (2, 1)
    assert [(row.clip, row.reason) for row in reading.left_out] == [("bbbbbbbbbbb_000000_000010", "missing")]


def test_every_reader_is_named_once_and_knows_what_follows_the_colon() -> None:
    assert {name: (reader.takes(""), reader.takes("x")) for name, reader in READERS.items()}.items() >= {
        "hat": (False, True),
        "kinetics": (False, True),
        "kinetics50": (False, True),
        "mimetics": (True, False),
        "folder": (True, True),
    }.items()
