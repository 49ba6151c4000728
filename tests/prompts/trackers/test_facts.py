"""What trackers are told of a run comes from the history alone."""

from pathlib import Path

import pytest
from rows import WHAT, WHO, row, rows

from assets.errors import UserError
from prompts.history import History
from prompts.library import NEUTRAL
from prompts.prompt import Prompt
from prompts.trackers import TRACKERS, sender
from prompts.trackers.facts import flat, run_facts, safe


def test_accepted_proposals_are_the_steps_and_the_best_gap_never_falls(tmp_path: Path) -> None:
    with History(f"sqlite:///{tmp_path}/history.db") as history:
        run = history.start_run({"budget": {"prompts": 3}, "api_key": "hidden"}, seed=7)
        history.add_prompt(run, NEUTRAL.prompt)
        for number, prompt in enumerate((WHO, WHAT, Prompt("Third?"))):
            history.add_proposal(run, number, prompt, "accepted")
        history.add_proposal(run, 3, Prompt("no"), "refused", "too short")
        history.add(rows(run, NEUTRAL.prompt, ["background", "human"]))
        history.add(rows(run, WHO, ["human", "human"]))
        history.add(rows(run, WHAT, ["background", "human"]))
        history.add([row(run, "t0", WHO, dataset="swaps/test: held out")])
        history.add_spend(run, "dollars", 0.5)
        history.finish_run(run, {"winner": WHO.id})
        facts = run_facts(history, run)
    assert [step.number for step in facts.steps] == [0, 1]
    assert [step.metrics["swaps/tune/bias_gap"] for step in facts.steps] == [1, 0]
    assert [step.metrics["swaps/tune/best_gap"] for step in facts.steps] == [1, 1]
    assert facts.steps[0].metrics["swaps/test__held_out/shacc"] == 1
    assert facts.summary["neutral/swaps/tune/shacc"] == 0.5
    assert facts.summary["winner/swaps/tune/n"] == 2
    assert facts.summary["spent/dollars"] == 0.5
    assert facts.params == {"budget.prompts": "3", "api_key": "(redacted)"}
    assert (facts.tags["sceneproof.seed"], facts.tags["sceneproof.run"], facts.status) == (
        "7",
        run,
        "finished",
    )
    assert facts.started <= facts.steps[0].time <= (facts.finished or 0)
    assert sorted((one["dataset"], one["text"]) for one in facts.table) == [
        ("swaps/test: held out", WHO.text),
        ("swaps/tune", WHAT.text),
        ("swaps/tune", NEUTRAL.prompt.text),
        ("swaps/tune", WHO.text),
    ]


def test_nested_settings_become_dotted_names() -> None:
    assert dict(flat({"a": {"b": [1, 2], "c": None}, "d": "x"})) == {"a.b": "[1, 2]", "a.c": "None", "d": "x"}
    assert safe("swaps (test): 50 %") == "swaps__test___50__"


def test_an_unknown_tracker_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="one of: mlflow, wandb"):
        sender("tensorboard")
    assert all(callable(sender(name)) for name in TRACKERS)
