"""What the bundled benchmark holds, without drawing any of it."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from assets.errors import UserError
from videos.clip import ClipSet
from videos.datasets import load
from videos.datasets.hat import read_hat
from videos.mini.actions import ACTIONS
from videos.mini.distance import close_to, far_from, ranked
from videos.mini.plan import Planned, Sizes, hat_clips, kinetics_clips, mimetics_clips, swaps
from videos.mini.scenes import PLAIN
from videos.mini.write import write_annotations

TRAINING_BODIES = 100_000


@pytest.fixture(scope="module")
def clips() -> list[Planned]:
    return hat_clips(Sizes())


@pytest.fixture(scope="module")
def rand(tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    """rand_1 as the reader sees it; folders without frames stand for the clips."""
    root = tmp_path_factory.mktemp("mini")
    write_annotations(root, Sizes())
    for clip in hat_clips(Sizes()):
        for part in ("ori", "seg", "inp"):
            (root / "hat" / part / clip.key).mkdir(parents=True)
    return read_hat(root / "hat", "rand_1")[0]


def test_sets_have_their_sizes_with_every_class_alike(clips: list[Planned]) -> None:
    every = [clips, kinetics_clips(Sizes(), "val"), kinetics_clips(Sizes(), "train"), mimetics_clips(Sizes())]
    assert [len(part) for part in every] == [1120, 308, 154, 308]
    assert all(len(set(Counter(clip.spec.action for clip in part).values())) == 1 for part in every)


def test_names_are_kinetics_names_and_no_two_clips_share_one(clips: list[Planned]) -> None:
    kinetics = [*kinetics_clips(Sizes(), "val"), *kinetics_clips(Sizes(), "train")]
    every = [*clips, *kinetics, *mimetics_clips(Sizes())]
    assert len({clip.youtube_id for clip in every}) == len(every)
    assert all(len(clip.name) == 11 + 14 for clip in every)


def test_bodies_are_those_of_no_training_clip_and_those_of_mimetics_of_no_other(clips: list[Planned]) -> None:
    kinetics = [*kinetics_clips(Sizes(), "val"), *kinetics_clips(Sizes(), "train")]
    usual = {clip.spec.body for clip in [*clips, *kinetics]}
    miming = {clip.spec.body for clip in mimetics_clips(Sizes())}
    assert len(usual) == 1120 + 308 + 154
    assert min(usual | miming) >= TRAINING_BODIES
    assert not usual & miming


def test_scenes_are_usual_but_for_mimetics_and_props_only_in_kinetics(clips: list[Planned]) -> None:
    kinetics, mimed = kinetics_clips(Sizes(), "val"), mimetics_clips(Sizes())
    assert all(clip.spec.scene == clip.spec.action for clip in [*clips, *kinetics])
    assert all(clip.spec.scene != clip.spec.action for clip in mimed)
    assert sum(clip.spec.scene in PLAIN for clip in mimed) == 154
    assert [any(c.spec.props for c in part) for part in (clips, kinetics, mimed)] == [False, True, False]


def test_random_swaps_use_each_clip_once_as_person_and_once_as_scene_of_another_class(
    clips: list[Planned],
) -> None:
    pairs = swaps(clips, "rand")
    assert set(pairs) == {scene.key for scene in pairs.values()} == {clip.key for clip in clips}
    assert all(key.split("/")[0] != scene.spec.action for key, scene in pairs.items())
    combinations = Counter((key.split("/")[0], scene.spec.action) for key, scene in pairs.items())
    assert len(combinations) == 14 * 13  # every other class, about 6 times each
    assert max(combinations.values()) < 20


def test_same_swaps_stay_in_the_class_and_never_pair_a_clip_with_itself(clips: list[Planned]) -> None:
    pairs = swaps(clips, "same")
    assert all(key.split("/")[0] == scene.spec.action for key, scene in pairs.items())
    assert all(key != scene.key for key, scene in pairs.items())


def test_close_and_far_swaps_follow_the_distance(clips: list[Planned]) -> None:
    for kind, wanted in (("close", close_to), ("far", far_from)):
        pairs = swaps(clips, kind)
        assert len(pairs) == 1120
        assert all(scene.spec.action in wanted(key.split("/")[0]) for key, scene in pairs.items())


@pytest.mark.parametrize("action", ACTIONS)
def test_close_and_far_classes_are_disjoint_and_never_the_class_itself(action: str) -> None:
    assert sorted(ranked(action)) == sorted(set(ACTIONS) - {action})
    assert len(close_to(action)) == 5
    assert len(far_from(action)) == 6
    assert not set(close_to(action)) & set(far_from(action))


def test_random_swaps_hang_together_in_groups_of_four(rand: ClipSet) -> None:
    assert len(rand) == 1120
    assert set(Counter(rand.clusters()).values()) == {4}


@pytest.mark.parametrize("seed", range(5))
def test_random_swaps_split_into_tune_select_and_test_sides_that_share_no_source(
    rand: ClipSet, seed: int
) -> None:
    sides = rand.split({"tune": 0.15, "select": 0.28, "test": 0.57}, seed)
    assert len(sides["tune"]) >= 150
    assert len(sides["select"]) >= 300
    assert len(sides["test"]) >= 600
    sources = [{source for clip in side.clips for source in clip.sources} for side in sides.values()]
    assert not any(a & b for a, b in pairwise([*sources, sources[0]]))
    assert all({clip.human for clip in side.clips} == set(ACTIONS) for side in sides.values())


@pytest.mark.parametrize("per_class", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", ["rand", "close", "far", "same"])
def test_smaller_benchmarks_have_swaps_too(per_class: int, kind: str) -> None:
    few = hat_clips(Sizes(hat=per_class))
    pairs = swaps(few, kind)
    assert set(pairs) == {clip.key for clip in few}
    assert all((key.split("/")[0] == scene.spec.action) == (kind == "same") for key, scene in pairs.items())


def test_annotations_without_clips_are_reported_as_such(tmp_path: Path) -> None:
    write_annotations(tmp_path, Sizes(1, 1, 1, 1))
    for name in ("kinetics:val", "kinetics:train", "mimetics"):
        with pytest.raises(UserError, match="no files for any of the 14 clips"):
            load(name, tmp_path / name.partition(":")[0])
