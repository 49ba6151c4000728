"""Replies are read by letter or name; what cannot be read is nobody's label."""

from collections.abc import Sequence

import numpy as np
import pytest

from videos.clip import Clip, Pixels, SourceInfo
from vllm_eval.parse import kind_of, match_label, read_reply
from vllm_eval.question import Question

LABELS = ("archery", "bowling", "climbing a rope", "punching person (boxing)", "climbing")
LETTERED = Question("?", LABELS, tuple("ABCDE"))


class NoFrames:
    def identity(self) -> str:
        return "none"

    def info(self) -> SourceInfo:
        return SourceInfo(1, 1.0)

    def read(self, indices: Sequence[int]) -> Pixels:
        return np.zeros((len(indices), 2, 2, 3), np.uint8)


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ("B", "bowling"),
        ("b", "bowling"),
        (" B. bowling", "bowling"),
        ("(C) climbing a rope", "climbing a rope"),
        ("**D**: boxing", "punching person (boxing)"),
        ("The answer is B.", "bowling"),
        ("I'd say option (C)", "climbing a rope"),
        ("A archery", "archery"),
        ("A person is bowling.", "bowling"),
        ("A person stands there.", None),
        ("The answer is a person", None),
        ("Answer: A person is bowling.", "bowling"),
        ("The answer is: A man climbing.", "climbing"),
        ("The answer is A because the person is not bowling.", "archery"),
        ("Answer: A archery", "archery"),
        ("Answer: A, no doubt", "archery"),
        ("The choice is X; answer B", "bowling"),
        ("Bowling", "bowling"),
        ("F", None),
        ("", None),
        ("Cannot tell", None),
    ],
)
def test_a_letter_is_read_where_it_is_meant_as_one(reply: str, label: str | None) -> None:
    assert read_reply(reply, LETTERED) == label


def test_a_letter_means_nothing_to_a_question_without_letters() -> None:
    assert read_reply("B", Question("?", LABELS, ())) is None


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ("Someone is climbing a rope outdoors", "climbing a rope"),
        ("climbing", "climbing"),
        ("He is BOXING!", "punching person (boxing)"),
        ("punching person", "punching person (boxing)"),
        ("Punching person (boxing).", "punching person (boxing)"),
        ("bowling, not archery", "bowling"),
        ("archery, not bowling", "archery"),
        ("bowlingalley", None),
    ],
)
def test_a_name_is_matched_whole_longest_first_then_first_mentioned(reply: str, label: str | None) -> None:
    assert match_label(reply, LABELS) == label


def test_a_label_says_human_before_background() -> None:
    clip = Clip("c", "archery", "bowling", ("s",), NoFrames())
    assert [kind_of(label, clip) for label in ("archery", "bowling", "climbing", None)] == [
        "human",
        "background",
        "other",
        "unparsed",
    ]
    assert kind_of("archery", Clip("c", "archery", "archery", ("s",), NoFrames())) == "human"
    assert kind_of("bowling", Clip("c", "archery", None, ("s",), NoFrames())) == "other"
