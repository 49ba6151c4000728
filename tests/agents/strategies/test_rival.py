"""A rival's loop runs in threads, its calls are served by the run; a resumed one goes the same way."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from made_run import Run, Writing

from agents.kept import KeptLLM
from agents.llm.base import LLM, Message, Reply
from agents.strategies.bridge import Stopped
from agents.strategies.rival import IDLE, Job, Rival, Search, grades_of, missing, one_line
from assets.errors import UserError
from prompts.library import NEUTRAL
from prompts.prompt import Prompt


def climbing(search: Search) -> None:
    """A little optimizer of its own: tries on 4 clips, then on all those that did better there."""
    best, score = NEUTRAL.prompt.text, sum(search.grade([Job(NEUTRAL.prompt.text, search.clips)])[0].scores)
    while True:
        text = search.write([Message("user", f"better than {best}")], 50).text
        first = search.grade([Job(best, search.clips[:4]), Job(text, search.clips[:4], best)])
        if sum(first[1].scores) > sum(first[0].scores):
            now = sum(search.grade([Job(text, search.clips)])[0].scores)
            best, score = (text, now) if now > score else (best, score)


def rival(llm: LLM, loop: Callable[[Search], None] = climbing, quiet: float = 0.0) -> Rival:
    return Rival("climbing", loop, llm, 3, quiet)


def threads() -> int:
    return sum(thread.name == "rival" for thread in threading.enumerate())


def test_what_a_rival_tries_is_proposed_and_scored_on_the_clips_it_names() -> None:
    run = Run()
    texts = run.drive(rival(Writing()))
    assert len(texts) == len(set(texts)) == run.prompts
    counts = [len(run.answers_of[name]) for name in run.order]
    assert set(counts) <= {4, run.n}
    assert 4 in counts
    assert run.bought == run.n + sum(counts)
    assert run.known[run.order[0]].parents == (NEUTRAL.prompt.id,)
    assert threads() == 0


def test_a_resumed_run_goes_the_same_way_without_asking_again() -> None:
    whole, broken = Run(), Run()
    first = Writing()
    expected = whole.drive(rival(KeptLLM(first, whole)))
    broken.drive(rival(KeptLLM(Writing(), broken)), until=3)
    bought = broken.bought
    again = Writing()
    assert broken.drive(rival(KeptLLM(again, broken))) == expected
    assert broken.bought == whole.bought
    assert bought < whole.bought
    assert 0 < len(again.seeds) < len(first.seeds)
    assert broken.events == whole.events


def test_a_refused_text_scores_nothing_and_costs_nothing() -> None:
    seen: list[Any] = []

    def loop(search: Search) -> None:
        seen.extend(search.grade([Job("Is it archery?", search.clips[:2])]))

    run = Run()
    assert run.drive(rival(Writing(), loop)) == []
    assert seen[0].scores == (0.0, 0.0)
    assert seen[0].refusal.startswith("leak: 'archery'")
    assert run.bought == run.n


def test_the_same_words_are_the_same_text() -> None:
    seen: list[Any] = []

    def loop(search: Search) -> None:
        seen.extend(search.grade([Job(" what is the ACTION being performed", search.clips)]))

    run = Run()
    assert run.drive(rival(Writing(), loop)) == []
    assert len(seen[0].rows) == run.n
    assert run.refused == []


def test_calls_from_many_threads_are_gathered_into_one() -> None:
    def loop(search: Search) -> None:
        with ThreadPoolExecutor(12) as pool:
            jobs = [Job("Watch the limbs of the person.", (clip,)) for clip in search.clips[:12]]
            list(pool.map(lambda job: search.grade([job]), jobs))

    run = Run()
    strategy = rival(Writing(), loop, quiet=0.1)
    assert run.drive(strategy) == ["Watch the limbs of the person."]
    assert run.calls == [run.n, 12]


def test_a_failing_rival_is_one_line_and_stays_failed() -> None:
    def loop(search: Search) -> None:
        raise ValueError("no such thing\nand more")

    run = Run()
    strategy = rival(Writing(), loop)
    context: Any = run
    strategy.connect(context)
    for _ in range(2):
        with pytest.raises(UserError) as raised:
            strategy.ask(run.view(), 1)
        assert str(raised.value) == "strategy climbing failed: ValueError: no such thing"


def test_what_breaks_on_our_side_reaches_no_rival() -> None:
    caught: list[BaseException] = []

    def loop(search: Search) -> None:
        try:
            search.write([Message("user", "x")], 5)
        except Exception as failure:
            caught.append(failure)

    run = Run()
    with pytest.raises(UserError, match="no key"):
        run.drive(rival(Writing(fail=UserError("no key")), loop))
    assert caught == []
    assert threads() == 0


def test_after_the_end_every_call_is_stopped_past_exception_handlers() -> None:
    stops: list[str] = []

    def loop(search: Search) -> None:
        for _ in range(3):
            try:
                search.grade([Job("Watch the limbs of the person.", search.clips)])
            except Exception:
                stops.append("taken for a bad prompt")
            except Stopped:
                stops.append("stopped")

    run = Run()
    context: Any = run
    strategy = rival(Writing(), loop)
    strategy.connect(context)
    assert strategy.ask(run.view(), 1)
    strategy.close()
    strategy.close()
    assert stops == ["stopped"] * 3
    assert strategy.ask(run.view(), 1) == []


def test_a_rival_that_goes_in_circles_is_ended() -> None:
    def loop(search: Search) -> None:
        while True:
            search.write([Message("user", "again")], 5)
            search.grade([Job(NEUTRAL.prompt.text, search.clips)])

    run, llm = Run(), Writing()
    assert run.drive(rival(llm, loop)) == []
    assert len(llm.seeds) == 64


def test_without_a_run_there_is_nothing_to_work_with() -> None:
    with pytest.raises(UserError, match="works inside a run only"):
        rival(Writing()).ask(Run().view(), 1)


def test_errors_speak_neither_for_nor_against_a_text() -> None:
    rows = Run(4).answers(NEUTRAL.prompt.id)
    kinds = ("human", "background", "other", "error")
    made = [
        replace(row, answer=replace(row.answer, kind=kind)) for row, kind in zip(rows, kinds, strict=True)
    ]
    assert grades_of(made) == (1.0, 0.0, 0.5, 0.5)
    assert grades_of([made[0], made[3]]) == (1.0, 1.0)
    assert grades_of([made[3]]) == (0.5,)
    assert grades_of([replace(made[0], answer=replace(made[0].answer, kind="unparsed"))]) == (0.5,)


@pytest.mark.parametrize(
    ("text", "cut", "expected"),
    [
        ("```\nWatch it.\nSay what.\n```", False, "Watch it. Say what."),
        ("Sure:\n```text\nWatch it.\n```\nDone.", False, "Watch it."),
        ("```Watch it.```", False, "Watch it."),
        ("Watch it. And then the", True, "Watch it."),
        ("and then the", True, ""),
        ('"Watch it."', False, "Watch it."),
    ],
)
def test_a_reply_becomes_one_whole_line(text: str, cut: bool, expected: str) -> None:
    assert one_line(Reply(text, 0, 0, 0.0, cut)) == expected


def test_an_absent_package_names_its_extra() -> None:
    told = missing("gepa", "gepa", ImportError("no", name="gepa"))
    assert str(told) == "strategy gepa needs gepa: pip install 'sceneproof[gepa]'"
    assert Prompt("x").id


def test_a_rival_that_writes_all_texts_before_it_tries_one_is_waited_for() -> None:
    def loop(search: Search) -> None:
        written = [search.write([Message("user", f"{i}")], 50).text for i in range(2 * search.prompts)]
        for text in written:
            search.grade([Job(text, search.clips)])

    run = Run(prompts=50)
    patient = Rival("climbing", loop, Writing(), 3, patience=lambda prompts: IDLE + 2 * prompts)
    assert len(run.drive(patient)) == 50
    assert Run(prompts=50).drive(rival(Writing(), loop)) == []
