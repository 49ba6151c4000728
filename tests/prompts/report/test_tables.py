"""Tables for papers hold the same figures, and no text of a model breaks them."""

from pathlib import Path

import pytest
import yaml
from story import CONFIG, WINNER, Story, tell

from prompts.__main__ import main
from prompts.history import History
from prompts.report import facts, tables, texts

SHARP = "Is 50 % of it_all \\input{x} & $more$ | #1 <b>~^\n{done}?"


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return tell(f"sqlite:///{tmp_path}/history.db")


def told(capsys: pytest.CaptureFixture[str], story: Story, form: str) -> str:
    assert main(["report", "latest", "--format", form, "--history", story.url]) == 0
    return capsys.readouterr().out


def test_markdown_tables_have_as_many_cells_in_every_row(
    capsys: pytest.CaptureFixture[str], story: Story
) -> None:
    lines = [line for line in told(capsys, story, "md").splitlines() if line.startswith("|")]
    swapped, mimed = lines[:5], lines[5:]
    assert {line.count("|") for line in swapped} == {11}
    assert {line.count("|") for line in mimed} == {5}
    assert swapped[-1].startswith("| best found | 60.0 [")
    assert "+40.0 [" in swapped[-1]


def test_latex_tables_have_as_many_cells_in_every_row(
    capsys: pytest.CaptureFixture[str], story: Story
) -> None:
    text = told(capsys, story, "latex")
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 2
    rows = [line for line in text.splitlines() if line.startswith("best found")]
    assert [row.count("&") for row in rows] == [9, 3]
    assert r"in \%, 95 \% intervals" in text


def test_signs_of_markdown_and_latex_are_escaped() -> None:
    latex = tables._escaped(SHARP, tables._LATEX)
    assert latex == (
        r"Is 50 \% of it\_all \textbackslash{}input\{x\} \& \$more\$ \textbar{} \#1 "
        r"\textless{}b\textgreater{}\textasciitilde{}\textasciicircum{} \{done\}?"
    )
    markdown = tables._escaped(SHARP, tables._MARKDOWN)
    assert markdown == r"Is 50 % of it\_all \\input{x} &amp; $more$ \| \#1 &lt;b\>\~^ {done}?"


def test_the_command_to_repeat_a_run_names_its_configuration(story: Story) -> None:
    with History(story.url) as history:
        commands, configuration = texts.reproduce(facts.collect(history, story.run_id))
    assert yaml.safe_load(configuration) == CONFIG
    assert "python -m agents.optimize --config run.yaml" in commands


def test_a_run_that_only_scored_prompts_is_repeated_by_scoring_them(tmp_path: Path) -> None:
    config = {"command": "evaluate", "data": CONFIG["data"], "target": CONFIG["target"], "clips": 20}
    scored = tell(f"sqlite:///{tmp_path}/scored.db", finished=False, config=config)
    with History(scored.url) as history:
        found = facts.collect(history, scored.run_id)
    commands, configuration = texts.reproduce(found)
    assert yaml.safe_load(configuration) == {name: CONFIG[name] for name in ("data", "target")}
    assert "python -m vllm_eval.evaluate --config run.yaml --clips 20" in commands
    assert "--prompt human-focused" in commands
    assert f"--prompt '{WINNER.text}'" in commands
    assert texts.verdict(found)[0].startswith("This run scored prompts")


def test_p_is_never_told_to_be_nothing() -> None:
    assert (texts.p_value(0.0), texts.p_value(0.0444), texts.p_value(1.0)) == (
        "p < 0.001",
        "p = 0.044",
        "p = 1.000",
    )
