"""Sides share no source, hold every class and variant, and stay as they were when clips are added."""

import csv
import pickle
import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from assets.errors import UserError
from videos.clip import Clip, ClipSet, Pixels, SourceInfo
from videos.groups import components, unit_hash, video_of
from videos.sides import divide
from videos.splits import Division, paper_split, split_whole
from vllm_eval.score.sources import sources_of

FRACTIONS = {"tune": 0.15, "select": 0.28, "test": 0.57}


class NoFrames:
    def identity(self) -> str:
        return "none"

    def info(self) -> SourceInfo:
        return SourceInfo(1, 1.0)

    def read(self, indices: Sequence[int]) -> Pixels:
        return np.zeros((len(indices), 2, 2, 3), np.uint8)


def clip_set(clips: list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]) -> ClipSet:
    made = (Clip(name, human, "b", sources, NoFrames(), tags) for name, human, sources, tags in clips)
    return ClipSet("toy", tuple(made), ())


def singles(n: int, first: int = 0) -> ClipSet:
    """Clips of 25 classes in two variants, each from a video of its own."""
    names = range(first, first + n)
    return clip_set([(f"c{i}", f"class {i % 25}", (f"v{i}",), ("near", "far")[i % 2 :][:1]) for i in names])


def pairs(n: int, people: int, seed: int = 0, first: int = 0) -> ClipSet:
    """Random pairs of so many people and scenes: about n / people pairs a source."""
    draw = random.Random(seed)
    return clip_set(
        [
            (f"p{i}", f"class {i % 10}", (f"a{draw.randrange(people)}", f"b{draw.randrange(people)}"), ("x",))
            for i in range(first, first + n)
        ]
    )


def both(one: ClipSet, other: ClipSet) -> ClipSet:
    return ClipSet(one.name, one.clips + other.clips, one.classes)


def side_of(division: Division) -> dict[str, str]:
    return {clip.id: name for name, side in division.sides.items() for clip in side.clips}


def moved(before: Division, after: Division) -> int:
    old, new = side_of(before), side_of(after)
    return sum(old[clip] != new[clip] for clip in old if clip in new)


def assert_disjoint(division: Division) -> None:
    videos = [{video_of(s) for clip in side.clips for s in clip.sources} for side in division.sides.values()]
    assert all(one.isdisjoint(other) for one, other in combinations(videos, 2))
    kept = [clip.id for side in division.sides.values() for clip in side.clips]
    assert sorted(kept) == sorted(clip.id for clip in division.whole.clips)


def test_hashes_are_even_and_follow_from_their_arguments_alone() -> None:
    drawn = np.array([unit_hash(1, "x", str(i)) for i in range(4000)])
    assert np.histogram(drawn, 4, (0, 1))[0].tolist() == pytest.approx([1000] * 4, abs=110)
    assert unit_hash(1, "x", "0") == drawn[0] != unit_hash(2, "x", "0")
    assert unit_hash(0, "place", "a") == pytest.approx(0.1698121, abs=1e-6)  # on every platform


@pytest.mark.parametrize(
    ("source", "video"),
    [
        ("archery/01xStFVYC7U_000011_000021", "01xStFVYC7U"),
        ("01xStFVYC7U_000031_000041", "01xStFVYC7U"),
        ("/data/val/playing guitar/G_3kwIzNN3g_000050_000057.mp4", "G_3kwIzNN3g"),
        ("-BtzVCzSnLk", "-BtzVCzSnLk"),
        ("archery/h7_000001_000011", "h7"),  # a name of any length, as test data and copies have them
        ("cS3_7_XY4RU_000005_000015", "cS3_7_XY4RU"),
        ("v_Archery_g01", "v_Archery_g01"),
        ("sports/clip_1", "sports/clip_1"),
        ("music/clip_1", "music/clip_1"),
        ("clip_000001", "clip_000001"),
    ],
)
def test_an_excerpt_and_its_video_are_one_source_and_other_names_are_left_alone(
    source: str, video: str
) -> None:
    assert video_of(source) == video


def test_published_clips_and_their_videos_are_one_source_by_id_too(shared_data: Path) -> None:
    with open(shared_data / "mimetics" / "mimetics_v1.0.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 713
    for row in rows:
        video, times = row["youtube_id"], f"{int(row['time_start']):06d}_{int(row['time_end']):06d}"
        clip = f"{row['label']}/{video}_{times}"
        assert {video_of(one) for one in (video, clip, f"{clip}.mp4", f"{video}_{times}")} == {video}
        assert sources_of(clip) == (video,)  # as predictions of other systems are clustered


def test_components_are_called_by_their_smallest_source() -> None:
    assert components([("c", "b"), ("b", "a"), ("z",)]) == {"a": "a", "b": "a", "c": "a", "z": "z"}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "clips", [singles(500), pairs(500, 900), pairs(900, 500)], ids=["loose", "few", "all"]
)
def test_no_source_stands_on_two_sides_and_every_clip_is_accounted_for(clips: ClipSet, seed: int) -> None:
    assert_disjoint(split_whole(clips, FRACTIONS, seed))


def test_an_excerpt_under_another_name_stands_on_the_side_of_its_video() -> None:
    twins = [
        (f"{kind}{i}", "c", (source,), ())
        for i in range(60)
        for kind, source in (("hat", f"dance/video{i:06d}_000001_000011"), ("kinetics", f"video{i:06d}"))
    ]
    for side in split_whole(clip_set(twins), FRACTIONS, 0).sides.values():
        assert len({clip.id.strip("abcdefghijklmnopqrst") for clip in side.clips}) * 2 == len(side)


@pytest.mark.parametrize("seed", range(4))
def test_sides_have_their_shares_and_hold_every_class_and_variant(seed: int) -> None:
    division = split_whole(singles(1000), FRACTIONS, seed)
    for name, share in FRACTIONS.items():
        side = division.sides[name]
        assert len(side) == pytest.approx(1000 * share, rel=0.05)
        strata = Counter((clip.human, clip.tags[0]) for clip in side.clips)
        assert len(strata) == 50
        assert all(abs(count - 20 * share) <= 4 for count in strata.values())  # 20 clips each


def test_sides_keep_the_order_of_the_set_and_the_seed_decides() -> None:
    clips = singles(300)
    order = {clip.id: place for place, clip in enumerate(clips.clips)}
    sides = split_whole(clips, FRACTIONS, 0).sides
    for side in sides.values():
        places = [order[clip.id] for clip in side.clips]
        assert places == sorted(places)
    backwards = ClipSet(clips.name, clips.clips[::-1], ())
    assert side_of(split_whole(backwards, FRACTIONS, 0)) == side_of(split_whole(clips, FRACTIONS, 0))
    assert side_of(split_whole(clips, FRACTIONS, 1)) != side_of(split_whole(clips, FRACTIONS, 0))


@pytest.mark.parametrize("seed", range(4))
def test_added_clips_from_new_videos_move_almost_no_old_clip(seed: int) -> None:
    before = split_whole(singles(1000), FRACTIONS, seed)
    assert moved(before, split_whole(singles(1010), FRACTIONS, seed)) <= 10
    assert moved(before, split_whole(singles(1100), FRACTIONS, seed)) <= 40


def test_only_groups_nearest_a_border_cross_it() -> None:
    before, after = (side_of(split_whole(singles(n), FRACTIONS, 0)) for n in (1000, 1100))
    gone = [clip for clip in before if before[clip] != after[clip]]
    borders = (0.15, 0.43)
    distance = {c: min(abs(unit_hash(0, "place", f"v{c[1:]}") - b) for b in borders) for c in before}
    assert gone
    assert max(distance[clip] for clip in gone) < 0.15


def test_a_clip_added_to_a_group_moves_hardly_anything_else() -> None:
    clips = pairs(300, 900)
    before = side_of(split_whole(clips, FRACTIONS, 0))
    touched = clips.clips[7]
    extra = clip_set([("new", touched.human, (touched.sources[0], "fresh"), ("x",))])
    after = side_of(split_whole(both(clips, extra), FRACTIONS, 0))
    group = components(clip.sources for clip in clips.clips)
    gone = {clip.id for clip in clips.clips if before[clip.id] != after[clip.id]}
    own = {c.id for c in clips.clips if group[c.sources[0]] == group[touched.sources[0]]}
    assert len(gone - own) <= 4  # one clip more can push its class and one side over their slack


def test_the_summary_and_the_table_tell_what_the_sides_hold() -> None:
    division = split_whole(singles(90), FRACTIONS, 0)
    sizes = {name: len(side) for name, side in division.sides.items()}
    told = f"toy: tune {sizes['tune']}, select {sizes['select']}, test {sizes['test']}"
    assert division.summary() == told
    first = division.table()[0]
    assert (first["side"], first["clips"], first["sources"]) == ("tune", sizes["tune"], sizes["tune"])
    assert sum(float(str(row["share"])) for row in division.table()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("fractions", "said"),
    [
        ({"tune": 0.5, "test": 0.6}, "sum to 1.1, expected 1"),
        ({"tune": 0.0, "test": 1.0}, "expected each above 0"),
        ({"tune": -0.5, "test": 1.5}, "expected each above 0"),
        ({"tune": float("nan"), "test": 1.0}, "expected each above 0"),
    ],
)
def test_fractions_that_are_none_are_refused(fractions: dict[str, float], said: str) -> None:
    with pytest.raises(UserError, match=said):
        split_whole(singles(30), fractions, 0)


def test_a_side_that_would_be_empty_is_refused() -> None:
    knot = clip_set([(f"c{i}", "x", ("same",), ()) for i in range(9)])
    with pytest.raises(UserError, match=r"side '\w+' of toy would be empty: 9 clips"):
        split_whole(knot, FRACTIONS, 0)


def samples(shared_data: Path) -> ClipSet:
    with open(shared_data / "swap2485" / "pairs_mcq.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    ids = re.compile(r"_(.{11}_\d{6}_\d{6})_bg_(.{11}_\d{6}_\d{6})$")
    found = [(row, ids.search(row["pair"])) for row in rows]
    return clip_set([(r["pair"], r["human_label"], m.groups(), ("x",)) for r, m in found if m])


def test_the_papers_split_is_its_own_and_says_that_sources_are_shared(shared_data: Path) -> None:
    division = paper_split(samples(shared_data))
    assert {name: len(side) for name, side in division.sides.items()} == {"tune": 621, "test": 1864}
    first = {int(clip.id[7:13]) for clip in division.sides["tune"].clips}
    # pandas 2 and 3: range(2485) as a frame, sample(frac=0.25, random_state=42).
    assert {1616, 1310, 2282, 433, 1278, 821, 1341, 2195} <= first
    assert not division.disjoint
    assert "NOT source-disjoint" in division.summary()
    shared = division.shared("test")
    tuned = {s for clip in division.sides["tune"].clips for s in clip.sources}
    assert shared == sum(not tuned.isdisjoint(clip.sources) for clip in division.sides["test"].clips) > 900


def test_the_papers_split_holds_for_the_pairs_one_has(shared_data: Path) -> None:
    whole = samples(shared_data)
    part = ClipSet("part", whole.clips[::3], ())
    assert side_of(paper_split(part)).items() <= side_of(paper_split(whole)).items()
    with pytest.raises(UserError, match="clip c0 is none of the paper's 2,485 pairs"):
        paper_split(singles(4))


def test_hats_pairs_cost_nothing_and_the_papers_a_sixth_to_a_fifth(shared_data: Path) -> None:
    data = pickle.loads((shared_data / "hat" / "actionswap_rand_1.pickle").read_bytes())
    hat = clip_set([(k, k.split("/")[0], (k, v[0]), ("rand",)) for k, v in data.items()])
    whole, told = divide(hat, FRACTIONS, 0)
    assert_disjoint(Division(hat, whole))
    assert told == ""
    dealt, told = divide(samples(shared_data), FRACTIONS, 0)
    videos = [{video_of(s) for clip in side.clips for s in clip.sources} for side in dealt.values()]
    assert all(one.isdisjoint(other) for one, other in combinations(videos, 2))
    lost = 2485 - sum(len(side) for side in dealt.values())
    assert 0.15 < lost / 2485 < 0.22
    assert told == f"toy: {lost} of 2485 clips left out, they link two sides"
    by_class: dict[str, set[str]] = defaultdict(set)
    for name, side in dealt.items():
        for clip in side.clips:
            by_class[clip.human].add(name)
    assert all(len(names) == 3 for names in by_class.values())
    assert len(by_class) == 50


@pytest.mark.parametrize("seed", range(3))
def test_dealt_out_too_a_video_is_one_source_whatever_it_is_called(seed: int) -> None:
    """Of a set that hangs together, in which every video goes by two names."""
    draw = random.Random(seed)

    def source() -> str:
        number = draw.randrange(300)
        return draw.choice((f"video{number:06d}", f"dance/video{number:06d}_000001_000011"))

    tangled = clip_set([(f"p{i}", f"class {i % 5}", (source(), source()), ("x",)) for i in range(600)])
    dealt, told = divide(tangled, FRACTIONS, seed)
    assert "they link two sides" in told
    videos = [{video_of(s) for clip in side.clips for s in clip.sources} for side in dealt.values()]
    assert all(one.isdisjoint(other) for one, other in combinations(videos, 2))
