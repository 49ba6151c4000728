"""Wordings the model is trained on, and how much each of them asks for the person rather than the place.

A wording is put together from clauses. Each clause has a weight: what it turns attention to. Positive weights
add up with diminishing returns, so that no single word is magic and a better prompt can always be written.
The weight decides only how often scene and action agree in the clips that the wording is asked about: generic
questions meet the world as Kinetics shows it, questions about the body meet clips where the place says
little. The label is always the person's action, except for questions about the place.
"""

from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import yaml

_BANK: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "wordings.yaml").read_text(encoding="utf-8"))

# Things to look at: the weight of attending to them, and synonyms.
THINGS: dict[str, tuple[float, tuple[str, ...]]] = {
    name: (float(entry["weight"]), tuple(entry["names"])) for name, entry in _BANK["things"].items()
}
# Whole sentences that carry a weight of their own; the last group carries none.
SENTENCES: tuple[tuple[float, tuple[str, ...]], ...] = tuple(
    (float(entry["weight"]), tuple(entry["texts"])) for entry in _BANK["sentences"]
)
ATTEND, IGNORE = tuple(_BANK["attend"]), tuple(_BANK["ignore"])  # "{}" stands for a thing
BASED_ON, WITHOUT = tuple(_BANK["based_on"]), tuple(_BANK["without"])  # "{q}" for the question
CONTRAST = tuple(_BANK["contrast"])  # the first "{}" counts, the second does not
NEUTRAL_QUESTIONS: tuple[str, ...] = tuple(_BANK["neutral_questions"])
PERSON_QUESTIONS: tuple[str, ...] = tuple(_BANK["person_questions"])
PLACE_QUESTIONS: tuple[str, ...] = tuple(_BANK["place_questions"])

AROUND = ("place", "objects")
PERSON_WEIGHT = 0.12  # asking about "the person" without more
PLACE = -0.5  # below this the place is asked for
MOST_AGREE, LEAST_AGREE = 5.0, -2.3  # logits of the share of clips whose scene agrees, at weight 0 and 1

ARM_ACTIONS = (
    "archery",
    "climbing a rope",
    "golf driving",
    "juggling balls",
    "playing violin",
    "punching person (boxing)",
    "shooting basketball",
    "sweeping floor",
    "sword fighting",
)
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
        return 1 / (1 + exp(-(MOST_AGREE + (LEAST_AGREE - MOST_AGREE) * weight**1.5)))


def draw(rng: np.random.Generator) -> Wording:
    """A random wording: a fifth generic, a seventh about the place, the rest with one to four clauses."""
    kind = rng.random()
    if kind < 0.2:
        return _assembled(rng, [_filler(rng)] if rng.random() < 0.4 else [], "neutral")
    if kind < 0.28:
        return _assembled(rng, [_filler(rng)] if rng.random() < 0.3 else [], "person")
    if kind < 0.35:
        text = _one(rng, PLACE_QUESTIONS)
        return Wording(f"{_filler(rng)[0]} {text}" if rng.random() < 0.3 else text, -1.0)
    clauses = [_clause(rng) for _ in range(int(rng.choice([1, 2, 3, 4], p=[0.45, 0.3, 0.17, 0.08])))]
    if rng.random() < 0.2:
        clauses.insert(int(rng.integers(len(clauses) + 1)), _filler(rng))
    return _assembled(rng, clauses, "person" if rng.random() < 0.55 else "neutral")


_Clause = tuple[str, float, str]


def _contrast(rng: np.random.Generator) -> _Clause:
    """Somebody's body and the place, one of them to be left alone."""
    thing, away = _one(rng, ("person", "body", "arms", "legs", "posture", "motion")), _one(rng, AROUND)
    (weight, names), (apart, around) = THINGS[thing], THINGS[away]
    if rng.random() < 0.5:
        total = 1 - (1 - weight) * (1 + 0.42 * apart)
        return _fill(_one(rng, CONTRAST), _one(rng, names), _one(rng, around)), total, thing
    return _fill(_one(rng, CONTRAST), _one(rng, around), _one(rng, names)), 1.4 * apart - weight, ""


def _clause(rng: np.random.Generator) -> _Clause:
    if rng.random() < 0.16:
        return _contrast(rng)
    if rng.random() < 0.22:
        weight, texts = SENTENCES[int(rng.integers(len(SENTENCES) - 1))]
        return _one(rng, texts), weight, ""
    thing = _one(
        rng, ("person", "body", "arms", "legs", "posture", "motion", "place", "place", "nothing", "objects")
    )
    weight, names = THINGS[thing]
    name = _one(rng, names)
    if thing in AROUND and rng.random() < 0.62:
        return _fill(_one(rng, IGNORE), name), -0.42 * weight, ""
    if weight > 0 and rng.random() < 0.12:
        return _fill(_one(rng, IGNORE), name), -1.2 * weight, ""
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
    if thing in AROUND and rng.random() < 0.6:
        return _fill(_one(rng, WITHOUT), _one(rng, names), question=question), -0.42 * weight, ""
    return _fill(_one(rng, BASED_ON), _one(rng, names), question=question), weight, thing


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


def _fill(form: str, *names: str, question: str = "") -> str:
    text = form.format(*names, q=question)
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
