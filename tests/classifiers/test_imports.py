"""What classifiers may import, and that torch comes only with a model or a training run."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BELOW = {"classifiers", "vllm_eval", "videos", "assets"}
ABOVE = {"agents", "prompts", "tests", "benchmarks"}
# Modules of networks and of training are reached by name, from inside functions.
HEAVY_PARTS = ("classifiers.models.", "classifiers.train.")


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def modules() -> list[Path]:
    return sorted((ROOT / "classifiers").rglob("*.py"))


def test_classifiers_import_only_what_lies_below_them() -> None:
    found = set()
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            found |= {name.split(".")[0] for name in names}
    assert found & BELOW == BELOW
    assert not found & ABOVE


def test_importing_loads_no_heavy_library() -> None:
    light = [dotted(path) for path in modules() if not dotted(path).startswith(HEAVY_PARTS)]
    assert {"classifiers.models", "classifiers.train", "classifiers.evaluate", "classifiers.compare"} <= set(
        light
    )
    heavy = ("torch", "transformers", "pytorchvideo", "decord", "cv2", "matplotlib", "pandas")
    code = f"""
import importlib, sys
for name in {light!r}:
    importlib.import_module(name)
    loaded = [one for one in {heavy!r} if one in sys.modules]
    assert not loaded, f"importing {{name}} loads {{loaded}}"
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
