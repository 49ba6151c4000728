"""From class probabilities to answers that metrics understand: all classes, or the five of a question.

The five choices are those that video language models are asked with (``vllm_eval.questions.mcq5``, seed 0, or
the data set's own), so that both are compared on the same clips and the same choices.
"""

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from assets.errors import UserError
from classifiers.predict import Scores
from videos.clip import Clip, ClipSet
from vllm_eval.engine import Answer, Kind
from vllm_eval.metrics import accuracy, bias_metrics
from vllm_eval.questions.mcq5 import CHOICES, Mcq5

CLOSED, FIVE = "all", "five"
PROTOCOLS = (CLOSED, FIVE)


@dataclass(frozen=True)
class Judged:
    """One model on one clip set under one protocol; ``choices`` per clip in the order offered."""

    clips: ClipSet
    protocol: str
    answers: tuple[Answer, ...]
    choices: tuple[tuple[str, ...], ...]

    @property
    def sources(self) -> list[tuple[str, ...]]:
        """Per clip the videos in it: what makes answers depend on each other."""
        return [clip.sources for clip in self.clips.clips]

    @property
    def chance(self) -> float:
        """1 / choices, the mean where their number varies."""
        return float(np.mean([1 / len(one) for one in self.choices]))

    def figures(self) -> dict[str, Any]:
        """Estimates as {name: {value, low, high, n}}: bias metrics of swaps, accuracy of ordinary clips."""
        if all(clip.background is None or clip.background == clip.human for clip in self.clips.clips):
            found = {"accuracy": asdict(accuracy(self.answers, self.sources))}
        else:
            metrics = bias_metrics(self.answers, self.sources, self.chance)
            found = {name: asdict(one) for name, one in metrics.estimates().items()}
        return {"chance": self.chance, "n": len(self.answers)} | found


def judge(
    scores: Scores,
    clips: ClipSet,
    classes: Sequence[str],
    protocol: str,
    failed: Mapping[str, str] = MappingProxyType({}),
) -> Judged:
    """The most probable label, of all classes or of five. Raises UserError for an unknown protocol.

    ``failed``: why, by id of clips that could not be read. They are errors, whatever their scores.
    """
    if protocol not in PROTOCOLS:
        raise UserError(f"protocol {protocol!r} is unknown, expected one of: {', '.join(PROTOCOLS)}")
    offered = [choices_of(clip, classes, protocol) for clip in clips.clips]
    number = {name: index for index, name in enumerate(classes)}
    answers = []
    for row, clip, names in zip(scores, clips.clips, offered, strict=True):
        missing = next((name for name in names if name not in number), None)
        if missing is not None:
            raise UserError(f"{clip.id}: choice {missing!r} is no class of this model")
        label = max(names, key=lambda name, row=row: row[number[name]])  # type: ignore[misc]
        why = failed.get(clip.id)
        answers.append(answer_of(clip, label) if why is None else error_of(clip, why))
    return Judged(clips, protocol, tuple(answers), tuple(offered))


def choices_of(clip: Clip, classes: Sequence[str], protocol: str) -> tuple[str, ...]:
    """The labels allowed."""
    if protocol == CLOSED:
        return tuple(classes)
    return Mcq5(seed=0).ask("", clip, classes).labels


def answer_of(clip: Clip, label: str) -> Answer:
    """A classifier always names a class: human, background or another."""
    kind: Kind = "human" if label == clip.human else "background" if label == clip.background else "other"
    return Answer(clip.id, label, label, kind, None, 0, 0, 0.0)


def error_of(clip: Clip, why: str) -> Answer:
    """Of a clip that could not be shown."""
    return Answer(clip.id, "", None, "error", None, 0, 0, 0.0, why)


def write_predictions(path: Path, judged: Judged) -> None:
    """A csv that ``python -m vllm_eval.score`` reads, written atomically."""
    swaps = any(clip.background is not None for clip in judged.clips.clips)
    five = judged.protocol == FIVE
    header = ["clip", "human", *(["background"] if swaps else []), "prediction"]
    header += [f"choice_{k + 1}" for k in range(CHOICES)] if five else []
    failed = any(answer.kind == "error" for answer in judged.answers)
    header += ["error"] if failed else []
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for clip, answer, choices in zip(judged.clips.clips, judged.answers, judged.choices, strict=True):
            scene = [clip.background or ""] if swaps else []
            why = [answer.error or ""] if failed else []
            writer.writerow([clip.id, clip.human, *scene, answer.label, *(choices if five else ()), *why])
    os.replace(partial, path)


def read_answers(path: Path) -> dict[str, dict[str, str]]:
    """What ``write_predictions`` wrote, a row for each clip, by its id."""
    with open(path, newline="", encoding="utf-8") as file:
        return {row["clip"]: row for row in csv.DictReader(file)}


def write_json(path: Path, values: Any) -> None:
    """Atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, path)
