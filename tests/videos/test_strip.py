"""A strip shows each frame whole and every word."""

from itertools import pairwise

import numpy as np

from videos.clip import Frames
from videos.strip import strip


def some_frames(count: int = 4) -> Frames:
    levels = np.arange(count, dtype=np.uint8)[:, None, None, None] * 20 + 40
    return Frames(np.broadcast_to(levels, (count, 32, 48, 3)), tuple(range(count)), 10.0, count)


def test_frames_stand_side_by_side_in_order() -> None:
    picture = np.asarray(strip(some_frames(), []))
    row = picture[picture.shape[0] // 2, :, 0]
    shown = [level for before, level in pairwise(row) if level not in (before, 255)]
    assert shown == [40, 60, 80, 100]
    assert all((row == level).sum() == 48 for level in shown)


def test_captions_take_lines_below_and_long_ones_are_wrapped() -> None:
    bare, one = strip(some_frames(), []), strip(some_frames(), ["short"])
    two, wrapped = strip(some_frames(), ["short", "more"]), strip(some_frames(), ["word " * 30])
    assert bare.width == one.width == wrapped.width
    assert bare.height < one.height < two.height < wrapped.height
    assert np.asarray(one)[bare.height :].min() < 128


def test_a_caption_keeps_its_own_line_breaks() -> None:
    assert strip(some_frames(), ["a\nb"]).height == strip(some_frames(), ["a", "b"]).height


def test_times_are_written_into_the_frames_corner() -> None:
    bare, timed = np.asarray(strip(some_frames(), [])), np.asarray(strip(some_frames(), [], times=True))
    assert bare.shape == timed.shape
    changed = (bare != timed).any(axis=2)
    assert changed[4:24].any()
    assert not changed[26:].any()
