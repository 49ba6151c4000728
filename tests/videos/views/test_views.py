"""Views: what is shown of a clip, where its masks come from, and that answers to one are none to another."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

import people_world as world

from assets.errors import UserError
from videos.__main__ import main
from videos.clip import Clip
from videos.compose import MEAN_COLOUR, ActionSwap, HumanOnly, UnalignedSwap
from videos.decode import FramePolicy, FramesFolder, decode
from videos.store import FrameStore
from videos.views import VIEWS, parse_view, view_of
from videos.views.pictures import box_of

EVERY = tuple(range(6))


@pytest.fixture
def clip(tmp_path: Path) -> FramesFolder:
    return world.a_clip(tmp_path, "yoga/one")


def shown(source: FramesFolder, view: str) -> np.ndarray:
    return view_of(source, view).read(EVERY)


@pytest.mark.parametrize(
    ("view", "colour"), [("black", (0, 0, 0)), ("grey", (128, 128, 128)), ("mean", MEAN_COLOUR)]
)
def test_the_person_alone_stands_before_one_colour(
    clip: FramesFolder, view: str, colour: tuple[int, int, int]
) -> None:
    found = shown(clip, view)
    for index, frame in enumerate(found):
        inside = world.mask_of(index) > 0
        assert (frame[inside] == world.PERSON).all()
        assert (frame[~inside] == colour).all()


def test_dimming_leaves_the_person_and_darkens_the_rest(clip: FramesFolder) -> None:
    frame = shown(clip, "dim:0.5")[0]
    inside = world.mask_of(0) > 0
    assert (frame[inside] == world.PERSON).all()
    assert (frame[~inside] == [10, 60, 30]).all()
    assert (shown(clip, "dim:1") == clip.read(EVERY)).all()


def test_a_blurred_background_takes_no_colour_from_the_person(tmp_path: Path) -> None:
    mask = world.mask_of(0)
    frame = world.frame_of(mask)
    frame[::4] = np.where(mask[::4, :, None] > 0, frame[::4], 255)  # stripes that blurring evens out
    world.write(tmp_path / "seg" / "a" / "b", [mask])
    source = world.write(tmp_path / "ori" / "a" / "b", [frame])
    found = view_of(source, "blurred:0.1").read([0])[0]
    assert (found[mask > 0] == frame[mask > 0]).all()
    assert found[mask == 0][:, 1].std() < frame[mask == 0][:, 1].std() / 2
    assert found[mask == 0][:, 1].min() > 100, "red has 40 there: it did not run out of the mask"


def test_the_crop_holds_every_place_of_the_person_in_frames_of_the_same_size(clip: FramesFolder) -> None:
    found = shown(clip, "crop:0")
    assert found.shape == clip.read(EVERY).shape
    for frame in found:
        assert box_of(world.there(frame)) is not None
    tall = box_of(world.there(found[0]))
    before = box_of(world.mask_of(0))
    assert tall
    assert before
    assert tall[1] - tall[0] > 1.4 * (before[1] - before[0])


def test_the_box_is_drawn_around_the_person_not_on_it(clip: FramesFolder) -> None:
    frame = shown(clip, "box:0.05")[0]
    inside = world.mask_of(0) > 0
    assert (frame[inside] == world.PERSON).all()
    assert (frame[11, 9:23] == (255, 0, 0)).all()
    assert (frame[12:40, 9] == (255, 0, 0)).all()
    assert (frame[0] == world.PLACE).all()


def test_side_by_side_is_twice_as_wide_and_one_after_the_other_twice_as_long(clip: FramesFolder) -> None:
    as_filmed, alone = clip.read(EVERY), shown(clip, "black")
    both = shown(clip, "side")
    assert (both[:, :, : world.WIDE] == as_filmed).all()
    assert (both[:, :, world.WIDE :] == alone).all()
    after = view_of(clip, "after")
    assert after.info().length == 12
    assert (after.read([0, 5, 6, 11]) == np.stack([as_filmed[0], as_filmed[5], alone[0], alone[5]])).all()
    assert decode(clip, FramePolicy(4, view="after")).indices == (1, 4, 7, 10), "half of each"


def test_where_nobody_is_a_frame_is_all_background_and_crop_and_box_leave_it(tmp_path: Path) -> None:
    source = world.a_clip(tmp_path, "yoga/nobody", people=False)
    assert (view_of(source, "black").read(EVERY) == 0).all()
    for view in ("crop", "box"):
        assert (view_of(source, view).read(EVERY) == source.read(EVERY)).all()


def a_swap(root: Path, kind: str) -> ActionSwap | UnalignedSwap:
    person = world.a_clip(root, "yoga/one")
    empty = np.zeros((world.HIGH, world.WIDE), np.uint8)
    scene = world.write(root / "inp" / "golf" / "two", [world.frame_of(empty, (0, 0, 200))] * 6)
    masks = world.write(root / "seg" / "golf" / "two", [world.mask_of(0, left=40)] * 6)
    of_person = FramesFolder(root / "seg" / "yoga" / "one")
    if kind == "hat":
        return ActionSwap(person, of_person, scene, masks)
    return UnalignedSwap(person, of_person, scene)


@pytest.mark.parametrize("kind", ["hat", "paper"])
@pytest.mark.parametrize("indices", [EVERY, (3, 5)])
def test_masks_of_a_swap_stand_where_its_person_does(
    tmp_path: Path, kind: str, indices: tuple[int, ...]
) -> None:
    swap = a_swap(tmp_path, kind)
    frames, alone = swap.read(indices), view_of(swap, "black").read(indices)
    for frame, black in zip(frames, alone, strict=True):
        person = world.there(frame) > 0
        assert person.any()
        assert (black[person] == world.PERSON).all()
        assert (black[~person] == 0).all()


def test_a_human_only_clip_has_its_masks_with_it(clip: FramesFolder, tmp_path: Path) -> None:
    only = HumanOnly(clip, FramesFolder(tmp_path / "seg" / "yoga" / "one"))
    assert (view_of(only, "black").read(EVERY) == shown(clip, "black")).all()


def test_every_view_has_an_identity_of_its_own_and_the_original_keeps_its(clip: FramesFolder) -> None:
    names = [*VIEWS, "dim:0.5", "black@erode:4", "black@erode:5", "grey@drop:0.5"]
    identities = {view_of(clip, name).identity() for name in names}
    assert len(identities) == len(names)
    assert view_of(clip, "original").identity() == clip.identity()
    assert view_of(clip, "dim:0.30").identity() == view_of(clip, "dim").identity()


def test_other_masks_of_the_same_frames_make_another_identity(clip: FramesFolder, tmp_path: Path) -> None:
    before = view_of(clip, "black").identity()
    Image.fromarray(world.mask_of(0, left=30)).save(tmp_path / "seg" / "yoga" / "one" / "000001.png")
    (tmp_path / "seg" / "yoga" / "one" / "x").touch()  # the folder's time moves, as when files are replaced
    assert view_of(clip, "black").identity() != before


def test_the_store_keeps_views_apart_and_knows_the_original_by_its_old_name(
    clip: FramesFolder, tmp_path: Path
) -> None:
    store = FrameStore(tmp_path / "store", 1 << 30)
    item = Clip("one", "yoga", None, ("one",), clip)
    plain, black = FramePolicy(4), FramePolicy(4, view="black")
    assert store.media_id(item, plain) != store.media_id(item, black)
    assert store.media_id(item, plain) == store.media_id(item, FramePolicy(4, view="original"))
    assert store.fill([item], black) == {}
    assert (store.get(item, black).pixels == decode(clip, black).pixels).all()
    assert (store.get(item, plain).pixels == decode(clip, plain).pixels).all()


def test_a_clip_without_masks_fails_alone_with_the_next_step(tmp_path: Path) -> None:
    bare = world.a_clip(tmp_path, "yoga/bare", masks=False)
    with pytest.raises(UserError, match="expected this clip's masks"):
        view_of(bare, "black")
    emptied = world.write(tmp_path / "inp" / "yoga" / "bare", [world.frame_of(world.mask_of(0))])
    with pytest.raises(UserError, match="no person to show"):
        view_of(emptied, "black")
    failed = FrameStore(tmp_path / "store", 1 << 30).fill(
        [Clip("bare", "yoga", None, ("bare",), bare)], FramePolicy(2, view="black")
    )
    assert list(failed) == ["bare"]


def test_a_policy_is_read_back_from_its_key_with_its_view() -> None:
    for policy in (FramePolicy(), FramePolicy(6, "paper", 84, "black@erode:2"), FramePolicy(view="dim:0.3")):
        assert FramePolicy.parse(policy.key) == policy
    assert FramePolicy(8, size=224).key == "uniform-8-224", "answers to the original keep their keys"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("blck", r"view 'blck' is unknown, expected one of: original, black, .*dim\[:0.3\]"),
        ("dim:2", "2, expected 0 to 1"),
        ("dim:dark", "'dark' is no number"),
        ("black:3", "black takes no amount; write black"),
        ("black@melt:3", "no change of masks 'melt', expected one of: erode, dilate, shift, drop"),
        ("black@drop:3", "drop by 3, expected 0 to 1"),
        ("original@erode:3", "uses no masks"),
    ],
)
def test_a_view_that_cannot_be_is_told_in_one_line(text: str, told: str) -> None:
    with pytest.raises(UserError, match=told) as failure:
        parse_view(text)
    assert "\n" not in str(failure.value)


def test_damage_to_masks_does_what_it_says(clip: FramesFolder) -> None:
    def pixels(view: str) -> int:
        return int((shown(clip, view).sum(axis=-1) > 0).sum())

    whole = pixels("black")
    assert pixels("black@erode:4") < whole < pixels("black@dilate:4")
    assert pixels("black@erode:0") == whole
    dropped = shown(clip, "black@drop:0.5")
    assert sorted(bool(frame.any()) for frame in dropped) == [False] * 3 + [True] * 3
    moved = shown(clip, "black@shift:10")
    assert pixels("black@shift:10") == whole
    assert not (moved == shown(clip, "black")).all()


def test_show_draws_a_view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEPROOF_CACHE", str(tmp_path / "cache"))
    world.a_clip(tmp_path / "hat", "yoga/one")
    out = tmp_path / "strip.png"
    flags = ["--dataset", "hat:original", "--root", str(tmp_path), "--view", "black", "--out", str(out)]
    assert main(["show", "0", *flags]) == 0
    with Image.open(out) as image:
        assert (0, 0, 0) in {colour for _, colour in image.getcolors(1 << 20) or []}
