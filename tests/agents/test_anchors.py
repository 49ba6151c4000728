"""Anchor clips must not be lost."""

from dataclasses import replace

import pytest
import scripted_world as world
from strategies.made import KINDS

from agents.anchors import Anchors
from assets.errors import UserError
from videos.clip import ClipSet
from vllm_eval.engine import Answer
from vllm_eval.evaluator import Scored


def scored(kinds: str, *names: str) -> Scored:
    """One answer a letter (strategies.made); clip i is called ci, or after these names."""
    called = names or [f"c{i}" for i in range(len(kinds))]
    clips = [replace(clip, id=name) for clip, name in zip(world.swapped().clips, called, strict=False)]
    answers = [Answer(str(i), "A", None, KINDS[one], None, 0, 0, 0.0) for i, one in enumerate(kinds)]
    return Scored("p", ClipSet("tune", tuple(clips), world.CLASSES), tuple(answers))


def test_an_anchor_is_lost_where_the_reference_was_right_and_the_prompt_is_wrong() -> None:
    anchors = Anchors(("c0", "c1", "c2", "c3", "c9"))
    assert anchors.lost(scored("hhbh"), scored("hbbu")) == ("c1", "c3")
    assert anchors.lost(scored("hh"), scored("eb")) == ("c1",)
    assert anchors.lost(scored("ee"), scored("bb")) == ()


def test_a_prompt_that_loses_more_than_allowed_is_refused_by_name() -> None:
    refused = Anchors(("c0", "c1")).check(scored("hh"), scored("bb"))
    assert refused is not None
    assert refused.reason == "anchor: 2 anchors lost, at most 0: c0, c1"
    assert Anchors(("c0", "c1"), allowed=2).check(scored("hh"), scored("bb")) is None
    assert Anchors(()).check(scored("hh"), scored("bb")) is None


def test_an_anchor_is_lost_where_one_of_several_targets_loses_it() -> None:
    names = ("c0 @ a", "c0 @ b", "c1 @ a", "c1 @ b")
    refused = Anchors(("c0",)).check(scored("hhhh", *names), scored("hbbb", *names))
    assert refused is not None
    assert refused.reason == "anchor: 1 anchors lost, at most 0: c0 @ b"
    assert Anchors(("c0",), allowed=1).check(scored("hhhh", *names), scored("bbhh", *names)) is None


def test_an_unknown_anchor_is_a_users_error() -> None:
    Anchors(("c0",)).check_known(["c0", "c1"])
    Anchors(("c0",)).check_known(["c0 @ a", "c1 @ a"])
    with pytest.raises(
        UserError, match="anchor 'c7' is no clip of the tune side, expected ids such as c0, c1"
    ):
        Anchors(("c7",)).check_known(["c1", "c0"])
