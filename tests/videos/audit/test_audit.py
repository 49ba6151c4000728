"""Measures of masks on shapes whose answers are known, and the report of a data set."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

import people_world as world

from assets.errors import UserError
from videos.__main__ import main
from videos.audit.measures import alone, boundary, compared, iou
from videos.audit.pose import pose, pose_of
from videos.audit.report import groups, summary, worst
from videos.audit.run import audit
from videos.clip import Clip, Pixels
from videos.decode import FramesFolder
from videos.masks import run
from videos.masks.config import SegmentConfig
from videos.masks.detectors import Found


def square(top: int, left: int, side: int = 20, size: int = 80) -> np.ndarray:
    mask = np.zeros((size, size), np.bool_)
    mask[top : top + side, left : left + side] = True
    return mask


def test_iou_and_edges() -> None:
    assert iou(square(0, 0), square(0, 10)) == pytest.approx(1 / 3)
    nothing = np.zeros((80, 80), np.bool_)
    assert iou(nothing, nothing) == boundary(nothing, nothing) == 1
    assert boundary(square(20, 20), square(20, 20)) == 1
    assert boundary(square(20, 20), square(21, 20)) == 1, "a pixel off is near enough"
    assert boundary(square(20, 20), nothing) == 0
    assert 0.3 < boundary(square(20, 20), square(20, 25)) < 0.7, "two of four edges are at the same place"


def test_a_leak_counts_by_pixels_and_by_the_texture_it_lets_through() -> None:
    truth = np.stack([square(20, 20)])
    found = truth.copy()
    found[0, 20:40, 40:60] = True
    plain = np.full((1, 80, 80, 3), 90, np.uint8)
    net = plain.copy()
    net[0, :, 42:80:4] = 250
    assert compared(truth, truth, net).leak_pixels == 0
    assert compared(truth, truth, net).leak_texture == 0
    assert compared(found, truth, plain).leak_pixels == pytest.approx(0.5)
    assert compared(found, truth, plain).leak_texture == 0, "there is nothing to see on a plain wall"
    assert 0.05 < compared(found, truth, net).leak_texture < 0.3


def test_missed_people_and_lost_pixels() -> None:
    truth = np.stack([square(20, 20), square(20, 20), np.zeros((80, 80), np.bool_)])
    found = np.stack([square(20, 20), np.zeros((80, 80), np.bool_), np.zeros((80, 80), np.bool_)])
    told = compared(found, truth, np.zeros((3, 80, 80, 3), np.uint8))
    assert told.missed == pytest.approx(1 / 2)
    assert told.lost == pytest.approx(1 / 2)
    assert told.iou == pytest.approx(2 / 3)


def test_motion_is_no_flicker_and_changes_of_shape_are() -> None:
    moving = alone(np.stack([square(20, 10 + 4 * i) for i in range(5)]))
    assert moving.flicker == 0
    assert moving.speed == pytest.approx(4 / 20)
    assert (moving.empty, moving.pieces) == (0, 1)
    jumping = alone(np.stack([square(20, 20, 20 + 8 * (i % 2)) for i in range(5)]))
    assert jumping.flicker > 0.3
    two = alone(np.stack([square(10, 10) | square(50, 50)]))
    assert (two.pieces, two.speed) == (2, 0)


def test_what_no_frame_has_is_no_number() -> None:
    truth, nothing = np.stack([square(20, 20)]), np.zeros((1, 80, 80), np.bool_)
    told = compared(nothing, truth, np.zeros((1, 80, 80, 3), np.uint8))
    assert (told.missed, told.lost, told.iou, told.pieces_more) == (1, 1, 0, -1)
    assert np.isnan(told.leak_pixels)
    assert np.isnan(compared(truth, nothing, np.zeros((1, 80, 80, 3), np.uint8)).missed)


def test_poses_are_told_from_the_shape_of_the_largest_region() -> None:
    tall, flat = np.zeros((80, 80), np.bool_), np.zeros((80, 80), np.bool_)
    tall[10:70, 30:42], flat[40:52, 5:75] = True, True
    assert (pose_of(tall), pose_of(flat), pose_of(square(20, 20))) == ("upright", "lying", "compact")
    leaning = np.zeros((80, 80), np.bool_)
    for row in range(10, 70):
        leaning[row, row // 2 : row // 2 + 12] = True
    assert pose_of(leaning) == "upright"
    nobody = np.zeros((80, 80), np.bool_)
    beside = tall | square(0, 60, 10)
    assert pose(np.stack([nobody, beside, tall, flat])) == "upright"
    assert pose(np.stack([nobody])) == ""
    assert pose_of(np.eye(3, dtype=np.bool_)[:1]) == "compact", "a single pixel"


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    sources = [world.a_clip(tmp_path, f"yoga/{name}") for name in ("one", "two", "three")]
    world.a_clip(tmp_path, "yoga/bare", masks=False)
    return [Clip(f"hat/{source.path.name}", "yoga", None, ("x",), source) for source in sources]


def test_a_clip_without_masks_is_counted_and_the_worst_comes_first(tmp_path: Path, clips: list[Clip]) -> None:
    place = tmp_path / "seg" / "yoga" / "two"
    for path in place.iterdir():
        path.unlink()
    place.rmdir()
    world.write(place, [world.mask_of(i, wide=6 + 10 * (i % 2)) for i in range(6)])
    bare = Clip("bare", "yoga", None, ("x",), FramesFolder(tmp_path / "ori" / "yoga" / "bare"))
    found = audit([*clips, bare], None)
    assert (summary(found)["n"], summary(found)["failed"]) == (3, 1)
    assert "segment the clip" in found[-1].failure
    assert worst(found)[0].clip.id == "hat/two"
    assert next(name for name, _ in groups(found, "speed")) == "speed, lowest third"


def test_who_was_not_found_is_missed_and_not_left_out(
    tmp_path: Path, clips: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Squinting(world.Eyes):
        """Blind to the second clip."""

        def see(self, frame: Pixels, least: float) -> Sequence[Found]:
            return [] if frame[0, 0, 0] == 77 else super().see(frame, least)

    hidden = [world.frame_of(world.mask_of(i)) for i in range(6)]
    for number, frame in enumerate(hidden, 1):
        frame[0, 0, 0] = 77
        world.Image.fromarray(frame).save(tmp_path / "ori" / "yoga" / "two" / f"{number:06d}.png")
    monkeypatch.setattr(run, "backends", lambda text: (Squinting(), world.Hands([])))
    out = str(tmp_path / "found")
    rows = run.segment(clips, SegmentConfig(dataset="hat:original", out=out))
    assert [row.status for row in rows] == ["kept", "missing", "kept"]
    found = audit(clips, out)
    told = summary(found)
    assert (told["n"], told["missing"], told["failed"], told["with_truth"]) == (2, 1, 0, 3)
    assert told["missed"] == pytest.approx(1 / 3)
    assert told["iou"] == pytest.approx(2 / 3)
    assert (told["leak_pixels"], told["empty"], told["people"]) == (0, 0, 2 / 3)
    assert summary(audit(clips, out, truth=False))["with_truth"] == 0
    assert [name for name, _ in groups(found, "pose")] == ["upright"]
    assert repr(audit(clips, out, workers=2)) == repr(found)  # NaN equals nothing


def test_a_truth_that_does_not_fit_its_frames_fails_and_is_not_passed_over(
    tmp_path: Path, clips: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "backends", lambda text: (world.Eyes(), world.Hands([])))
    out = str(tmp_path / "found")
    run.segment(clips, SegmentConfig(dataset="hat:original", out=out))
    (tmp_path / "seg" / "yoga" / "one" / "000006.png").unlink()
    told = audit(clips, out)[0]
    assert "5 masks for 6 frames" in told.failure
    assert told.compared is None


def test_the_command_writes_a_page_with_pictures_against_the_truth(
    tmp_path: Path, clips: list[Clip], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "backends", lambda text: (world.Eyes(), world.Hands([])))
    file, out = tmp_path / "segment.yaml", tmp_path / "found"
    file.write_text(f"dataset: hat:original\nroot: {tmp_path}\nout: {out}\n", encoding="utf-8")
    assert main(["segment", str(file)]) == 0
    page = tmp_path / "audit.html"
    flags = ["--dataset", "hat:original", "--root", str(tmp_path), "--out", str(page)]
    assert main(["audit-masks", str(out), *flags]) == 0
    told = capsys.readouterr().out
    assert "iou  100.0 %" in told
    assert "leak pixels  0.0 %" in told
    text = page.read_text(encoding="utf-8")
    assert text.count("data:image/png;base64") == 4
    assert "<script" not in text
    table = (tmp_path / "audit.csv").read_text(encoding="utf-8").splitlines()
    assert len(table) == 5
    assert table[0].startswith("clip,people,missing,failure,pose,iou,boundary,leak_pixels")
    main(["audit-masks", str(out), *flags, "--segmented"])
    assert "audit.html: 4 clips" in capsys.readouterr().out
    table = out / "segmented.csv"
    table.write_text(table.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    assert main(["audit-masks", str(out), *flags, "--segmented"]) == 2
    assert "leave out --segmented" in capsys.readouterr().err
    assert main(["audit-masks", str(tmp_path / "nowhere"), *flags]) == 2
    assert "no such folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--clips", "0"], "--clips 0, expected at least 1"),
        (["--clips", "-2"], "--clips -2, expected at least 1"),
        (["--workers", "0"], "--workers 0, expected at least 1"),
        (["--segmented"], "--segmented without MASKS, expected a folder"),
    ],
)
def test_flags_that_cannot_be_are_told_before_any_clip_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], flags: list[str], told: str
) -> None:
    monkeypatch.setattr("videos.datasets.load", lambda *_: pytest.fail("work was begun"))
    assert main(["audit-masks", "--dataset", "hat:original", *flags]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {told}")
    assert error.count("\n") == 1


def test_a_page_that_cannot_be_written_is_told(tmp_path: Path, clips: list[Clip]) -> None:
    from videos.audit.report import write

    with pytest.raises(UserError, match="name another file with --out"):
        write(audit(clips, None), None, "masks", tmp_path / "absent" / "page.html")
