"""Judging: all classes or five choices, the same metrics as for prompts, files that vllm_eval.score reads."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from assets.errors import UserError
from classifiers.protocols import judge, write_predictions
from videos.clip import Clip, ClipSet
from vllm_eval.questions.mcq5 import Mcq5
from vllm_eval.score.command import main as score

CLASSES = tuple(f"action {letter}" for letter in "abcdefgh")
IDS = [f"{k:011d}_000001_000002" for k in range(24)]


def swaps(count: int = 12) -> ClipSet:
    pairs = [(IDS[k], IDS[k + 12]) for k in range(count)]
    made = (
        Clip(
            f"hat/{CLASSES[k % 8]}/{a}+{CLASSES[(k + 3) % 8]}/{b}",
            CLASSES[k % 8],
            CLASSES[(k + 3) % 8],
            (a, b),
            None,
        )  # type: ignore[arg-type]
        for k, (a, b) in enumerate(pairs)
    )
    return ClipSet("swaps", tuple(made), CLASSES)


def says(clips: ClipSet, names: list[str]) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    scores = np.random.default_rng(0).uniform(0, 0.1, (len(clips), len(CLASSES)))
    for row, name in zip(scores, names, strict=True):
        row[CLASSES.index(name)] = 1
    return scores


def test_of_all_classes_the_most_probable_is_the_answer() -> None:
    clips = swaps()
    names = [
        clip.human if k < 3 else str(clip.background) if k < 8 else CLASSES[(k + 1) % 8]
        for k, clip in enumerate(clips.clips)
    ]
    judged = judge(says(clips, names), clips, CLASSES, "all")
    assert [answer.label for answer in judged.answers] == names
    figures = judged.figures()
    assert figures["shacc"]["value"] == pytest.approx(3 / 12)
    assert figures["sberr"]["value"] == pytest.approx(5 / 12)
    assert figures["chance"] == pytest.approx(1 / 8)


def test_of_five_choices_only_those_that_prompts_are_offered_count() -> None:
    clips = swaps()
    outside = [
        next(name for name in CLASSES if name not in Mcq5(seed=0).ask("", clip, CLASSES).labels)
        for clip in clips.clips
    ]
    judged = judge(says(clips, outside), clips, CLASSES, "five")
    for answer, choices, clip in zip(judged.answers, judged.choices, clips.clips, strict=True):
        assert choices == Mcq5(seed=0).ask("", clip, CLASSES).labels
        assert answer.label in choices
    assert judged.figures()["chance"] == pytest.approx(0.2)


def test_ordinary_clips_get_their_accuracy() -> None:
    made = tuple(Clip(f"kinetics/{IDS[k]}", CLASSES[k % 8], None, (IDS[k],), None) for k in range(8))  # type: ignore[arg-type]
    clips = ClipSet("val", made, CLASSES)
    judged = judge(says(clips, [clip.human for clip in made[:6]] + [CLASSES[0]] * 2), clips, CLASSES, "all")
    assert judged.figures()["accuracy"]["value"] == pytest.approx(6 / 8)


@pytest.mark.parametrize("protocol", ["all", "five"])
def test_the_score_command_reads_what_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], protocol: str
) -> None:
    clips = swaps()
    judged = judge(says(clips, [clip.human for clip in clips.clips]), clips, CLASSES, protocol)
    write_predictions(tmp_path / "swaps.csv", judged)
    assert score([str(tmp_path / "swaps.csv"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["clips"] == 12
    assert found["source_videos"] == 24
    assert found["choices"] == (5 if protocol == "five" else None)
    with open(tmp_path / "swaps.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["prediction"] for row in rows] == [clip.human for clip in clips.clips]


def test_clips_that_could_not_be_read_leave_the_denominator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = swaps()
    failed = {clips.clips[2].id: "it is cut off"}
    judged = judge(says(clips, [clip.human for clip in clips.clips]), clips, CLASSES, "five", failed)
    assert (judged.figures()["shacc"]["n"], judged.figures()["shacc"]["value"]) == (11, 1)
    write_predictions(tmp_path / "swaps.csv", judged)
    assert score([str(tmp_path / "swaps.csv"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["metrics"]["SHAcc"]["n"], found["metrics"]["error"]["count"]) == (11, 1)


def test_an_unknown_protocol_and_a_foreign_class_are_told() -> None:
    clips = swaps()
    with pytest.raises(UserError, match="protocol 'ten' is unknown, expected one of: all, five"):
        judge(says(clips, [CLASSES[0]] * 12), clips, CLASSES, "ten")
