"""The guard lets questions through and stops what is none, what is old and what names an answer."""

import pytest

from agents.config import GuardConfig
from agents.guard import Guard, normalised
from agents.leaks import Leaks, stem
from agents.strategies.metaprompt import OPENERS
from prompts.library import LIBRARY

CLASSES = (
    "archery", "bowling", "brushing hair", "canoeing or kayaking", "catching or throwing baseball",
    "clean and jerk", "cleaning windows", "climbing a rope", "climbing ladder", "deadlifting",
    "driving car", "eating ice cream", "golf driving", "hurdling", "juggling balls", "opening bottle",
    "playing bass guitar", "playing violin", "punching person (boxing)", "reading book",
    "shooting basketball",
    "shooting goal (soccer)", "skiing (not slalom or crosscountry)", "skipping rope", "sweeping floor",
    "sword fighting", "tying tie", "walking the dog", "writing",
)  # fmt: skip

GOOD = (
    "Watch how the arms and legs move. Which action is it?",
    "Ignore the floor, the walls, the water and the windows; name the action the person performs.",
    "Your goal is to read the body: what is the person playing at?",
    "Write the name of the action, judged by posture alone.",
    "Put a box around the person and tell what happens inside it.",
    "Skip the background. What do the hands do?",
    "Take care: the place is misleading. What is the person's own motion?",
    "Don't open your eyes to the scene; what's the athlete's technique driving at?",
    "Is the person running, jumping, lifting or throwing? Choose by the limbs' motion.",
    "In 8 frames a person moves; say which action that is.",
)


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard(CLASSES)


def code(guard: Guard, text: str, seen: tuple[str, ...] = ()) -> str | None:
    refused = guard.check(text, seen)
    return refused.code if refused else None


@pytest.mark.parametrize("text", [*GOOD, *(entry.prompt.text for entry in LIBRARY.values())])
def test_questions_and_instructions_pass(guard: Guard, text: str) -> None:
    assert guard.check(text) is None


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("empty", ""),
        ("empty", "  \n "),
        ("empty", "?!... 42"),
        ("empty", "Action?"),
        ("long", "What is the person doing? " * 13),
        ("long", f"What is the person {'really' * 70} doing?"),
        ("lines", "What is the person doing?\nScore it"),
        ("markup", '{"prompt": "What is the person doing?"}'),
        ("markup", 'What is the person doing?"}, {"prompt'),
        ("markup", "What is the person doing? See https://example.com"),
        ("markup", "What is the person doing? Score 57: Where is it?"),
        ("markup", "PROMPT: What is the person doing?"),
        ("markup", "```python what does the person do```"),
        ("markup", "print() what does the person do"),
        ("markup", "What action? 1234567890 1234567890"),
        ("markup", "<b>What is the person doing?</b>"),
        ("choices", "What is the person doing? A. this B. that"),
        ("choices", "What is the person doing? A) this B) that"),
        ("choices", "Answer with only the letter A, B, C, D, or E: what action is it?"),
        ("choices", "What is the person doing? 1. this 2. that"),
        ("choices", "What is the person doing? Options: this, that"),
        ("language", "Was macht die Person? Achte auf ihre Motion."),
        ("language", "Quelle action fait la personne dans la vidéo, sur le terrain?"),
        ("language", "¿Qué hace la persona en el video? No mires el fondo."),
        ("language", "Что делает человек? What?"),
        ("language", "这个 人在做 什么 动作? Watch it."),
        ("truncated", "Watch how the person moves and the"),
        ("truncated", "Watch how the person moves,"),
        ("truncated", "Watch how the person moves..."),
        ("truncated", "Watch the person (not the place and say what is done."),
        ("truncated", 'Say "what the person does.'),
        ("degenerate", "What is the person doing the person doing the person doing?"),
        ("degenerate", "What is the the the person doing?"),
        ("off-topic", "How do you calculate that?"),
        ("off-topic", "The person stands in a large kitchen."),
        ("off-topic", "I am very happy with my person today."),
    ],
)
def test_what_is_no_question_is_refused_by_name(guard: Guard, expected: str, text: str) -> None:
    assert code(guard, text) == expected


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Is the person boxing?", "punching person (boxing)"),
        ("Does the person hold a Violin?", "playing violin"),
        ("Is the performer a violinist?", "playing violin"),
        ("Does the person juggle?", "juggling balls"),
        ("Is this GOLF-like motion?", "golf driving"),
        ("Is the person an archer?", "archery"),
        ("Is it a dead lift the person performs?", "deadlifting"),
        ("Is it a sword-fight the person performs?", "sword fighting"),
        ("Does a rope explain the motion?", "climbing a rope"),
        ("Does the person clean the windows?", "cleaning windows"),
        ("Is the person writing?", "writing"),
        ("Is the person fighting?", "sword fighting"),
        ("Does the motion look like hurdles?", "hurdling"),
        ("Is it basebal the person plays?", "catching or throwing baseball"),
        ("Is it ba5ketball the person plays?", "shooting basketball"),
        ("Does the person hold a v i o l i n here?", "playing violin"),
        ("Is the person bowlling?", "bowling"),
    ],
)
def test_a_class_or_its_telling_words_are_a_leak(guard: Guard, text: str, label: str) -> None:
    refused = guard.check(text)
    assert refused is not None
    assert refused.code == "leak"
    assert repr(label) in refused.detail


def test_a_leak_depends_on_the_classes_asked_for() -> None:
    assert Guard(("archery",)).check("Does the person hold a violin?") is None


# Of the 400 actions of Kinetics those made of words that prompts are made of.
EVERYDAY = (
    "answering questions", "bending back", "changing oil", "checking tires", "counting money",
    "drumming fingers", "front raises", "getting a haircut", "massaging person's head", "massaging back",
    "massaging feet", "moving furniture", "picking fruit", "playing poker", "setting table",
    "shaking hands", "sign language interpreting", "spinning poi", "taking a shower", "throwing ball",
)  # fmt: skip


def test_everyday_words_of_many_labels_refuse_no_prompt_that_looks_at_the_person() -> None:
    everyday = Guard(EVERYDAY)
    openings = [f"{opener} what is the person's own motion?" for opener in OPENERS]
    for text in [*(entry.prompt.text for entry in LIBRARY.values()), *GOOD, *openings]:
        found = everyday.check(text)
        assert found is None or found.code != "leak", (text, found)
    assert code(everyday, "Is the person massaging someone?") == "leak"
    assert code(everyday, "Is it massaging a person’s head?") == "leak"
    assert code(everyday, "Is the person taking a shower?") == "leak"
    assert code(everyday, "Look for poi and tell the action.") == "leak"


def test_ordinary_words_of_a_label_leak_only_together() -> None:
    leaks = Leaks(["cleaning windows", "sweeping floor"])
    assert leaks.find("clean your mind and look at no windows") is None
    found = leaks.find("Is somebody cleaning a window?")
    assert found is not None
    assert (found.word, found.label) == ("cleaning window", "cleaning windows")


def test_the_same_words_are_repeated_whatever_their_case_and_punctuation(guard: Guard) -> None:
    seen = ("What is the person doing?",)
    assert code(guard, "  what is the PERSON doing ", seen) == "repeated"
    assert code(guard, "What is the person doing now?", seen) is None


def test_words_that_are_only_like_a_label_pass(guard: Guard) -> None:
    for text in (
        "What is the person bowing to?",
        "Which stating of the action fits?",
        "Is the person following it?",
    ):
        assert guard.check(text) is None, text


def test_other_languages_can_be_allowed() -> None:
    german = "Was macht die Person? Achte auf ihre Motion."
    assert Guard(CLASSES, english=False).check(german) is None
    assert code(Guard(CLASSES), german) == "language"


def test_length_limits_can_be_set() -> None:
    text = "What is the person in the video doing?"
    assert code(Guard((), max_words=7), text) == "long"
    assert code(Guard((), max_words=8, max_characters=len(text)), text) is None
    assert code(Guard((), max_characters=len(text) - 1), text) == "long"


def test_a_guard_follows_the_configuration() -> None:
    guard = Guard.of(("archery",), GuardConfig(max_words=8, english=False))
    assert code(guard, "Was macht die Person auf dem Feld?") is None
    assert code(guard, "What is the person in the video now doing?") == "long"
    assert code(guard, "Is it archery the person does?") == "leak"


def test_a_reason_is_one_line_and_begins_with_its_code(guard: Guard) -> None:
    for text in ("", "What?\nIs the person moving?", "Is the person boxing?"):
        refused = guard.check(text)
        assert refused is not None
        assert refused.reason.startswith(f"{refused.code}: ")
        assert len(refused.reason.splitlines()) == 1


def test_inflected_forms_share_a_stem_and_neighbours_do_not() -> None:
    assert len({stem(word) for word in ("juggling", "juggle", "juggler", "juggles")}) == 1
    assert len({stem(word) for word in ("ski", "skis", "skier", "skiing")}) == 1
    assert stem("care") != stem("car")
    assert stem("surface") != stem("surf")
    assert stem("base") != stem("bass")


def test_normalised_text_keeps_words_and_nothing_else() -> None:
    assert normalised("  What's   it,\tDOING?") == "what's it doing"
