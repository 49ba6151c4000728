"""Engine options in one flag: YAML, JSON or NAME=VALUE, and one line where it is none of them."""

from pathlib import Path

import pytest
import yaml

from agents.sources import parse
from assets.errors import UserError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--target.options", "max_model_len: 1024"], {"max_model_len": 1024}),
        (["--target.options={a: 1, enforce_eager: true}"], {"a": 1, "enforce_eager": True}),
        (["--target.options", '{"a": 1}'], {"a": 1}),
        (["--target.options", "{a: [1, 2], b: {c: d}}"], {"a": [1, 2], "b": {"c": "d"}}),
        (["--target.options", "{a: 1}", "--target.options", "b=2"], {"a": 1, "b": 2}),
        (["--target.options", "dtype=float32", "--target.options", "n=3"], {"dtype": "float32", "n": 3}),
    ],
)
def test_options_are_read_however_they_are_written(given: list[str], expected: dict[str, object]) -> None:
    assert parse(given).config.target.options == expected


@pytest.mark.parametrize(
    "text",
    [
        "You see a video.\nPick choice #1 style letters only.",
        "Watch the person: ignore the scene.",
        "Note: watch: a",
        "*Important* look",
        "[INST] look",
        "@x",
        "2024-01-01",
    ],
)
def test_a_text_in_a_file_stays_as_it_stands(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"target": {"options": {"system": text}}}), encoding="utf-8")
    assert parse(["--config", str(path)]).config.target.options == {"system": text}


@pytest.mark.parametrize("given", ["- a", '{"a": ', "float32", ""])
def test_what_is_no_mapping_is_told_in_one_line(given: str) -> None:
    with pytest.raises(UserError, match=r"--target.options .*is not possible; give YAML such as") as told:
        parse(["--target.options", given])
    assert "\n" not in str(told.value)


def test_a_flag_without_its_value_is_told_in_one_line() -> None:
    with pytest.raises(UserError, match=r"--target\.options") as told:
        parse(["--target.options"])
    assert "\n" not in str(told.value)


def test_options_in_the_environment_that_are_no_json_are_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SCENEPROOF_TARGET__OPTIONS", "max_model_len: 1024")
    with pytest.raises(UserError, match="target") as told:
        parse([])
    assert "\n" not in str(told.value)
