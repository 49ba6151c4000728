"""Anchor clips must not be lost."""

import pytest
from strategies.made import rows_of

from agents.anchors import Anchors
from assets.errors import UserError
from prompts.prompt import Prompt

A, B = Prompt("A?"), Prompt("B?")


def test_an_anchor_is_lost_where_the_reference_was_right_and_the_prompt_is_wrong() -> None:
    anchors = Anchors(("c0", "c1", "c2", "c3", "c9"))
    assert anchors.lost(rows_of(A, "hhbh"), rows_of(B, "hbbu")) == ("c1", "c3")
    assert anchors.lost(rows_of(A, "hh"), rows_of(B, "eb")) == ("c1",)
    assert anchors.lost(rows_of(A, "ee"), rows_of(B, "bb")) == ()


def test_a_prompt_that_loses_more_than_allowed_is_refused_by_name() -> None:
    refused = Anchors(("c0", "c1")).check(rows_of(A, "hh"), rows_of(B, "bb"))
    assert refused is not None
    assert refused.reason == "anchor: 2 anchors lost, at most 0: c0, c1"
    assert Anchors(("c0", "c1"), allowed=2).check(rows_of(A, "hh"), rows_of(B, "bb")) is None
    assert Anchors(()).check(rows_of(A, "hh"), rows_of(B, "bb")) is None


def test_an_unknown_anchor_is_a_users_error() -> None:
    Anchors(("c0",)).check_known(["c0", "c1"])
    with pytest.raises(
        UserError, match="anchor 'c7' is no clip of the tune side, expected ids such as c0, c1"
    ):
        Anchors(("c7",)).check_known(["c1", "c0"])
