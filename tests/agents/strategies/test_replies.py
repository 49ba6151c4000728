"""Whatever a model writes is read as far as it makes sense."""

import pytest

from agents.strategies.replies import Idea, continuation, ideas, spoken_calls

GOOD = '{"prompts": [{"hypothesis": "limbs tell", "prompt": "Watch the limbs."}, {"prompt": "Who moves?"}]}'
EXPECTED = [Idea("Watch the limbs.", "limbs tell"), Idea("Who moves?")]


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Sure! Here {{are}} some:\n\n{GOOD}\nHope this helps.",
        GOOD.removeprefix('{"prompts": ').removesuffix("}"),
        GOOD + GOOD,
        GOOD[:-3],
        GOOD.replace("}, {", "} {"),
        GOOD + '{"hypothesis": "cut off, "prompt": "Look at th',
    ],
)
def test_json_is_found_wherever_it_stands_and_however_it_ends(text: str) -> None:
    assert ideas(text) == EXPECTED


def test_a_list_of_texts_and_a_single_object_are_understood() -> None:
    assert ideas('["Watch the limbs.", "Who moves?"]') == [Idea("Watch the limbs."), Idea("Who moves?")]
    assert ideas('{"prompts": ["Who moves?"]}') == [Idea("Who moves?")]
    assert ideas('{"prompt": "Who moves?", "hypothesis": 3}') == [Idea("Who moves?")]


def test_lines_that_begin_with_prompt_are_prompts() -> None:
    text = 'Insight: motion.\nPROMPT: "Watch the limbs."\n**Prompt 2:** Who moves?\nThe prompt above is good.'
    assert ideas(text) == [Idea("Watch the limbs."), Idea("Who moves?")]


def test_escapes_in_broken_json_are_undone() -> None:
    assert ideas('{"prompt": "Say \\"what\\" the person\\u2019s doing", ') == [
        Idea('Say "what" the person’s doing'.strip("\"'"))
    ]


@pytest.mark.parametrize(
    "text", ["", "I cannot help.", "[" * 1500, '{"prompts": 7}', '{"prompt": null}', "[1, [2]]"]
)
def test_nonsense_holds_no_idea(text: str) -> None:
    assert ideas(text) == []


@pytest.mark.parametrize(
    ("text", "cut", "expected"),
    [
        (" Watch the limbs.\n", False, "Watch the limbs."),
        (' "Watch the limbs."\nScore 95: Who?', False, "Watch the limbs."),
        (" Watch the limbs", False, "Watch the limbs"),
        (" Watch the limbs. Who moves? And the", True, "Watch the limbs. Who moves?"),
        (" Watch the limbs and the 3.5 metres", True, ""),
        (" Watch the limbs\nScore 95: Wh", True, "Watch the limbs"),
        ("\n \n", False, ""),
    ],
)
def test_a_continuation_is_one_line_of_whole_sentences(text: str, cut: bool, expected: str) -> None:
    assert continuation(text, cut) == expected


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('I look: {"name": "pareto", "arguments": {}}', [("pareto", "{}")]),
        ('{"name": "diff", "arguments": "{\\"before\\": 1}"}', [("diff", '{"before": 1}')]),
        (
            '[{"name": "a", "parameters": {"k": 1}}, {"name": "a", "parameters": {"k": 1}}]',
            [("a", '{"k": 1}')],
        ),
        (
            '{"tool_calls": [{"function": {"name": "stop", "arguments": {"reason": "r"}}}]}',
            [("stop", '{"reason": "r"}')],
        ),
        ('{"prompt": "Watch the hands."}', []),
        ('{"name": "P3"} and {"arguments": {}}', []),
        ('{"name": "pareto", "arguments": {', []),
    ],
)
def test_tool_calls_are_found_in_a_text(text: str, calls: list[tuple[str, str]]) -> None:
    assert spoken_calls(text) == calls
