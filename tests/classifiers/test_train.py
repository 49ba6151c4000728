"""Training: exact resumption, selection, what is logged, two processes, the command line."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from classifier_world import config, sets, train_together, without_batch_statistics

from assets.errors import UserError
from classifiers.config import Config
from classifiers.train.__main__ import main
from classifiers.train.loop import BEST, DONE, LAST, LOG, Trainer, plan_of
from classifiers.train.processes import Processes, join
from classifiers.train.state import read

TIMES = {"seconds", "data_wait", "clips_per_second", "waited"}


def trainer(run: Config, resume: bool = False) -> Trainer:
    return Trainer(run, sets(run), join("cpu"), resume)


def same(one: Any, other: Any, where: str = "") -> None:
    """Bit for bit, but for what a clock says."""
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one.keys() - TIMES - {"key", "about"}:
            same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for number, pair in enumerate(zip(one, other, strict=True)):
            same(*pair, f"{where}[{number}]")
    else:
        assert one == other, where


@pytest.mark.parametrize(
    ("model", "recipe"),
    [
        ("weighted_focus", {"epochs": 3, "batch": 6, "accumulate": 2}),
        ("slow_only", {"name": "modern", "epochs": 3, "batch": 6, "patience": 9}),
    ],
)
def test_an_interrupted_run_ends_as_one_that_was_not(
    tmp_path: Path, model: str, recipe: dict[str, Any]
) -> None:
    whole, parts = (config(tmp_path / name, model=model, recipe=recipe) for name in ("whole", "parts"))
    assert trainer(whole).run(lambda row: None)
    assert not trainer(parts).run(lambda row: None, steps=2)  # within the first epoch
    assert not trainer(parts, resume=True).run(lambda row: None, steps=5)  # within another
    assert trainer(parts, resume=True).run(lambda row: None)
    same(read(whole.folder / LAST), read(parts.folder / LAST))
    same(read(whole.folder / BEST), read(parts.folder / BEST))


def test_loss_and_accuracy_of_every_epoch_are_told_and_kept(tmp_path: Path) -> None:
    run = config(tmp_path, model="weighted_focus_safe")
    told: list[dict[str, Any]] = []
    trainer(run).run(told.append)
    kept = [json.loads(line) for line in (run.folder / LOG).read_text().splitlines()]
    assert kept == told
    assert [row["epoch"] for row in kept] == [0, 1]
    assert all(0 <= row["data_wait"] <= 1 and row["clips_per_second"] > 0 for row in kept)
    assert all(row["ratio_sd"] > 0 for row in kept)
    assert json.loads((run.folder / DONE).read_text())["last"] == kept[-1]


def test_a_run_learns(tmp_path: Path) -> None:
    run = config(tmp_path, model="segmented", recipe={"epochs": 12, "batch": 6, "lr": 0.003})
    told: list[dict[str, Any]] = []
    trainer(run).run(told.append)
    assert told[-1]["loss"] < 0.6 * told[0]["loss"]
    assert told[-1]["accuracy"] > 0.6


def test_the_recipe_says_which_weights_are_taken_up(tmp_path: Path) -> None:
    from classifiers.checkpoints import open_run

    run = config(tmp_path, recipe={"epochs": 3, "batch": 6})
    trainer(run).run(lambda row: None)
    last, best = (open_run(run.folder, select=which).model.state_dict() for which in ("last", "best"))
    same(dict(open_run(run.folder).model.state_dict()), dict(last))
    same(dict(best), {key: read(run.folder / BEST)["model"][key] for key in best})


def test_training_stops_when_validation_gains_nothing(tmp_path: Path) -> None:
    run = without_batch_statistics(tmp_path, epochs=50, lr=1e-9, patience=2)
    told: list[dict[str, Any]] = []
    assert trainer(run).run(told.append)
    assert len(told) == 3


def test_a_plateau_divides_the_rate(tmp_path: Path) -> None:
    run = without_batch_statistics(tmp_path, epochs=6, lr=1e-9, plateau=1)
    told: list[dict[str, Any]] = []
    trainer(run).run(told.append)
    assert told[0]["lr"] == 1e-9
    assert told[-1]["lr"] < 1.1e-10


def test_another_run_in_the_same_folder_is_refused_unless_it_goes_on(tmp_path: Path) -> None:
    run = config(tmp_path, recipe={"epochs": 1, "batch": 6})
    trainer(run).run(lambda row: None)
    with pytest.raises(UserError, match="holds a run already: --resume goes on with it"):
        trainer(run)


def test_a_damaged_checkpoint_is_told_in_one_line(tmp_path: Path) -> None:
    run = config(tmp_path)
    run.folder.mkdir(parents=True)
    (run.folder / LAST).write_bytes(b"not a checkpoint")
    with pytest.raises(UserError, match=r"expected a checkpoint of python -m classifiers\.train"):
        trainer(run, resume=True)


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    context = torch.multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=train_together, args=(rank, str(tmp_path / "two"), port)) for rank in (0, 1)
    ]
    for worker in workers:
        worker.start()
    alone = without_batch_statistics(tmp_path / "one")
    trainer(alone).run(lambda row: None)
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    together = without_batch_statistics(tmp_path / "two")
    one, two = (read(run.folder / LAST) for run in (alone, together))
    weights = [torch.cat([part.flatten().float() for part in run["model"].values()]) for run in (one, two)]
    # Adam turns the rounding noise of weights without any gradient (biases of keys) into steps.
    assert float((weights[0] - weights[1]).abs().lt(2e-5).float().mean()) > 0.95
    assert one["progress"]["log"][0]["loss"] == pytest.approx(two["progress"]["log"][0]["loss"], rel=1e-4)


@pytest.mark.parametrize(
    ("recipe", "world", "told"),
    [
        ({"batch": 6, "accumulate": 2}, 2, "expected a multiple of 4"),
        ({"batch": 30}, 1, "24 training clips do not fill a batch of 30"),
    ],
)
def test_batches_that_cannot_be_divided_evenly_are_refused(
    tmp_path: Path, recipe: dict[str, Any], world: int, told: str
) -> None:
    with pytest.raises(UserError, match=told):
        plan_of(config(tmp_path, recipe=recipe), 24, Processes(0, world, torch.device("cpu")))


def test_every_epoch_goes_into_the_history_and_a_resumed_run_goes_on_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prompts.history import History

    monkeypatch.setattr("classifiers.data.sets.open_sets", sets)
    run = config(tmp_path / "runs")
    url = f"sqlite:///{tmp_path / 'history.db'}"
    (tmp_path / "run.yaml").write_text(json.dumps(run.model_dump(mode="json")))
    flags = ["--config", str(tmp_path / "run.yaml"), "--history", url, "--resume"]
    assert main([*flags, "--seconds", "0"]) == 3
    assert main(flags[:-1]) == 2  # without --resume it is refused, and the run can be gone on with
    assert main(flags) == 0
    kept = [json.loads(line) for line in (run.folder / LOG).read_text().splitlines()]
    with History(url) as history:
        (found,) = history.runs()
        assert [one.detail for one in history.decisions(found.id)] == kept
        assert (found.status, found.config["command"]) == ("finished", "classifiers.train")


def test_an_unknown_model_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model", "resnet"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(
        "error: model 'resnet' is unknown, expected one of: slow_only, segmented, dual_sum"
    )
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--config", "nowhere.yaml"], "cannot read --config nowhere.yaml"),
        (["--set", "recipe.epoch=3"], "unknown key recipe.epoch; known in recipe: name, epochs, batch"),
        (["--set", "worker=3"], "unknown key worker; known keys: model, size, data, "),
        (["--set", "recipe.epochs=0"], "recipe.epochs: '0' is not possible; input should be greater than"),
        (["--set", "recipe.accumulate=3"], "recipe: batch 20 cannot be computed in 3 equal parts; see docs/"),
        (["--set", "recipe"], "--set 'recipe': expected FIELD=VALUE"),
        (["--set", "recipe=3", "--set", "recipe.epochs=2"], "'recipe' has a value already"),
        (["--set", "data.masks=@x"], "@x: no folder; expected person masks"),
        (["--set", "data.train=somewhere"], "dataset 'somewhere' is unknown, expected hat"),
    ],
)
def test_bad_settings_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str], flags: list[str], told: str
) -> None:
    assert main(["--model", "slow_only", *flags]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "seed"),
    [(["--set", "seed=3"], 3), (["--set", "seed=3", "--seed", "4"], 4), ([], 0)],
)
def test_a_seed_may_be_set_in_two_ways(monkeypatch: pytest.MonkeyPatch, flags: list[str], seed: int) -> None:
    trained: list[Config] = []
    monkeypatch.setattr("classifiers.train.__main__.train", lambda config, *rest: trained.append(config) or 0)
    assert main(["--model", "slow_only", *flags]) == 0
    assert trained[0].seed == seed
