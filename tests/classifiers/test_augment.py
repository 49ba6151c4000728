"""Augmentation: other backgrounds, crops, spoilt masks, and fresh choices wherever they are made."""

from pathlib import Path

import numpy as np
import pytest
from classifier_world import CLASSES, SIDE, Squares, clips_of_noise
from PIL import Image

from assets.errors import UserError
from classifiers.data.augment import cut, elsewhere, flipped, generator, random_crop, spoil
from classifiers.data.backgrounds import DrawnPlaces, EmptiedClips, Pictures
from classifiers.data.pipeline import Pipeline
from classifiers.train.batches import Plan, loader
from videos.decode import FramePolicy


@pytest.fixture
def places(tmp_path: Path) -> Pictures:
    """Two hundred plain pictures, each of a colour of its own."""
    for number in range(200):
        (tmp_path / f"{number % 3}").mkdir(exist_ok=True)
        colour = (number, 255 - number, 7)
        Image.new("RGB", (40, 30), colour).save(tmp_path / f"{number % 3}" / f"{number:03d}.png")
    return Pictures(tmp_path)


def chosen(pipeline: Pipeline, epoch: int, workers: int = 0) -> list[int]:
    """The number of the picture behind each of the composited clips, read from its colour."""
    count = len(pipeline.source)
    plan = [[(epoch, count + index) for index in range(start, start + 6)] for start in range(0, count, 6)]
    batches = loader(pipeline, iter(plan), workers, pin=False)
    return [int(clip[0, -1, -1, 0]) for pixels, _, _ in batches for clip in pixels]


def test_the_person_stays_and_the_rest_is_the_picture(places: Pictures) -> None:
    example = Squares().example(4)
    mixed = elsewhere(example, places, generator(0, 0, 4))
    inside = example.mask > 0
    assert np.array_equal(mixed.pixels[inside], example.pixels[inside])
    assert len(np.unique(mixed.pixels[~inside], axis=0)) == 1
    assert np.array_equal(mixed.mask, example.mask)


def test_every_clip_and_epoch_draws_anew_and_workers_do_not_repeat_each_other(places: Pictures) -> None:
    """The published pipeline's forked workers shared a seed: 761 pictures for 6,167 clips, each 8 times."""
    pipeline = Pipeline(Squares(96), SIDE, 0, backgrounds=places)
    first = chosen(pipeline, 0)
    # 96 draws from 200 give 76.2 different ones on average, sd 3.1; eight workers in step would give 12.
    assert len(set(first)) > 62
    assert chosen(pipeline, 1) != first
    assert chosen(pipeline, 0, workers=2) == first


def test_another_seed_draws_other_pictures(places: Pictures) -> None:
    one, other = (chosen(Pipeline(Squares(24), SIDE, seed, backgrounds=places), 0) for seed in (0, 1))
    assert one != other


def test_the_set_is_doubled_and_its_first_half_left_alone(places: Pictures) -> None:
    pipeline = Pipeline(Squares(6), SIDE, 0, backgrounds=places)
    assert len(pipeline) == 12
    assert np.array_equal(pipeline[3, 2][0], Squares().example(2).pixels)
    assert pipeline[3, 8][2] == pipeline[3, 2][2]


def test_a_folder_without_pictures_is_told() -> None:
    with pytest.raises(UserError, match="no pictures"):
        assert Pictures(Path(__file__).parent / "nowhere").paths


def test_drawn_places_are_still_and_as_large_as_asked() -> None:
    frames = DrawnPlaces(each=1).frames(0, 3, 32, 32)
    assert frames.shape == (3, 32, 32, 3)
    assert np.array_equal(frames[0], frames[2])


def test_action_swaps_put_nobody_where_their_own_action_takes_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENEPROOF_CACHE", str(tmp_path))
    clips = clips_of_noise("background_only", None)
    places = EmptiedClips(clips.clips, FramePolicy(4), clips.classes)
    picked = [places.pick(2, generator(0, 0, index)) for index in range(60)]
    assert {clips.clips[number].human for number in picked} == set(CLASSES) - {CLASSES[2]}
    mixed = elsewhere(Squares().example(2), places, generator(0, 0, 2))
    outside = Squares().example(2).mask == 0
    behind = places.frames(places.pick(2, generator(0, 0, 2)), 4, SIDE, SIDE)
    assert np.array_equal(mixed.pixels[outside], behind[outside])
    alone = EmptiedClips(clips.clips[:1], FramePolicy(4), clips.classes)
    with pytest.raises(UserError, match="only those of 'archery'"):
        alone.pick(0, generator(0, 0, 0))


def test_crops_take_the_same_part_of_frames_and_masks() -> None:
    example = Squares(side=64).example(3)
    for index in range(20):
        box = random_crop((64, 64), generator(0, 0, index))
        assert box.left >= 0
        assert box.left + box.width <= 64
        assert box.top + box.height <= 64
        assert 0.35 < box.width * box.height / 64**2 <= 1
        small = cut(example, box, 32)
        assert small.pixels.shape == (4, 32, 32, 3)
        inside = small.mask > 250
        if inside.any():
            assert (np.abs(small.pixels[inside].astype(int) - 170) < 12).mean() > 0.9
    assert np.array_equal(flipped(flipped(example)).pixels, example.pixels)


def test_spoilt_masks_differ_and_keep_their_shape() -> None:
    mask = Squares(side=64).example(2).mask
    spoilt = [spoil(mask, generator(0, 0, index)) for index in range(12)]
    assert all(one.shape == mask.shape and one.dtype == np.uint8 for one in spoilt)
    assert sum(not np.array_equal(one, mask) for one in spoilt) > 9


def test_an_epoch_shows_every_clip_once_whatever_the_number_of_processes() -> None:
    alone = [place for part in Plan(24, 6).epoch(0, 3) for place in part]
    assert sorted(alone) == [(3, index) for index in range(24)]
    shared = [place for rank in (0, 1) for part in Plan(24, 6, 3, rank, 2).epoch(0, 3) for place in part]
    assert sorted(shared) == sorted(alone)
    assert [p for part in Plan(24, 6).epoch(0, 3, start=2) for p in part] == alone[12:]
