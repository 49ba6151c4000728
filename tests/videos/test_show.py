"""What the model will see of a clip, as a picture."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets.errors import UserError
from videos.__main__ import main
from videos.clip import Clip, ClipSet
from videos.compose import ActionSwap
from videos.datasets.reading import LeftOut, Reading
from videos.decode import FramePolicy, FramesFolder
from videos.show import find_clip, parse_policy, picture
from videos.store import FrameStore


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SCENEPROOF_CACHE", str(tmp_path / "cache"))


def frames(folder: Path, level: int, count: int = 6, mode: str = "RGB", suffix: str = ".png") -> FramesFolder:
    folder.mkdir(parents=True)
    for number in range(count):
        pixels = np.full((40, 60), level + number, np.uint8)
        Image.fromarray(pixels).convert(mode).save(folder / f"{number + 1:06d}{suffix}")
    return FramesFolder(folder)


def a_reading(*ids: str) -> Reading:
    clips = tuple(Clip(name, "yoga", None, (name,), FramesFolder(Path(name))) for name in ids)
    return Reading(ClipSet("some", clips, ("yoga",)), (LeftOut("gone", "missing", "no such file"),), Path())


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("uniform:8", FramePolicy()),
        ("dense:4:224", FramePolicy(4, "dense", 224)),
        ("paper-8-112", FramePolicy(8, "paper", 112)),
    ],
)
def test_a_policy_is_sampling_frames_and_size(text: str, policy: FramePolicy) -> None:
    assert parse_policy(text) == policy


@pytest.mark.parametrize("text", ["", "uniform:x", "uniform:8:224:1", "uniform:0", "often:8", "uniform:8:0"])
def test_another_policy_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="expected"):
        parse_policy(text)


@pytest.mark.parametrize(
    ("wanted", "found"), [("a/1", "a/1"), ("b/1", "b/1"), ("1", "a/12"), ("a/12", "a/12")]
)
def test_a_clip_is_found_by_id_part_or_position(wanted: str, found: str) -> None:
    assert find_clip(a_reading("a/1", "a/12", "b/1"), wanted).id == found


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ("a", r"clip 'a': 2 clips are called so, a/1, a/12; give more of it"),
        ("gone", r"clip gone of some is left out \(missing\): no such file"),
        ("b/2", "clip 'b/2' is not in some, expected an id such as b/1"),
        ("7777", "clip '7777' is not in some, expected an id such as"),
    ],
)
def test_a_clip_that_is_not_found_is_told_with_the_next_step(wanted: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        find_clip(a_reading("a/1", "a/12", "b/1"), wanted)


def test_a_swap_is_shown_as_composed(tmp_path: Path) -> None:
    masks = frames(tmp_path / "seg" / "a", 0, mode="L")
    parts = (frames(tmp_path / "ori" / "a", 200), masks, frames(tmp_path / "inp" / "b", 50), masks)
    clip = Clip("hat/a+b", "a", "b", ("a", "b"), ActionSwap(*parts))
    image = np.asarray(picture(clip, FramePolicy(3), FrameStore(tmp_path / "store")))
    row = image[30, :, 0]
    assert [int(level) for level in row[34::64]] == [51, 53, 55]  # an empty mask leaves the scene alone


def test_the_command_writes_the_strip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames(tmp_path / "one", 100)
    (tmp_path / "clips.csv").write_text("clip,human,background,light\none,golf driving,surfing water,night\n")
    out = tmp_path / "strip.png"
    shown = ["show", "one", "--dataset", "folder", "--root", str(tmp_path), "--out", str(out)]
    assert main([*shown, "--policy", "uniform:3"]) == 0
    assert capsys.readouterr().out.startswith(f"{out}: 196x")
    with Image.open(out) as image:
        assert image.width == 3 * 60 + 4 * 4
        assert image.getpixel((34, 34)) == (101, 101, 101)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["two", "--dataset", "folder"], "clip 'two' is not in folder"),
        (["one", "--dataset", "folders"], "dataset 'folders' is unknown, expected hat:"),
        (["one", "--dataset", "folder", "--policy", "8"], "'8'"),
        (["one", "--dataset", "folder", "--out", "/nowhere/at/all.png"], "/nowhere/at/all.png"),
        (["one", "--dataset", "folder", "--out", "strip.nonsense"], "strip.nonsense: unknown file extension"),
    ],
)
def test_the_command_prints_one_line_of_complaint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    frames(tmp_path / "one", 100)
    (tmp_path / "clips.csv").write_text("clip,human,background\none,golf driving,\n")
    assert main(["show", *arguments, "--root", str(tmp_path)]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert complaint in printed
    assert printed.count("\n") == 1


def test_the_real_video_is_shown(shared_data: Path, tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text("clip,human,background\nfight,arm wrestling,\n")
    (tmp_path / "fight.mp4").symlink_to(shared_data / "video" / "two_people_arm_wrestling.mp4")
    out = tmp_path / "strip.png"
    shown = ["show", "0", "--dataset", "folder", "--root", str(tmp_path), "--policy", "uniform:4:84"]
    assert main([*shown, "--out", str(out)]) == 0
    with Image.open(out) as image:
        assert np.asarray(image)[20:80].std() > 20
