"""Predictions in files of many shapes give the counts of plain counting."""

import csv
import json
from pathlib import Path

import pytest
from prediction_files import CLASSES, Write, counted, counts, pairs, predicted, refused, scored, video


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
