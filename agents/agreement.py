"""What a prompt loses where scene and action agree, against the neutral prompt: told from few ordinary clips.

Nearly all of them are answered rightly with any prompt, so that wrong answers are too few to count on. The
probability of the right label moves on every clip, and tells much better what accuracy is lost on other
ordinary clips (`python -m benchmarks.ordinary`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from agents.race_board import soft_gap
from agents.scoring import Scorer
from agents.targets import Rule, judged, target_of
from prompts.library import NEUTRAL
from prompts.prompt import Prompt
from videos.clip import ClipSet
from vllm_eval.engine import Answer
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


@dataclass(frozen=True)
class Agreement:
    """Ordinary clips. Of several targets the worst one's loss counts, or by ``rule`` that of all answers.

    Every prompt is asked once, neutral too: clips that fail would be asked again, beyond what is held back.
    """

    scorer: Scorer
    clips: ClipSet
    rule: Rule
    _scored: dict[str, Scored] = field(default_factory=dict)

    def losses(self, prompts: Sequence[Prompt]) -> dict[str, Loss]:
        """By prompt id. Where an engine tells no probabilities of some answers, accuracy counts for all."""
        asked = {prompt.id: prompt for prompt in (NEUTRAL.prompt, *prompts)}
        new = [prompt for prompt in asked.values() if prompt.id not in self._scored]
        self._scored.update(self.scorer.score(new, self.clips) if new else {})
        accuracies = {name: _accuracies(self._scored[name], self.rule) for name in asked}
        probable = {name: self._probabilities(prompt) for name, prompt in asked.items()}
        told = all(probable[name].keys() == accuracies[name].keys() for name in asked)
        values = probable if told else accuracies
        measure: Measure = "probability" if told else "accuracy"
        neutral = values[NEUTRAL.prompt.id]
        return {one.id: Loss(_most(neutral, values[one.id]), measure) for one in prompts}

    def _probabilities(self, prompt: Prompt) -> dict[str, float]:
        """Mean probability of the right label among the choices, by target; only where all answers tell."""
        scored = self._scored[prompt.id]
        shares: dict[str, list[float]] = {}
        choices = self.scorer.choices(prompt, scored.clips)
        for clip, answer, labels in zip(scored.clips.clips, scored.answers, choices, strict=True):
            if answer.kind != "error":
                name = target_of(clip.id) if self.rule == "worst" else ""
                shares.setdefault(name, []).append(probability(answer, clip.human, labels))
        means = {name: float(np.mean(values)) for name, values in shares.items()}
        return {name: mean for name, mean in means.items() if not np.isnan(mean)}


def probability(answer: Answer, human: str, choices: Sequence[str]) -> float:
    """Of the right label among the choices; NaN where nothing tells.

    A reply that names none of them is wrong whatever its letters say, and one whose words decided against its
    letters counts by its words.
    """
    if answer.label is None:
        return 0.0
    told = soft_gap(answer, human, None, choices)
    if np.isnan(told) or answer.logprobs is None:
        return told
    likeliest = choices[int(np.argmax(answer.logprobs))]
    return told if answer.label == likeliest else float(answer.label == human)


def _accuracies(scored: Scored, rule: Rule) -> dict[str, float]:
    """By target; none for one that answered nothing."""
    return {
        name: accuracy(part.answers, part.clusters()).value
        for name, part in judged(scored, rule).items()
        if any(answer.kind != "error" for answer in part.answers)
    }


def _most(neutral: Mapping[str, float], found: Mapping[str, float]) -> float:
    """The worst loss; a target that answered nothing with the found prompt lost everything."""
    return max((value - found.get(name, 0.0) for name, value in neutral.items()), default=0.0)
