"""What ``python -m vllm_eval.score`` prints, compares and sets against controls."""

import csv
import random
import subprocess
import sys
from pathlib import Path

import pytest
from prediction_files import CLASSES, Write, counted, counts, pairs, predicted, refused, scored

from vllm_eval.score.command import main


def test_what_is_printed_holds_counts_intervals_and_chance(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(predicted(pairs(200), "choice"))
    assert main([str(path), "--by", "class"]) == 0
    printed = capsys.readouterr().out
    human = counted(pairs(200))["SHAcc"]
    line = next(line.split() for line in printed.splitlines() if line.startswith("SHAcc "))
    assert (line[1], line[-3], line[-2], line[-1]) == (f"{human / 2:.2f}", "200", str(human), "20.00")
    assert "prediction 'choice', human 'label_A', background 'label_B'" in printed
    assert all(any(row.startswith(name) for row in printed.splitlines()) for name in CLASSES)


def test_two_systems_are_compared_clip_by_clip_whatever_their_order(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pairs(150)
    ours = predicted(rows, "choice", seed=1)
    theirs = predicted(rows, "clip_choice", seed=2, form="one")
    other = write(list(reversed(theirs))[:140], "other.csv")
    found = scored(capsys, write(ours), "--compare", other, "--margin", "0.05")["compare"]
    assert isinstance(found, list)
    assert (found[0]["shared"], found[0]["only_ours"], found[0]["only_theirs"]) == (140, 10, 0)
    a = [row["choice"] == "ABCDE"[int(row["human_choice"]) - 1] for row in ours[10:]]
    b = [row["clip_choice"] == row["human_choice"] for row in theirs[10:]]
    shacc = found[0]["contrasts"][0]
    assert shacc["measure"] == "shacc"
    assert shacc["difference"]["value"] == pytest.approx((sum(a) - sum(b)) / 140)
    assert shacc["mcnemar"]["a_only"] == sum(x and not y for x, y in zip(a, b, strict=True))
    assert shacc["p_holm"] >= shacc["p_permutation"]


def test_against_a_file_without_backgrounds_only_accuracy_is_compared(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = ("archery", "golf", "bowling", "archery")
    rows = [
        {"clip": f"c{i}", "human": labels[i % 4], "background": labels[i % 3], "prediction": labels[i % 2]}
        for i in range(40)
    ]
    rows = [row for row in rows if row["human"] != row["background"]]
    bare = write([{k: v for k, v in row.items() if k != "background"} for row in rows], "bare.csv")
    for one, other in ((write(rows), bare), (bare, write(rows))):
        found = scored(capsys, one, "--compare", other, "--unknown", "other")["compare"]
        assert isinstance(found, list)
        assert [(it["measure"], it["difference"]["value"]) for it in found[0]["contrasts"]] == [
            ("accuracy", 0)
        ]
        assert found[0]["ratio"] is None


def test_sources_count_in_several_files_as_in_one_and_empty_cells_are_none(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {
            "human": "archery",
            "background": "golf",
            "prediction": "archery" if i // 10 % 2 else "golf",
            "vid": f"v{i // 10}",
            "pasted": "" if i % 2 else f"s{i}",
        }
        for i in range(100)
    ]
    parts = [write(rows[:50], "first.csv"), write(rows[50:], "second.csv")]

    def interval(*arguments: object) -> tuple[float, float]:
        found = scored(capsys, *arguments)["metrics"]
        assert isinstance(found, dict)
        return found["SHAcc"]["low"], found["SHAcc"]["high"]

    whole, apart = write(rows), interval(write(rows))
    assert interval(*parts) == pytest.approx(apart)
    assert interval(*parts, "--sources", "vid") == pytest.approx(interval(whole, "--sources", "vid"))
    assert interval(whole, "--sources", "vid")[0] < apart[0]
    assert interval(whole, "--sources", "pasted") == pytest.approx(apart)


def test_systems_are_compared_whatever_way_their_files_spell_labels(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = predicted(pairs(30), "choice")
    spelled = [
        {name: text.replace(" ", "_").upper() if "label" in name else text for name, text in row.items()}
        for row in rows
    ]
    bare = [
        {name: row[name] for name in ("action_swap_path", "human_choice", "background_choice", "choice")}
        for row in rows
    ]
    path = write(rows)
    for name, other in (("spelled.csv", spelled), ("bare.csv", bare)):
        found = scored(capsys, path, "--compare", write(other, name))["compare"]
        assert isinstance(found, list)
        assert (found[0]["shared"], found[0]["contrasts"][0]["difference"]["discordant"]) == (30, 0)
    rows[3].update(label_B=rows[4]["label_A"], choice="A")
    changed = write(
        [
            {k: v for k, v in row.items() if not k.startswith(("choice_", "human_", "back"))}
            | {"choice": row["label_A"]}
            for row in rows
        ],
        "changed.csv",
    )
    assert "these are different clips" in refused(capsys, path, "--compare", changed)


def test_a_column_of_wrong_answers_called_error_is_no_list_of_failures(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = predicted(pairs(30), "choice")
    wrong = write([{**row, "error": str(index % 2)} for index, row in enumerate(rows)])
    assert counts(scored(capsys, wrong)) == counted(pairs(30))
    failed = write(
        [{**row, "error": "decoder hung" if index == 3 else ""} for index, row in enumerate(rows)], "f.csv"
    )
    found = scored(capsys, failed)
    assert found["metrics"]["SHAcc"]["n"] == 29  # type: ignore[index]
    assert "1 clips could not be asked" in str(found["notes"])


def test_controls_come_from_further_files(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    rows = predicted(pairs(100), "choice")
    original = [
        {
            "path": row["action_swap_path"].rpartition("_bg_")[0].rpartition("_to_")[2],
            "label": row["label_A"],
            "pred": row["label_A"],
        }
        for row in rows
    ]
    original = list({video_name(row["path"]): row for row in original}.values())
    same = predicted(pairs(100, seed=9), "choice", seed=3)
    found = scored(
        capsys, write(rows), "--same", write(same, "same.csv"), "--original", write(original, "original.csv"),
        "--kinetics", write(same, "k50.csv"), "--still", write(rows, "still.csv"),
    )["metrics"]  # fmt: skip
    assert isinstance(found, dict)
    assert found["original right: kept"]["count"] == counted(pairs(100))["SHAcc"]
    assert found["contrasted accuracy"]["count"] == 0
    a, b = counted(pairs(100))["SHAcc"] / 100, counted(pairs(100, 9), 3)["SHAcc"] / 100
    assert found["SHAcc / same-swap SHAcc"]["value"] == pytest.approx(a / b)
    assert found["harmonic mean of both"]["value"] == pytest.approx(2 * a * b / (a + b))


def video_name(path: str) -> str:
    return path[-25:]


def test_a_reader_that_leaves_early_is_no_error(write: Write) -> None:
    path = write(predicted(pairs(800), "choice"))
    command = f"{sys.executable} -m vllm_eval.score {path} --by action_swap_path | head -n 1"
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(["bash", "-c", command], cwd=root, capture_output=True, text=True, timeout=300)
    assert done.stdout.startswith("predictions.csv: 800 clips, ")
    assert done.stderr == ""


def test_pages_of_help_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "--count-from" in capsys.readouterr().out


def test_the_published_pairs_are_scored_as_counting_scores_them(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = shared_data / "swap2485" / "pairs_mcq.csv"
    rows = list(csv.DictReader(source.read_text(encoding="utf-8").splitlines()))
    rng = random.Random(1)
    for row in rows:
        row["choice"] = rng.choice("ABCDEABCDT")
    path = tmp_path / "pairs.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    found = scored(capsys, path)
    letters = {str(number): letter for number, letter in enumerate("ABCDE", 1)}
    human = sum(row["choice"] == letters[row["human_choice"]] for row in rows)
    background = sum(row["choice"] == letters[row["background_choice"]] for row in rows)
    assert (counts(found)["SHAcc"], counts(found)["SBErr"]) == (human, background)
    assert (found["clips"], found["choices"]) == (2485, 5)
    videos = {name for row in rows for name in (row["pair"][-54:-29], row["pair"][-25:])}
    assert found["source_videos"] == len({name[:11] for name in videos})
