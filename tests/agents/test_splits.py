"""Dividing clips: nothing stands on two sides, whatever hangs together."""

import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from scripted_world import CLASSES, Still, load, ordinary, swapped

from agents.config import DataConfig
from agents.splits import Data, effective_clips, load_data
from assets.errors import UserError
from videos.clip import Clip, ClipSet
from videos.sides import divide

FRACTIONS = {"tune": 0.2, "select": 0.3, "test": 0.5}


def chain(n: int) -> ClipSet:
    """Each clip shares a source with the next: one single component."""
    clips = [Clip(f"c{i}", CLASSES[0], CLASSES[1], (f"s{i}", f"s{i + 1}"), Still(f"c{i}")) for i in range(n)]
    return ClipSet("chain", tuple(clips), CLASSES)


def sources(clips: ClipSet) -> set[str]:
    return {source for clip in clips.clips for source in clip.sources}


def assert_disjoint(*sets: ClipSet) -> None:
    for place, one in enumerate(sets):
        for other in sets[place + 1 :]:
            assert sources(one).isdisjoint(sources(other))
            assert {clip.id for clip in one.clips}.isdisjoint({clip.id for clip in other.clips})


def test_loose_clips_are_all_dealt_out() -> None:
    sides, dropped = divide(swapped(100), FRACTIONS, seed=1)
    assert {name: len(side) for name, side in sides.items()} == {"tune": 20, "select": 30, "test": 50}
    assert dropped == ""
    assert_disjoint(*sides.values())


def test_clips_that_all_hang_together_are_divided_by_source_and_links_are_left_out() -> None:
    sides, dropped = divide(chain(400), FRACTIONS, seed=1)
    assert_disjoint(*sides.values())
    kept = sum(len(side) for side in sides.values())
    assert kept >= 360  # a chain can be cut in a few places
    assert dropped == f"chain: {400 - kept} of 400 clips left out, they link two sides"
    assert all(abs(len(sides[name]) / kept - share) < 0.1 for name, share in FRACTIONS.items())


def test_division_depends_on_the_seed_alone() -> None:
    ids = [[clip.id for clip in divide(chain(90), FRACTIONS, seed)[0]["tune"].clips] for seed in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]


def test_too_few_clips_for_three_sides_are_a_user_error() -> None:
    with pytest.raises(UserError, match="use more clips"):
        divide(chain(2), FRACTIONS, seed=0)


def test_what_a_prompt_is_chosen_by_shares_no_video_with_anything_else() -> None:
    first = {"mimetics": 0, "kinetics:val": 30, "kinetics:train": 40}

    def overlapping(dataset: str, root: str) -> ClipSet:
        return ordinary(dataset, 60, first[dataset]) if dataset in first else load(dataset, root)

    data = load_data(DataConfig(tune_clips=10), overlapping)
    assert data.agreement is not None
    for reported in data.reports.values():
        assert_disjoint(data.tune, data.select, data.agreement, reported)
    # Reported sets are left as they are: videos they share among each other cost no clip.
    assert not sources(data.reports["mimetics"]).isdisjoint(sources(data.reports["kinetics"]))
    assert not sources(data.reports["test"]).isdisjoint(sources(data.reports["kinetics"]))
    assert len(data.dropped) == 3
    assert "their videos serve elsewhere" in data.dropped[0]


def test_agreement_clips_show_no_video_that_was_searched_on() -> None:
    """No reported set here takes them out."""

    def overlapping(dataset: str, root: str) -> ClipSet:
        return ordinary(dataset, 120) if dataset == "kinetics:train" else load(dataset, root)

    data = load_data(DataConfig(mimetics=None, kinetics=None, tune_clips=10, test_clips=5), overlapping)
    assert data.agreement is not None
    assert_disjoint(data.tune, data.select, data.agreement, data.reports["test"])


def test_a_video_is_known_under_the_names_of_all_data_sets() -> None:
    def real_names(dataset: str, root: str) -> ClipSet:
        clips = load(dataset, root)
        if dataset == "hat:rand_1":
            named = [
                replace(c, sources=tuple(f"sport/{s}_000001_000011" for s in c.sources)) for c in clips.clips
            ]
            return replace(clips, clips=tuple(named))
        return ordinary(dataset, 60) if dataset == "kinetics:val" else clips

    data = load_data(DataConfig(tune_clips=10, mimetics=None, agreement=None), real_names)
    searched = {source.split("/")[1][:-14] for source in sources(data.tune) | sources(data.select)}
    kinetics = sources(data.reports["kinetics"])
    assert searched.isdisjoint(kinetics)
    assert 0 < len(kinetics) < 60


def test_a_set_whose_every_video_was_searched_on_cannot_be_reported() -> None:
    def searched(dataset: str, root: str) -> ClipSet:
        if dataset != "mimetics":
            return load(dataset, root)
        tuned = load_data(DataConfig(mimetics=None), load).tune
        clips = tuple(replace(clip, id=f"again {clip.id}") for clip in tuned.clips)
        return ClipSet("mimetics", clips, CLASSES)

    with pytest.raises(UserError, match="every clip of mimetics is also used elsewhere"):
        load_data(DataConfig(), searched)


def test_data_sets_lie_in_folders_of_their_names_and_missing_clips_are_told(tmp_path: Path) -> None:
    (tmp_path / "mimetics").mkdir()
    asked = {}

    def warning(dataset: str, root: str) -> ClipSet:
        asked[dataset] = root
        warnings.warn(f"{dataset}: 2 of 9 clips have no files", UserWarning, stacklevel=1)
        return load(dataset, root)

    data = load_data(DataConfig(root=str(tmp_path), agreement=None), warning)
    assert asked == {
        "hat:rand_1": str(tmp_path),
        "mimetics": str(tmp_path / "mimetics"),
        "kinetics:val": str(tmp_path),
    }
    assert "mimetics: 2 of 9 clips have no files" in data.dropped


def test_sizes_follow_the_configuration() -> None:
    def sized(**values: object) -> Data:
        return load_data(DataConfig.model_validate(values), load)

    data = sized(tune_clips=10, select_clips=7, test_clips=5, report_clips=4, agreement_clips=3)
    assert data.agreement is not None
    assert (len(data.tune), len(data.select), len(data.agreement)) == (10, 7, 3)
    assert {name: len(clips) for name, clips in data.reports.items()} == {
        "test": 5,
        "mimetics": 4,
        "kinetics": 4,
    }
    alone = sized(mimetics=None, kinetics=None, agreement=None)
    assert list(alone.reports) == ["test"]
    assert alone.agreement is None


def test_shared_sources_make_fewer_effective_clips() -> None:
    assert effective_clips(swapped(40)) == 40
    shared = tuple(Clip(f"c{i}", "a", "b", (f"h{i}", f"place {i % 3}"), Still("x")) for i in range(40))
    assert effective_clips(ClipSet("shared", shared, CLASSES)) < 40
