"""The paper's pairs keep their items, their five choices and the order of these."""

import csv
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets.errors import UserError
from videos.compose import ActionSwap, UnalignedSwap
from videos.datasets import load, read
from videos.datasets.swap2485 import read_swap2485
from videos.decode import FramesFolder
from vllm_eval.questions.mcq5 import Mcq5

A, B = "aaaaaaaaaaa_000001_000003", "bbbbbbbbbbb_000010_000012"
PAIR = f"sample_000000_reading book_to_archery_{A}_bg_{B}"
CHOICES = ["bowling", "archery", "golf driving", "reading book", "writing"]
NUMBERED = ",".join(f"choice_{number}" for number in range(1, 6))
HEADER = f"pair,human_label,background_label,{NUMBERED},human_choice,background_choice"


def row(pair: str = PAIR, choices: list[str] = CHOICES, human: str = "4", background: str = "2") -> str:
    return ",".join([pair, "reading book", "archery", *choices, human, background])


def write(root: Path, *rows: str, header: str = HEADER) -> Path:
    root.mkdir(exist_ok=True)
    (root / "pairs_mcq.csv").write_text("\n".join([header, *rows]) + "\n")
    return root


def write_frames(folder: Path, level: int, suffix: str = ".jpg") -> None:
    folder.mkdir(parents=True)
    for number in range(1, 5):
        Image.fromarray(np.full((20, 30), level, np.uint8)).save(folder / f"{number:06d}{suffix}")


def write_hat(root: Path) -> None:
    for name in (f"reading book/{A}", f"archery/{B}"):
        write_frames(root / "ori" / name, 200)
        write_frames(root / "seg" / name, 100, ".png")
        write_frames(root / "inp" / name, 50)


def test_stored_frames_are_taken_as_they_are(tmp_path: Path) -> None:
    write_frames(write(tmp_path, row()) / "frames" / PAIR, 90)
    clips, left_out = read_swap2485(tmp_path)
    (clip,) = clips.clips
    assert left_out == ()
    assert (clip.id, clip.human, clip.background) == (f"swap2485/{PAIR}", "reading book", "archery")
    assert clip.sources == (f"reading book/{A}", f"archery/{B}")
    assert clip.frames == FramesFolder(tmp_path / "frames" / PAIR)
    assert clip.choices == tuple(CHOICES)


@pytest.mark.parametrize("place", ["swap2485", "swap2485/kinetics400", "hat", "hat/kinetics400"])
def test_without_stored_frames_they_are_composed_by_the_papers_rules(tmp_path: Path, place: str) -> None:
    root = write(tmp_path / "swap2485", row())
    write_hat(tmp_path / place)
    (clip,) = load("swap2485", tmp_path).clips
    assert isinstance(clip.frames, UnalignedSwap)
    assert clip.frames.read((0,))[0, 0, 0, 0] == int(200 * (100 / 255) + 50 * (1 - 100 / 255))
    (aligned,) = load("swap2485:hat", tmp_path).clips
    assert isinstance(aligned.frames, ActionSwap)
    assert aligned.id == f"{clip.id}@hat"
    assert read_swap2485(root, "paper")[0].clips == (clip,)


def test_the_question_offers_the_choices_in_the_papers_order_whatever_the_seed(tmp_path: Path) -> None:
    write_frames(write(tmp_path, row()) / PAIR, 90)
    clips = load("swap2485", tmp_path)
    for seed in range(3):
        question = Mcq5(seed).ask("What?", clips.clips[0], clips.classes)
        assert question.labels == tuple(CHOICES)
        assert question.text == "What?\nA. bowling\nB. archery\nC. golf driving\nD. reading book\nE. writing"


def test_the_papers_own_column_names_and_paths_are_understood(tmp_path: Path) -> None:
    header = HEADER.replace("pair", "action_swap_path").replace("human_label", "label_A")
    write(tmp_path, row(f"/n/fs/authors/{PAIR}/"), header=header.replace("background_label", "label_B"))
    write_frames(tmp_path / PAIR, 90)
    assert [clip.id for clip in load("swap2485", tmp_path).clips] == [f"swap2485/{PAIR}"]


@pytest.mark.parametrize(
    ("broken", "reason", "said"),
    [
        (row(human="2"), "unreadable", r"csv:2: human_choice '2' is not 'reading book'; expected its number"),
        (row(background="6"), "unreadable", "background_choice '6' is not 'archery'"),
        (row(background=""), "unreadable", "background_choice '' is not 'archery'"),
        (row(choices=[*CHOICES[:4], "archery"]), "unreadable", "expected five different labels"),
        (row(choices=[*CHOICES[:4], ""]), "unreadable", "expected five different labels"),
        (row(PAIR.replace("archery", "bowling")), "unreadable", "with these labels"),
        (row("sample_0"), "unreadable", "expected sample_<number>_<human>_to_<background>"),
        (row(PAIR.replace("000000", "000009")), "missing", "no folder sample_000009_.*to compose it from"),
        (row(), "duplicated", "csv:2: listed before|csv:3: listed before"),
    ],
)
def test_a_broken_row_is_one_row_left_out(tmp_path: Path, broken: str, reason: str, said: str) -> None:
    rows = [row(), broken] if reason == "duplicated" else [broken, row()]
    write_frames(write(tmp_path, *rows) / PAIR, 90)
    reading = read("swap2485", tmp_path)
    assert [clip.choices for clip in reading.clips.clips] == [tuple(CHOICES)]
    (found,) = reading.left_out
    assert found.reason == reason
    with pytest.raises(UserError, match=said):
        raise UserError(found.detail)


def test_another_table_and_another_mode_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no csv of pairs and choices, expected pairs_mcq\.csv"):
        read_swap2485(write(tmp_path, header="pair,human_label"))
    with pytest.raises(UserError, match="no column human_choice, background_choice, expected pair,"):
        read_swap2485(write(tmp_path, header=HEADER.partition(",human_choice")[0]))
    with pytest.raises(UserError, match="no such mode of composing, expected one of: hat, paper"):
        read_swap2485(tmp_path, "soft")


def test_the_published_pairs_are_all_read_with_their_choices(shared_data: Path, tmp_path: Path) -> None:
    with open(shared_data / "swap2485" / "pairs_mcq.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    shutil.copy(shared_data / "swap2485" / "pairs_mcq.csv", tmp_path)
    for told in rows:
        (tmp_path / told["pair"]).mkdir()
        (tmp_path / told["pair"] / "000001.jpg").touch()
    clips = load("swap2485", tmp_path)
    assert (len(clips), len(clips.classes)) == (2485, 50)
    people, scenes = (Counter(clip.sources[place] for clip in clips.clips) for place in (0, 1))
    assert (len(people), len(scenes)) == (1574, 1565)
    by_class = Counter(clip.human for clip in clips.clips)
    assert (min(by_class.values()), max(by_class.values())) == (36, 62)
    for told, clip in zip(rows, clips.clips, strict=True):
        asked = Mcq5().ask("?", clip, clips.classes).labels
        assert asked == tuple(told[f"choice_{number}"] for number in range(1, 6))
        assert asked[int(told["human_choice"]) - 1] == clip.human
        assert asked[int(told["background_choice"]) - 1] == clip.background
