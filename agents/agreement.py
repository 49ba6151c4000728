"""What a prompt loses where scene and action agree, against the neutral prompt: told from few ordinary clips.

Nearly all of them are answered rightly with any prompt, so that wrong answers are too few to count on. The
probability of the right label moves on every clip: over the nineteen best and hand-written prompts of three
runs with the bundled model, what it lost on 154 ordinary clips went with the accuracy lost on 308 others
(r = 0.69); the accuracy lost on the same 154 did not (r = 0.20).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from agents.race_board import soft_gap
from agents.scoring import Scorer
from agents.targets import Rule, by_target, target_of
from prompts.library import NEUTRAL
from prompts.prompt import Prompt
from videos.clip import ClipSet
from vllm_eval.evaluator import Scored
from vllm_eval.metrics import accuracy

Measure = Literal["probability", "accuracy"]

# A winner may lose three points of accuracy. Those seen here, of prompts chosen among several, are too few,
# so half of them is allowed; a point of probability lost here was 0.8 points of accuracy on the other clips.
ALLOWED: dict[Measure, float] = {"probability": 0.035, "accuracy": 0.015}


@dataclass(frozen=True)
class Loss:
    """``value``: what is lost of the mean probability of the right label, or of accuracy; a share."""

    value: float
    measure: Measure

    @property
    def passed(self) -> bool:
        """Whether a winner may lose so much."""
        return self.value <= ALLOWED[self.measure]

    def __str__(self) -> str:
        points = f"{100 * self.value:.1f} points"
        return f"{points} of probability" if self.measure == "probability" else points


def losses(scorer: Scorer, prompts: Sequence[Prompt], clips: ClipSet, rule: Rule) -> dict[str, Loss]:
    """By prompt id; of several targets the worst one's, or by ``rule`` that of all answers together.

    Where the engine tells no probabilities of some answers, accuracy counts for all.
    """
    asked = [NEUTRAL.prompt, *(prompt for prompt in prompts if prompt.id != NEUTRAL.prompt.id)]
    scored = scorer.score(asked, clips)
    parts = {prompt.id: _parts(scored[prompt.id], rule) for prompt in asked}
    probable = {prompt.id: _probabilities(scorer, prompt, scored[prompt.id], rule) for prompt in asked}
    told = all(probable[name].keys() == of.keys() for name, of in parts.items())
    measure: Measure = "probability" if told else "accuracy"
    values = probable if told else {name: _accuracies(of) for name, of in parts.items()}
    neutral = values[NEUTRAL.prompt.id]
    return {
        prompt.id: Loss(max(neutral[name] - values[prompt.id][name] for name in neutral), measure)
        for prompt in prompts
    }


def _parts(scored: Scored, rule: Rule) -> dict[str, Scored]:
    return by_target(scored) if rule == "worst" else {"": scored}


def _accuracies(parts: dict[str, Scored]) -> dict[str, float]:
    return {name: accuracy(part.answers, part.clusters()).value for name, part in parts.items()}


def _probabilities(scorer: Scorer, prompt: Prompt, scored: Scored, rule: Rule) -> dict[str, float]:
    """Mean probability of the right label among the choices, by target; only where all its answers tell."""
    shares: dict[str, list[float]] = {}
    asked = zip(scored.clips.clips, scored.answers, scorer.choices(prompt, scored.clips), strict=True)
    for clip, answer, labels in asked:
        if answer.kind != "error":
            name = target_of(clip.id) if rule == "worst" else ""
            shares.setdefault(name, []).append(soft_gap(answer, clip.human, None, labels))
    means = {name: float(np.mean(values)) for name, values in shares.items()}
    return {name: mean for name, mean in means.items() if not np.isnan(mean)}
