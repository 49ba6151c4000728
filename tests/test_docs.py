"""The pages say what the code does: generated parts are fresh, links lead somewhere, examples run."""

import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
_LINK = re.compile(r"\[[^\]]+\]\((?!https?://|#)([^)#\s]+)[^)]*\)")
_PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
_MODULE = re.compile(r"python -m ((?:agents|benchmarks|classifiers|prompts|videos|vllm_eval)[\w.]*)")


def generate() -> ModuleType:
    spec = spec_from_file_location("generate", DOCS / "generate.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_generated_parts_are_as_the_code_has_them(page: Path) -> None:
    found = list(generate().stale(page.read_text(encoding="utf-8")))
    assert not found, f"stale, run python docs/generate.py: {found}"


def test_a_stale_part_is_found_and_renewed() -> None:
    module = generate()
    text = "<!-- generated: names videos.datasets:READERS -->\nold\n<!-- end -->\n"
    assert list(module.stale(text)) == ["<!-- generated: names videos.datasets:READERS -->"]
    fresh = module.renewed(text)
    assert "`mimetics`" in fresh
    assert not list(module.stale(fresh))


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.name)
def test_commands_name_modules_there_are(page: Path) -> None:
    named = set(_MODULE.findall(page.read_text(encoding="utf-8")))
    assert [module for module in sorted(named) if not find_spec(module.rstrip("."))] == []


def test_every_page_stands_in_the_table_of_contents() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = set(_pages(yaml.safe_load(text)["nav"]))
    assert listed == {page.name for page in PAGES}


def _pages(nav: object) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict):
        for value in nav.values():
            yield from _pages(value)
    elif isinstance(nav, list):
        for value in nav:
            yield from _pages(value)


def examples(page: str) -> dict[str, object]:
    """What the page's python blocks define, run one after another."""
    names: dict[str, object] = {}
    for block in _PYTHON.findall((DOCS / page).read_text(encoding="utf-8")):
        exec(compile(block, page, "exec"), names)
    return names


def test_the_example_of_an_engine_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    from videos.clip import Clip, Frames, SourceInfo
    from vllm_eval import engines
    from vllm_eval.engine import Request
    from vllm_eval.questions import load_format

    monkeypatch.setattr(engines, "ENGINES", dict(engines.ENGINES))
    examples("writing_an_engine.md")
    engine = engines.load_engine("first-choice", "any")

    class NoFrames:
        def identity(self) -> str:
            return "none"

        def info(self) -> SourceInfo:
            return SourceInfo(8, 10.0)

    def frames() -> Frames:
        raise AssertionError("this engine looks at no pixel")

    clip = Clip("clip", "archery", "bowling", ("a", "b"), NoFrames())  # type: ignore[arg-type]
    classes = ("archery", "bowling", "hurdling", "deadlifting", "golf driving", "drinking")
    question = load_format("mcq5", seed=0).ask("What is it?", clip, classes)
    (answer,) = engine.answer([Request(clip, "media", frames, question, "key")])
    assert (answer.label, answer.text) == (question.labels[0], question.letters[0])
    assert "first-choice" in engine.fingerprint


def test_the_example_of_a_data_set_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from videos import datasets

    monkeypatch.setattr(datasets, "READERS", dict(datasets.READERS))
    examples("writing_a_dataset.md")
    for name in ("archery--bowling.mp4", "strange.mp4"):
        (tmp_path / name).write_bytes(b"video")
    reading = datasets.read("named", tmp_path)
    assert [(clip.human, clip.background) for clip in reading.clips.clips] == [("archery", "bowling")]
    assert [(row.clip, row.reason) for row in reading.left_out] == [("strange.mp4", "unreadable")]


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    if not find_spec("material"):
        pytest.skip("mkdocs-material is not installed: pip install -e '.[docs]'")
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    index = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "fonts.googleapis" not in index
