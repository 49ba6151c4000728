"""Cutting people out of a data set: modes, files, resumption, clips that fail."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

import people_world as world

from assets.errors import UserError
from videos.__main__ import main
from videos.clip import Clip
from videos.decode import FramesFolder
from videos.masks import run
from videos.masks.config import SegmentConfig, read_config
from videos.masks.cut import Search, cut_out, searched
from videos.masks.detectors import load_detector, overlap
from videos.masks.followers import Start, orders
from videos.masks.kept import SETTINGS, TABLE, find_masks, held, key_of, rows
from videos.views import view_of


def frames_of(*people: int, length: int = 6) -> np.ndarray:
    """Frames with the person in those of these numbers only."""
    empty = np.zeros((world.HIGH, world.WIDE), np.uint8)
    return np.stack([world.frame_of(world.mask_of(i) if i in people else empty) for i in range(length)])


def test_people_are_searched_in_several_frames_and_followed_both_ways() -> None:
    hands = world.Hands([])
    cut = cut_out(frames_of(2, 3, 4, 5), world.Eyes(), hands, Search(frames=3))
    assert (cut.status, cut.people) == ("kept", 1)
    assert cut.masks is not None
    assert [bool(mask.any()) for mask in cut.masks] == [False, False, True, True, True, True]
    assert len(hands.starts) == 1, "seen in two of the frames searched, followed once"
    assert hands.starts[0].backwards


def test_who_is_lost_and_found_again_is_one_person() -> None:
    class Forgetful(world.Hands):
        """Follows three frames from the start on."""

        def watch(self, frames: np.ndarray, detector: object) -> "Forgetful":
            self.frames = frames
            return self

        def follow(self, start: Start) -> np.ndarray:
            self.starts.append(start)
            masks = np.stack([world.there(frame) for frame in self.frames])
            masks[: start.index], masks[start.index + 3 :] = 0, 0
            return masks

    hands = Forgetful([])
    cut = cut_out(frames_of(*range(6)), world.Eyes(), hands, Search(frames=3))
    assert len(hands.starts) > 1
    assert cut.people == 1


def test_as_the_paper_did_only_the_first_frame_is_searched_and_nobody_gives_black() -> None:
    hands = world.Hands([])
    cut = cut_out(frames_of(2, 3, 4, 5), world.Eyes(), hands, Search("paper"))
    assert (cut.status, cut.people) == ("empty", 0)
    assert cut.masks is not None
    assert not cut.masks.any()
    assert hands.starts == []
    cut = cut_out(frames_of(*range(6)), world.Eyes(0.3), hands, Search("paper"))
    assert cut.status == "kept"
    assert hands.starts == [Start(0, (10.0, 12.0, 22.0, 40.0), backwards=False)]


def test_nobody_and_nobody_sure_enough_is_missing_not_black() -> None:
    for frames, eyes in ((frames_of(), world.Eyes()), (frames_of(*range(6)), world.Eyes(0.2))):
        cut = cut_out(frames, eyes, world.Hands([]), Search(least=0.4))
        assert (cut.status, cut.masks, cut.people) == ("missing", None, 0)


def test_frames_to_search_spread_over_the_clip_the_middle_first() -> None:
    assert searched(9, 3) == [4, 0, 8]
    assert searched(9, 1) == (4,)
    assert set(searched(2, 5)) == {0, 1}
    assert list(orders(Start(2, (0, 0, 1, 1)), 5)[1]) == [1, 0]
    assert len(orders(Start(2, (0, 0, 1, 1), backwards=False), 5)) == 1


def test_overlap_of_boxes() -> None:
    assert overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 1, 1), (5, 5, 6, 6)) == 0
    assert overlap((0, 0, 0, 0), (0, 0, 0, 0)) == 0


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    made = [
        world.a_clip(tmp_path, "yoga/one", masks=False),
        world.a_clip(tmp_path, "yoga/nobody", people=False, masks=False),
        world.a_clip(tmp_path, "golf/two", masks=False),
    ]
    return [Clip(f"hat/original/{source.path.name}", "yoga", None, ("x",), source) for source in made]


@pytest.fixture
def config(tmp_path: Path) -> SegmentConfig:
    return SegmentConfig(dataset="hat:original", out=str(tmp_path / "out"), human_only=True)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Start]:
    """Stand-ins for the networks; what they were asked."""
    starts: list[Start] = []
    monkeypatch.setattr(run, "backends", lambda text: (world.Eyes(), world.Hands(starts)))
    return starts


def test_masks_lie_as_hat_has_them_and_a_row_tells_of_each_clip(
    clips: list[Clip], config: SegmentConfig, asked: list[Start]
) -> None:
    seen: list[tuple[int, int]] = []
    found = run.segment(clips, config, lambda done, total: seen.append((done, total)))
    assert [row.status for row in found] == ["kept", "missing", "kept"]
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    out = Path(config.out)
    masks = FramesFolder(out / "seg" / "yoga" / "one").read_grey(range(6))
    assert (masks == np.stack([world.mask_of(i) for i in range(6)])).all()
    assert sorted(path.name for path in (out / "human" / "golf" / "two").iterdir())[0] == "000001.jpg"
    assert not (out / "seg" / "yoga" / "nobody").exists()
    assert found[0].covered == pytest.approx(masks.astype(bool).mean(), abs=1e-5)


def test_what_is_done_is_passed_over_and_what_failed_is_tried_again(
    clips: list[Clip], config: SegmentConfig, asked: list[Start]
) -> None:
    broken = clips[2].frames
    assert isinstance(broken, FramesFolder)
    whole = (broken.path / "000003.png").read_bytes()
    (broken.path / "000003.png").write_bytes(b"cut off")
    found = run.segment(clips, config)
    assert [row.status for row in found] == ["kept", "missing", "failed"]
    assert "000003.png" in found[2].detail
    (broken.path / "000003.png").write_bytes(whole)
    asked.clear()
    found = run.segment(clips, config)
    assert [row.status for row in found] == ["kept", "missing", "kept"]
    assert len(asked) == 1, "the failed one alone"
    with open(Path(config.out) / TABLE, encoding="utf-8") as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["kept", "missing", "failed", "kept"]


def test_a_table_cut_off_by_a_kill_loses_its_last_clip_only(
    clips: list[Clip], config: SegmentConfig, asked: list[Start]
) -> None:
    run.segment(clips, config)
    table = Path(config.out) / TABLE
    table.write_text(table.read_text(encoding="utf-8")[:-60].rpartition(",")[0], encoding="utf-8")
    assert len(rows(Path(config.out))) == 2
    asked.clear()
    found = run.segment(clips, config)
    assert [row.status for row in found] == ["kept", "missing", "kept"]
    assert len(asked) == 1
    assert list(rows(Path(config.out)).values()) == found, "the new row is a line of its own"
    table.write_text("clip,ident", encoding="utf-8")
    assert run.segment(clips[:1], config)[0].status == "kept"
    assert len(rows(Path(config.out))) == 1


def test_masks_that_are_gone_are_made_again_and_frames_that_are_wanted_now(
    clips: list[Clip], config: SegmentConfig, asked: list[Start]
) -> None:
    bare = config.model_copy(update={"human_only": False})
    run.segment(clips, bare)
    (Path(config.out) / "seg" / "yoga" / "one" / "000002.png").unlink()
    asked.clear()
    run.segment(clips, bare)
    assert len(asked) == 1
    assert (Path(config.out) / "seg" / "yoga" / "one" / "000002.png").exists()
    run.segment(clips, config)
    assert len(asked) == 3
    assert len(list((Path(config.out) / "human" / "golf" / "two").iterdir())) == 6


def test_masks_of_another_program_are_taken_from_files(
    clips: list[Clip], config: SegmentConfig, tmp_path: Path
) -> None:
    made = tmp_path / "theirs"
    small = [world.mask_of(i)[::2, ::2] for i in range(6)]
    world.write(made / "yoga" / "one", small)
    world.write(made / "yoga" / "nobody", [np.zeros((4, 4), np.uint8)] * 6)
    world.write(made / "golf" / "two", small[:5])
    theirs = config.model_copy(update={"files": str(made)})
    found = run.segment(clips, theirs)
    assert [(row.status, row.people) for row in found] == [("kept", 1), ("missing", 0), ("failed", 0)]
    assert "5 masks for 6 frames" in found[2].detail
    masks = find_masks(Path(config.out), clips[0].frames).read_grey(range(6))
    assert (masks == np.stack([world.mask_of(i) for i in range(6)])).all()
    with pytest.raises(UserError, match="made with other settings"):
        run.segment(clips, config)
    two = theirs.model_copy(update={"workers": 2, "out": str(tmp_path / "two")})
    told = [(row.clip, row.status, row.people, row.covered) for row in run.segment(clips, two)]
    assert told == [(row.clip, row.status, row.people, row.covered) for row in found]
    black = theirs.model_copy(update={"mode": "paper", "out": str(tmp_path / "paper")})
    assert run.segment(clips[1:2], black)[0].status == "empty"


def test_a_folder_is_written_by_one_process_and_masks_of_others_are_left_alone(
    clips: list[Clip], config: SegmentConfig, asked: list[Start], tmp_path: Path
) -> None:
    with held(Path(config.out)), pytest.raises(UserError, match="another process writes masks there"):
        run.segment(clips, config)
    world.write(tmp_path / "seg" / "yoga" / "one", [world.mask_of(0)])
    with pytest.raises(UserError, match="did not write; name another folder"):
        run.segment(clips, config.model_copy(update={"out": str(tmp_path)}))
    (Path(config.out) / SETTINGS).write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match=f"{SETTINGS}.*name another folder"):
        run.segment(clips, config)


def test_a_process_keeps_its_device(config: SegmentConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    two = config.model_copy(update={"devices": ("cuda:0", "cuda:1")})
    for number, device in ((0, "cuda:0"), (1, "cuda:1"), (2, "cuda:0")):
        monkeypatch.setattr(run, "worker_number", lambda number=number: number)
        told = SegmentConfig.model_validate_json(run._text(two))
        assert (told.detector.options["device"], told.follower.options["device"]) == (device, device)


def test_masks_of_other_settings_are_not_mixed_in(
    clips: list[Clip], config: SegmentConfig, asked: list[Start]
) -> None:
    run.segment(clips, config)
    with pytest.raises(UserError, match=r"made with other settings \(mode\); name another folder"):
        run.segment(clips, config.model_copy(update={"mode": "paper"}))


def test_views_find_masks_by_the_frames_they_were_made_of(
    clips: list[Clip], config: SegmentConfig, asked: list[Start]
) -> None:
    run.segment(clips, config)
    alone = view_of(clips[0].frames, "black", config.out).read([0])[0]
    assert (alone[world.mask_of(0) > 0] == world.PERSON).all()
    with pytest.raises(UserError, match="nobody was found in it"):
        view_of(clips[1].frames, "black", config.out)
    other = world.a_clip(Path(config.out), "yoga/other", length=5)
    with pytest.raises(UserError, match="segment its data set into it"):
        find_masks(Path(config.out), other)
    with pytest.raises(UserError, match=f"no {TABLE} in it"):
        find_masks(other.path, other)


def test_keys_are_hats_own_else_safe_and_distinct(clips: list[Clip]) -> None:
    assert key_of(clips[0]) == "yoga/one"
    odd = Clip("set/a b+c", "tai chi", None, ("x",), FramesFolder(Path("frames")))
    also = Clip("set/a_b+c", "tai chi", None, ("x",), FramesFolder(Path("frames")))
    assert key_of(odd).startswith("tai_chi/set_a_b+c-")
    assert key_of(odd) != key_of(also)


def test_the_command_tells_counts_and_fails_where_a_clip_did(
    clips: list[Clip], tmp_path: Path, asked: list[Start], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "segment.yaml"
    file.write_text(f"dataset: hat:original\nroot: {tmp_path}\nout: {tmp_path}/masks\n", encoding="utf-8")
    assert main(["segment", str(file)]) == 0
    assert "3 clips: 2 kept, 1 missing; 2 people" in capsys.readouterr().out
    (tmp_path / "ori" / "golf" / "two" / "000002.png").unlink()
    assert main(["segment", str(file)]) == 1
    assert "1 failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dataset: x\nout: y\ndetector: {name: yolo}", "detector.name.*known: yolox, transformers"),
        (
            "dataset: x\nout: y\nmod: paper",
            "one.yaml: unknown key mod; known keys: dataset, root, out, mode, ",
        ),
        (
            "dataset: x\nout: y\ndetector: {nam: x}",
            "unknown key detector.nam; known in detector: options, name",
        ),
        ("dataset: x", "one.yaml: out: Field required; see configs/segment.yaml"),
        ("[]", "no settings in it"),
        ("a: [", "expected a YAML file"),
    ],
)
def test_a_configuration_that_cannot_be_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "one.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=told):
        read_config(tmp_path / "one.yaml")


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--workers", "0"], "--workers: '0' is not possible; input should be greater than or equal to 1"),
        (["--clips", "-2"], "--clips: '-2' is not possible; input should be greater than or equal to 1"),
    ],
)
def test_a_flag_is_checked_as_the_files_field_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], told: str
) -> None:
    (tmp_path / "one.yaml").write_text(f"dataset: hat:original\nout: {tmp_path}/masks\nworkers: 0\n")
    assert main(["segment", str(tmp_path / "one.yaml"), "--workers", "1", *flags]) == 2
    assert f"error: {told}" in capsys.readouterr().err
    assert not (tmp_path / "masks").exists()


def test_a_flag_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("dataset: x\nout: y\nworkers: 0\n")
    config = read_config(tmp_path / "one.yaml", {"workers": 2, "out": "z", "clips": None})
    assert (config.workers, config.out, config.clips) == (2, "z", None)


def test_an_unknown_backend_or_option_names_what_is_known() -> None:
    with pytest.raises(UserError, match="expected one of: yolox, transformers, torchvision, ultralytics"):
        load_detector("yolo9", {})
    with pytest.raises(UserError, match="threat"):
        load_detector("yolox", {"threat": 1})


def test_the_example_configuration_is_one() -> None:
    example = Path(__file__).parents[3] / "configs" / "segment.yaml"
    assert read_config(example).follower.name == "onnx"
