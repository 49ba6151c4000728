"""A run in a real MLflow store of files: all steps, once, brought up to date when sent again."""

import json
from pathlib import Path
from typing import Any

import pytest
from rows import WHAT, WHO, row, rows

from assets.errors import UserError
from prompts.__main__ import main
from prompts.history import History
from prompts.library import NEUTRAL
from prompts.trackers import Destination, sender
from prompts.trackers.facts import run_facts

mlflow: Any = pytest.importorskip(
    "mlflow", reason="MLflow is not installed: pip install 'sceneproof[mlflow]'"
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return f"sqlite:///{tmp_path}/history.db"


@pytest.fixture
def run_id(url: str) -> str:
    with History(url) as history:
        run = history.start_run({"budget": {"prompts": 2}}, seed=7)
        history.add_prompt(run, NEUTRAL.prompt)
        history.add(rows(run, NEUTRAL.prompt, ["background", "human"]))
        history.add_proposal(run, 0, WHO, "accepted")
        history.add(rows(run, WHO, ["human", "human"]))
        return run


def held(folder: Path) -> Any:
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("sceneproof")
    (run,) = client.search_runs([experiment.experiment_id])
    return client, run


def test_a_run_is_sent_and_brought_up_to_date(
    capsys: pytest.CaptureFixture[str], url: str, run_id: str, tmp_path: Path
) -> None:
    command = ["sync", run_id, "--to", "mlflow", "--folder", str(tmp_path / "ml"), "--history", url]
    assert main(command) == 0
    assert "1 scored proposals" in capsys.readouterr().out
    client, run = held(tmp_path / "ml")
    assert (run.info.status, run.data.params["budget.prompts"]) == ("RUNNING", "2")
    assert run.data.tags["sceneproof.seed"] == "7"
    assert run.data.metrics["neutral/swaps/tune/shacc"] == 0.5
    with History(url) as history:
        history.add([row(run_id, "c2", WHO, "background")])
        history.add_proposal(run_id, 1, WHAT, "accepted")
        history.add(rows(run_id, WHAT, ["human", "background"]))
        history.finish_run(run_id, {"winner": WHO.id})
    for _ in range(2):
        assert main(command) == 0
    client, run = held(tmp_path / "ml")
    assert run.info.status == "FINISHED"
    steps = client.get_metric_history(run.info.run_id, "swaps/tune/bias_gap")
    told = [(one.step, round(one.value, 3)) for one in steps]
    assert sorted(told) == [(0, 0.333), (0, 1.0), (1, 0.0)]  # asked about another clip since, sent once more
    assert run.data.metrics["winner/swaps/tune/shacc"] == pytest.approx(2 / 3)
    (file,) = (tmp_path / "ml" / "artifacts").rglob("prompts.json")
    assert {one["text"] for one in json.loads(file.read_text())} == {NEUTRAL.prompt.text, WHO.text, WHAT.text}


def test_a_store_that_refuses_is_one_line(url: str, run_id: str, tmp_path: Path) -> None:
    with History(url) as history:
        facts = run_facts(history, run_id)
    with pytest.raises(UserError, match="check the URI") as raised:
        sender("mlflow")(facts, Destination("sceneproof", tmp_path, uri="ftp://nowhere"))
    assert "\n" not in str(raised.value)
