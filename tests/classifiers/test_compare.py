"""Comparison: figures over seeds, paired differences, the paper's rows, and a table from start to end."""

import csv
import math
from pathlib import Path

import pytest
from classifier_world import clips_of_noise, config, sets

from assets.errors import UserError
from classifiers import compare
from classifiers.compare import Sets, collect, config_of, show
from classifiers.evaluate import evaluate, prediction_file
from classifiers.paper import ROWS
from classifiers.protocols import write_json
from classifiers.tables import difference, summary


def estimate(value: float, n: int = 100) -> dict[str, float]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "n": n}


def predictions(path: Path, said: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["clip", "human", "background", "prediction"])
        writer.writerows([f"clip{k}", "a", "b", name] for k, name in enumerate(said))
    return path


def test_several_seeds_have_a_spread_and_a_t_interval() -> None:
    found = summary([estimate(0.2), estimate(0.3), estimate(0.4)])
    assert found.mean == pytest.approx(0.3)
    assert found.sd == pytest.approx(0.1)
    assert found.high - found.mean == pytest.approx(4.302653 * 0.1 / math.sqrt(3), rel=1e-4)
    assert "30.0 ±10.0" in found.text()


def test_one_seed_has_no_spread_and_the_interval_over_clips() -> None:
    found = summary([estimate(0.3)])
    assert (found.sd, found.low, found.high) == (None, pytest.approx(0.2), pytest.approx(0.4))


def test_differences_are_paired_by_clip_and_by_seed(tmp_path: Path) -> None:
    mine = [predictions(tmp_path / f"m{k}.csv", ["a"] * 30 + ["b"] * 10) for k in range(2)]
    base = [
        predictions(tmp_path / f"b{k}.csv", ["a"] * 10 + ["b"] * (30 - 10 * k) + ["c"] * 10 * k)
        for k in range(2)
    ]
    sources = {f"clip{k}": (f"video{k}",) for k in range(40)}
    gain = difference(mine, base, sources, "shacc")
    assert gain.value == pytest.approx(0.5)
    assert gain.low > 0.3
    assert gain.n == 40
    assert difference(mine, base, sources, "sberr").value == pytest.approx(10 / 40 - (30 + 20) / 80)


def test_the_papers_headlines_follow_from_its_rows() -> None:
    rows = {row.name: row for row in ROWS}
    base, focus, total = (rows[name].published for name in ("slow_only", "weighted_focus", "dual_sum"))
    assert base is not None
    assert focus is not None
    assert total is not None
    assert base[3] - focus[3] == pytest.approx(3.78)
    assert total[0] - base[0] == pytest.approx(2.21)
    means = rows["slow_only"].five_runs, rows["weighted_focus"].five_runs
    assert means[0][3] - means[1][3] == pytest.approx(2.40)  # type: ignore[index, operator]


def test_augmented_rows_differ_from_the_others_in_their_backgrounds_alone(tmp_path: Path) -> None:
    base = config(tmp_path)
    plain, augmented = (config_of(base, row, 1, "/pictures") for row in (ROWS[2], ROWS[8]))
    assert plain.augment.backgrounds is None
    assert augmented.augment.backgrounds == "/pictures"
    assert plain.changed(augment={"backgrounds": "/pictures"}) == augmented


def test_an_unknown_row_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(["--rows", "triple"]) == 2
    assert "row 'triple' is unknown, expected one of: slow_only, segmented" in capsys.readouterr().err


def test_a_table_comes_out_of_trained_runs_and_is_not_judged_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from classifiers.checkpoints import open_run
    from classifiers.train.loop import Trainer
    from classifiers.train.processes import join

    monkeypatch.setenv("SCENEPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("classifiers.evaluate.load", clips_of_noise)
    base = config(tmp_path / "runs", recipe={"epochs": 1, "batch": 6}, data={"root": str(tmp_path)})
    rows, wanted = [ROWS[0], ROWS[4]], Sets("kinetics:val", "mimetics", "hat:rand_1", None)
    for row in rows:
        run = config_of(base, row, 0, "rendered")
        Trainer(run, sets(run), join("cpu")).run(lambda row: None)
        evaluate(open_run(run.folder), (wanted.kinetics, wanted.mimetics, wanted.swap), run.folder)
    lines = collect(base, rows, [0, 1], wanted, "rendered")
    assert [(line.row.name, line.seeds) for line in lines] == [("slow_only", (0,)), ("weighted_focus", (0,))]
    assert set(lines[0].figures) == {"K50", "Mimetics", "SHAcc", "SBErr", "SHAcc5", "SBErr5"}
    assert lines[1].ratio is not None
    assert set(lines[1].differences) == set(lines[0].figures)
    assert not lines[0].differences
    show(lines, [("prompted", {"SHAcc5": summary([estimate(0.5)])})])
    told = capsys.readouterr().out
    assert "weighted_focus" in told
    assert "19.64" in told
    folder = config_of(base, ROWS[0], 0, "rendered").folder
    before = prediction_file(folder, "hat:rand_1", "all").stat().st_mtime_ns
    evaluate(open_run(folder), ("hat:rand_1",), folder)
    assert prediction_file(folder, "hat:rand_1", "all").stat().st_mtime_ns == before
    write_json(tmp_path / "lines.json", [compare.as_json(line) for line in lines])
    thirty = evaluate(open_run(folder), ("hat:rand_1",), folder, views=30)
    assert thirty["hat:rand_1"]["five"]["n"] == 12


def test_an_empty_folder_is_no_run(tmp_path: Path) -> None:
    from classifiers.checkpoints import open_run

    with pytest.raises(UserError, match=r"no such checkpoint; train it with python -m classifiers\.train"):
        open_run(tmp_path)
