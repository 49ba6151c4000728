"""What finalists lose on ordinary clips decides between those the select side does not tell apart."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from loop_world import carry, settings
from scripted_world import ScriptedEngine, swapped

from agents.agreement import probability
from agents.finals import _close
from prompts.history import History
from prompts.library import NEUTRAL
from prompts.prompt import Prompt
from prompts.records import AT
from vllm_eval.engine import Answer, Request
from vllm_eval.evaluator import Scored

# Equally good by the script's rule: each holds two of its words.
FIRST, SECOND = "What do body and limbs tell?", "What do posture and motion tell?"
WORSE = "What does the body tell?"


@dataclass
class Telling(ScriptedEngine):
    """Tells how likely the right label is on ordinary clips, by prompt, whatever it answers."""

    probability: Mapping[str, float] = field(default_factory=dict)
    silent_about: str = ""

    def _reply(self, prompt: str, request: Request) -> Answer:
        usual = super()._reply(prompt, request)
        if request.clip.background or prompt == self.silent_about:
            return usual
        right = self.probability.get(prompt, 0.95)
        others = (1 - right) / (len(request.question.labels) - 1)
        shares = [right if label == request.clip.human else others for label in request.question.labels]
        return replace(usual, logprobs=tuple(math.log(share / 2) for share in shares))


def searched(tmp_path: Path, history: History, engine: ScriptedEngine, *texts: str, **more: Any) -> Any:
    """A run over these prompts: its report and its checks on ordinary clips, in order."""
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join(texts))
    optimizer = {"strategy": "file", "file": str(path), "finalists": 3, "race": "none"}
    report = carry(settings(tmp_path, optimizer=optimizer, **more), history, engine)
    return report, [one.detail for one in history.decisions(report.run_id) if one.kind == "agreement"]


def always(prompt: str) -> float:
    return 1.0


@pytest.mark.parametrize("best", [FIRST, SECOND])
def test_of_equals_the_one_that_loses_least_probability_wins(
    best: str, tmp_path: Path, history: History
) -> None:
    likely = {FIRST: 0.925, SECOND: 0.925} | {best: 0.94}
    engine = Telling(ordinary_accuracy=always, probability=likely)
    report, checks = searched(tmp_path, history, engine, FIRST, SECOND)
    assert report.winner.text == best
    assert [one["measure"] for one in checks] == ["probability"]
    assert checks[0]["loss"] == pytest.approx(0.01)


def test_one_that_is_told_apart_as_worse_does_not_win_by_losing_less(
    tmp_path: Path, history: History
) -> None:
    engine = Telling(ordinary_accuracy=always, probability={FIRST: 0.93, WORSE: 0.95})
    data = {
        "tune_clips": 12,
        "select_clips": 60,
        "test_clips": 12,
        "fractions": {"select": 0.7, "test": 0.15},
    }
    report, _ = searched(tmp_path, history, engine, WORSE, FIRST, data=data)
    assert report.winner.text == FIRST


def test_who_loses_much_probability_is_passed_over_though_every_answer_is_right(
    tmp_path: Path, history: History
) -> None:
    engine = Telling(ordinary_accuracy=always, probability={FIRST: 0.85, SECOND: 0.9})
    report, checks = searched(tmp_path, history, engine, FIRST, SECOND)
    assert report.winner == NEUTRAL.prompt
    assert [one["passed"] for one in checks] == [False, False, True]
    assert [one.reason for one in report.passed_over] == [
        "5.0 points of probability lost on ordinary clips",
        "10.0 points of probability lost on ordinary clips",
    ]


def test_without_probabilities_of_every_answer_accuracy_counts(tmp_path: Path, history: History) -> None:
    def accuracy(prompt: str) -> float:
        return 0.2 if prompt == FIRST else 1.0

    engine = Telling(ordinary_accuracy=accuracy, probability={SECOND: 0.1}, silent_about=NEUTRAL.prompt.text)
    report, checks = searched(tmp_path, history, engine, FIRST, SECOND)
    assert report.winner.text == SECOND
    assert checks[0]["measure"] == "accuracy"


def test_neutral_wins_at_once_where_nothing_was_better(tmp_path: Path, history: History) -> None:
    fractions = {"select": 0.7, "test": 0.15}
    data = {"tune_clips": 12, "select_clips": 60, "test_clips": 12, "fractions": fractions}

    class Misled(Telling):
        def _reply(self, prompt: str, request: Request) -> Answer:
            usual = super()._reply(prompt, request)
            wrong = prompt == "Which place is it?" and request.clip.background
            return replace(usual, kind="background", label=request.clip.background) if wrong else usual

    engine = Misled(ordinary_accuracy=always, probability={"Which place is it?": 0.99})
    report, checks = searched(tmp_path, history, engine, "Which place is it?", data=data)
    assert report.winner == NEUTRAL.prompt
    assert not report.improved
    assert checks == []


def test_an_answer_counts_by_its_words_where_they_contradict_its_letters() -> None:
    choices, letters = ("yoga", "golf"), (math.log(0.8), math.log(0.1))

    def told(label: str | None, kind: Any, logprobs: tuple[float, ...] | None) -> float:
        return probability(Answer("k", "", label, kind, logprobs, 1, 0, 0.0), "yoga", choices)

    assert told("yoga", "human", letters) == pytest.approx(0.8 / 0.9)
    assert told("golf", "other", letters) == 0
    assert told("golf", "other", letters[::-1]) == pytest.approx(0.1 / 0.9)
    assert told("yoga", "human", letters[::-1]) == 1
    assert told(None, "refused", letters) == told(None, "unparsed", None) == 0
    assert math.isnan(told("yoga", "human", None))


def test_clips_that_fail_cost_no_more_than_is_held_back(tmp_path: Path, history: History) -> None:
    class Failing(Telling):
        def _reply(self, prompt: str, request: Request) -> Answer:
            usual = super()._reply(prompt, request)
            if request.clip.id.startswith("kinetics train"):
                return replace(usual, kind="error", label=None, logprobs=None)
            return usual

    engine = Failing(ordinary_accuracy=always)
    report, checks = searched(tmp_path, history, engine, FIRST, SECOND, WORSE)
    asked = [(prompt, clip) for prompt, clip in engine.asked if clip.startswith("kinetics train")]
    assert len(asked) == len(set(asked))
    assert checks[0]["loss"] == 0  # nobody could be asked: nothing is known against anybody
    assert report.winner.text in (FIRST, SECOND)


@pytest.mark.parametrize(("rule", "close"), [("worst", []), ("mean", [SECOND])])
def test_equals_are_equals_on_every_target(rule: Any, close: list[str]) -> None:
    swaps = swapped(40)
    wide = replace(
        swaps, clips=tuple(replace(c, id=f"{c.id}{AT}{name}") for c in swaps.clips for name in ("a", "b"))
    )

    def scored(text: str, shares: tuple[float, float]) -> Scored:
        answers = []
        for number, clip in enumerate(wide.clips):
            right = (number // 2 * 7 % 40) / 40 < shares[number % 2]
            kind: Any = "human" if right else "background"
            answers.append(Answer(clip.id, "", clip.human, kind, None, 1, 0, 0.0))
        return Scored(Prompt(text).id, wide, tuple(answers))

    first, second = Prompt(FIRST), Prompt(SECOND)
    select = {first.id: scored(FIRST, (0.6, 0.6)), second.id: scored(SECOND, (0.3, 0.95))}
    assert [one.text for one in _close([first, second], select, rule)[1:]] == close
