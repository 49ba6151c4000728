"""What a run would take is told before it runs, and costs no more than a few answers, which the run finds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import scripted_world as world
from loop_world import Silent, accepted, carry, settings
from scripted_world import ScriptedEngine

from agents import estimate, loop, optimize, resume
from agents.display import duration
from agents.estimate import Forecast, forecast, kept_in
from agents.llm import load_llm
from agents.loop import Parts
from agents.plan import planned
from agents.race_order import blocks, racing_order
from agents.trial import TRIED, TRIED_CLIPS, Trial
from assets.errors import UserError
from prompts.history import History
from vllm_eval.engine import Answer

pytestmark = pytest.mark.usefixtures("inventive")

ENDPOINT = {"model": "nobody's", "base_url": "https://api.example.org/v1"}
FIVE = ["prompts", "answers", "seconds", "optimizer tokens", "money"]


def never(*asked: object, **options: object) -> Any:
    raise AssertionError("nothing was to be loaded")


def free_of_charge() -> Parts:
    """The real models of optimizers, and no target that could be asked."""
    return replace(world.parts(), engine=never, llm=load_llm)


def at_pace(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer took so long in the trial."""
    monkeypatch.setattr(estimate, "try_out", lambda plan, history: Trial(seconds, {"mini": 40.0}, 15))


def cuts(told: Forecast) -> list[str]:
    return [line for line in told.lines() if line.startswith("cut: ")]


def test_no_run_takes_more_answers_than_the_estimate_says(tmp_path: Path, history: History) -> None:
    config = settings(tmp_path)
    told = forecast(config, history, world.parts())
    report = carry(config, history)
    assert told.likely <= told.most
    assert report.spent["clip_evaluations"] <= told.most
    unraced = settings(tmp_path, optimizer={"race": "none"})
    whole = forecast(unraced, history, world.parts())
    assert whole.likely == whole.most == told.most
    assert cuts(told) == cuts(whole) == []


def test_seconds_are_measured_on_few_answers(tmp_path: Path, history: History) -> None:
    engine = ScriptedEngine(seconds=0.004)
    told = forecast(settings(tmp_path), history, world.parts(engine))
    assert 0.004 <= told.trial.seconds < 0.1
    assert told.trial.asked == len(engine.asked) == len(TRIED) * (TRIED_CLIPS + 1)
    assert "measured on 15" in told.lines()[2]
    assert engine.closed


@pytest.mark.parametrize("race", ["sequential", "none"])
@pytest.mark.parametrize("models", ["a", "ab"])
def test_a_run_buys_no_answer_of_its_estimate_again(
    race: str, models: str, tmp_path: Path, history: History
) -> None:
    targets = {"targets": [{"model": name} for name in models]} if len(models) > 1 else {}
    config = settings(tmp_path, optimizer={"race": race}, **targets)

    def parts(engines: dict[str, ScriptedEngine]) -> Parts:
        return replace(world.parts(), engine=lambda name, model, **options: engines.get(model, engines["a"]))

    logs = [tmp_path / "tried", tmp_path / "run"]
    tried, run = ({name: ScriptedEngine(f"engine {name}", log) for name in models} for log in logs)
    forecast(config, history, parts(tried))
    found = resume.find(history, config, "")
    assert not found.resumed
    loop.run(config, found.run_id, history, Silent(), parts(run))
    kept, bought = (log.read_text().split() for log in logs)
    assert len(kept) == 15 * len(models)
    assert not set(kept) & set(bought)
    used = {row.answer.key for row in history.answers_for(found.run_id)}
    assert set(kept) <= used
    assert history.spent(found.run_id)["clip_evaluations"] == len(bought)


def test_clips_are_those_a_race_asks_all_hand_written_prompts_about(tmp_path: Path, history: History) -> None:
    config = settings(tmp_path)
    engine = ScriptedEngine()
    forecast(config, history, world.parts(engine))
    ordered = racing_order(planned(config, world.parts()).data.tune, config.data.seed)
    first = blocks(ordered, config.optimizer.racing.block)[0]
    assert {clip for _, clip in engine.asked} == {clip.id for clip in first.clips[: TRIED_CLIPS + 1]}


def test_what_was_bought_belongs_to_a_run_of_its_own(tmp_path: Path, history: History) -> None:
    forecast(settings(tmp_path), history, world.parts())
    (run,) = history.runs()
    assert run.config["command"] == "estimate"
    assert "optimizer" not in run.config
    assert run.status == "finished"
    assert len(history.answers_for(run.id)) == 15
    assert {prompt.id for prompt in history.prompts(run.id)} == {prompt.id for prompt in TRIED}


def test_a_second_estimate_asks_nothing_and_leaves_no_trace(tmp_path: Path, history: History) -> None:
    forecast(settings(tmp_path), history, world.parts())
    engine = ScriptedEngine()
    again = forecast(settings(tmp_path), history, world.parts(engine))
    assert engine.asked == []
    assert len(history.runs()) == 1
    assert again.trial == Trial(pytest.approx(0.01), {"mini": 40.0}, 0, 15)
    assert "0.010 s an answer, as 15 earlier answers took" in again.lines()[2]


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


def test_a_strategy_that_asks_no_model_costs_none(tmp_path: Path, history: History) -> None:
    config = settings(tmp_path, optimizer={"strategy": "grid", "llm": ENDPOINT})
    told = forecast(config, history, replace(world.parts(), llm=never))
    assert (told.tokens, told.dollars, told.unpriced) == (0, 0.0, ())
    assert told.lines()[3:] == ["optimizer tokens: 0 expected", "money: $0.00"]


@pytest.mark.parametrize("model", ["smollm2-135m-instruct", "qwen2.5-coder-1.5b-instruct", "transformers:m"])
def test_weights_of_the_optimizers_model_stay_where_they_are(model: str, tmp_path: Path) -> None:
    config = settings(tmp_path, optimizer={"llm": {"model": model}})
    assert planned(config, replace(world.parts(), llm=never)).thinks


def test_a_model_that_answers_nothing_is_told(tmp_path: Path, history: History) -> None:
    class Failing(ScriptedEngine):
        def _reply(self, prompt: str, request: Any) -> Answer:
            return Answer(request.key, "", None, "error", None, 0, 0, 0.0, "out of memory")

    with pytest.raises(UserError, match="none of 12 trial answers"):
        forecast(settings(tmp_path), history, world.parts(Failing()))
    assert [run.status for run in history.runs()] == ["failed"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"optimizer": {"llm": ENDPOINT}}, "OPENAI_API_KEY is not set"),
        ({"optimizer": {"llm": ENDPOINT}, "budget": {"dollars": 1}}, "needs the price of nobody's"),
        ({"optimizer": {"llm": ENDPOINT | {"base_url": "ftp://a"}}}, "is no endpoint"),
        (
            {"optimizer": {"strategy": "file", "file": "/no/prompts.txt"}},
            "cannot read optimizer.file /no/pro",
        ),
        ({"optimizer": {"strategy": "grid", "file": "/no/grid.yaml"}}, "cannot read optimizer.file /no/grid"),
        ({"optimizer": {"llm": {"model": "nobody's"}}}, "unknown optimizer model"),
        ({"optimizer": {"llm": {"model": "/no/model.gguf"}}}, "cannot read optimizer model /no/model.gguf"),
        (
            {"optimizer": {"llm": {"model": "transformers:/no/m.gguf"}}},
            "cannot read optimizer model /no/m.gg",
        ),
        ({"optimizer": {"guard": {"anchors": ["nowhere"]}}}, "nowhere"),
        ({"budget": {"clip_evaluations": 100}}, "budget.clip_evaluations 100 is too small"),
        ({"target": {"engine": "openai"}, "budget": {"prices": "/no/prices.yaml"}}, "cannot read the prices"),
    ],
)
def test_what_stops_a_run_stops_its_estimate_before_anything_is_asked_or_made(
    changes: dict[str, Any],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    config = settings(tmp_path, history={"url": f"sqlite:///{tmp_path}/history.db"}, **changes)
    monkeypatch.setattr(optimize.sources, "parse", lambda told: optimize.Command(config, False, None, True))
    assert optimize.main([], free_of_charge()) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""
    assert not (tmp_path / "history.db").exists()


def test_a_cap_on_answers_is_refused_where_a_run_refuses_it(tmp_path: Path, history: History) -> None:
    plan = planned(settings(tmp_path), world.parts())
    least = plan.answers(1, 1.0)
    small, enough = (settings(tmp_path, budget={"clip_evaluations": cap}) for cap in (least - 1, least))
    with pytest.raises(UserError) as told:
        forecast(small, history, world.parts())
    with pytest.raises(UserError) as refused:
        carry(small, history)
    assert str(told.value) == str(refused.value)
    assert forecast(enough, history, world.parts()).prompts >= 1
    carry(enough, history)


@pytest.mark.parametrize("room", [1, 2, 5, 6])
def test_a_cap_on_answers_tells_how_many_prompts_it_cuts(room: int, tmp_path: Path, history: History) -> None:
    whole = planned(settings(tmp_path), world.parts())
    cap = whole.answers(room, 1.0)
    config = settings(tmp_path, optimizer={"race": "none"}, budget={"clip_evaluations": cap})
    told = forecast(config, history, world.parts())
    assert told.most == told.likely == cap
    assert told.lines()[0] == f"prompts: about {room} of 7 proposed ones"
    assert cuts(told) == [
        f"cut: budget.clip_evaluations {cap} ends proposing after about {room} of 7 prompts; "
        f"all 7 take about {whole.answers(7, 1.0)} answers"
    ]
    found = History(f"sqlite:///{tmp_path}/another.db")  # one that knows no answers of the trial
    with found:
        assert len(accepted(found, carry(config, found).run_id)) == room


def test_a_cap_on_time_tells_how_many_prompts_it_cuts(
    tmp_path: Path, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_pace(0.5, monkeypatch)
    plan = planned(settings(tmp_path), world.parts())

    def told(answers: int) -> Forecast:
        config = settings(tmp_path, optimizer={"race": "none"}, budget={"seconds": answers * 0.5})
        return forecast(config, history, world.parts())

    assert cuts(told(plan.answers(7, 1.0))) == []
    short = told(plan.answers(3, 1.0))
    assert (short.prompts, short.likely) == (3, plan.answers(3, 1.0))
    assert f"budget.seconds {short.seconds:g} ends proposing after about 3 of 7 prompts" in cuts(short)[0]
    assert cuts(short)[0].endswith(f"all 7 take about {duration(0.5 * plan.answers(7, 1.0))}")
    assert short.most == plan.answers(7, 1.0)
    none = told(plan.answers(1, 1.0) - 1)
    assert none.lines()[0] == "prompts: none of 7 proposed ones"
    (line,) = cuts(none)
    assert "leaves no room for a single proposal, the run would end without a result" in line


def test_caps_on_the_optimizers_model_cut_by_what_earlier_runs_took(tmp_path: Path, history: History) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("scripted: {prompt: 1000, completion: 1000}")
    llm = {"model": "scripted", "base_url": "http://localhost:1"}
    tokens = carry(settings(tmp_path, optimizer={"llm": llm}), history).spent["optimizer_tokens"]

    def told(**caps: Any) -> Forecast:
        config = settings(tmp_path, optimizer={"llm": llm}, budget={"prices": str(prices)} | caps)
        return forecast(config, history, world.parts())

    assert told().dollars == pytest.approx(tokens / 1000)
    assert cuts(told(optimizer_tokens=round(tokens), dollars=tokens / 1000)) == []
    few = told(optimizer_tokens=round(tokens * 3.5 / 7))
    assert (few.prompts, few.tokens) == (3, round(tokens * 3 / 7))
    assert "budget.optimizer_tokens" in cuts(few)[0]
    poor = told(dollars=tokens / 1000 * 4.5 / 7)
    assert poor.prompts == 4
    assert "budget.dollars" in cuts(poor)[0]


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]


def test_the_command_line_tells_it_and_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/new/history.db"
    assert optimize.main(["--estimate", "--history", url], world.parts()) == 0
    assert said(capsys) == FIVE
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "target", [["--target.engine", "openai"], ["--target.options", "{base_url: http://a}"]]
)
def test_answers_of_an_endpoint_are_kept_though_there_is_no_history_yet(
    target: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/new/history.db"
    assert optimize.main(["--estimate", "--history", url, *target], world.parts()) == 0
    with History(url, create=False) as history:
        assert [run.config["command"] for run in history.runs()] == ["estimate"]
        assert len(history.answers_for()) == 15


def test_answers_are_kept_where_there_is_a_history(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/history.db"
    assert kept_in(settings(tmp_path, history={"url": url})) == "sqlite://"
    History(url).close()
    assert kept_in(settings(tmp_path, history={"url": url})) == url
    server = "postgresql://somewhere/history"
    assert kept_in(settings(tmp_path, history={"url": server})) == server
