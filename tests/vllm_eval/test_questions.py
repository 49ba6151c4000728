"""Questions are short, fair and the same every time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from assets.errors import UserError
from videos.clip import Clip, Pixels, SourceInfo
from vllm_eval.questions import FORMATS, load_format
from vllm_eval.questions.mcq5 import Mcq5

CLASSES = tuple(f"class {i}" for i in range(12))


class NoFrames:
    def identity(self) -> str:
        return "none"

    def info(self) -> SourceInfo:
        return SourceInfo(1, 1.0)

    def read(self, indices: Sequence[int]) -> Pixels:
        return np.zeros((len(indices), 2, 2, 3), np.uint8)


def clip(name: str = "c", background: str | None = "class 7", human: str = "class 3") -> Clip:
    return Clip(name, human, background, ("s",), NoFrames())


def test_five_choices_are_human_background_and_three_others() -> None:
    question = Mcq5().ask("What?", clip(), CLASSES)
    assert {"class 3", "class 7"} < set(question.labels)
    assert len(set(question.labels)) == 5
    assert question.letters == tuple("ABCDE")


def test_the_text_is_the_prompt_and_the_choices_and_nothing_more() -> None:
    question = Mcq5().ask("What?", clip(), CLASSES)
    lines = [f"{letter}. {label}" for letter, label in zip("ABCDE", question.labels, strict=True)]
    assert question.text == "\n".join(["What?", *lines])


def test_style_and_instruction_change_text_and_key() -> None:
    formats = [Mcq5(), Mcq5(style="prefixed"), Mcq5(instruction="Answer with the letter only."), Mcq5(seed=1)]
    assert len({one.key for one in formats}) == 4
    prefixed, instructed = formats[1].ask("What?", clip(), CLASSES), formats[2].ask("What?", clip(), CLASSES)
    assert prefixed.text.split("\n")[1] == f"A. A video of a human {prefixed.labels[0]}"
    assert instructed.text.split("\n")[-1] == "Answer with the letter only."
    assert instructed.labels == formats[0].ask("What?", clip(), CLASSES).labels


def test_choices_a_data_set_fixes_are_offered_in_its_order_under_the_same_key() -> None:
    fixed = replace(clip(), choices=("class 9", "class 3", "class 1", "class 7", "class 4"))
    question = Mcq5(seed=5).ask("What?", fixed, CLASSES)
    assert question.labels == fixed.choices
    assert Mcq5(seed=5).key == "mcq5-plain-seed5"


@pytest.mark.parametrize("background", [None, "class 3"])
def test_without_a_conflicting_background_there_are_four_distractors(background: str | None) -> None:
    question = Mcq5().ask("What?", clip(background=background), CLASSES)
    assert len(set(question.labels)) == 5
    assert "class 3" in question.labels


@pytest.mark.parametrize("name", list(FORMATS))
def test_choices_depend_on_the_clip_and_not_on_the_prompt(name: str) -> None:
    form = load_format(name)
    first = form.ask("What?", clip(), CLASSES)
    assert first.labels == form.ask("Which action is it?", clip(), CLASSES).labels
    assert first == form.ask("What?", clip(), CLASSES)


def test_no_position_is_preferred() -> None:
    places = Counter(Mcq5().ask("What?", clip(f"c{i}"), CLASSES).labels.index("class 3") for i in range(1000))
    assert sorted(places) == [0, 1, 2, 3, 4]
    assert max(places.values()) < 260  # 200 expected, standard deviation 13


def test_distractors_are_drawn_evenly() -> None:
    drawn = Counter(label for i in range(1000) for label in Mcq5().ask("?", clip(f"c{i}"), CLASSES).labels)
    others = [drawn[name] for name in CLASSES if name not in ("class 3", "class 7")]
    assert 230 < min(others) <= max(others) < 370  # 300 expected, standard deviation 14.5


def test_another_seed_draws_other_choices() -> None:
    asked = {Mcq5(seed).ask("What?", clip(), CLASSES).labels for seed in range(5)}
    assert len(asked) == 5


def test_too_few_classes_for_five_choices_are_refused() -> None:
    with pytest.raises(UserError, match="use closed instead"):
        Mcq5().ask("What?", clip(human="class 0", background="class 1"), CLASSES[:4])


def test_closed_offers_every_class_as_a_letter_while_letters_last() -> None:
    question = load_format("closed").ask("What?", clip(), CLASSES)
    assert sorted(question.labels) == sorted(CLASSES)
    assert question.letters == tuple("ABCDEFGHIJKL")
    assert question.text.split("\n")[12] == f"L. {question.labels[11]}"


def test_closed_lists_names_beyond_the_alphabet() -> None:
    many = tuple(f"class {i}" for i in range(27))
    question = load_format("closed").ask("What?", clip(), many)
    assert question.letters == ()
    assert question.text == f"What?\nChoices: {', '.join(question.labels)}"


def test_closed_offers_the_clips_own_labels_whatever_the_class_list() -> None:
    question = load_format("closed").ask("What?", clip(human="dancing", background="surfing"), CLASSES)
    assert {"dancing", "surfing"} < set(question.labels)


def test_open_asks_the_prompt_alone_and_matches_all_classes() -> None:
    question = load_format("open").ask("What?", clip(), CLASSES)
    assert question.text == "What?"
    assert (question.labels, question.letters) == (CLASSES, ())


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("mcq6", {}, "mcq5, closed, open"),
        ("open", {"style": "plain"}, "instruction"),
        ("mcq5", {"style": "bold"}, "plain, prefixed"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(name: str, options: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        load_format(name, **options)
