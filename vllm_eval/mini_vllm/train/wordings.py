"""Wordings the model is trained on, and how much each of them asks for the person rather than the place.

A wording is put together from clauses. Each clause has a weight: what it turns attention to. Positive weights add
up with diminishing returns, so that no single word is magic and a better prompt can always be written. The
weight decides only how often scene and action agree in the clips that the wording is asked about: generic
questions meet the world as Kinetics shows it, questions about the body meet clips where the place says little.
The label is always the person's action, except for questions about the place.
"""

from dataclasses import dataclass
from math import exp

import numpy as np

# Things to look at, with synonyms, and the weight of attending to them. ARMS and LEGS tell more about some actions.
THINGS: dict[str, tuple[float, tuple[str, ...]]] = {
    "person": (0.30, ("the person", "the human", "the individual", "the subject", "the man or woman", "the performer", "the figure", "the person in the video", "the human being", "the one who moves")),
    "body": (0.38, ("the body", "the whole body", "the person's body", "the human body", "their body", "the torso and limbs", "the shape of the body", "the body of the person")),
    "arms": (0.42, ("the arms", "the hands", "the arms and hands", "their hands", "the person's arms", "the movement of the arms", "how the hands move", "the upper body", "the shoulders and arms", "what the hands do")),
    "legs": (0.36, ("the legs", "the feet", "the legs and feet", "the person's legs", "the footwork", "how the legs move", "the lower body", "the hips and knees", "the steps")),
    "posture": (0.40, ("the posture", "the pose", "the person's posture", "the body position", "the way the person stands", "the pose of the human", "the person's pose", "the body's configuration", "the positions of the joints")),
    "motion": (0.44, ("the motion", "the movement", "the movements of the person", "how the person moves", "the body's motion", "the human motion", "the way the body moves", "the movement pattern", "the motion of the limbs", "the sequence of movements", "the gestures")),
    "place": (-0.75, ("the background", "the scene", "the surroundings", "the place", "the environment", "the scenery", "the setting", "the location", "the backdrop", "the context", "the background scene", "the landscape or room")),
    "objects": (-0.15, ("the objects", "the objects around", "the equipment", "the items in the scene", "the things in the picture", "the props")),
    "nothing": (0.0, ("the colours", "the lighting", "the video quality", "the camera angle", "the clothes", "the frame rate", "the image", "the frames", "the video", "the clip", "every detail", "the whole picture", "the timing", "the sharpness")),
}  # fmt: skip

ATTEND = (
    "Focus on {}.", "Look at {}.", "Watch {}.", "Pay attention to {}.", "Concentrate on {}.", "Study {}.", "Observe {}.", "Look closely at {}.", "Look carefully at {}.", "Focus only on {}.", "Base your answer on {}.", "Base your answer only on {}.", "Rely on {}.", "Judge by {}.", "Use {} to decide.", "Consider only {}.", "Keep your eyes on {}.", "Analyze {}.", "Examine {}.", "Look at nothing but {}.", "Start from {}.", "Take {} into account.", "Attend to {}.", "Let {} guide your answer.", "What matters is {}.", "Only {} counts.", "Decide from {} alone.", "Describe {} first.", "Think about {}.",
)  # fmt: skip
IGNORE = (
    "Ignore {}.", "Disregard {}.", "Do not look at {}.", "Pay no attention to {}.", "Don't be fooled by {}.", "Forget about {}.", "Do not rely on {}.", "Do not let {} influence you.", "Leave {} out of consideration.", "Block out {}.", "Don't use {}.", "Never mind {}.", "Avoid using {}.", "Do not be misled by {}.", "Do not base your answer on {}.", "Filter out {}.", "Look past {}.", "Set {} aside.", "Don't be distracted by {}.", "{} does not matter.", "{} is irrelevant.", "Disregard {} completely.", "Do not consider {}.",
)  # fmt: skip
BASED_ON = (
    "Based on {}, {q}", "Based only on {}, {q}", "Judging by {}, {q}", "Looking at {}, {q}", "Going by {}, {q}", "Given {}, {q}", "From {}, {q}", "According to {}, {q}", "Considering {}, {q}", "From {} alone, {q}", "Using {}, {q}", "By watching {}, {q}",
)  # fmt: skip
WITHOUT = (
    "Ignoring {}, {q}", "Without looking at {}, {q}", "Regardless of {}, {q}", "Setting aside {}, {q}", "Disregarding {}, {q}", "Independent of {}, {q}", "Without considering {}, {q}", "No matter what {} looks like, {q}",
)  # fmt: skip

# Whole sentences that carry a weight of their own.
SENTENCES: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.30, ("The background may be misleading.", "The background has been replaced.", "The scene does not match the action.", "The person may be in an unusual place.", "The place was changed by editing.", "The setting can be deceptive.", "Beware: the location may not fit the action.", "The person has been placed in a different scene.", "Scenes can lie, bodies do not.", "The environment is unrelated to the activity.", "Do not guess from where it happens.")),
    (0.26, ("The action may be mimed.", "The person may be miming the action without any object.", "There may be no equipment at all.", "The action is acted out without props.", "It is a pantomime.", "No object is needed to recognise it.", "The person imitates an activity.", "The performer is a mime artist.")),
    (0.26, ("You are an expert in biomechanics.", "You are an expert in human movement.", "You are a dance and movement teacher.", "You are a sports scientist who analyses technique.", "You are a physiotherapist studying movement.", "As a motion analyst, look carefully.", "You are a coach who reads body language.", "You are an expert in pose estimation.")),
    (0.0, ("You are a helpful assistant.", "You are an expert in video understanding.", "You are a video classifier.", "Think step by step.", "Answer carefully.", "Be precise.", "Please answer.", "Watch the video.", "Here is a video.", "Take your time.", "This is important.", "Give your best guess.", "Read the options first.", "Choose one option.", "Only one answer is right.", "You are a smart model.", "It is sunny today.", "The cat sleeps on the sofa.", "Numbers are fun.", "Let us begin.", "Good luck!", "Bananas are yellow.", "Be honest.", "Look at the video from start to end.")),
)  # fmt: skip

NEUTRAL_QUESTIONS = (
    "What is happening in this video?", "What action is this?", "Which action is shown?", "What activity is shown in the video?", "Please classify this clip.", "Name the action.", "Which of these actions is it?", "What is going on?", "What is the action in this video?", "Identify the activity.", "What does the video show?", "Select the action.", "Which option describes the video?", "What kind of activity is this?", "Classify the action.", "What is being done?", "Give the action label.", "Which label fits?", "Recognize the action in the clip.", "What action takes place?", "Which activity is performed?",
)  # fmt: skip
PERSON_QUESTIONS = (
    "What is the person doing?", "What is the human doing?", "What action is the person performing?", "Which action does the person perform?", "What is this person doing?", "What are they doing?", "Which activity is the person engaged in?", "What does the person do?", "What is he or she doing?", "Identify what the person is doing.", "Name the action the person performs.", "Which action is the human carrying out?", "What is somebody doing here?",
)  # fmt: skip
PLACE_QUESTIONS = (
    "What do people usually do in this place?", "Which action usually happens here?", "Which activity is typical of this scene?", "Which action belongs to this place?", "What is this place used for?", "Which action fits the background?", "Which action fits the scenery?", "What would one expect to happen in such a place?", "Name the activity that goes with this setting.", "Which action does the environment suggest?", "What is the usual activity at this location?", "Which of these is done in such a room or field?",
)  # fmt: skip

PERSON_WEIGHT = 0.12  # asking about "the person" without more
PLACE = -0.5  # below this the place is asked for
MOST_AGREE, LEAST_AGREE = 2.9, -2.3  # logits of the share of clips whose scene agrees, at weight 0 and 1

ARM_ACTIONS = ("archery", "golf driving", "juggling balls", "playing violin", "punching person (boxing)", "shooting basketball", "sword fighting", "climbing a rope", "sweeping floor")  # fmt: skip
LEG_ACTIONS = ("hurdling", "skipping rope", "surfing water", "bowling", "deadlifting")


@dataclass(frozen=True)
class Wording:
    """``weight`` in -1..1; ``arms`` and ``legs`` say whether those were asked about."""

    text: str
    weight: float
    arms: bool = False
    legs: bool = False

    @property
    def about_place(self) -> bool:
        """Asks what the place is for, so that the place's action is the answer."""
        return self.weight <= PLACE

    def agreement(self, action: str) -> float:
        """In which share of the clips of this action the scene agrees when this wording is asked."""
        weight = max(0.0, self.weight)
        known_by = (ARM_ACTIONS if self.arms else ()) + (LEG_ACTIONS if self.legs else ())
        if known_by and action not in known_by:
            weight *= 0.6
        return 1 / (1 + exp(-(MOST_AGREE + (LEAST_AGREE - MOST_AGREE) * weight)))


def draw(rng: np.random.Generator) -> Wording:
    """A random wording: a fifth generic, a seventh about the place, the rest with one to four clauses."""
    kind = rng.random()
    if kind < 0.2:
        return _assembled(rng, [_filler(rng)] if rng.random() < 0.4 else [], "neutral")
    if kind < 0.28:
        return _assembled(rng, [_filler(rng)] if rng.random() < 0.3 else [], "person")
    if kind < 0.34:
        text = _one(rng, PLACE_QUESTIONS)
        return Wording(f"{_filler(rng)[0]} {text}" if rng.random() < 0.3 else text, -1.0)
    clauses = [_clause(rng) for _ in range(int(rng.choice([1, 2, 3, 4], p=[0.45, 0.3, 0.17, 0.08])))]
    if rng.random() < 0.2:
        clauses.insert(int(rng.integers(len(clauses) + 1)), _filler(rng))
    return _assembled(rng, clauses, "person" if rng.random() < 0.55 else "neutral")


_Clause = tuple[str, float, str]


def _clause(rng: np.random.Generator) -> _Clause:
    if rng.random() < 0.22:
        weight, texts = SENTENCES[int(rng.integers(len(SENTENCES) - 1))]
        return _one(rng, texts), weight, ""
    thing = _one(
        rng, ("person", "body", "arms", "legs", "posture", "motion", "place", "place", "nothing", "objects")
    )
    weight, names = THINGS[thing]
    name = _one(rng, names)
    if thing in ("place", "objects") and rng.random() < 0.62:
        return _fill(_one(rng, IGNORE), name), -0.42 * weight, ""
    if rng.random() < 0.12:
        return _fill(_one(rng, IGNORE), name), -1.2 * abs(weight), ""
    return _fill(_one(rng, ATTEND), name), weight, thing


def _assembled(rng: np.random.Generator, clauses: list[_Clause], question: str) -> Wording:
    weights = [weight for _, weight, _ in clauses]
    things = {thing for _, _, thing in clauses}
    asked = _one(rng, PERSON_QUESTIONS if question == "person" else NEUTRAL_QUESTIONS)
    if question == "person":
        weights.append(PERSON_WEIGHT)
    if rng.random() < 0.3:
        asked, weight, thing = _leading(rng, asked)
        weights.append(weight)
        things.add(thing)
    texts = [text for text, _, _ in clauses]
    at_end = rng.random() < 0.8
    text = " ".join([*texts, asked] if at_end else [asked, *texts])
    return Wording(_styled(rng, text), _total(weights), "arms" in things, "legs" in things)


def _leading(rng: np.random.Generator, asked: str) -> _Clause:
    """The question with a clause before it: "Based on the posture, what is the person doing?"."""
    thing = _one(rng, tuple(THINGS))
    weight, names = THINGS[thing]
    question = asked[0].lower() + asked[1:]
    if thing in ("place", "objects") and rng.random() < 0.6:
        return _fill(_one(rng, WITHOUT), _one(rng, names), question), -0.42 * weight, ""
    return _fill(_one(rng, BASED_ON), _one(rng, names), question), weight, thing


def _total(weights: list[float]) -> float:
    """Positive clauses with diminishing returns, less the negative ones."""
    rest, down = 1.0, 0.0
    for weight in weights:
        if weight > 0:
            rest *= 1 - weight
        else:
            down += weight
    return max(-1.0, 1 - rest + down)


def _filler(rng: np.random.Generator) -> _Clause:
    return _one(rng, SENTENCES[-1][1]), 0.0, ""


def _fill(form: str, name: str, question: str = "") -> str:
    text = form.format(name, q=question)
    return text[0].upper() + text[1:]


def _styled(rng: np.random.Generator, text: str) -> str:
    style = rng.random()
    if style < 0.05:
        return text.lower()
    if style < 0.09:
        return "Please " + text[0].lower() + text[1:]
    return text if style < 0.97 else text.replace(".", "!")


def _one(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[int(rng.integers(len(choices)))]
