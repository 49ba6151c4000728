"""Who may import whom, and that importing loads nothing heavy."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "agents": {"prompts", "vllm_eval", "videos", "assets"},
    "prompts": {"vllm_eval", "videos", "assets"},
    "classifiers": {"vllm_eval", "videos", "assets"},
    "vllm_eval": {"videos", "assets"},
    "videos": {"assets"},
    "assets": set(),
}
HEAVY = (
    "torch", "transformers", "vllm", "av", "decord", "xllamacpp", "openai",
    "matplotlib", "pandas", "pytorchvideo", "cv2",
)  # fmt: skip
# The one exception: a command, run and imported by nothing, that must reach the answers where the optimizer
# keeps them. No package below prompts could hold it under the name that users type.
PROMPTED = {"vllm_eval/evaluate.py": {"prompts"}, "vllm_eval/views.py": {"prompts"}}
COMMANDS = PROMPTED | {"classifiers/evaluate.py": {"prompts"}, "classifiers/train/__main__.py": {"prompts"}}
# What those that ask prompts share, imported by them alone.
SHARED = {"vllm_eval/prompted.py": {"prompts"}}
REACH_UP = COMMANDS | SHARED
# Code that is run, or reached by name from inside functions: it may load what it needs at once.
RUN = re.compile(r"(^|\.)(__main__$|train\.|benchmarks\.|classifiers\.models\.)")


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every absolute import of a file, inside functions and TYPE_CHECKING blocks too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield str(node.module), node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_import_only_what_lies_below_them(package: str) -> None:
    assert modules(package)
    forbidden = MAY_IMPORT.keys() - MAY_IMPORT[package] - {package}
    wrong = {
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(package)
        for name, line in imports(path)
        if name.split(".")[0] in (forbidden - REACH_UP.get(str(path.relative_to(ROOT)), set())) | {"tests"}
    }
    assert not wrong


def test_what_may_reach_up_is_imported_by_no_package_and_reaches_up_late() -> None:
    for command, above in REACH_UP.items():
        name = dotted(ROOT / command)
        users = {
            p.relative_to(ROOT).as_posix()
            for package in MAY_IMPORT
            for p in modules(package)
            for n, _ in imports(p)
            if n == name
        }
        assert users == (set(PROMPTED) if command in SHARED else set())
        assert not {one for one in _at_import(ROOT / command) if one.split(".")[0] in above}


def test_modules_do_not_import_each_other_in_circles() -> None:
    """At import time, that is: what a function or a TYPE_CHECKING block imports is no circle."""
    paths = {dotted(path): path for package in MAY_IMPORT for path in modules(package)}
    graph = {name: {one for one in _at_import(path) if one in paths} - {name} for name, path in paths.items()}
    while leaves := [name for name, needed in graph.items() if not needed]:
        graph = {name: needed.difference(leaves) for name, needed in graph.items() if name not in leaves}
    assert not graph


def _at_import(path: Path) -> Iterator[str]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_importing_everything_loads_nothing_heavy() -> None:
    names = [dotted(path) for package in MAY_IMPORT for path in modules(package)]
    light = [name for name in names if not RUN.search(name)]
    assert {"agents.optimize", "prompts.history", "vllm_eval.evaluator", "videos.clip"} <= set(light)
    assert {f"classifiers.{name}" for name in ("models", "train", "evaluate", "compare")} <= set(light)
    code = f"""
import importlib, sys
for name in {light!r}:
    importlib.import_module(name)
    loaded = [heavy for heavy in {HEAVY!r} if heavy in sys.modules]
    assert not loaded, f"importing {{name}} loads {{loaded}}"
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_help_is_quick_because_it_loads_nothing_heavy() -> None:
    code = f"""
import sys
from agents import optimize
try:
    optimize.main(["--help"])
except SystemExit:
    pass
assert not [heavy for heavy in {HEAVY!r} if heavy in sys.modules]
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "--budget.prompts" in done.stdout
