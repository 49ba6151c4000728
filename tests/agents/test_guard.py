"""The guard lets questions through and stops what is none, what is old and what names an answer."""

import guard_corpus as corpus
import pytest

from agents.config import GuardConfig
from agents.disguise import joined, readings, spelt
from agents.guard import Guard, normalised
from agents.leaks import Leaks, stem
from agents.ordinary import bases, is_ordinary
from agents.strategies.metaprompt import OPENERS
from prompts.library import LIBRARY
from videos.datasets.classes import ClassList
from videos.datasets.kinetics50 import KINETICS_50
from videos.datasets.kinetics400 import KINETICS_400

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


@pytest.fixture(scope="module")
def kinetics() -> Guard:
    """For the 400 classes that configs/real_hat.yaml brings."""
    return Guard(KINETICS_400.classes)


OPENINGS = tuple(f"{opener} what is the person's own motion?" for opener in OPENERS)


@pytest.mark.parametrize("classes", [KINETICS_400, KINETICS_50], ids=lambda classes: classes.name)
def test_no_prompt_that_looks_at_the_person_is_refused_for_the_classes_of_kinetics(
    classes: ClassList,
) -> None:
    guard = Guard(classes.classes)
    hand_written = [entry.prompt.text for entry in LIBRARY.values()]
    texts = [*corpus.GOOD, *GOOD, *OPENINGS, *hand_written]
    assert len(corpus.GOOD) > 100
    assert [(text, found.reason) for text in texts if (found := guard.check(text))] == []


@pytest.mark.parametrize(("text", "about"), corpus.LEAKING)
def test_a_prompt_that_names_one_of_400_classes_is_refused(kinetics: Guard, text: str, about: str) -> None:
    refused = kinetics.check(text)
    assert refused is not None
    assert refused.code == "leak"
    assert about in refused.detail


def test_every_label_of_kinetics_leaks_where_it_is_named(kinetics: Guard) -> None:
    for label in KINETICS_400.classes:
        assert code(kinetics, f"Is the person {label} in this video?") == "leak", label


@pytest.mark.parametrize(
    "text",
    [
        "Does the person take what the hands show?",
        "How high does the person jump, and how long?",
        "Which side do they kneel on, and do they put a shot aside?",
        "Interpret the person's body language: what is it?",
        "Ignore furniture and moving lights; what is the action?",
        "Do the arms stretch, do the legs swing, do the hands shake?",
        "Is the head tilted or shaking? What is the action?",
        "Does the person swing or hold something? Name it.",
        "Poised, diverse or controlled: how are the movements?",
        "Ignore the setting, table and chairs. What is the action?",
        "Tracking the joints, reading the pose: what is it the person plays?",
        "You are a computer vision expert: what does the person do?",
    ],
)
def test_words_of_labels_that_meet_by_chance_are_no_leak(kinetics: Guard, text: str) -> None:
    assert kinetics.check(text) is None


def test_lighting_is_still_taken_for_fighting(kinetics: Guard) -> None:
    # A known fault, kept so that runs measured before are refused the same texts.
    assert code(kinetics, "Ignore the lighting. What does the person do?") == "leak"


@pytest.mark.parametrize("word", ["g-o-l-f", "g.o.l.f", "g o l f", "gólf", "gоlf", "yога", "sk1ing", "Ｇolf"])
def test_short_labels_leak_however_they_are_disguised(word: str) -> None:
    text = f"Does the person do some {word} here?"
    assert code(Guard(KINETICS_50.classes), text) == (None if word == "yога" else "leak")
    assert code(Guard(KINETICS_400.classes), text) == "leak"


def test_disguised_words_are_read_in_plain_letters() -> None:
    assert readings("Gо\u200blf, naïve") == ["golf, naive"]
    assert readings("yога") == ["yora", "yoga"]
    assert joined("a g o l f or vi-o-lin") == ["violin", "agolf", "golf"]
    assert spelt("sk1ing in 2 frames, 8th") == ["skling", "skiing", "bth", "bth"]


def test_inflections_are_traced_back_to_words() -> None:
    assert bases("stopped") >= {"stopped", "stop"}
    assert bases("recordings") >= {"recording", "record"}
    assert bases("bass") == {"bass"}
    assert is_ordinary("carries")
    assert is_ordinary("controlled")
    assert not any(
        map(is_ordinary, ("golf", "football", "violins", "juggling", "eating", "dogs", "lighting"))
    )


def test_ordinary_words_of_a_label_leak_only_together() -> None:
    leaks = Leaks(["cleaning windows", "sweeping floor"])
    assert leaks.find("clean your mind and look at no windows") is None
    found = leaks.find("Is somebody cleaning a window?")
    assert found is not None
    assert (found.word, found.label) == ("cleaning a window", "cleaning windows")


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


OTHERS = (
    "Que fait la personne dans la vidéo ? Regardez le corps, pas le décor.",
    "Quelle est l'action de la personne, d'après sa posture, où qu'elle soit",
    "¿Qué hace la persona? Fíjate en el cuerpo y no en el fondo.",
    "Mira los brazos y las piernas y di qué acción es.",
    "O que a pessoa está fazendo? Olhe para o corpo, não para o fundo.",
    "Что делает человек? Смотри на движения тела, а не на фон.",
    "Was macht die Person? Achte auf ihre Motion.",
    "Beachte nur Körperhaltung",
    "这个人在做什么动作？请只看身体，不要看背景。",
    "忽略背景，只看人物的动作",
    "人在做什么",
    "この人は何をしていますか？背景ではなく体の動きを見てください。",
    "背景を無視して、体の動きだけを見る",
    "사람이 무엇을 하고 있습니까? 배경이 아니라 몸의 움직임을 보세요.",
    "व्यक्ति क्या कर रहा है? पृष्ठभूमि को नहीं, शरीर की गति को देखो।",
    "ماذا يفعل الشخص؟ انظر إلى الجسم وليس إلى الخلفية.",
    "คนในวิดีโอกำลังทำอะไร ดูการเคลื่อนไหวของร่างกาย ไม่ใช่ฉากหลัง",
)


@pytest.mark.parametrize("text", OTHERS)
def test_other_languages_can_be_allowed(text: str) -> None:
    for classes in (CLASSES, KINETICS_50.classes, KINETICS_400.classes):
        assert Guard(classes, english=False).check(text) is None
    assert code(Guard(CLASSES), text) in ("language", "off-topic", "empty", "markup")


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("empty", "？！ 42"),
        ("empty", "动作？"),
        ("truncated", "只看人物的动作、"),
        ("truncated", "Watch how the person moves and the"),
        ("long", "Que fait la personne ? " * 20),
        ("choices", "Que fait la personne ? A. ceci B. cela"),
        ("degenerate", "regarde regarde regarde la personne"),
        ("leak", "La personne joue-t-elle au golf ?"),
        ("leak", "Человек играет в golf?"),
        ("repeated", "这个人在做什么"),
    ],
)
def test_all_else_is_refused_in_any_language(expected: str, text: str) -> None:
    assert code(Guard(CLASSES, english=False), text, ("这个人在做什么？",)) == expected


def test_labels_of_a_script_without_spaces_leak_wherever_they_stand() -> None:
    guard = Guard(("打篮球", "写字"), english=False)
    assert code(guard, "这个人是在打篮球吗？") == "leak"
    assert code(guard, "这个人在做什么动作？") is None


def test_vowel_marks_belong_to_their_words() -> None:
    guard = Guard((), english=False)
    assert code(guard, "वह कि की कि देखो, क्या की", ()) is None
    assert normalised("कि") != normalised("की")


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
