"""What a run would take is told before it runs, and costs no more than a few answers."""

from pathlib import Path
from typing import Any

import pytest
import scripted_world as world
from loop_world import carry, settings
from scripted_world import ScriptedEngine

from agents import optimize
from agents.estimate import TRIED, TRIED_CLIPS, forecast
from assets.errors import UserError
from prompts.history import History
from vllm_eval.engine import Answer

pytestmark = pytest.mark.usefixtures("inventive")


def test_no_run_takes_more_answers_than_the_estimate_says(tmp_path: Path, history: History) -> None:
    config = settings(tmp_path)
    told = forecast(config, history, world.parts())
    report = carry(config, history)
    assert told.likely <= told.most
    assert report.spent["clip_evaluations"] <= told.most
    unraced = settings(tmp_path, optimizer={"race": "none"})
    whole = forecast(unraced, history, world.parts())
    assert whole.likely == whole.most == told.most


def test_seconds_are_measured_on_few_answers_that_nobody_remembers(tmp_path: Path, history: History) -> None:
    engine = ScriptedEngine(seconds=0.004)
    told = forecast(settings(tmp_path), history, world.parts(engine))
    assert 0.004 <= told.trial.seconds < 0.1
    assert told.trial.asked == len(engine.asked) == len(TRIED) * (TRIED_CLIPS + 1)
    assert history.runs() == []
    assert engine.closed


def test_tokens_are_known_from_an_earlier_run_of_the_same_strategy(tmp_path: Path, history: History) -> None:
    config = settings(tmp_path)
    assert forecast(config, history, world.parts()).tokens is None
    report = carry(config, history)
    tokens = history.spent(report.run_id)["optimizer_tokens"]
    assert forecast(config, history, world.parts()).tokens == round(tokens)
    assert forecast(config, history, world.parts()).dollars == 0


def test_money_needs_a_price(tmp_path: Path, history: History) -> None:
    config = settings(tmp_path, target={"engine": "openai", "model": "nobody's"})
    told = forecast(config, history, world.parts())
    assert told.dollars is None
    assert "no price for nobody's" in told.lines()[-1]
    table = tmp_path / "prices.yaml"
    table.write_text("nobody's: {prompt: 1, completion: 1}")
    priced = settings(
        tmp_path, target={"engine": "openai", "model": "nobody's"}, budget={"prices": str(table)}
    )
    dollars = forecast(priced, history, world.parts()).dollars
    assert dollars == pytest.approx(42e-6 * told.likely, rel=0.01)


def test_a_model_that_answers_nothing_is_told(tmp_path: Path, history: History) -> None:
    class Failing(ScriptedEngine):
        def _reply(self, prompt: str, request: Any) -> Answer:
            return Answer(request.key, "", None, "error", None, 0, 0, 0.0, "out of memory")

    with pytest.raises(UserError, match="none of 12 trial answers"):
        forecast(settings(tmp_path), history, world.parts(Failing()))


def test_the_command_line_tells_it_and_runs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/history.db"
    assert optimize.main(["--estimate", "--history", url], world.parts()) == 0
    said = capsys.readouterr().out
    assert [line.split(":")[0] for line in said.splitlines()] == [
        "prompts", "answers", "seconds", "optimizer tokens", "money",
    ]  # fmt: skip
    with History(url) as history:
        assert history.runs() == []
