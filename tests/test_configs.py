"""Every file in configs/ is valid down to its engine's options, means what it prints, and is listed."""

import re
from inspect import signature
from pathlib import Path

import pytest
import yaml

from agents import optimize, sources
from agents.config import RunConfig
from vllm_eval.engines import ENGINES, openai_settings, vllm_settings
from vllm_eval.target import engine_name

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
FILES = sorted(CONFIGS.glob("*.yaml"))
# Those of the optimizer; other commands have files of their own here.
RUNS = [path for path in FILES if "python -m agents.optimize" in path.read_text(encoding="utf-8")]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCENEPROOF_HISTORY__URL", raising=False)


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_its_engine_takes_its_options(path: Path) -> None:
    target = sources.load(path).target
    options = {"model": target.model, **target.options}
    match engine_name(target):
        case "vllm":
            assert vllm_settings.read_settings(options).model == target.model
        case "openai":
            assert openai_settings.read_settings(options).model == target.model
        case plain:
            assert options.keys() <= set(signature(ENGINES[plain]).parameters)


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_what_it_prints_means_the_same(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert optimize.main(["--config", str(path), "--print-config"]) == 0
    printed = tmp_path / "printed.yaml"
    printed.write_text(capsys.readouterr().out, encoding="utf-8")
    assert sources.load(printed) == sources.load(path)


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_it_says_more_than_the_defaults(path: Path) -> None:
    if path.stem == "mini":
        assert sources.load(path) == RunConfig()
    else:
        assert sources.load(path) != RunConfig()


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_it_says_how_to_use_it(path: Path) -> None:
    assert f"--config configs/{path.name}" in path.read_text(encoding="utf-8")


def test_no_file_of_a_run_forgets_to_say_so() -> None:
    keys = {path: set(yaml.safe_load(path.read_text(encoding="utf-8"))) for path in FILES}
    assert {path for path in FILES if {"target", "optimizer"} & keys[path]} == set(RUNS)


def test_every_file_of_a_run_is_listed() -> None:
    listed = re.findall(r"^\| `([\w.]+\.yaml)` \|", (CONFIGS / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(set(listed)) == sorted(listed)
    assert {path.name for path in RUNS} <= set(listed) <= {path.name for path in FILES}
