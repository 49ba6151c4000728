"""One name opens each dataset; what is missing is counted, never fatal."""

from pathlib import Path

import pytest

from assets.errors import UserError
from videos.datasets import MissingClipsWarning, load

CSV = (
    "label,youtube_id,time_start,time_end,split\narchery,aaaaaaaaaaa,0,10,val\nbowling,bbbbbbbbbbb,0,10,val\n"
)


def a_kinetics(root: Path, names: list[str]) -> Path:
    (root / "val").mkdir()
    (root / "val.csv").write_text(CSV)
    for name in names:
        (root / "val" / f"{name}.mp4").write_bytes(b"video")
    return root


@pytest.mark.parametrize("name", ["", "hat", "hat:", "kinetics", "mimetics:val", "k400:val", "mini"])
def test_an_unknown_dataset_lists_the_known_ones(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is unknown, expected hat:.*kinetics:.*mimetics"):
        load(name, tmp_path)


def test_an_absent_root_says_what_it_should_be(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected the root of hat"):
        load("hat:rand_1", tmp_path / "nowhere")


def test_a_whole_set_loads_in_silence(tmp_path: Path) -> None:
    clips = load("kinetics:val", a_kinetics(tmp_path, ["aaaaaaaaaaa", "bbbbbbbbbbb"]))
    assert (clips.name, len(clips)) == ("kinetics:val", 2)


def test_missing_clips_are_counted_in_a_warning(tmp_path: Path) -> None:
    with pytest.warns(MissingClipsWarning, match=r"1 of 2 clips have no files .*bbbbbbbbbbb_000000_000010"):
        clips = load("kinetics:val", str(a_kinetics(tmp_path, ["aaaaaaaaaaa"])))
    assert [clip.human for clip in clips.clips] == ["archery"]


def test_a_set_without_any_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no files for any of the 2 clips"):
        load("kinetics:val", a_kinetics(tmp_path, []))
