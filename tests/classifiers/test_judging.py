"""Judging: once for the same weights and clips, unreadable clips, thirty views, the history."""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from classifier_world import FRAMES, Noise, clips_of_noise, config, sets

from assets.errors import UserError
from classifiers import evaluate as command
from classifiers.checkpoints import Trained, open_published, open_run
from classifiers.config import Config
from classifiers.data.examples import ClipExamples, Example, freeze
from classifiers.data.sets import examples_of, read
from classifiers.judging import EVALUATION, Asked, evaluate, kept, prediction_file, read_figures
from classifiers.lines import Sets as Columns
from classifiers.lines import judged
from classifiers.predict import predict
from classifiers.protocols import read_answers
from classifiers.train.loop import Trainer
from classifiers.train.processes import device_of, join
from prompts.history import History
from videos.clip import Clip, ClipSet, Pixels, SourceInfo

ASKED = Asked(("hat:rand_1",))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Trained for two epochs, without dropout; clips of noise stand for every data set."""
    monkeypatch.setenv("SCENEPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("classifiers.judging.load", clips_of_noise)
    made = config(tmp_path / "runs", recipe={"epochs": 2, "batch": 6}, data={"root": str(tmp_path)})
    Trainer(made, sets(made), join("cpu")).run(lambda row: None)
    return made


def judged_at(run: Config) -> int:
    return prediction_file(run.folder, "hat:rand_1", "all").stat().st_mtime_ns


def test_a_set_is_judged_once_for_the_same_weights_and_clips(run: Config, tmp_path: Path) -> None:
    trained = open_run(run.folder)
    evaluate(trained, ASKED, run.folder)
    first = judged_at(run)
    evaluate(trained, ASKED, run.folder)
    assert judged_at(run) == first
    evaluate(open_run(run.folder, select="best"), ASKED, run.folder)
    second = judged_at(run)
    assert second > first
    evaluate(open_run(run.folder, select="best").on(str(tmp_path / "elsewhere")), ASKED, run.folder)
    assert judged_at(run) > second


def test_thirty_views_are_kept_apart(run: Config) -> None:
    evaluate(open_run(run.folder), ASKED, run.folder)
    single = (run.folder / EVALUATION).read_bytes()
    thirty = evaluate(open_run(run.folder), replace(ASKED, views=30), run.folder)
    assert thirty["hat:rand_1"]["five"]["n"] == 12
    assert (run.folder / EVALUATION).read_bytes() == single
    assert prediction_file(run.folder, "hat:rand_1", "all", 30).exists()


@dataclass(frozen=True)
class Numbered:
    """Frames that are their own number, 32x48; every reading is noted."""

    length: int
    fps: float
    read_at: list[list[int]]

    def identity(self) -> str:
        return "numbered"

    def info(self) -> SourceInfo:
        return SourceInfo(self.length, self.fps)

    def read(self, indices: Sequence[int]) -> Pixels:
        self.read_at.append(list(indices))
        return np.stack([np.full((32, 48, 3), index, np.uint8) for index in indices])


class Looks(torch.nn.Module):
    """Keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.seen = torch.nn.Parameter(torch.zeros(1)), list[torch.Tensor]()

    def forward(self, video: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        self.seen.append(video)
        return torch.zeros(len(video), 6)


def test_the_views_are_ten_stretches_of_two_seconds_and_three_squares(tmp_path: Path) -> None:
    frames = Numbered(200, 30.0, [])
    clip = replace(clips_of_noise("kinetics", None).clips[0], frames=frames)
    model, clips = Looks(), replace(clips_of_noise("kinetics", None), clips=(clip,))
    trained = Trained(model, config(tmp_path), clips.classes)
    predict(trained, clips, 30)
    assert len(frames.read_at) == 1  # a video is decoded from its beginning
    video = torch.cat(model.seen)
    assert video.shape == (30, 3, FRAMES, 32, 32)
    numbers = ((video * 0.225 + 0.45) * 255).round()[:, 0, :, 0, 0].int().tolist()
    # 64/30 s in four frames: 16 apart; starts from 0 to 200 - 1 - 3 * 16.
    assert numbers[0] == numbers[1] == numbers[2] == [0, 16, 32, 48]
    assert numbers[-1] == [151, 167, 183, 199]
    assert len({one[0] for one in numbers}) == 10


@dataclass(frozen=True)
class Broken(Noise):
    """Names itself and cannot be read."""

    def read(self, indices: Sequence[int]) -> Pixels:
        raise UserError("it is cut off")


def with_a_broken_one(name: str, root: object) -> ClipSet:
    clips = clips_of_noise(name, root)
    broken = replace(clips.clips[3], frames=Broken(99))
    return replace(clips, clips=(*clips.clips[:3], broken, *clips.clips[4:]))


@pytest.mark.parametrize("views", [1, 30])
def test_a_clip_that_cannot_be_read_is_an_error_and_leaves_the_rest(
    run: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], views: int
) -> None:
    monkeypatch.setattr("classifiers.judging.load", with_a_broken_one)
    figures = evaluate(open_run(run.folder), replace(ASKED, views=views), run.folder)["hat:rand_1"]["all"]
    assert figures["shacc"]["n"] == 11
    assert figures["error"]["value"] == pytest.approx(1 / 12)
    rows = read_answers(prediction_file(run.folder, "hat:rand_1", "all", views))
    assert [row["error"].endswith("it is cut off") for row in rows.values()].index(True) == 3
    assert sum(bool(row["error"]) for row in rows.values()) == 1
    if views == 1:
        assert "1 of 12 clips cannot be read" in capsys.readouterr().err


def test_training_leaves_out_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from classifiers.data.sets import open_sets

    monkeypatch.setenv("SCENEPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("classifiers.data.sets.load", with_a_broken_one)
    data = {"root": str(tmp_path), "train": "some", "validation": "others"}
    made = open_sets(config(tmp_path, data=data))
    assert (len(made.train), len(made.validation)) == (11, 11)
    assert made.train[0, 3][2] == 4  # the fifth clip's label follows the third's


def test_answers_stand_in_the_history_with_the_very_figures(
    run: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'history.db'}"
    flags = [str(run.folder), "--data", "hat:rand_1", "--history", url]
    assert command.main(flags) == 0
    assert "24 answers in run" in capsys.readouterr().out
    figures = read_figures(run.folder / EVALUATION)["hat:rand_1"]
    with History(url) as history:
        (found,) = history.runs()
        assert found.status == "finished"
        (prompt,) = history.prompts(found.id)
        assert prompt.origin == "classifier"
        scored = {place.format_key: one for place, one in history.scored(found.id).items()}
    assert set(scored) == {"mcq5-plain-seed0", "classes-6"}
    for key, protocol in (("mcq5-plain-seed0", "five"), ("classes-6", "all")):
        assert scored[key].metrics.sberr.value == figures[protocol]["sberr"]["value"]
        assert scored[key].metrics.sberr.low == figures[protocol]["sberr"]["low"]


def test_a_published_checkpoint_is_judged_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from classifiers.models import Size, build_model

    monkeypatch.setattr(
        "classifiers.checkpoints.build_model", lambda name, size: build_model(name, Size(400, 8, 256, 14, 8))
    )
    path = tmp_path / "SLOW_8x8_R50.pyth"
    torch.save({"model_state": build_model("slow_only", Size(400, 8, 256, 14, 8)).state_dict()}, path)
    trained = open_published(path, "mini", "cpu")
    assert len(trained.classes) == 400
    torch.save({"model_state": {}}, path)
    with pytest.raises(UserError, match=r"expected SLOW_8x8_R50\.pyth"):
        open_published(path, "mini", "cpu")


def test_an_unknown_device_is_told() -> None:
    with pytest.raises(UserError, match="device 'gpu' is unknown, expected auto, cpu, cuda"):
        device_of("gpu")


def test_figures_say_what_they_are_of(run: Config) -> None:
    evaluate(open_run(run.folder), ASKED, run.folder)
    found = json.loads((run.folder / EVALUATION).read_text())["hat:rand_1"]
    assert found["of"] == {"weights": f"last 2 {run.key[:8]}", "root": run.data.root}


def test_some_clips_and_all_are_judged_apart(run: Config) -> None:
    trained, some = open_run(run.folder), replace(ASKED, most=5)
    evaluate(trained, ASKED, run.folder)
    whole = judged_at(run)
    evaluate(trained, some, run.folder)
    figures = evaluate(trained, ASKED, run.folder)
    assert judged_at(run) == whole
    for asked, n in ((ASKED, 12), (some, 5)):
        file = prediction_file(run.folder, "hat:rand_1", "all", most=asked.most)
        assert len(read_answers(file)) == figures[asked.key("hat:rand_1")]["all"]["shacc"]["n"] == n
        assert len(kept(trained, asked, run.folder, "x")[0].answers) == n
    prediction_file(run.folder, "hat:rand_1", "all").unlink()
    evaluate(trained, ASKED, run.folder)
    assert prediction_file(run.folder, "hat:rand_1", "all").exists()


def test_figures_of_other_weights_or_data_are_no_runs_own(run: Config, tmp_path: Path) -> None:
    rows = Columns("hat:rand_1", "hat:rand_1", "hat:rand_1", None)
    assert judged(run, rows) is None
    evaluate(open_run(run.folder).on(str(tmp_path / "elsewhere")), ASKED, run.folder)
    assert judged(run, rows) is None
    evaluate(open_run(run.folder, select="best"), ASKED, run.folder)
    assert judged(run, rows) is None
    evaluate(open_run(run.folder), ASKED, run.folder)
    assert judged(run, rows) is not None


def test_two_processes_make_one_copy(tmp_path: Path) -> None:
    slow = Slow()
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: freeze(slow, 1, 8, root=tmp_path), range(2)))
    assert [len(one) for one in made] == [6, 6]
    assert slow.asked == list(range(6))


class Slow:
    """Examples that take a while, and note which were asked for."""

    key = "slow"

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __len__(self) -> int:
        return 6

    def example(self, index: int) -> Example:
        self.asked.append(index)
        time.sleep(0.01)
        return Example(np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 8, 8), np.uint8), 0)


def test_broken_masks_are_found_before_training_where_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENEPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("classifiers.data.sets._KEEP_BYTES", 0)
    found = read(replace(noise_examples(tmp_path), masks=Damaged()), config(tmp_path), "reading")
    assert list(found.failed) == [2]
    assert found.failed[2].endswith("not a PNG file")
    assert 2 not in found.good


def noise_examples(tmp_path: Path) -> ClipExamples:
    return examples_of(clips_of_noise("some", None), clips_of_noise("some", None).classes, config(tmp_path))


@dataclass(frozen=True)
class Damaged:
    """Masks of which the third clip's are broken."""

    key: str = "damaged"

    def knows(self, clip: Clip) -> bool:
        return True

    def levels(self, clip: Clip, indices: Sequence[int]) -> Pixels | None:
        if clip.id == clips_of_noise("some", None).clips[2].id:
            raise OSError("not a PNG file")
        return None
