"""Every extra that a message, a page, a configuration or a script tells the user to install exists."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.strategies.rival import missing
from prompts.trackers import TRACKERS

ROOT = Path(__file__).resolve().parent.parent
CI = ROOT / ".ci" / "run"
PLACES = ("README.md", ".ci/run", "agents", "assets", "benchmarks", "classifiers", "configs", "docs")
PLACES += ("prompts", "tests", "videos", "vllm_eval")
NAMED = re.compile(r"(?:sceneproof|(?<=['\" ])\.)\[([a-z][a-z,-]*)\]")
OF_RIVALS = re.compile(r"""missing\("[\w-]+", "(\w+)"|_dspy\(""")


def extras() -> dict[str, list[str]]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        found: dict[str, list[str]] = tomllib.load(file)["project"]["optional-dependencies"]
    return found


def texts() -> Iterator[tuple[Path, str]]:
    for place in (ROOT / name for name in PLACES):
        files = [place] if place.is_file() else sorted(place.rglob("*"))
        for file in files:
            if file.is_file() and file.suffix in (".py", ".md", ".yaml", ".yml", ".sh", ""):
                yield file, file.read_text(encoding="utf-8")


def test_every_extra_that_is_named_exists() -> None:
    named = {
        (name, str(file.relative_to(ROOT)))
        for file, text in texts()
        for some in NAMED.findall(text)
        for name in some.split(",")
    }
    assert {name for name, _ in named} >= {"test", "segment", "postgres", "view", "vllm-cpu"}  # it does look
    assert [one for one in sorted(named) if one[0] not in extras()] == []


def test_extras_named_by_what_is_missing_exist() -> None:
    """Messages that put the name in: of the rivals and of the trackers."""
    rivals = {match[1] or "dspy" for file, text in texts() for match in OF_RIVALS.finditer(text)}
    assert rivals == {"capo", "dspy", "gepa"}
    assert rivals | set(TRACKERS) <= set(extras())
    assert "pip install 'sceneproof[gepa]'" in str(missing("gepa", "gepa", ImportError(name="gepa")))


@pytest.mark.parametrize(
    ("extra", "packages"),
    [
        ("segment", ("onnxruntime", "opencv")),
        ("view", ("streamlit", "pyarrow")),
        ("dspy", ("dspy", "optuna")),
    ],
)
def test_an_extra_brings_what_its_messages_miss(extra: str, packages: tuple[str, ...]) -> None:
    brought = " ".join(extras()[extra])
    assert all(package in brought for package in packages)


def test_ci_installs_every_extra_but_those_that_need_a_gpu_or_come_with_another() -> None:
    named = {name for some in NAMED.findall(CI.read_text(encoding="utf-8")) for name in some.split(",")}
    assert set(extras()) - named == {"vllm", "classifiers"}
    assert set(extras()["classifiers"]) <= set(extras()["test"])


def test_ci_stops_where_an_install_fails() -> None:
    """Outside of a function, that is: its status is that of its last command, which its caller asks for."""
    lines = CI.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if re.match(r"pip install .*&&", line)] == []


def test_ci_knows_every_reason_of_a_test_that_waits_for_a_package() -> None:
    """Of the tests that it runs once all is installed."""
    text = CI.read_text(encoding="utf-8")
    start = text.index("python -m pytest -k 'not sqlite'")
    paths = [ROOT / path for path in re.findall(r"tests/[\w/.]+", text[start : text.index("| tee", start)])]
    files = [file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])]
    reasons = {
        reason
        for file in files
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.search(r"skip|reason|NoServer\(", line)
        for reason in re.findall(r'"([^"]*\binstalled?\b[^"]*)"', line)
    }
    assert len(reasons) >= 12  # it does look
    known = "|".join(re.findall(r"^ *needless=['\"](?:\$needless\|)?(.+)['\"]$", text, re.MULTILINE))
    assert known
    assert [reason for reason in sorted(reasons) if not re.search(known, reason)] == []
