"""Judging classifiers on clip sets: figures by set in one file, predictions as csv files beside it.

What was judged before is not judged again, as long as it was these weights on these clips.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from classifiers.predict import Failed, Scores
from classifiers.protocols import (
    CLOSED,
    FIVE,
    PROTOCOLS,
    Judged,
    answer_of,
    error_of,
    judge,
    read_answers,
    write_json,
    write_predictions,
)
from videos.clip import Clip, ClipSet
from videos.datasets import load
from vllm_eval.engine import Answer
from vllm_eval.evaluator import Scored
from vllm_eval.questions.mcq5 import CHOICES, Mcq5

EVALUATION = "evaluation.json"
OF = "of"  # in a set's figures: what they are of


class Classifier(Protocol):
    """Whatever says how probable each of its classes is. ``weights`` names what would change the answers."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Empty for a model that takes any: it is asked for those of the set."""

    @property
    def root(self) -> str:
        """Folder of the data sets."""

    @property
    def weights(self) -> str: ...

    def scores(self, clips: ClipSet, views: int) -> tuple[Scores, Failed]:
        """Probabilities [clips, classes]; zeros for clips that cannot be read, and why. UserError if all."""


@dataclass(frozen=True)
class Asked:
    """Which sets, seen in how many views, at most how many clips of each."""

    sets: tuple[str, ...]
    views: int = 1
    most: int | None = None

    def key(self, name: str) -> str:
        """What a set's figures are kept under."""
        return name if self.most is None else f"{name} {self.most} clips"


def evaluate(classifier: Classifier, asked: Asked, folder: Path) -> dict[str, Any]:
    """Figures by set and protocol, kept in ``folder``."""
    path = folder / figures_file(asked.views)
    figures = read_figures(path)
    for name in asked.sets:
        of = {"weights": classifier.weights, "root": classifier.root}
        known = figures.get(asked.key(name), {})
        files = [prediction_file(folder, name, one, asked.views, asked.most) for one in known if one != OF]
        if known.get(OF) == of and all(file.exists() for file in files):
            continue
        found: dict[str, Any] = {OF: of}
        for judged in judged_on(classifier, name, asked):
            file = prediction_file(folder, name, judged.protocol, asked.views, asked.most)
            write_predictions(file, judged)
            found[judged.protocol] = judged.figures()
        figures[asked.key(name)] = found
        write_json(path, figures)
    return figures


def judged_on(classifier: Classifier, name: str, asked: Asked) -> list[Judged]:
    """One set under every protocol that the model's classes allow. A clip that cannot be read is an error."""
    clips = chosen(name, classifier.root, classifier.classes, asked.most)
    scores, failed = classifier.scores(clips, asked.views)
    return [judge(scores, clips, clips.classes, one, failed) for one in protocols(clips)]


def protocols(clips: ClipSet) -> list[str]:
    """Those that the classes allow: of fewer than five no five can be offered."""
    return [one for one in PROTOCOLS if one == CLOSED or len(clips.classes) >= CHOICES]


def kept(classifier: Classifier, asked: Asked, folder: Path, prompt_id: str) -> list[Scored]:
    """What ``evaluate`` left, as a history takes it; ``prompt_id`` stands for the classifier."""
    found = []
    for name in asked.sets:
        clips = chosen(name, classifier.root, classifier.classes, asked.most)
        for protocol in protocols(clips):
            told = read_answers(prediction_file(folder, name, protocol, asked.views, asked.most))
            mark = f"classifier {classifier.weights} {asked.views} {name} {protocol}"
            answers = tuple(_answer(clip, told[clip.id], mark) for clip in clips.clips)
            chance = 1 / (CHOICES if protocol == FIVE else len(clips.classes))
            key = Mcq5(seed=0).key if protocol == FIVE else f"classes-{len(clips.classes)}"
            found.append(Scored(prompt_id, clips, answers, key, chance))
    return found


def _answer(clip: Clip, told: Mapping[str, str], mark: str) -> Answer:
    """With a key that no other answer has."""
    why = told.get("error")
    answer = error_of(clip, why) if why else answer_of(clip, told["prediction"])
    return replace(answer, key=sha256(f"{mark} {clip.id}".encode()).hexdigest())


def chosen(name: str, root: str, classes: Sequence[str], most: int | None) -> ClipSet:
    """The set's clips, at most so many, always the same; choices are drawn from the model's classes."""
    clips = load(name, root)
    return replace(clips if most is None else clips.take(most, 0), classes=tuple(classes) or clips.classes)


def prediction_file(folder: Path, name: str, protocol: str, views: int = 1, most: int | None = None) -> Path:
    """Where a set's predictions are left, those of ``most`` clips apart from those of all."""
    plain = name.replace(":", "_").replace("/", "_")
    more = ("" if most is None else f".{most}_clips") + ("" if views == 1 else f".{views}_views")
    return folder / "predictions" / f"{plain}.{protocol}{more}.csv"


def figures_file(views: int = 1) -> str:
    """The name of the file of figures."""
    return EVALUATION if views == 1 else f"evaluation_{views}_views.json"


def read_figures(path: Path) -> dict[str, Any]:
    """Figures by set, none where nothing has been judged."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
