"""Comparison: figures over seeds, paired differences, the paper's rows, and a table from start to end."""

import csv
import math
from pathlib import Path

import pytest
from classifier_world import clips_of_noise, config, sets

from assets.errors import UserError
from classifiers import compare
from classifiers.beside import Other, others
from classifiers.compare import show
from classifiers.judging import evaluate, prediction_file
from classifiers.lines import Sets, as_json, collect, config_of
from classifiers.paper import ROWS
from classifiers.protocols import read_answers, write_json
from classifiers.tables import difference, difference_over_seeds, summary


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


def test_seeds_have_an_interval_of_their_own_differences(tmp_path: Path) -> None:
    mine = [
        predictions(tmp_path / f"m{k}.csv", ["a"] * (20 + 5 * k) + ["b"] * (20 - 5 * k)) for k in range(3)
    ]
    base = [predictions(tmp_path / f"b{k}.csv", ["a"] * 10 + ["c"] * 30) for k in range(3)]
    found = difference_over_seeds(mine, base, "shacc")
    assert found.mean == pytest.approx(15 / 40)
    assert found.sd == pytest.approx(5 / 40)
    assert found.high - found.mean == pytest.approx(4.302653 * 5 / 40 / math.sqrt(3), rel=1e-4)
    alone = difference_over_seeds(mine[:1], base[:1], "shacc")
    assert (alone.sd, alone.low, alone.high) == (None, -1, 1)


def test_clips_that_could_not_be_read_are_in_no_pair(tmp_path: Path) -> None:
    header = "clip,human,background,prediction,error\n"
    (tmp_path / "mine.csv").write_text(header + "x,a,b,a,\ny,a,b,,no such file\n")
    (tmp_path / "base.csv").write_text(header + "x,a,b,b,\ny,a,b,a,\n")
    sources = {"x": ("x",), "y": ("y",)}
    found = difference([tmp_path / "mine.csv"], [tmp_path / "base.csv"], sources, "shacc")
    assert (found.value, found.n) == (1, 1)


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


def exported_from(predicted: Path, folder: Path) -> Path:
    """As `python -m prompts export --answers` has them: these, and those of a prompt always fooled."""
    rows = []
    for clip, row in read_answers(predicted).items():
        told = {"human": row["human"], "background": row["background"]}
        kinds = {name: kind for kind, name in told.items()}
        for prompt, label in (("1" * 16, row["prediction"]), ("2" * 16, row["background"])):
            about = {"prompt": prompt, "format": "mcq5-plain-seed0", "clip": clip, **told}
            rows.append(about | {"label": label, "text": label, "kind": kinds.get(label, "other")})
    with open(folder / "answers.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "answers.csv"


def test_a_table_comes_out_of_trained_runs_and_is_not_judged_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from classifiers.checkpoints import open_run
    from classifiers.train.loop import Trainer
    from classifiers.train.processes import join

    monkeypatch.setenv("SCENEPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("classifiers.judging.load", clips_of_noise)
    base = config(tmp_path / "runs", recipe={"epochs": 1, "batch": 6}, data={"root": str(tmp_path)})
    rows, wanted = [ROWS[0], ROWS[4]], Sets("kinetics:val", "mimetics", "hat:rand_1", None)
    for row in rows:
        run = config_of(base, row, 0, "rendered")
        Trainer(run, sets(run), join("cpu")).run(lambda row: None)
        evaluate(open_run(run.folder), wanted.asked, run.folder)
    lines = collect(base, rows, [0, 1], wanted, "rendered")
    assert [(line.row.name, line.seeds) for line in lines] == [("slow_only", (0,)), ("weighted_focus", (0,))]
    assert set(lines[0].figures) == {"K50", "Mimetics", "SHAcc", "SBErr", "SHAcc5", "SBErr5"}
    assert lines[1].ratio is not None
    assert set(lines[1].differences) == set(lines[0].figures)
    assert not lines[0].differences
    ours = [
        prediction_file(config_of(base, rows[1], 0, "").folder, "hat:rand_1", one) for one in ("all", "five")
    ]
    more = others([f"the same={path}" for path in ours], base, wanted, lines, "rendered")
    assert [other.name for other in more] == ["the same"]
    for column in ("SHAcc", "SBErr", "SHAcc5", "SBErr5"):
        assert more[0].figures[column].mean == pytest.approx(lines[1].figures[column].mean)
        assert more[0].differences[column].value == pytest.approx(lines[1].differences[column].clips.value)
    exported = others([f"asked={exported_from(ours[1], tmp_path)}"], base, wanted, lines, "rendered")
    assert [other.name for other in exported] == ["asked 11111111", "asked 22222222"]
    assert exported[0].figures["SBErr5"] == more[0].figures["SBErr5"]
    assert exported[1].figures["SBErr5"].mean == 1
    show(lines, [Other("prompted", {"SHAcc5": summary([estimate(0.5)])}), *more])
    told = capsys.readouterr().out
    assert "weighted_focus" in told
    assert "19.64" in told
    assert "prompted" in told
    write_json(tmp_path / "lines.json", [as_json(line) for line in lines])
    with pytest.raises(UserError, match="no clip of kinetics:val, mimetics, hat:rand_1 in its file"):
        others([f"x={predictions(tmp_path / 'other.csv', ['a'])}"], base, wanted, lines, "rendered")


def test_an_empty_folder_is_no_run(tmp_path: Path) -> None:
    from classifiers.checkpoints import open_run

    with pytest.raises(UserError, match=r"no such checkpoint; train it with python -m classifiers\.train"):
        open_run(tmp_path)
