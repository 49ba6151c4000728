"""Views shown to classifiers, and what damaged masks cost those that take masks."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifier_world import CLASSES, config
from PIL import Image

from assets.errors import UserError
from classifiers import views
from classifiers.checkpoints import Trained
from classifiers.models import build_model
from videos.clip import Clip, ClipSet
from videos.decode import FramesFolder

BRIGHT, DARK = 250, 10


class Brightness:
    """Says the first class where the picture is bright, the last where it is dark."""

    def __init__(self, masks: bool) -> None:
        self.masks = masks

    def parameters(self) -> Any:
        import torch

        yield torch.zeros(1)

    def __call__(self, video: Any, mask: Any) -> Any:
        import torch

        level = (
            mask.mean(dim=(1, 2, 3, 4)) * 4 if self.masks else (video * 0.225 + 0.45).mean(dim=(1, 2, 3, 4))
        )
        zeros = torch.zeros(len(level), len(CLASSES) - 2)
        return torch.cat((level[:, None], zeros, 0.5 - level[:, None]), dim=1)


def a_clip(root: Path, name: str, masks: bool = True) -> Clip:
    """A small dark person before a bright place: as filmed bright, alone dark."""
    person = np.zeros((48, 64), np.uint8)
    person[16:32, 24:40] = 255
    frame = np.full((48, 64, 3), BRIGHT, np.uint8)
    frame[person > 0] = DARK
    for kind, image in (("ori", frame), *([("seg", person)] if masks else [])):
        folder = root / kind / "a" / name
        folder.mkdir(parents=True)
        for number in range(1, 5):
            Image.fromarray(image).save(folder / f"{number:06d}.png")
    return Clip(name, CLASSES[-1], CLASSES[0], (name,), FramesFolder(root / "ori" / "a" / name))


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClipSet:
    monkeypatch.setenv("SCENEPROOF_CACHE", str(tmp_path / "cache"))
    made = [a_clip(tmp_path, name) for name in ("one", "two", "three")]
    return ClipSet("made", (*made, a_clip(tmp_path, "bare", masks=False)), CLASSES)


def a_model(tmp_path: Path, name: str) -> Trained:
    return Trained(Brightness(name != "slow_only"), config(tmp_path, model=name), CLASSES)  # type: ignore[arg-type]


def test_a_view_is_shown_and_a_clip_without_masks_is_an_error(tmp_path: Path, clips: ClipSet) -> None:
    rows = views.table(a_model(tmp_path, "slow_only"), clips, ["original", "black", "black@drop:1"], "all")
    original, black, dropped = rows
    assert (original.figures["sberr"]["value"], original.figures["error"]["value"]) == (1, 0)
    assert (black.figures["sberr"]["value"], black.figures["shacc"]["value"]) == (0, 1)
    assert black.figures["error"]["value"] == pytest.approx(1 / 4)
    assert black.figures["shacc"]["n"] == 3
    assert (black.minus["sberr"].value, black.minus["sberr"].n) == (-1, 3)
    assert dropped.figures["shacc"]["value"] == 1
    assert not original.minus


def test_a_model_that_takes_masks_sees_the_clip_and_the_views_masks(tmp_path: Path, clips: ClipSet) -> None:
    whole = replace(clips, clips=clips.clips[:3])
    rows = views.table(
        a_model(tmp_path, "segmented"), whole, ["original", "black@dilate:25", "black@drop:1"], "all"
    )
    assert [row.figures["shacc"]["value"] for row in rows] == [0, 0, 1], "without a mask it sees nothing"
    with pytest.raises(
        UserError, match=r"segmented takes masks: view 'dim:0\.3', expected original or black"
    ):
        views.table(a_model(tmp_path, "segmented"), whole, ["dim:0.3"])


def test_the_command_prints_a_table_for_people_and_one_for_programs(
    tmp_path: Path, clips: ClipSet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = config(tmp_path)
    model = build_model("slow_only", settings.size.size(len(CLASSES))).eval()
    monkeypatch.setattr(views, "open_run", lambda folder, device: Trained(model, settings, CLASSES))
    monkeypatch.setattr(views, "load", lambda name, root: clips)
    assert views.main([str(tmp_path), "--views", "original,black", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["view"] for row in told["rows"]] == ["original", "black"]
    assert told["rows"][1]["figures"]["n"] == 4
    assert views.main([str(tmp_path), "--views", "original,black", "--clips", "3"]) == 0
    assert "SBErr" in capsys.readouterr().out
    ordinary = tuple(replace(clip, background=None) for clip in clips.clips)
    monkeypatch.setattr(views, "load", lambda name, root: replace(clips, clips=ordinary))
    assert views.main([str(tmp_path)]) == 2
    assert "expected swaps such as hat:rand_1" in capsys.readouterr().err


def test_i3d_is_judged_on_all_of_the_footage_by_one_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from classifiers import evaluate as evaluation

    asked: list[Any] = []

    def judged(trained: object, sets: Any, folder: Path) -> dict[str, Any]:
        asked.append((sets.sets, folder))
        return {}

    monkeypatch.setattr(evaluation, "open_pretrained", lambda *given: given)
    monkeypatch.setattr(evaluation, "evaluate", judged)
    assert evaluation.main(["--model", "i3d", "--data", "footage"]) == 0
    sets = ("footage:original", "footage:human_only", "footage:background_only", "footage:swap")
    assert asked == [(sets, Path("runs/i3d"))]
    assert evaluation.main([]) == 2
    assert "name folders of trained runs, or --model i3d" in capsys.readouterr().err
