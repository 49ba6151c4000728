"""`python -m vllm_eval.evaluate`: answers are bought once and shared with the optimizer."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import scoring_world as world

from agents import optimize
from agents.config import RunConfig
from agents.loop import Parts
from prompts.history import DEFAULT_URL, History
from prompts.library import LIBRARY, NEUTRAL
from vllm_eval import evaluate
from vllm_eval.config import DEFAULT_HISTORY, ONLY_OF_RUNS, ScoringConfig
from vllm_eval.progress import Counter

TWO = ("--prompt", "neutral", "--prompt", world.HELPFUL)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/history.db"


def told(capsys: pytest.CaptureFixture[str], url: str, engine: Any, *arguments: str) -> str:
    capsys.readouterr()
    assert evaluate.main([*arguments, "--history", url], world.outside(engine)) == 0
    return capsys.readouterr().out


def as_json(capsys: pytest.CaptureFixture[str], url: str, engine: Any, *arguments: str) -> Any:
    return json.loads(told(capsys, url, engine, *arguments, "--json"))


def test_each_prompt_gets_its_metrics_and_the_difference_to_the_first(
    capsys: pytest.CaptureFixture[str], url: str
) -> None:
    found = as_json(capsys, url, world.Engine(), *TWO)
    first, second = found["rows"]
    assert (found["clips"], found["sources"], first["label"]) == (40, 80, "neutral")
    assert first["differences"] == {}
    for row in (first, second):
        share = row["estimates"]["shacc"]
        assert share["low"] < share["value"] < share["high"]
        assert (share["n"], row["chance"]) == (40, 0.2)
    gained = second["differences"]["shacc"]
    assert gained["value"] == pytest.approx(
        second["estimates"]["shacc"]["value"] - first["estimates"]["shacc"]["value"]
    )
    assert gained["low"] > 0.1
    assert second["differences"]["sberr"]["value"] == pytest.approx(-gained["value"])


def test_the_table_says_n_chance_intervals_and_where_answers_are(
    capsys: pytest.CaptureFixture[str], url: str
) -> None:
    out = told(capsys, url, world.Engine(), *TWO, "--prompt", "Bell\x1b[2J or no bell?")
    assert "scripted swaps: 40 clips, 80 source videos, chance 20.0 %" in out
    assert "minus neutral" in out
    assert "0 answers known, 120 bought" in out
    assert "\x1b" not in out
    assert r"Bell\x1b[2J or no bell?" in out
    assert max(map(len, out.splitlines()[:-1])) <= 110  # the last holds a path


def test_nothing_is_bought_twice(capsys: pytest.CaptureFixture[str], url: str) -> None:
    engine = world.Engine()
    first = as_json(capsys, url, engine, *TWO, "--clips", "10")
    assert first["answers"]["bought"] == 20
    more = as_json(capsys, url, engine, *TWO)
    assert (more["answers"]["known"], more["answers"]["bought"]) == (20, 60)
    assert len(engine.asked) == len(set(engine.asked)) == 80
    again = as_json(capsys, url, world.Engine(stop_after=0), *TWO)
    assert again["rows"] == more["rows"]


def test_the_optimizer_and_evaluate_use_each_others_answers(
    capsys: pytest.CaptureFixture[str], url: str, tmp_path: Path
) -> None:
    names = [argument for name in LIBRARY for argument in ("--prompt", name)]
    as_json(capsys, url, world.Engine(), *names)
    engine, outside = world.Engine(), world.outside(None)
    parts = Parts(outside.dataset, lambda name, model, **options: engine, outside.frames, _no_llm)
    (tmp_path / "one.txt").write_text("Look at the limbs, what is the person doing?\n", encoding="utf-8")
    settings = {
        "--optimizer.strategy": "file",
        "--optimizer.file": str(tmp_path / "one.txt"),
        "--budget": "1",
        "--data.mimetics": "none",
        "--data.kinetics": "none",
        "--data.agreement": "none",
        "--data.tune_clips": "6",
        "--output": str(tmp_path / "runs"),
        "--history": url,
    }
    assert optimize.main([text for pair in settings.items() for text in pair], parts) == 0
    with History(url, create=False) as history:
        runs = history.runs()
        rows = history.answers_for(runs[-1].id)
        proposed = {p.prompt.id for p in history.proposals(runs[-1].id)}
    bought = {row.answer.key for row in rows if row.prompt_id in proposed}
    assert set(engine.asked) == bought
    assert {row.prompt_id for row in rows} >= {entry.prompt.id for entry in LIBRARY.values()}


def _no_llm(config: Any) -> Any:
    raise AssertionError("no language model is needed")


def test_a_call_is_a_run_of_its_own_that_no_optimizer_resumes(
    capsys: pytest.CaptureFixture[str], url: str
) -> None:
    found = as_json(capsys, url, world.Engine(), *TWO)
    with History(url, create=False) as history:
        run = history.run(found["run"])
        assert (run.status, run.config["command"]) == ("finished", "evaluate")
        assert [prompt.text for prompt in history.prompts(run.id)] == [NEUTRAL.prompt.text, world.HELPFUL]
        assert len(history.answers_for(run.id)) == 80
        from agents.resume import find

        assert not find(history, RunConfig(), "").resumed


def test_prompts_come_from_a_file_and_by_name_or_id_each_once(
    capsys: pytest.CaptureFixture[str], url: str, tmp_path: Path
) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text(f"# mine\n\n{world.HELPFUL}\n{NEUTRAL.prompt.text}\n", encoding="utf-8")
    found = as_json(
        capsys, url, world.Engine(), "--prompt", "neutral", "--prompts", str(path), "--clips", "8"
    )
    assert [row["text"] for row in found["rows"]] == [NEUTRAL.prompt.text, world.HELPFUL]
    known = found["rows"][1]["prompt_id"][:6]
    by_id = as_json(capsys, url, world.Engine(), "--prompt", known, "--clips", "8")
    assert (by_id["rows"][0]["text"], by_id["answers"]["bought"]) == (world.HELPFUL, 0)


def test_clips_without_a_conflict_are_scored_by_accuracy(
    capsys: pytest.CaptureFixture[str], url: str
) -> None:
    found = as_json(capsys, url, world.Engine(), *TWO, "--data", "mimetics")
    assert list(found["rows"][1]["differences"]) == ["accuracy"]
    assert "sberr" not in found["rows"][0]["estimates"]
    assert "accuracy" in told(capsys, url, world.Engine(), *TWO, "--data", "mimetics")


def test_ctrl_c_keeps_what_was_bought(capsys: pytest.CaptureFixture[str], url: str) -> None:
    outside = world.outside(world.Engine(stop_after=30))
    assert evaluate.main([*TWO, "--history", url], outside) == 130
    assert capsys.readouterr().err.startswith("interrupted; every answer so far is kept")
    assert as_json(capsys, url, world.Engine(), *TWO)["answers"]["known"] == 30


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "no prompt to score"),
        (["--prompt", "nuetral"], "known names: neutral, prefixed, human-focused, background-biased"),
        (["--prompts", "absent.txt"], "cannot read --prompts absent.txt"),
        (["--prompt", "neutral", "--clips", "0"], "--clips 0, expected at least 1"),
        (["--prompt", "neutral", "--most", "39"], "40 answers are needed, --most 39 are allowed"),
        (["--prompt", "neutral", "--clip", "3"], "unknown flag --clip; known: --clips"),
        (["--prompt", "neutral", "--target.engine", "magic"], "known: openai, transformers"),
        (["--prompt", "neutral", "--config", "absent.yaml"], "cannot read --config absent.yaml"),
        (["--prompt", "prefixed", "--target.question.format", "open"], "'prefixed' needs choices"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], url: str, arguments: list[str], says: str
) -> None:
    assert evaluate.main([*arguments, "--history", url], world.outside()) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert says in error
    assert error.count("\n") == 1


def test_clips_that_all_fail_are_no_result(capsys: pytest.CaptureFixture[str], url: str) -> None:
    assert evaluate.main([*TWO, "--history", url], world.outside(world.Engine(fails=True))) == 2
    assert "no clip of scripted swaps could be answered, for one: ValueError" in capsys.readouterr().err
    with History(url, create=False) as history:
        assert [run.status for run in history.runs()] == ["failed"]


def test_a_runs_file_is_read_as_the_optimizer_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("budget: {prompts: 3}\nseed: 2\ntarget: {frames: {count: 3}}\n", encoding="utf-8")
    from vllm_eval import settings

    config, _ = settings.parse(evaluate._FORM, evaluate._parser(), ["--config", str(path)])
    assert config.target == RunConfig.model_validate({"target": {"frames": {"count": 3}}}).target
    assert {*ScoringConfig.model_fields, *ONLY_OF_RUNS} == set(RunConfig.model_fields)
    assert DEFAULT_HISTORY == DEFAULT_URL


def test_a_long_evaluation_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    ticks = iter([0.0, 5.0, 20.0])
    counter = Counter(100, sys.stderr, lambda: next(ticks))
    counter.answered(5, 3)
    assert capsys.readouterr().err == ""
    counter.answered(5, 0)
    assert capsys.readouterr().err == "10 of 100 answers, about 180 s left\n"
