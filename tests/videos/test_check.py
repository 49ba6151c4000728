"""What of a data set can be used: every clip is counted once, whatever is the matter with it."""

import csv
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from videos import check as module
from videos.__main__ import main
from videos.check import COLUMNS, STATUSES, Finding, check, write
from videos.clip import Clip, ClipSet, SourceInfo
from videos.datasets import READERS
from videos.datasets.reading import Reader
from videos.decode import FramePolicy
from videos.mini.write import write_video

GOOD, BROKEN, SHORT, GONE, TWIN = "good", "broken.mp4", "short", "gone.mp4", "twin"


def frames(folder: Path, count: int, level: int) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        Image.fromarray(np.full((8, 8, 3), level + number, np.uint8)).save(folder / f"{number + 1:06d}.png")


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """One clip of every kind."""
    root = tmp_path / "mixed"
    frames(root / GOOD, 8, 0)
    frames(root / TWIN, 8, 0)
    frames(root / SHORT, 3, 100)
    (root / BROKEN).write_bytes(b"no video at all")
    labels = {GOOD: "yoga", TWIN: "yoga", SHORT: "yoga", BROKEN: "yoga", GONE: "yoga", "other": "yogurt"}
    rows = [f"{clip},{label}," for clip, label in labels.items()]
    (root / "clips.csv").write_text("\n".join(["clip,human,background", *rows, f"{GOOD},yoga,", ",yoga,"]))
    (root / "classes.txt").write_text("yoga\nzumba\n")
    return root


def run(*arguments: str | Path) -> int:
    return main(["check", *map(str, arguments)])


def listed(path: Path) -> list[tuple[str, ...]]:
    with open(path, newline="", encoding="utf-8") as file:
        return [tuple(row) for row in csv.reader(file)]


def test_every_row_has_one_status(mixed: Path) -> None:
    checked = check("folder", mixed, [FramePolicy(8)])
    statuses = {finding.clip: finding.status for finding in checked.findings}
    assert len(checked.findings) == 8
    assert [checked.counts[status] for status in STATUSES] == [1, 1, 2, 1, 1, 2]
    assert statuses["folder/twin"] == "duplicated"
    assert statuses["folder/short"] == "too short"
    assert statuses["folder/broken.mp4"] == "unreadable"
    assert statuses[GONE] == "missing"
    assert statuses["other"] == "unknown class"
    assert checked.share == 1 / 8


def test_fewer_frames_are_enough_where_fewer_are_asked_for(mixed: Path) -> None:
    assert check("folder", mixed, [FramePolicy(3)]).counts["too short"] == 0


def test_a_clip_must_do_for_every_target(mixed: Path) -> None:
    checked = check("folder", mixed, [FramePolicy(3), FramePolicy(9)])
    assert checked.counts["too short"] == 3
    details = [finding.detail for finding in checked.findings if finding.clip == "folder/short"]
    assert details == ["3 frames, expected 9 or more"]


def test_a_view_that_needs_masks_is_not_checked_as_if_it_needed_none(tmp_path: Path) -> None:
    frames(tmp_path / "clip", 9, 0)
    (tmp_path / "clips.csv").write_text("clip,human,background\nclip,yoga,\n")
    (finding,) = check("folder", tmp_path, [FramePolicy(8), FramePolicy(8, view="black")]).findings
    assert finding.status == "unreadable"
    assert "no person masks beside it" in finding.detail


def test_damage_inside_is_found_by_decoding(tmp_path: Path) -> None:
    frames(tmp_path / "clip", 9, 0)
    (tmp_path / "clip" / "000004.png").write_bytes((tmp_path / "clip" / "000004.png").read_bytes()[:40])
    (tmp_path / "clips.csv").write_text("clip,human,background\nclip,yoga,\n")
    assert check("folder", tmp_path, [FramePolicy(9)]).counts["present"] == 1
    (finding,) = check("folder", tmp_path, [FramePolicy(9)], decoded=True).findings
    assert finding.status == "unreadable"
    assert "000004.png: not a whole image" in finding.detail


def test_videos_are_opened_and_a_cut_one_is_found(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (12, 192, 192, 3), np.uint8)
    write_video(tmp_path / "whole.mp4", pixels)
    (tmp_path / "cut.mp4").write_bytes((tmp_path / "whole.mp4").read_bytes()[:5000])
    (tmp_path / "clips.csv").write_text("clip,human,background\nwhole.mp4,yoga,\ncut,yoga,\n")
    checked = check("folder", tmp_path, [FramePolicy(8)], decoded=True)
    assert [finding.status for finding in checked.findings] == ["present", "unreadable"]


ACTS: dict[str, Callable[[], object]] = {
    "fine": partial(SourceInfo, 10, 10.0),
    "well": partial(SourceInfo, 9, 10.0),
    "raise": partial(divmod, 1, 0),
    "hang": partial(time.sleep, 60),
    "crash": partial(os._exit, 9),
}


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A data set of sources that do what damaged files make decoders do."""

    def register(*acts: str) -> None:
        sources: list[Any] = [SimpleNamespace(info=ACTS[act], identity=partial(str, act)) for act in acts]
        clips = [Clip(act, "yoga", None, (act,), source) for act, source in zip(acts, sources, strict=True)]
        reader = Reader(lambda root, part: (ClipSet("hostile", tuple(clips), ("yoga",)), ()), "", "hostile")
        monkeypatch.setitem(READERS, "hostile", reader)

    return register


def test_a_file_that_crashes_or_upsets_the_decoder_costs_itself(
    hostile: Callable[..., None], tmp_path: Path
) -> None:
    hostile("fine", "crash", "raise", "well")
    findings = check("hostile", tmp_path, [FramePolicy(8)]).findings
    assert [finding.status for finding in findings] == ["present", "unreadable", "unreadable", "present"]
    assert "(exit 9), twice" in findings[1].detail
    assert "zero" in findings[2].detail


def test_a_file_that_hangs_costs_itself(hostile: Callable[..., None], tmp_path: Path) -> None:
    hostile("hang")
    (finding,) = check("hostile", tmp_path, [FramePolicy(8)], seconds=0.2).findings
    assert finding == Finding("hang", "unreadable", "looking at it took more than 0.2 s, twice")


def test_a_set_that_cannot_be_opened_is_told_and_costs_itself(
    mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "list.csv"
    status = run(
        "--dataset", "folder", "--dataset", "mimetics", "--root", mixed, "--least", "0.1", "--out", out
    )
    printed = capsys.readouterr().out
    assert status == 1
    assert "mimetics: " in printed
    assert "expected mimetics_v1.0.csv" in printed
    assert "too few: mimetics below 10 %" in printed
    assert listed(out)[-1][:3] == ("mimetics", "", "unreadable")


def test_the_exit_status_tells_whether_the_share_is_reached(
    mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--dataset", "folder", "--root", mixed, "--out", tmp_path / "list.csv")
    assert run(*where) == 1
    assert "too few: folder below 100 % (--least 1)" in capsys.readouterr().out
    assert run(*where, "--least", "0.125") == 0
    assert "enough: every data set has 12.5 % of its clips or more" in capsys.readouterr().out


def test_the_list_names_what_cannot_be_used_or_everything(mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    run("--dataset", "folder", "--root", mixed, "--out", out)
    head, *rows = listed(out)
    assert tuple(head) == COLUMNS
    assert len(rows) == 7
    assert ("folder", GONE, "missing", f"no such file: {mixed / GONE}") in rows
    run("--dataset", "folder", "--root", mixed, "--out", out, "--all")
    assert len(listed(out)) == 1 + 8


def test_a_configuration_says_what_to_check(
    mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "data: {{root: {}, swap: folder, mimetics: none, kinetics: null, agreement: null}}\n"
    frame_count = "target: {frames: {count: 3}}\n"
    (tmp_path / "run.yaml").write_text(text.format(mixed) + frame_count)
    assert run(tmp_path / "run.yaml", "--out", tmp_path / "list.csv", "--least", "0.25") == 0
    assert run(tmp_path / "run.yaml", "--out", tmp_path / "list.csv", "--least", "0.25", "--frames", "8") == 1
    assert "folder" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "give a CONFIG or --dataset"),
        (("run.yaml", "--dataset", "folder"), "give a CONFIG or --dataset"),
        (("nowhere.yaml",), "nowhere.yaml: No such file"),
        (("--dataset", "folder", "--least", "90"), "--least 90, expected a share from 0 to 1"),
        (("--dataset", "folder", "--frames", "0"), "frames: 0 is too few"),
        (("--dataset", "folder", "--out", "/nowhere/list.csv"), "/nowhere: no such folder"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line_before_any_work(
    arguments: tuple[str, ...],
    complaint: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "check", lambda *_: pytest.fail("work was begun"))
    assert run(*arguments) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert complaint in printed
    assert printed.count("\n") == 1


def test_a_list_that_cannot_be_written_is_told(
    mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--dataset", "folder", "--root", mixed, "--out", tmp_path) == 2
    assert "Is a directory; name another file with --out" in capsys.readouterr().err


def test_writing_counts_the_rows(mixed: Path, tmp_path: Path) -> None:
    assert write([check("folder", mixed, [FramePolicy(8)])], tmp_path / "list.csv") == 7


def test_many_clips_are_looked_at_in_several_processes_and_told_as_they_come(tmp_path: Path) -> None:
    for number in range(50):
        frames(tmp_path / f"clip {number}", 8, number)
    rows = [f"clip {number},yoga," for number in range(50)]
    (tmp_path / "clips.csv").write_text("\n".join(["clip,human,background", *rows]))
    told: list[tuple[int, int]] = []
    checked = check("folder", tmp_path, [FramePolicy(8)], workers=2, progress=lambda *done: told.append(done))
    assert checked.share == 1
    assert told == [(number, 50) for number in range(1, 51)]
    assert [finding.clip for finding in checked.findings] == [f"folder/clip {number}" for number in range(50)]


def test_the_published_annotations_are_counted_row_by_row(shared_data: Path) -> None:
    counts = {
        name: check(name, shared_data, [FramePolicy(8)]).counts for name in ("mimetics", "kinetics:val")
    }
    assert counts == {"mimetics": {"missing": 713}, "kinetics:val": {"missing": 996}}


def test_names_are_printed_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.csv").write_text("label,youtube_id,time_start,time_end\nyoga,[red]aaaaaaa,0,10\n")
    assert run("--dataset", "kinetics:train", "--root", tmp_path, "--out", tmp_path / "list.csv") == 1
    assert "\nkinetics:train: missing: [red]aaaaaaa_000000_000010: no video" in capsys.readouterr().out
