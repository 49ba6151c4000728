"""The agent works with tools, in one structured request, or on a ranked list; predictions come back to it."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from made import ACTIONS, Scripted, Told, run_so_far

from agents.budget import OutOfBudget
from agents.guard import Guard
from agents.llm.base import ToolCall
from agents.strategies.agent import Agent
from agents.strategies.opro import Opro
from agents.strategies.toolbox import SPECS, Toolbox
from agents.tools import Expected, expectation
from assets.errors import UserError
from prompts.library import NEUTRAL
from prompts.prompt import Prompt
from prompts.view import Refusal
from videos.clip import ClipSet

NEW = "Follow the arms and legs alone: what do they do?"
OTHER = "Forget the place. Which movement does the body make?"


class Looking:
    """The part of a context that the agent uses."""

    prompts = 10

    def __init__(self, told: Told) -> None:
        self.clips = ClipSet("tune", (), ACTIONS)
        self.answers = told.rows
        self._events: list[tuple[str, Any]] = []

    def remember(self, kind: str, detail: Any) -> None:
        self._events.append((kind, detail))

    def recalled(self, kind: str) -> list[Any]:
        return [detail for one, detail in self._events if one == kind]


def agent(llm: Scripted, told: Told, form: Any = "auto", seed: int = 0) -> Agent:
    made = Agent(llm, form, seed)
    context: Any = Looking(told)
    made.connect(context)
    return made


def proposing(prompt: str, parent: str = "P1", **more: Any) -> tuple[str, dict[str, Any]]:
    return "propose", {"prompt": prompt, "hypothesis": "limbs tell more", "parent": parent} | more


class TestWithTools:
    def test_it_looks_and_then_proposes_on_a_hypothesis(self) -> None:
        told = run_so_far()
        fewer = [{"action": "archery", "taken_for": "bowling"}]
        llm = Scripted(
            [[("history_top", {"k": 2}), ("clusters", {"prompt": "P1"})], [proposing(NEW, fewer=fewer)]],
            calls_tools=True,
        )
        (made,) = agent(llm, told).ask(told.view(), 1)
        assert made.text == NEW
        assert made.parents == (told.scored[2].prompt.id,)
        assert expectation(made.hypothesis) == Expected((("archery", "bowling"),))
        assert json.loads(made.raw)["prompt"] == NEW
        first, second = (turn.content for turn in llm.asked[1]["turns"][-2:])
        assert first.startswith("P1 SHAcc 50")
        assert "clips wrong" in second
        assert llm.asked[0]["tools"] == [spec.name for spec in SPECS]

    def test_a_refused_prompt_is_told_and_can_be_mended(self) -> None:
        told = run_so_far()
        llm = Scripted(
            [[proposing("Is it archery that the person performs?")], [proposing(NEW)]], calls_tools=True
        )
        spare, mended = agent(llm, told).ask(told.view(), 1)
        assert (spare.text, spare.spare) == ("Is it archery that the person performs?", True)
        assert (mended.text, mended.spare) == (NEW, False)
        assert "refused (leak: 'archery'" in llm.asked[1]["turns"][-1].content

    def test_stopping_without_a_proposal_twice_in_a_row_ends_the_search(self) -> None:
        told, reply = run_so_far(), json.dumps({"prompt": NEW, "parent": "P1", "hypothesis": "h"})
        stopping: list[Any] = [[("stop", {"reason": "no idea"})], reply, [("stop", {"reason": "still none"})]]
        llm = Scripted(stopping, calls_tools=True)
        made = agent(llm, told)
        assert [one.text for one in made.ask(told.view(), 1)] == [NEW]  # asked without tools
        told.round += 1
        assert made.ask(told.view(), 2) == []
        assert len(llm.asked) == 3
        context: Any = made._context
        assert [one["reason"] for one in context.recalled("stop")] == ["no idea", "still none"]

    def test_before_any_prompt_was_tried_stopping_ends_nothing(self) -> None:
        told = Told()
        told.add(NEUTRAL.prompt, "hbbbhbbbhbbo", -1)
        llm = Scripted([[("stop", {"reason": "no"})], "{}", "{}"] * 2, calls_tools=True)
        made = agent(llm, told)
        made.ask(told.view(), 1)
        told.round += 1
        made.ask(told.view(), 1)
        assert len(llm.asked) > 4  # both times asked without tools, too

    def test_what_is_proposed_beyond_the_round_waits_for_the_next(self) -> None:
        told = run_so_far()
        more = [proposing(text) for text in (NEW, OTHER, "Name what the hands do.", "Is it archery?")]
        llm = Scripted([more], calls_tools=True)
        made = agent(llm, told)
        first = made.ask(told.view(), 1)
        assert [(one.text, one.spare) for one in first] == [("Is it archery?", True), (NEW, False)]
        told.add(NEW, "hhbbhhbbhbbo")
        told.round += 1
        assert [one.text for one in made.ask(told.view(), 2)] == [OTHER, "Name what the hands do."]
        assert len(llm.asked) == 1

    def test_a_model_that_only_talks_is_reminded_and_its_json_is_taken(self) -> None:
        told = run_so_far()
        llm = Scripted(
            ["Let me think.", json.dumps({"prompt": NEW, "parent": "P0", "hypothesis": "h"})],
            calls_tools=True,
        )
        (made,) = agent(llm, told).ask(told.view(), 2)
        assert (made.text, made.parents) == (NEW, (told.scored[1].prompt.id,))
        assert "Call a tool" in llm.asked[1]["turns"][-1].content

    @pytest.mark.parametrize(("looks", "asked"), [(range(1, 20), 16), ([1] * 20, 4)])
    def test_a_model_that_goes_on_looking_ends_in_a_structured_request(
        self, looks: Sequence[int], asked: int
    ) -> None:
        told = run_so_far()
        reply = json.dumps({"proposals": [{"prompt": NEW, "hypothesis": "h", "parent": "P1", "fewer": []}]})
        llm = Scripted([*[[("history_top", {"k": k})] for k in looks][:asked], reply], calls_tools=True)
        assert [one.text for one in agent(llm, told).ask(told.view(), 1)] == [NEW]
        assert len(llm.asked) == asked + 1
        assert "schema" in llm.asked[-1]

    def test_calls_written_into_the_text_are_calls(self) -> None:
        told = run_so_far()
        looked = '{"name": "clusters", "arguments": {"prompt": "P1"}}\n{"name": "cluster", "arguments": {}}'
        name, given = proposing(NEW)
        proposed = json.dumps([{"name": name, "parameters": given}])
        llm = Scripted([looked, f"```json\n{proposed}\n```"], calls_tools=True)
        (made,) = agent(llm, told).ask(told.view(), 1)
        assert (made.text, made.parents) == (NEW, (told.scored[2].prompt.id,))
        answer = llm.asked[1]["turns"][-1]
        assert answer.role == "user"
        assert answer.content.startswith('clusters {"prompt": "P1"}\n')
        assert "clips wrong" in answer.content
        assert "unknown tool 'cluster', expected one of: history_top" in answer.content

    def test_a_model_that_only_talks_ends_in_a_structured_request(self) -> None:
        told = run_so_far()
        reply = json.dumps({"proposals": [{"prompt": NEW, "hypothesis": "h", "parent": "P1", "fewer": []}]})
        llm = Scripted(["Let me think."] * 3 + [reply], calls_tools=True)
        assert [one.text for one in agent(llm, told).ask(told.view(), 1)] == [NEW]
        assert "schema" in llm.asked[3]

    def test_a_conversation_that_outgrows_the_context_ends_in_what_there_is(self) -> None:
        told = run_so_far()
        llm = Scripted([[proposing(NEW)], [("pareto", {})]], calls_tools=True, room=4)
        assert [one.text for one in agent(llm, told).ask(told.view(), 2)] == [NEW]

    def test_a_conversation_that_outgrows_the_context_ends_in_a_structured_request(self) -> None:
        told = run_so_far()
        reply = json.dumps({"proposals": [{"prompt": NEW, "hypothesis": "h", "parent": "P1", "fewer": []}]})
        llm = Scripted([[("pareto", {})], "unread", reply], calls_tools=True, room=3)
        assert [one.text for one in agent(llm, told).ask(told.view(), 1)] == [NEW]
        tiny = Scripted([reply], calls_tools=True, room=1)
        with pytest.raises(UserError, match="the context is exceeded"):
            agent(tiny, told).ask(told.view(), 1)

    def test_a_cap_that_ends_a_conversation_leaves_what_was_proposed(self) -> None:
        told = run_so_far()
        llm = Scripted([[proposing(NEW)], [("pareto", {})]], calls_tools=True, budget=2)
        assert [one.text for one in agent(llm, told).ask(told.view(), 2)] == [NEW]
        nothing = Scripted([[("pareto", {})]], calls_tools=True, budget=1)
        with pytest.raises(OutOfBudget):
            agent(nothing, told).ask(told.view(), 2)

    def test_arguments_nested_beyond_reason_are_answered_in_one_line(self) -> None:
        told = run_so_far()
        box = Toolbox(told.view(), told.rows, Guard(ACTIONS), 1)
        assert box.call(ToolCall("c", "diff", "[" * 100_000)).startswith(
            "error: the arguments of diff are no"
        )

    def test_an_endpoint_without_tools_gets_the_structured_request(self) -> None:
        told = run_so_far()
        llm = Scripted([json.dumps({"proposals": [{"prompt": NEW}]})])
        assert [one.text for one in agent(llm, told).ask(told.view(), 1)] == [NEW]
        assert "schema" in llm.asked[0]


class TestStructured:
    def test_the_digest_holds_what_the_tools_would_tell(self) -> None:
        told = run_so_far()
        told.refused.append(Refusal("Is it golf?", "leak: 'golf'"))
        child = told.add(
            Prompt(
                OTHER,
                (told.scored[2].prompt.id,),
                "agent",
                "h [expects fewer: golf driving taken for archery]",
            ),
            "hhhhhhhhbbou",
        )
        llm = Scripted([json.dumps({"proposals": [{"prompt": NEW, "parent": "P2", "hypothesis": "why"}]})])
        (made,) = agent(llm, told).ask(told.view(), 1)
        assert made.parents == (child.prompt.id,)
        text = llm.asked[0]["text"]
        assert "P2 SHAcc 67 SBErr 17 (n=12)" in text
        assert "On the Pareto front: P2, " in text
        assert (
            "P2 from P1, on 12 clips: SHAcc 50 to 67 SBErr 33 to 17; "
            "golf driving taken for archery: 0 to 0, not as expected" in text
        )
        assert "P2 against neutral on 12 clips: 6 fixed, 1 broken" in text
        assert "Is it golf? (leak: 'golf')" in text
        assert "clips wrong" in text
        assert llm.asked[0]["schema"]["properties"]["proposals"]["maxItems"] == 1

    def test_what_is_no_structured_proposal_is_read_as_far_as_it_goes(self) -> None:
        told = run_so_far()
        llm = Scripted([f"I suggest\nPROMPT: {NEW}\nPROMPT: {OTHER}"])
        made = agent(llm, told).ask(told.view(), 2)
        assert [one.text for one in made] == [NEW, OTHER]
        assert made[0].parents == (told.view().scored[0].prompt.id,)

    def test_nothing_known_yet_can_be_asked_about(self) -> None:
        told = Told()
        llm = Scripted([json.dumps([{"prompt": NEW, "parent": "none"}])])
        (made,) = Agent(llm).ask(told.view(), 1)
        assert (made.text, made.parents) == (NEW, ())

    def test_the_same_history_and_seed_give_the_same_requests(self) -> None:
        def asked(seed: int) -> list[dict[str, Any]]:
            told = run_so_far()
            llm = Scripted(["nothing"])
            agent(llm, told, seed=seed).ask(told.view(), 2)
            return llm.asked

        assert asked(1) == asked(1)
        assert asked(1) != asked(2)
        assert len(asked(1)) == 2


def test_models_that_cannot_follow_instructions_continue_a_ranked_list() -> None:
    told = run_so_far()
    llm = Scripted(write=lambda i, begin: f"{begin} person, move {i}?", follows_instructions=False)
    made = agent(llm, told).ask(told.view(), 2)
    assert len(made) == 2
    assert "ranked from worst to best" in llm.asked[0]["text"]
    same = Scripted(write=lambda i, begin: f"{begin} person, move {i}?", follows_instructions=False)
    assert made == Opro(same, "auto", 0).ask(told.view(), 2)
    assert llm.asked == same.asked
    forced = Scripted([json.dumps([{"prompt": NEW}])], follows_instructions=False)
    assert agent(forced, told, "chat").ask(told.view(), 1)[0].text == NEW


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("poem", "{}", "unknown tool 'poem', expected one of: history_top, "),
        ("diff", "{oops", "the arguments of diff are no JSON"),
        ("diff", "[]", "the arguments of diff are no object"),
        ("diff", '{"before": "P9", "after": "P0"}', "before 'P9' is no prompt of this run, expected e.g. P1"),
        ("failures", "{}", "prompt None is no prompt of this run"),
        ("propose", '{"prompt": "x", "parent": "P0"}', "refused (empty"),
        ("propose", '{"prompt": "watch the LIMBS of the person", "parent": "P0"}', "the same words"),
    ],
)
def test_what_a_model_gets_wrong_is_told_to_it(name: str, arguments: str, told: str) -> None:
    run = run_so_far()
    box = Toolbox(run.view(), run.rows, Guard(ACTIONS), 1)
    answer = box.call(ToolCall("c", name, arguments))
    assert answer.startswith("error: ")
    assert told in answer
    assert not box.done


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("history_top", '{"k": "many"}', "P1 SHAcc 50 SBErr 33 (n=12): Which action"),
        ("pareto", "", "P0 SHAcc 42"),
        ("diff", '{"before": "neutral", "after": "P1"}', "P1 against neutral on 12 clips: 4 fixed, 1 broken"),
        (
            "failures",
            '{"prompt": "neutral"}',
            "clip c1: 'bowling' in the scene of 'golf driving', answered 'golf driving'",
        ),
        ("confusions", '{"prompt": "neutral"}', "x action 'bowling' taken for "),
        ("hardness", "{}", "clips are wrong under every prompt"),
        ("outcomes", "{}", "(nothing)"),
    ],
)
def test_every_tool_tells_what_it_is_for(name: str, arguments: str, told: str) -> None:
    run = run_so_far()
    box = Toolbox(run.view(), run.rows, Guard(ACTIONS), 1)
    assert told in box.call(ToolCall("c", name, arguments))


def test_the_tools_told_of_are_the_tools_there_are() -> None:
    box = Toolbox(Told().view(), lambda name: (), Guard(()), 1)
    answer = box.call(ToolCall("c", "?", "{}"))
    assert answer.split("expected one of: ")[1].split(", ") == [spec.name for spec in SPECS]


def test_neutral_is_known_by_its_name() -> None:
    told = run_so_far()
    llm = Scripted([[proposing(NEW, parent="neutral")]], calls_tools=True)
    assert agent(llm, told).ask(told.view(), 1)[0].parents == (NEUTRAL.prompt.id,)
