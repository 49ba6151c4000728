"""Who wins a run: chosen before a test clip is asked, and never against ordinary or anchor clips."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import scripted_world as world
from loop_world import TUNE, Silent, carry, settings
from scripted_world import ScriptedEngine

from agents import loop
from agents.finals import _close
from agents.strategies import STRATEGIES
from agents.strategies.file import FileStrategy
from agents.strategy import Proposal
from assets.errors import UserError
from prompts.history import History
from prompts.library import NEUTRAL
from prompts.prompt import Prompt
from vllm_eval.engine import Answer, Kind
from vllm_eval.evaluator import Scored

pytestmark = pytest.mark.usefixtures("inventive")


def test_the_winner_is_known_before_a_test_clip_is_asked(tmp_path: Path, history: History) -> None:
    watched: list[tuple[str, set[str]]] = []

    class Watching(ScriptedEngine):
        def answer(self, requests: Any) -> Any:
            kinds = {one.kind for one in history.decisions(history.runs()[-1].id)}
            watched.extend((request.clip.id, kinds) for request in requests)
            return super().answer(requests)

    report = carry(settings(tmp_path), history, Watching())
    places = history.answers_for(report.run_id)
    test = {
        row.clip_id for row in places if row.dataset in ("scripted swaps/test", "mimetics", "kinetics val")
    }
    other = {row.clip_id for row in places} - test
    assert test
    assert other
    assert all("winner" in kinds for clip_id, kinds in watched if clip_id in test)
    assert not any("winner" in kinds for clip_id, kinds in watched if clip_id in other)


def test_the_winner_is_best_on_the_select_side_whatever_test_says(tmp_path: Path, history: History) -> None:
    report = carry(settings(tmp_path), history)
    decided = {one.kind: one.detail for one in history.decisions(report.run_id)}
    scores = decided["select"]["scores"]
    assert decided["select"]["clips"] == "scripted swaps/select"
    assert NEUTRAL.prompt.id in scores
    assert scores[report.winner.id] == max(scores.values())
    assert decided["winner"] == {"prompt": report.winner.id, "neutral": False}


def test_a_finalist_that_loses_on_ordinary_clips_is_passed_over(tmp_path: Path, history: History) -> None:
    def accuracy(prompt: str) -> float:
        return 0.9 if prompt == NEUTRAL.prompt.text else 0.2

    watcher = Silent()
    report = carry(settings(tmp_path), history, ScriptedEngine(ordinary_accuracy=accuracy), watcher=watcher)
    assert report.winner == NEUTRAL.prompt
    assert not report.improved
    failed = [one.detail for one in history.decisions(report.run_id) if one.kind == "agreement"]
    assert [one["passed"] for one in failed] == [False, False, True]
    assert sum("passed over" in line for line in watcher.lines) == 2


class Distracted(ScriptedEngine):
    """Gets these clips wrong with every prompt that names the body, however good it is elsewhere."""

    losing: frozenset[str] = frozenset()

    def _reply(self, prompt: str, request: Any) -> Answer:
        usual = super()._reply(prompt, request)
        if request.clip.id not in self.losing:
            return usual
        right = "body" not in prompt
        label = request.clip.human if right else request.clip.background
        return replace(usual, kind="human" if right else "background", label=label)


BEST, SECOND, THIRD = (
    f"What {words}?"
    for words in ("do body, limbs and posture do", "do limbs and posture do", "do the limbs do")
)


def anchored(tmp_path: Path, history: History, lost: int = 0, finalists: int = 2, **more: Any) -> Any:
    """A run over three prompts of which the best gets two anchors wrong; its report and its engine."""
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join((BEST, SECOND, THIRD)))
    anchors = [clip.id for clip in loop.load_data(settings(tmp_path).data, world.load).tune.clips[-2:]]
    optimizer = {"strategy": "file", "file": str(path), "finalists": finalists}
    guard = {"guard": {"anchors": anchors, "anchors_lost": lost}}
    engine = Distracted()
    engine.losing = frozenset(anchors)
    config = settings(tmp_path, optimizer=optimizer | guard | more)
    return carry(config, history, engine), anchors, engine


def test_a_prompt_that_loses_an_anchor_does_not_win_and_the_history_says_why(
    tmp_path: Path, history: History
) -> None:
    report, anchors, _ = anchored(tmp_path, history)
    assert report.winner.text == SECOND
    reason = f"anchor: 2 anchors lost, at most 0: {', '.join(anchors)}"
    told = [one.detail for one in history.decisions(report.run_id) if one.kind == "anchors"]
    assert told[0] == {"prompt": Prompt(BEST).id, "passed": False, "reason": reason}
    assert {one["passed"] for one in told[1:]} == {True}
    assert [(one.prompt.text, one.reason) for one in report.passed_over] == [(BEST, reason)]
    text = " ".join((tmp_path / "runs" / report.run_id / "report.txt").read_text().split())
    assert f"Passed over, {reason}: {BEST}" in text
    stored = json.loads((tmp_path / "runs" / report.run_id / "report.json").read_text())
    assert stored["passed_over"][0]["reason"] == reason


def test_without_anchors_or_with_as_many_allowed_the_same_prompt_wins(
    tmp_path: Path, history: History
) -> None:
    report, _, _ = anchored(tmp_path, history, lost=2)
    assert report.winner.text == BEST
    assert report.passed_over == ()


def test_whoever_loses_anchors_makes_room_for_the_next_finalist(tmp_path: Path, history: History) -> None:
    report, _, _ = anchored(tmp_path, history, finalists=1, race="none")
    assert report.winner.text == SECOND


def test_a_finalist_that_was_not_asked_about_an_anchor_is(
    tmp_path: Path, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Narrow(FileStrategy):
        """Wants its prompts scored on four clips alone."""

        def ask(self, view: Any, n: int) -> list[Proposal]:
            clips = tuple(row.clip_id for row in history.answers_for(run_id(), NEUTRAL.prompt.id, TUNE)[:4])
            return [replace(one, clips=clips) for one in super().ask(view, n)]

    def run_id() -> str:
        return history.runs()[-1].id

    strategies: Any = STRATEGIES
    monkeypatch.setitem(strategies, "file", lambda config, seed, llm: Narrow(config.file))
    report, anchors, engine = anchored(tmp_path, history)
    assert report.winner.text == SECOND
    asked = Counter(clip for prompt, clip in engine.asked if prompt in (BEST, SECOND))
    assert all(asked[anchor] for anchor in anchors)


def test_an_unknown_anchor_stops_the_run_before_anything_is_bought(tmp_path: Path, history: History) -> None:
    engine = ScriptedEngine()
    config = settings(tmp_path, optimizer={"guard": {"anchors": ["nowhere"]}})
    with pytest.raises(UserError, match="anchor 'nowhere' is no clip of the tune side"):
        carry(config, history, engine)
    assert engine.asked == []


def test_a_found_prompt_that_does_as_well_as_neutral_goes_first(tmp_path: Path, history: History) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("What happens on the screen?\n")
    report = carry(settings(tmp_path, optimizer={"strategy": "file", "file": str(path)}), history)
    assert report.winner.text == "What happens on the screen?"
    assert report.sections[0].lines[-1].measures["sberr"].against_neutral is not None
    assert report.sections[0].lines[-1].measures["sberr"].against_neutral.value == 0


def test_all_finalists_are_reported_on_demand_and_their_answers_are_held_back(
    tmp_path: Path, history: History
) -> None:
    one = carry(settings(tmp_path), history)
    config = settings(tmp_path, objective={"report": "finalists"})
    engine = ScriptedEngine()
    every = carry(config, history, engine)
    assert every.winner == one.winner
    lines = every.sections[0].lines
    found = [line for line in lines if line.label.startswith("finalist ")]
    assert len(found) == config.optimizer.finalists - 1 > 0
    assert lines[-1].prompt == every.winner
    assert len(every.front) == len(one.front) + len(found)
    assert {line.prompt.id for line in lines} == {standing.prompt_id for standing in every.front}
    text = (tmp_path / "runs" / every.run_id / "report.txt").read_text()
    assert all(line.prompt.text.split()[0] in text and line.label in text for line in found)
    held = config.objective.reported(config.optimizer.finalists)
    assert held == config.optimizer.finalists
    reported = {row.prompt_id for row in history.answers_for(every.run_id, dataset="mimetics")}
    assert len(reported) == len(lines)


def test_no_cap_is_overshot_by_reported_finalists(tmp_path: Path, history: History) -> None:
    engine = ScriptedEngine()
    free = carry(settings(tmp_path, objective={"report": "finalists"}), history, engine)
    with History(f"sqlite:///{tmp_path}/capped.db") as other:
        capped = ScriptedEngine()
        cap = len(engine.asked) - 10
        limits = {"clip_evaluations": cap, "prompts": 50}
        report = carry(settings(tmp_path, objective={"report": "finalists"}, budget=limits), other, capped)
        assert len(capped.asked) <= cap
        assert len(report.front) == len(free.front)


def test_nobody_behind_neutral_wins_for_losing_less_on_ordinary_clips() -> None:
    clips = world.swapped(100)

    def right(share: int) -> Scored:
        kinds: list[Kind] = ["human"] * share + ["background"] * (100 - share)
        return Scored(
            "", clips, tuple(Answer(str(i), "A", None, k, None, 1, 0, 0.0) for i, k in enumerate(kinds))
        )

    ahead, next_to, behind = Prompt(BEST), Prompt(SECOND), Prompt(THIRD)
    select = {ahead.id: right(60), next_to.id: right(59), NEUTRAL.prompt.id: right(59), behind.id: right(59)}
    assert _close([ahead, next_to, NEUTRAL.prompt, behind], select, "worst") == [ahead, next_to]
    without = [ahead, next_to, behind, NEUTRAL.prompt]
    assert _close(without, select, "worst") == [ahead, next_to, behind]


def test_an_anchor_that_cannot_be_read_keeps_nobody_from_being_asked(
    tmp_path: Path, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unread(Distracted):
        def _reply(self, prompt: str, request: Any) -> Answer:
            if request.clip.id == max(self.losing):
                return Answer(request.key, "", None, "error", None, 0, 0, 0.0, "cut off")
            return super()._reply(prompt, request)

    monkeypatch.setitem(globals(), "Distracted", Unread)
    report, _, _ = anchored(tmp_path, history, finalists=1, race="none")
    assert report.winner.text == SECOND


ALSO = "How do posture, limbs and body act?"
QUIET = "What else could the person do?"


class Quiet(ScriptedEngine):
    """With one prompt it names a third action wherever person and scene disagree: no SBErr, no SHAcc."""

    def _reply(self, prompt: str, request: Any) -> Answer:
        usual = super()._reply(prompt, request)
        if prompt != QUIET or request.clip.background is None:
            return usual
        sides = (request.clip.human, request.clip.background)
        return replace(
            usual, kind="other", label=next(one for one in request.question.labels if one not in sides)
        )


def quiet(tmp_path: Path, history: History, rule: str, race: str) -> Any:
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join((BEST, ALSO, QUIET)))
    optimizer = {"strategy": "file", "file": str(path), "finalists": 2, "race": race}
    return carry(
        settings(tmp_path, optimizer=optimizer, objective={"rule": rule, "margin": 0.5}), history, Quiet()
    )


@pytest.mark.parametrize("race", ["none", "sequential"])
def test_by_rule_sberr_half_of_the_finalists_are_those_of_lowest_sberr(
    tmp_path: Path, history: History, race: str
) -> None:
    by_score = quiet(tmp_path, history, "score", race)
    decided = {one.kind: one.detail for one in history.decisions(by_score.run_id)}
    assert set(decided["finalists"]["scores"]) == {Prompt(BEST).id, Prompt(ALSO).id}
    by_sberr = quiet(tmp_path, history, "sberr", race)
    decided = {one.kind: one.detail for one in history.decisions(by_sberr.run_id)}
    assert set(decided["finalists"]["sberr"]) == {Prompt(QUIET).id, Prompt(BEST).id}
    assert by_sberr.winner.text == QUIET


def test_by_rule_sberr_the_report_tells_who_was_tested_and_at_which_level(
    tmp_path: Path, history: History
) -> None:
    report = quiet(tmp_path, history, "sberr", "none")
    text = " ".join((tmp_path / "runs" / report.run_id / "report.txt").read_text().split())
    told = "Finalists: 2 tested for a loss of 50 points or more on 8 ordinary clips, together at 5 % (Holm);"
    assert told in text
    assert "for the winner with p 0.23 %, held against 2.5 %." in text
    assert quiet(tmp_path, history, "score", "none").proof == ""
    checks = [one.detail for one in history.decisions(report.run_id) if one.kind == "noninferiority"]
    assert [one["level"] for one in checks] == [0.025, 0.05]


def test_where_no_clip_proves_anything_the_report_says_that_none_was_shown(
    tmp_path: Path, history: History
) -> None:
    config = settings(tmp_path, objective={"rule": "sberr"})
    report = carry(config, history)
    assert not report.improved
    assert report.proof.endswith("together at 5 % (Holm); it was ruled out for none.")
    assert "not ruled out (p " in report.passed_over[0].reason
