"""The controls: paraphrases that look at no score, a grid gone through once, a file."""

import json
from pathlib import Path

import pytest
from made import Scripted, Told, run_so_far

from agents.config import OptimizerConfig
from agents.guard import Guard
from agents.strategies import STRATEGIES
from agents.strategies.file import FileStrategy
from agents.strategies.grid import Grid, cells, read
from agents.strategies.paraphrase import ORIGINALS, Paraphrase
from assets.errors import UserError
from prompts.view import HistoryView, Refusal


def test_paraphrases_do_not_depend_on_scores() -> None:
    def asked(kinds: str) -> list[str]:
        told = Told()
        told.add("Watch the limbs of the person.", kinds)
        llm = Scripted(write=lambda i, begin: json.dumps([f"What does person number {'abcdef'[i % 6]} do?"]))
        Paraphrase(llm, seed=2).ask(told.view(), 3)
        return [one["text"] for one in llm.asked]

    assert asked("hhhh") == asked("bbbb")


def test_paraphrases_are_children_of_hand_written_prompts() -> None:
    for follows in (True, False):
        llm = Scripted(
            write=lambda i, begin: (
                f"{begin} person's action {'abcdefgh'[i % 8]}?"
                if begin
                else json.dumps([f"What does {'abcdefgh'[i % 8]} person do?"])
            ),
            follows_instructions=follows,
        )
        made = Paraphrase(llm).ask(run_so_far().view(), 6)
        assert len(made) == 6
        assert {one.parents for one in made} == {(one.id,) for one in ORIGINALS}
        assert any(ORIGINALS[0].text in one["text"] for one in llm.asked)


def test_a_grid_is_gone_through_once_in_the_seeds_order() -> None:
    grid, told, seen = Grid(seed=1), Told(), []
    while made := grid.ask(told.view(), 7):
        seen.extend(one.text for one in made)
        for one in made[:-1]:
            told.add(one.text, "hb")
        told.refused.append(Refusal(made[-1].text, "said so"))
    assert len(seen) == len(set(seen)) == 60
    assert [one.text for one in Grid(seed=1).ask(Told().view(), 60)] == seen
    assert [one.text for one in Grid(seed=2).ask(Told().view(), 60)] != seen
    assert not [text for text in seen if Guard(()).check(text)]


def test_a_cell_says_which_wordings_it_is_made_of() -> None:
    made = cells("{a} {b}", {"a": ["", "Look."], "b": ["What is done?", "Who acts?"]})
    assert [(one.text, one.hypothesis) for one in made] == [
        ("What is done?", "grid: a 1, b 1"),
        ("Who acts?", "grid: a 1, b 2"),
        ("Look. What is done?", "grid: a 2, b 1"),
        ("Look. Who acts?", "grid: a 2, b 2"),
    ]


@pytest.mark.parametrize("template", ["{a}", "{a} {c}", "plain", "{a} {b} {a}", "{a} {b"])
def test_a_template_that_does_not_fit_its_slots_is_a_users_error(template: str) -> None:
    with pytest.raises(UserError, match="grid template"):
        cells(template, {"a": ["x"], "b": ["y"]})


def test_a_grid_can_be_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text('template: "{a} {b}"\nslots:\n  a: ["Look.", ""]\n  b: ["What is done?"]\n')
    assert read(str(path)) == ("{a} {b}", {"a": ["Look.", ""], "b": ["What is done?"]})
    config = OptimizerConfig(strategy="grid", file=str(path))
    made = STRATEGIES["grid"](config, 0, Scripted).ask(Told().view(), 5)
    assert {one.text for one in made} == {"Look. What is done?", "What is done?"}
    for wrong in (
        "template: x",
        "- a",
        'template: "{a}"\nslots: {a: []}',
        'template: "{a}"\nslots: {a: [1]}',
        "a: [",
    ):
        path.write_text(wrong)
        with pytest.raises(UserError, match=r"grid\.yaml"):
            read(str(path))
    with pytest.raises(UserError, match="No such file"):
        read(str(tmp_path / "none.yaml"))


def test_a_grid_needs_no_language_model() -> None:
    def fail() -> Scripted:
        raise AssertionError("no model is needed")

    assert STRATEGIES["grid"](OptimizerConfig(strategy="grid"), 0, fail).ask(Told().view(), 1)


def test_published_prompts_are_a_file_to_try_and_pass_the_guard() -> None:
    path = Path(__file__).resolve().parents[3] / "configs" / "paper_prompts.txt"
    texts = [one.text for one in FileStrategy(str(path)).ask(HistoryView((), (), 0), 20)]
    assert len(texts) == 2
    guard = Guard(("moving furniture", "massaging person's head", "archery"))
    assert not any(guard.check(text) for text in texts)
