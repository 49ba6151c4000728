"""Following by boxes, with networks that see colours: who is lost, what is taken back."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

import people_world as world

from videos.clip import Pixels
from videos.masks import follow_onnx
from videos.masks.detectors import BATCH, Found, people_in
from videos.masks.follow_onnx import OnnxFollower
from videos.masks.followers import Start

LENGTH = 8
BOX = (10.0, 12.0, 22.0, 40.0)


def a_network(asset: str, threads: int) -> Any:
    """An encoder that passes a frame's number on, and a decoder that fills whatever box it is given."""

    def encode(image: Any) -> dict[str, Any]:
        return {"image_embed": np.zeros(1, np.float32)}

    def decode(point_coords: Any, **rest: Any) -> dict[str, Any]:
        left, top, right, bottom = (point_coords.ravel() / 4).round().astype(int)
        logits = np.full((1, 3, 256, 256), -9, np.float32)
        logits[0, :, top:bottom, left:right] = 9
        return {"masks": logits, "iou_predictions": np.array([[0.2, 0.9, 0.3]], np.float32)}

    return encode if "encoder" in asset else decode


@dataclass
class Blinking:
    """Sees the person in some frames only, told apart by a pixel. ``batches``: what it was shown at once."""

    sees: Sequence[int]
    batches: list[int] = field(default_factory=list)

    def people(self, frames: Pixels, least: float) -> Sequence[Sequence[Found]]:
        self.batches.append(len(frames))
        seen = [int(frame[0, 0, 2]) in self.sees for frame in frames]
        found = world.Eyes().people(frames, least)
        return [people if here else [] for people, here in zip(found, seen, strict=True)]


def followed(monkeypatch: pytest.MonkeyPatch, sees: Sequence[int], start: Start) -> list[bool]:
    monkeypatch.setattr(follow_onnx, "network", a_network)
    frames = np.stack([world.frame_of(world.mask_of(i)) for i in range(LENGTH)])
    frames[:, 0, 0, 2] = range(LENGTH)
    masks = OnnxFollower().watch(frames, Blinking(sees)).follow(start)
    return [bool(mask.any()) for mask in masks]


def test_a_person_who_is_seen_again_is_kept_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    assert followed(monkeypatch, (0, 2, 3, 4, 6, 7), Start(0, BOX)) == [True] * LENGTH


def test_who_is_seen_no_more_is_lost_and_what_a_box_left_behind_found_is_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert followed(monkeypatch, (0, 1, 2), Start(0, BOX)) == [True] * 3 + [False] * 5


def test_following_goes_both_ways_or_onwards_only(monkeypatch: pytest.MonkeyPatch) -> None:
    box = (18.0, 12.0, 30.0, 40.0)
    assert followed(monkeypatch, range(2, LENGTH), Start(4, box)) == [False] * 2 + [True] * 6
    assert followed(monkeypatch, range(LENGTH), Start(4, box, backwards=False)) == [False] * 4 + [True] * 4


def test_frames_are_looked_at_in_batches_and_each_keeps_its_own_people(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(follow_onnx, "network", a_network)
    length = 2 * BATCH + 4
    frames = np.stack([world.frame_of(world.mask_of(i)) for i in range(length)])
    frames[:, 0, 0, 2] = range(length)
    eyes = Blinking(range(BATCH + 3))
    masks = OnnxFollower().watch(frames, eyes).follow(Start(0, BOX))
    assert [bool(mask.any()) for mask in masks] == [True] * (BATCH + 3) + [False] * (BATCH + 1)
    assert eyes.batches == [BATCH] * 2  # the last one was never needed: the person was lost before
    assert [len(found) for found in people_in(Blinking([1, length - 1]), frames, 0.1)] == [
        int(index in (1, length - 1)) for index in range(length)
    ]
