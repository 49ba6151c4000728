"""``python -m vllm_eval.score`` on files of many shapes: what it prints and what it refuses."""

import csv
import json
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from vllm_eval.score.command import main

CLASSES = [
    "archery",
    "bowling",
    "clean and jerk",
    "deadlifting",
    "punching person (boxing)",
    "smoking",
    "writing",
]
Rows = list[dict[str, str]]
Write = Callable[..., Path]


def pairs(n: int, seed: int = 0) -> Rows:
    """Rows as the published predictions have them, without the prediction."""
    rng = random.Random(seed)
    rows = []
    for index in range(n):
        human, background, *others = rng.sample(CLASSES, 5)
        choices = rng.sample([human, background, *others], 5)
        fore, back = rng.randrange(n), rng.randrange(n)
        videos = f"{video(fore)}_000003_000013_bg_{video(back)}_000000_000010"
        name = f"/n/{index}/sample_{index:06d}_{human}_to_{background}_{videos}"
        rows.append(
            {
                "action_swap_path": name,
                "label_A": human,
                "label_B": background,
                **{f"choice_{place}": choice for place, choice in enumerate(choices, 1)},
                "human_choice": str(choices.index(human) + 1),
                "background_choice": str(choices.index(background) + 1),
            }
        )
    return rows


def video(number: int) -> str:
    return f"a-_b{number:07d}"


def predicted(rows: Rows, column: str, seed: int = 0, form: str = "letter") -> Rows:
    """The rows with a random choice, written as a letter, a number from 1 or 0, or a label."""
    rng = random.Random(seed)
    done = []
    for row in rows:
        place = rng.randrange(5)
        said = {
            "letter": "ABCDE"[place],
            "one": str(place + 1),
            "zero": str(place),
            "float": f"{place + 1}.0",
            "label": row[f"choice_{place + 1}"],
            "underscores": row[f"choice_{place + 1}"].replace(" ", "_"),
            "reply": f"{'ABCDE'[place]}) {row[f'choice_{place + 1}']}",
        }[form]
        done.append({**row, column: said})
    return done


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes rows as a csv and says where."""

    def to_file(rows: Rows, name: str = "predictions.csv", encoding: str = "utf-8", **options: str) -> Path:
        path = tmp_path / name
        with path.open("w", encoding=encoding, newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), **options)  # type: ignore[arg-type]
            writer.writeheader()
            writer.writerows(rows)
        return path

    return to_file


def counted(rows: Rows, seed: int = 0) -> dict[str, int]:
    """Human, background and other answers of ``predicted``, by brute force."""
    said = [row["x"] for row in predicted(rows, "x", seed, "label")]
    human = sum(a == row["label_A"] for a, row in zip(said, rows, strict=True))
    background = sum(a == row["label_B"] for a, row in zip(said, rows, strict=True))
    return {"SHAcc": human, "SBErr": background, "other": len(rows) - human - background}


def scored(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


def counts(result: dict[str, object]) -> dict[str, int]:
    metrics = result["metrics"]
    assert isinstance(metrics, dict)
    return {name: metrics[name]["count"] for name in ("SHAcc", "SBErr", "other")}


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([*map(str, arguments)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    return printed.err


@pytest.mark.parametrize(
    ("column", "form"),
    [
        ("choice", "letter"),  # InternVL3
        ("clip_choice", "one"),  # CLIP
        ("siglip_choice", "one"),  # SigLIP
        ("prediction", "zero"),
        ("prediction", "float"),
        ("predicted_label", "label"),
        ("pred", "underscores"),
        ("llm_choice", "reply"),
    ],
)
def test_every_form_of_prediction_gives_the_counts_of_plain_counting(
    write: Write, capsys: pytest.CaptureFixture[str], column: str, form: str
) -> None:
    rows = pairs(60)
    path = write(predicted(rows, column, form=form))
    extra = ["--count-from", "0"] if form == "zero" else []
    assert counts(scored(capsys, path, *extra)) == counted(rows)


def test_numbers_from_zero_beside_choices_from_one_are_asked_about(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refused(capsys, write(predicted(pairs(60), "prediction", form="zero")))
    assert (
        "'prediction' counts from 0 but 'background_choice' from 1; if that is so, say --count-from 0"
        in message
    )


def test_numbers_that_show_nothing_are_not_guessed(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    rows = pairs(20)
    listed = [
        {
            "clip": row["action_swap_path"],
            "prediction": "2",
            "human": row["label_A"],
            "background": row["label_B"],
            "choices": json.dumps([row[f"choice_{place}"] for place in range(1, 6)]),
        }
        for row in rows
    ]
    path = write(listed)
    assert "may count from 0 or from 1; say --count-from 0 or --count-from 1" in refused(capsys, path)
    from_one, from_zero = (counts(scored(capsys, path, "--count-from", start)) for start in (1, 0))
    for found, start in ((from_one, 1), (from_zero, 0)):
        right = [row[f"choice_{2 - start + 1}"] == row["label_A"] for row in rows]
        assert found["SHAcc"] == sum(right)


def test_numbered_columns_of_choices_settle_what_numbers_count_from(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing contradicts, 2 is choice_2."""
    rows = [{**row, "prediction": "2"} for row in pairs(20)]
    for row in rows:
        del row["human_choice"], row["background_choice"]
    assert counts(scored(capsys, write(rows)))["SHAcc"] == sum(r["choice_2"] == r["label_A"] for r in rows)
    renamed = [
        {name.replace("_5", "_0") if name == "choice_5" else name: text for name, text in row.items()}
        for row in rows
    ]
    assert counts(scored(capsys, write(renamed)))["SHAcc"] == sum(r["choice_2"] == r["label_A"] for r in rows)
    rows[3]["prediction"] = "0"
    assert "counts from 0 but 'choice_1' from 1" in refused(capsys, write(rows))


def test_letters_numbers_labels_and_nothing_may_stand_in_one_column(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pairs(4)
    said = ["C", "3", rows[2]["choice_3"], ""]
    found = scored(capsys, write([{**row, "prediction": text} for row, text in zip(rows, said, strict=True)]))
    third = [row["choice_3"] for row in rows[:3]]
    assert counts(found)["SHAcc"] == sum(a == row["label_A"] for a, row in zip(third, rows, strict=False))
    assert found["metrics"]["unparsed"]["count"] == 1  # type: ignore[index]
    assert "(1 among 1 letters) count from 1" in str(found["notes"])


def test_the_other_columns_of_a_published_file_settle_what_numbers_count_from(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{**row, "clip_choice": "2"} for row in pairs(20)]
    found = scored(capsys, write(rows))
    assert counts(found)["SHAcc"] == sum(row["human_choice"] == "2" for row in rows)
    assert "numbers in 'clip_choice' count from 1" in str(found["notes"])


def test_only_choice_numbers_and_letters_without_names_of_choices(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pairs(80)
    keep = ("action_swap_path", "human_choice", "background_choice", "prediction")
    bare = [{name: row[name] for name in keep} for row in predicted(rows, "prediction")]
    assert counts(scored(capsys, write(bare), "--classes", "5")) == counted(rows)
    numbers = [{name: row[name] for name in keep} for row in predicted(rows, "prediction", form="one")]
    assert counts(scored(capsys, write(numbers), "--classes", "5")) == counted(rows)
    zero = [{name: row[name] for name in keep} for row in predicted(rows, "prediction", form="zero")]
    assert "--count-from 0" in refused(capsys, write(zero))
    assert counts(scored(capsys, write(zero), "--count-from", "0", "--classes", "5")) == counted(rows)


def test_a_fifty_way_file_of_labels_needs_no_choices(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pairs(80)
    keep = ("action_swap_path", "label_A", "label_B", "siglip_choice")
    labels = [{name: row[name] for name in keep} for row in predicted(rows, "siglip_choice", form="label")]
    found = scored(capsys, write(labels))
    assert counts(found) == counted(rows)
    assert found["metrics"]["SHAcc"]["chance"] == pytest.approx(1 / len(CLASSES))  # type: ignore[index]


@pytest.mark.parametrize(
    ("encoding", "options"),
    [
        ("utf-8", {}),
        ("utf-8-sig", {}),
        ("utf-16", {}),
        ("utf-8", {"delimiter": ";"}),
        ("utf-8", {"delimiter": "\t"}),
        ("utf-8", {"delimiter": "|"}),
        ("utf-8", {"quoting": csv.QUOTE_ALL}),
        ("utf-8", {"lineterminator": "\r\n"}),
        ("utf-8-sig", {"delimiter": ";", "quoting": csv.QUOTE_ALL, "lineterminator": "\r\n\r\n"}),
    ],
)
def test_tables_of_any_common_shape_are_read(
    write: Write, capsys: pytest.CaptureFixture[str], encoding: str, options: dict[str, str]
) -> None:
    rows = [
        {"": str(i), **row, "extra, column": 'a "quoted", text'}
        for i, row in enumerate(predicted(pairs(30), "choice"))
    ]
    assert counts(scored(capsys, write(rows, encoding=encoding, **options))) == counted(pairs(30))


def test_blank_lines_and_blanks_around_cells_do_not_matter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "loose.csv"
    path.write_text(
        "sep=;\n\n clip ; prediction;human;background\n a; archery ;archery;bowling\n;;;\n\n"
        'b;"bowling";archery;bowling\nc; Smoking;smoking;"archery"\n\n'
    )
    assert counts(scored(capsys, path)) == {"SHAcc": 2, "SBErr": 1, "other": 0}


def test_full_hat_predictions_in_json_are_read_as_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, records = pairs(50), []
    for row in predicted(rows, "letter"):
        fore, back = (f"{video(i)}_000001_000011" for i in (len(records), len(records) + 1))
        records.append(
            {
                "human_path": f"{row['label_A']}/{fore}",
                "background_path": f"{row['label_B']}/{back}",
                "choices": [row[f"choice_{place}"] for place in range(1, 6)],
                "predicted_choice": row["letter"],
            }
        )
    as_list, as_lines = tmp_path / "mix_1.json", tmp_path / "mix_2.jsonl"
    as_list.write_text(json.dumps(records, indent=4))
    as_lines.write_text("\n".join(map(json.dumps, records)))
    found = scored(capsys, as_list)
    assert counts(found) == counts(scored(capsys, as_lines)) == counted(rows)
    assert (found["source_videos"], found["choices"]) == (51, 5)
    pool = scored(capsys, as_list, as_lines)
    assert counts(pool) == {name: 2 * count for name, count in counted(rows).items()}
    assert pool["source_videos"] == 51


def test_replies_keyed_by_clip_with_refused_ones_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = {}
    for row in predicted(pairs(30), "response", form="reply"):
        records[row["action_swap_path"]] = {
            "response": row["response"],
            "human_label": row["label_A"],
            "background_label": row["label_B"],
            "choices": [row[f"choice_{place}"] for place in range(1, 6)],
            "flagged": False,
        }
    first = next(iter(records.values()))
    first.update(response=None, flagged=True)
    path = tmp_path / "results.json"
    path.write_text(json.dumps(records))
    found = scored(capsys, path)["metrics"]
    assert isinstance(found, dict)
    assert (found["SHAcc"]["n"], found["error"]["count"], found["unparsed"]["count"]) == (29, 1, 0)


def test_files_without_a_background_get_accuracy(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    rows = []
    for row in predicted(pairs(40), "choice"):
        path = f"/d/Mimetics2/{row['label_A']}/{video(len(rows))}_000003_000009"
        choices = {name: row[name] for name in row if name.startswith("choice")}
        rows.append(
            {"full_path": path, "label": row["label_A"], "human_choice": row["human_choice"], **choices}
        )
    found = scored(capsys, write(rows))["metrics"]
    assert isinstance(found, dict)
    assert list(found) == ["accuracy", "unparsed", "error"]
    assert found["accuracy"]["count"] == counted(pairs(40))["SHAcc"]
    assert found["accuracy"]["chance"] == pytest.approx(0.2)


def test_empty_and_unreadable_answers_are_wrong_and_stay_in_n(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = predicted(pairs(12), "choice")
    for row, text in zip(rows, ["", "NaN", "none", "null", "T", "c", "Invalid", "-1", "*"], strict=False):
        row["choice"] = text
    path = write(rows)
    found = scored(capsys, path)
    assert isinstance(metrics := found["metrics"], dict)
    assert (metrics["unparsed"]["count"], metrics["SHAcc"]["n"]) == (9, 12)
    assert "'T'" in str(found["notes"])


def test_small_letters_count_where_there_are_no_capitals(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{**row, "choice": row["choice"].lower()} for row in predicted(pairs(40), "choice")]
    found = scored(capsys, write(rows))
    assert counts(found) == counted(pairs(40))
    assert "lower case" in str(found["notes"])


def test_the_papers_rule_takes_the_first_character_and_nothing_else(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pairs(4)
    letters = ["ABCDE"[int(row["human_choice"]) - 1] for row in rows]
    replies = [f"{letters[0]}. yes", f"The answer is {letters[1]}", letters[2].lower(), f"{letters[3]}"]
    path = write([{**row, "response": reply} for row, reply in zip(rows, replies, strict=True)])
    metrics = scored(capsys, path, "--read", "first")["metrics"]
    assert isinstance(metrics, dict)
    assert (metrics["SHAcc"]["count"], metrics["unparsed"]["count"]) == (2, 2)
    lenient = scored(capsys, path, "--read", "reply")["metrics"]
    assert isinstance(lenient, dict)
    assert lenient["SHAcc"]["count"] == 4


def test_letters_and_labels_may_stand_in_one_column(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    forms = ("letter", "label", "reply", "underscores")
    mixed = [predicted(pairs(40), "prediction", form=forms[i % 4])[i] for i in range(40)]
    assert counts(scored(capsys, write(mixed))) == counted(pairs(40))


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


Broken = Callable[[Rows], Sequence[object]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda rows: rows[3].update(choice="juggling"),
            "predictions.csv line 5: prediction 'juggling' is no choice",
        ),
        (lambda rows: rows[4].update(rows[1]), "predictions.csv line 6: clip '/n/1/sample_000001"),
        (
            lambda rows: [row.pop("choice") for row in rows],
            "no column for the prediction among 'action_swap_path'",
        ),
        (
            lambda rows: [row.pop("label_A") and row.pop("human_choice") for row in rows],
            "no column for the human",
        ),
        (lambda rows: rows[2].update(label_A="juggling"), "line 4: 'label_A' is 'juggling', expected one of"),
        (lambda rows: rows[2].update(label_B=""), "line 4: no label in 'label_B' (so in 1 of 10 rows)"),
        (lambda rows: rows[2].update(choice="7"), "line 4: prediction '7' is no choice of this clip"),
        (lambda rows: rows[2].update(choice_2=rows[2]["choice_1"]), "line 4: choice"),
        (lambda rows: rows[2].update(choice_4="", choice_5=rows[2]["choice_5"]), "line 4: choices are"),
        (lambda rows: rows[0].update(human_choice="9"), "holds 9 for"),
        (
            lambda rows: [row.update(response="A") for row in rows],
            "may stand in 'choice' or 'response'; say which",
        ),
        (lambda rows: rows[5].update(action_swap_path=""), "line 7: no clip id in 'action_swap_path'"),
    ],
)
def test_broken_tables_get_one_clear_line(
    write: Write, capsys: pytest.CaptureFixture[str], change: Callable[[Rows], object], told: str
) -> None:
    rows = predicted(pairs(10), "choice")
    change(rows)
    assert told in refused(capsys, write(rows))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty, expected a csv"),
        (b"\n \n", "empty, expected a csv"),
        (b"clip,prediction,human\n", "a header and no rows"),
        (b"clip,prediction,human\na,b\n", "line 2: 2 fields, expected 3"),
        (b"clip,prediction,human\na,b,c,d\n", "line 2: 4 fields, expected 3"),
        (b"clip,clip,human\na,b,c\n", "two columns are called 'clip'"),
        (b'clip,prediction,human\na,"b"x,c\n', "expected csv; mend the quotes"),
        (b"clip,prediction,human\na,\xff\xfe\xfa,c\n", "is no UTF-8 text"),
        (b"PK\x03\x04\x00\x00clip", "binary data"),
        (b'[{"clip": "a", "prediction": }]', "expected json"),
        (b'["a", "b"]', "record 1: 'a', expected an object per clip"),
        (
            b"clip,prediction,human\na,C,archery\n",
            "the choices are not known; name their columns with --choices",
        ),
    ],
)
def test_files_that_are_no_predictions_get_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, told: str
) -> None:
    path = tmp_path / "predictions.csv"
    path.write_bytes(content)
    assert told in refused(capsys, path)


def test_absent_files_columns_and_senseless_flags_get_one_clear_line(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(predicted(pairs(10), "choice"))
    assert "No such file" in refused(capsys, tmp_path / "absent.csv")
    assert "Is a directory" in refused(capsys, tmp_path)
    assert "no column 'x' for --human; there are 'action_swap_path'" in refused(capsys, path, "--human", "x")
    assert "no column 'x' for --sources" in refused(capsys, path, "--sources", "x")
    assert "--by x: nothing to part by" in refused(capsys, path, "--by", "x")
    assert "expected a share between 0 and 1" in refused(capsys, path, "--compare", path, "--margin", "5")
    assert "expected --compare" in refused(capsys, path, "--margin", "0.01")
    elsewhere = write(predicted(pairs(10, seed=4), "choice"), "elsewhere.csv")
    assert "share no clip" in refused(capsys, path, "--compare", elsewhere)
    nameless = write(
        [{k: v for k, v in row.items() if k != "action_swap_path"} for row in predicted(pairs(9), "choice")],
        "nameless.csv",
    )
    assert "no clip ids to join by" in refused(capsys, path, "--compare", nameless)


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
