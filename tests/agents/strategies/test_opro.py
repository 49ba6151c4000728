"""opro shows scores, asks in the form the model understands, and depends on seed and history alone."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import Any

import pytest

from agents.budget import OutOfBudget
from agents.llm.base import Conversation, Reply, Schema
from agents.strategies.metaprompt import OPENERS, choose, percent, ranked
from agents.strategies.opro import Opro
from assets.errors import UserError
from prompts.library import NEUTRAL, PREFIXED
from prompts.prompt import Prompt
from prompts.view import HistoryView, Refusal, ScoredPrompt, best_first, score_of
from vllm_eval.engine import Answer, Kind
from vllm_eval.metrics import bias_metrics


@dataclass
class Writer:
    """An LLM that writes what ``write(call number, begin)`` gives, and keeps what it was asked."""

    write: Callable[[int, str], str]
    follows_instructions: bool = False
    name: str = "writer"
    temperature: float = 1.0
    asked: list[dict[str, Any]] = field(default_factory=list)
    cut: bool = False

    def complete(
        self,
        conversation: Conversation,
        *,
        max_tokens: int,
        temperature: float | None = None,
        seed: int = 0,
        stop: Sequence[str] = (),
        json_schema: Schema | None = None,
        begin: str = "",
    ) -> Reply:
        text = (
            conversation
            if isinstance(conversation, str)
            else "\n".join(turn.content for turn in conversation)
        )
        self.asked.append(
            {"text": text, "temperature": temperature, "seed": seed, "schema": json_schema, "begin": begin}
        )
        return Reply(self.write(len(self.asked) - 1, begin), 10, 5, 0.1, self.cut)

    def close(self) -> None:
        pass


def scored(
    text: str, human: int, background: int, position: int, prompt: Prompt | None = None
) -> ScoredPrompt:
    shares: tuple[tuple[Kind, int], ...] = (("human", human), ("background", background), ("other", 20))
    kinds = [kind for kind, count in shares for _ in range(count)][:20]
    answers = [Answer(str(i), "A", "x", kind, None, 0, 0, 0.0) for i, kind in enumerate(kinds)]
    metrics = bias_metrics(answers, [str(i) for i in range(20)])
    return ScoredPrompt(prompt or Prompt(text), metrics, score_of(metrics), position)


@cache
def view(n: int = 6, round_: int = 3, refused: tuple[Refusal, ...] = ()) -> HistoryView:
    made = [scored(f"Watch limb number {i} of the person.", 2 + i % 12, 15 - i % 12, i) for i in range(n)]
    base = [
        scored("", 5, 12, -1, NEUTRAL.prompt),
        scored("", 9, 3, -1, PREFIXED.prompt),
    ]
    return HistoryView(best_first([*made, *base]), refused, round_)


def told(i: int, begin: str) -> str:
    return f"{begin} person, move {'abcdefghijklmnopqrstuvwxyz'[i % 26] * (1 + i // 26)}?"


def as_json(*prompts: str) -> str:
    return json.dumps({"prompts": [{"hypothesis": f"why {p}", "prompt": p} for p in prompts]})


class TestRanked:
    """The form for models that continue a text."""

    def test_the_text_ranks_prompts_and_asks_for_a_better_one(self) -> None:
        llm = Writer(told)
        Opro(llm).ask(view(), 1)
        lines = llm.asked[0]["text"].splitlines()
        shown = [
            int(line.split(":")[0].removeprefix("Score ")) for line in lines if line.startswith("Score ")
        ]
        assert shown == sorted(shown)
        assert shown[-1] >= 80 > shown[-2]
        assert len(shown) == 6
        assert lines[-1] == f"Score {shown[-1]}:"
        assert "answers" not in llm.asked[0]["text"]  # published measurements rest on this form

    def test_even_the_best_is_left_out_now_and_then(self) -> None:
        best = view(n=20).scored[0].prompt.text
        texts = [ranked(view(n=20), Random(seed))[0] for seed in range(12)]
        assert 0 < sum(best in text for text in texts) < 12

    def test_the_prefixed_baseline_is_not_shown_as_a_text_of_its_own(self) -> None:
        counts = {ranked(view(), Random(seed))[0].count(NEUTRAL.prompt.text) for seed in range(12)}
        assert counts == {0, 1}

    def test_proposals_say_where_they_come_from(self) -> None:
        llm = Writer(told)
        proposals = Opro(llm, seed=1).ask(view(), 6)
        assert len(proposals) == 6
        known = {one.prompt.id: one.prompt.text for one in view().scored}
        for proposal, asked in zip(proposals, llm.asked, strict=True):
            assert proposal.raw == told(llm.asked.index(asked), asked["begin"])
            assert proposal.raw.strip() == proposal.text
            assert proposal.hypothesis
            assert proposal.parents
            assert set(proposal.parents) <= set(known)
            if "prompt of score" in proposal.hypothesis:
                assert known[proposal.parents[0]].startswith(asked["begin"].strip())

    def test_samples_begin_in_many_ways(self) -> None:
        llm = Writer(told)
        for round_ in range(10):
            Opro(llm, seed=1).ask(view(round_=round_), 4)
        begun = [asked["begin"].strip() for asked in llm.asked]
        assert len(set(begun)) >= 10
        assert any(begin in OPENERS for begin in begun)
        assert any(begin.startswith("Watch limb number") for begin in begun)

    def test_before_anything_was_proposed_only_openings_are_used(self) -> None:
        llm = Writer(told)
        Opro(llm).ask(view(n=0, round_=0), 8)
        begun = [asked["begin"].strip() for asked in llm.asked]
        assert set(begun) <= set(OPENERS)
        assert len(set(begun)) == 8

    def test_an_empty_history_can_be_continued(self) -> None:
        proposals = Opro(Writer(told)).ask(HistoryView((), (), 0), 2)
        assert len(proposals) == 2

    def test_one_text_is_read_for_all_samples_of_a_round(self) -> None:
        llm = Writer(told)
        Opro(llm).ask(view(), 4)
        assert len({asked["text"] for asked in llm.asked}) == 1
        assert len({asked["seed"] for asked in llm.asked}) == 4


class TestChat:
    """The form for models that follow instructions."""

    def test_the_request_holds_metrics_prompts_best_last_and_refusals(self) -> None:
        llm = Writer(
            lambda i, begin: as_json(f"Idea {i}: what does the person do?"), follows_instructions=True
        )
        Opro(llm).ask(view(refused=(Refusal("Is it golf?", "leak: 'golf'"),)), 1)
        text = llm.asked[0]["text"]
        assert "SHAcc" in text
        assert "SBErr" in text
        assert text.index("number 0 of") < text.index("number 5 of")
        assert "SHAcc 35 SBErr 50 (20 answers): Watch limb number 5 of the person." in text
        assert "Is it golf? (leak: 'golf')" in text
        assert llm.asked[0]["schema"]["properties"]["prompts"]["maxItems"] == 1

    def test_proposals_carry_hypothesis_parents_and_the_raw_reply(self) -> None:
        reply = as_json("What does the person's body do?", "Which action do the hands show?")
        llm = Writer(lambda i, begin: reply, follows_instructions=True)
        proposals = Opro(llm).ask(view(), 2)
        assert [p.text for p in proposals] == [
            "What does the person's body do?",
            "Which action do the hands show?",
        ]
        assert proposals[0].hypothesis == "why What does the person's body do?"
        assert {p.raw for p in proposals} == {reply}
        assert proposals[0].parents[0] == view().scored[1].prompt.id
        assert len(llm.asked) == 1

    def test_what_is_missing_is_asked_for_again_with_other_prompts_and_more_heat(self) -> None:
        llm = Writer(
            lambda i, begin: as_json(f"Idea {i}: what does the person do?"), follows_instructions=True
        )
        proposals = Opro(llm).ask(view(n=30), 3)
        assert len(proposals) == 3
        assert len({asked["text"] for asked in llm.asked}) == 3
        heat = [asked["temperature"] for asked in llm.asked]
        assert heat == sorted(heat)
        assert heat[0] < heat[-1]

    def test_the_form_can_be_chosen_against_the_models_word(self) -> None:
        llm = Writer(lambda i, begin: as_json("What does the person do now?"), follows_instructions=False)
        assert Opro(llm, form="chat").ask(view(), 1)[0].text == "What does the person do now?"
        other = Writer(told, follows_instructions=True)
        Opro(other, form="ranked").ask(view(), 1)
        assert other.asked[0]["schema"] is None


@pytest.mark.parametrize("follows", [True, False])
def test_the_same_history_gives_the_same_questions_and_another_seed_or_round_others(follows: bool) -> None:
    def asked(seed: int, round_: int) -> list[dict[str, Any]]:
        llm = Writer(lambda i, begin: told(i, begin), follows_instructions=follows)
        Opro(llm, seed=seed).ask(view(n=30, round_=round_), 3)
        return llm.asked

    assert asked(1, 3) == asked(1, 3)
    assert asked(1, 3) != asked(2, 3)
    assert asked(1, 3) != asked(1, 4)


def test_repeated_and_poor_texts_are_replaced_by_further_samples() -> None:
    lines = [
        "Watch limb number 2 of the person!",
        "",
        "What does the person do today?",
        "what does the PERSON do today",
        "Score 4",
        "Which action do the hands show?",
    ]
    proposals = Opro(Writer(lambda i, begin: lines[min(i, 5)])).ask(view(), 2)
    assert [p.text for p in proposals] == [
        "What does the person do today?",
        "Which action do the hands show?",
    ]


def test_what_was_refused_is_not_proposed_again() -> None:
    refusal = Refusal("Does the person hold a violin?", "leak: 'violin'")
    lines = [refusal.text, "Which action do the hands show?"]
    proposals = Opro(Writer(lambda i, begin: lines[min(i, 1)])).ask(view(refused=(refusal,)), 1)
    assert [p.text for p in proposals] == ["Which action do the hands show?"]


@pytest.mark.parametrize("follows", [True, False])
def test_a_model_that_has_nothing_to_say_ends_instead_of_looping(follows: bool) -> None:
    llm = Writer(lambda i, begin: '["no"]', follows_instructions=follows)
    proposals = Opro(llm).ask(view(), 2)
    assert len(proposals) == 2
    assert {proposal.text.strip('[]"') for proposal in proposals} == {"no"}
    assert len(llm.asked) <= 8


def test_a_chat_reply_without_any_prompt_gives_no_proposal() -> None:
    llm = Writer(lambda i, begin: "I cannot help with that.", follows_instructions=True)
    assert Opro(llm).ask(view(), 2) == []


def test_a_sentence_that_was_cut_is_left_out() -> None:
    llm = Writer(lambda i, begin: f"Which action {i} do the hands show? And if the", cut=True)
    assert Opro(llm).ask(view(), 1)[0].text == "Which action 0 do the hands show?"


def test_the_best_are_always_shown_and_the_others_in_turn() -> None:
    ranked_list = view(n=12).scored
    shown = [choose(ranked_list, 6, Random(seed)) for seed in range(8)]
    assert all(set(ranked_list[:3]) <= set(some) for some in shown)
    assert all(len(some) == 6 for some in shown)
    assert all(
        [percent(one.score) for one in some] == sorted(percent(one.score) for one in some) for some in shown
    )
    assert len({one.prompt.id for some in shown for one in some}) > 9


def test_ties_stand_in_random_order() -> None:
    tied = [replace(one, score=0.5) for one in view(n=6).scored]
    assert len({tuple(one.prompt.id for one in choose(tied, 8, Random(seed))) for seed in range(5)}) > 1


def test_an_unknown_form_lists_the_known_ones() -> None:
    form: Any = "poem"
    with pytest.raises(UserError, match="unknown form 'poem' of opro, expected one of: auto, chat, ranked"):
        Opro(Writer(told), form=form)


def test_a_cap_reached_while_writing_leaves_what_was_written_before() -> None:
    def writing(number: int, begin: str) -> str:
        if number == 2:
            raise OutOfBudget("a cap is reached")
        return f"Which action {number} do the hands show?"

    proposed = Opro(Writer(writing)).ask(view(), 4)
    assert [one.text for one in proposed] == [f"Which action {i} do the hands show?" for i in range(2)]

    def nothing(number: int, begin: str) -> str:
        raise OutOfBudget("a cap is reached")

    with pytest.raises(OutOfBudget):
        Opro(Writer(nothing)).ask(view(), 4)
