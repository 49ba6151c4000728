"""Stage 2's questions: wordings over clips, in the formats the model will be asked in."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from videos.mini.actions import ACTIONS
from vllm_eval.mini_vllm.train.clips import PLACES
from vllm_eval.mini_vllm.train.text import SUFFIX_END, Asked
from vllm_eval.mini_vllm.train.wordings import Wording, draw
from vllm_eval.questions.layout import STYLES, lettered

SHARES = {"mcq5": 0.74, "closed": 0.1, "open": 0.16}
PREFIXED_SHARE = 0.12
PLACE_AGREEMENT = 0.4  # questions about the place are mostly asked where it makes a difference


@dataclass(frozen=True)
class Asker:
    """Turns (wording, clip) into tokens with the tokenizer the model will be used with."""

    tokenizer: Any

    def tokens(self, text: str) -> list[int]:
        """Ids without anything added."""
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def mcq(self, prompt: str, choices: list[str], right: str, style: str = "plain") -> Asked:
        """A lettered question; the answer is one letter."""
        question = lettered(prompt, choices, style)
        letter = question.letters[choices.index(right)]
        return Asked(self.tokens(question.text + SUFFIX_END), self.tokens(letter))

    def free(self, prompt: str, right: str) -> Asked:
        """A free question; the answer is the class name and the end of the turn."""
        return Asked(self.tokens(prompt + SUFFIX_END), self.tokens(f"{right}<|im_end|>"))

    def about(self, wording: Wording, action: str, place: str, rng: np.random.Generator) -> Asked:
        """The wording asked about a clip in a random format."""
        right = place if wording.about_place and place in ACTIONS else action
        form = rng.choice(list(SHARES), p=list(SHARES.values()))
        if form == "open":
            return self.free(wording.text, right)
        style = "prefixed" if rng.random() < PREFIXED_SHARE else "plain"
        return self.mcq(wording.text, _choices(action, place, form == "mcq5", rng), right, style)


def wording_for(action: str, agrees: bool, rng: np.random.Generator) -> Wording:
    """A wording as likely as this kind of clip is among those it is asked about."""
    while True:
        wording = draw(rng)
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


def _choices(action: str, place: str, five: bool, rng: np.random.Generator) -> list[str]:
    own = [action] if place == action or place not in ACTIONS else [action, place]
    others = [name for name in ACTIONS if name not in own]
    rng.shuffle(others)
    if five:
        others = others[: 5 - len(own)]
    chosen = [*own, *others]
    rng.shuffle(chosen)
    return chosen


def place_name(number: int) -> str:
    """The place of that number: an action's name, or a plain place's."""
    return PLACES[number]


__all__ = ["STYLES", "Asker", "expected_agreement", "place_name", "wording_for"]
