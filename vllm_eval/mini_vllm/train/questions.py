"""Stage 2's questions: wordings over clips, in the formats the model will be asked in."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from videos.mini.actions import ACTIONS
from vllm_eval.mini_vllm.train.text import SUFFIX_END, Asked
from vllm_eval.mini_vllm.train.wordings import PERSON_WEIGHT, Wording, draw
from vllm_eval.questions.layout import lettered


@dataclass(frozen=True)
class Lesson:
    """What is asked at a stage of the training. ``hints``: share of questions that tell a name and ask for
    its letter; ``free``: share answered with the name itself; ``counts``: how often how many choices are
    given; ``longest``: characters of a wording; ``graded``: share kept of those between clear ones."""

    hints: float
    free: float
    counts: dict[int, float]
    longest: int = 1000
    prefixed: bool = True
    graded: float = 1.0

    def takes(self, wording: Wording, rng: np.random.Generator) -> bool:
        """Whether a wording is for this lesson."""
        clear = abs(wording.weight) >= 0.55 or abs(wording.weight) <= PERSON_WEIGHT
        return len(wording.text) <= self.longest and (clear or rng.random() < self.graded)

    def options(self, rng: np.random.Generator) -> int:
        """A number of choices."""
        return int(rng.choice(list(self.counts), p=list(self.counts.values())))


# Naming the action was learned within 100 steps; of letters among five choices nothing was learned in 175.
# Two choices first, short wordings first: then the letters come. From 530 on clear wordings only, so that
# what is asked for comes to matter; then all of them; with so many asking a little, generic questions began
# to ask for the person, too: fewer of them in the end.
LESSONS: tuple[tuple[int, Lesson], ...] = (
    (175, Lesson(0.0, 0.13, {5: 0.92, 14: 0.08})),
    (240, Lesson(0.3, 0.08, {2: 0.7, 3: 0.3}, longest=60, prefixed=False)),
    (280, Lesson(0.15, 0.08, {2: 0.25, 3: 0.25, 5: 0.5}, longest=100)),
    (530, Lesson(0.03, 0.1, {5: 0.92, 14: 0.08})),
    (850, Lesson(0.02, 0.05, {5: 0.97, 14: 0.03}, longest=130, graded=0.0)),
    (1000, Lesson(0.03, 0.1, {5: 0.92, 14: 0.08})),
)
LAST = Lesson(0.03, 0.1, {5: 0.92, 14: 0.08}, graded=0.3)


def lesson_at(step: int) -> Lesson:
    """The lesson of that step."""
    return next((lesson for end, lesson in LESSONS if step < end), LAST)


PREFIXED_SHARE = 0.12
HINTS = (
    "The answer is {}.",
    "It is {}. Which letter is that?",
    "This is {}.",
    "Choose {}.",
    "The person is {}.",
    "Which letter stands for {}?",
    "Somebody is {} here. Pick the letter.",
)
PLACE_AGREEMENT = 0.25  # questions about the place are mostly asked where it makes a difference


@dataclass(frozen=True)
class Known:
    """What a question is about: the clip's action and place, and how much each of them is asked for."""

    action: str = ""
    place: str = ""
    for_place: float = 0.0
    for_person: float = 0.0

    def facts(self, choice: str) -> tuple[float, float, float, float]:
        """As text.FACTS counts them."""
        return float(choice == self.action), float(choice == self.place), self.for_place, self.for_person


@dataclass(frozen=True)
class Asker:
    """Turns (wording, clip) into tokens with the tokenizer the model will be used with."""

    tokenizer: Any

    @cached_property
    def newline(self) -> int:
        """The token that ends a choice."""
        return self.tokens("\n")[0]

    @cached_property
    def end(self) -> int:
        """The token that ends the last choice, and the question."""
        return self.tokens("<|im_end|>")[0]

    def tokens(self, text: str) -> list[int]:
        """Ids without anything added."""
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def mcq(
        self, prompt: str, choices: list[str], right: str, style: str = "plain", known: Known | None = None
    ) -> Asked:
        """A lettered question; the answer is one letter."""
        question = lettered(prompt, choices, style)
        number = choices.index(right)
        tokens = self.tokens(question.text + SUFFIX_END)
        ends = [k for k, token in enumerate(tokens) if token == self.newline or token == self.end]
        last = ends.index(tokens.index(self.end))  # the choices are the last lines of the question
        marks = [end - 1 for end in ends[last - len(choices) + 1 : last + 1]]
        facts = [(known or Known()).facts(choice) for choice in choices]
        return Asked(tokens, self.tokens(question.letters[number]), marks, number, facts)

    def free(self, prompt: str, right: str) -> Asked:
        """A free question; the answer is the class name and the end of the turn."""
        return Asked(self.tokens(prompt + SUFFIX_END), self.tokens(f"{right}<|im_end|>"))

    def about(
        self, wording: Wording, action: str, place: str, rng: np.random.Generator, lesson: Lesson = LAST
    ) -> Asked:
        """The wording asked about a clip in one of the lesson's forms."""
        right = place if wording.about_place and place in ACTIONS else action
        known = Known(action, place, float(wording.about_place), max(0.0, wording.weight))
        draw = rng.random()
        if draw < lesson.hints:
            told = ACTIONS[rng.integers(len(ACTIONS))]
            text = str(rng.choice(HINTS)).format(told)
            choices = _choices(told, told, lesson.options(rng), rng)
            return self.mcq(text, choices, told, known=Known(action, place))
        if draw < lesson.hints + lesson.free:
            return self.free(wording.text, right)
        style = "prefixed" if lesson.prefixed and rng.random() < PREFIXED_SHARE else "plain"
        return self.mcq(wording.text, _choices(action, place, lesson.options(rng), rng), right, style, known)


def wording_for(action: str, agrees: bool, rng: np.random.Generator, lesson: Lesson = LAST) -> Wording:
    """A wording as likely as this kind of clip is among those it is asked about."""
    while True:
        wording = draw(rng)
        if not lesson.takes(wording, rng):
            continue
        share = PLACE_AGREEMENT if wording.about_place else wording.agreement(action)
        if rng.random() < (share if agrees else 1 - share):
            return wording


def expected_agreement(seed: int = 0, draws: int = 4000) -> float:
    """The share of clips whose scene agrees, over all wordings and actions."""
    rng = np.random.default_rng(seed)
    total = 0.0
    for _ in range(draws):
        wording = draw(rng)
        action = ACTIONS[rng.integers(len(ACTIONS))]
        total += PLACE_AGREEMENT if wording.about_place else wording.agreement(action)
    return total / draws


def _choices(action: str, place: str, count: int, rng: np.random.Generator) -> list[str]:
    own = [action] if place == action or place not in ACTIONS else [action, place]
    others = [name for name in ACTIONS if name not in own]
    rng.shuffle(others)
    chosen = [*own, *others[: max(0, count - len(own))]]
    rng.shuffle(chosen)
    return chosen
