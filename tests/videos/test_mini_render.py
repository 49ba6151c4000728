"""The drawn clips are the same from the same spec, and what they claim to show is in the picture."""

import numpy as np
import pytest

from videos.mini.actions import ACTIONS
from videos.mini.render import FRAMES, SIZE, Spec, render
from videos.mini.scenes import PLAIN, SCENES

SPEC = Spec("golf driving", "surfing water", seed=4, body=9, props=False)


def test_the_same_spec_gives_the_same_pixels() -> None:
    assert (render(SPEC, [0, 7]).frames == render(SPEC, [0, 7]).frames).all()


def test_a_frame_is_the_same_whichever_others_are_rendered() -> None:
    whole = render(SPEC)
    assert whole.frames.shape == (FRAMES, SIZE, SIZE, 3)
    assert (render(SPEC, [3, 20]).frames == whole.frames[[3, 20]]).all()


def test_outside_the_mask_only_noise_differs_from_the_empty_place() -> None:
    clip = render(SPEC, [5])
    difference = np.abs(clip.frames[0].astype(int) - clip.background[0].astype(int)).max(-1)
    assert difference[clip.mask[0] == 0].max() <= 2 * 9
    assert difference[clip.mask[0] == 255].mean() > 20


@pytest.mark.parametrize("action", ACTIONS)
def test_the_person_fills_most_of_the_height_and_moves(action: str) -> None:
    heights, moved = [], []
    for seed in range(6):
        mask = render(Spec(action, "studio", seed, seed, False)).mask > 128
        rows = np.flatnonzero(mask.any((0, 2)))
        heights.append((rows[-1] - rows[0]) / SIZE)
        moved.append(float((mask[0] != mask[FRAMES // 3]).mean()))
    assert np.mean(heights) > 0.65
    assert np.mean(moved) > 0.005


@pytest.mark.parametrize("place", [*SCENES, *PLAIN])
def test_places_vary_from_clip_to_clip(place: str) -> None:
    one, two = (render(Spec("archery", place, seed, 1, False), [0]).background[0] for seed in (1, 2))
    assert np.abs(one.astype(int) - two.astype(int)).mean() > 2


@pytest.mark.parametrize("action", ACTIONS)
def test_props_are_drawn_where_they_are_asked_for(action: str) -> None:
    with_props, without = (render(Spec(action, action, 3, 3, props), [2, 9, 16]) for props in (True, False))
    changed = np.abs(with_props.frames.astype(int) - without.frames.astype(int)).max(-1) > 60
    assert changed.sum() > 100


def test_there_are_fourteen_actions_each_with_a_place() -> None:
    assert len(ACTIONS) == 14
    assert list(SCENES) == list(ACTIONS) == sorted(ACTIONS)
