"""What a person sees of a run, on a terminal and in a log."""

import io

from rich.console import Console

from agents.display import (
    SETTLED_SECONDS,
    LiveDisplay,
    PlainDisplay,
    Progress,
    duration,
    open_display,
    summary,
)
from agents.watcher import Standing
from prompts.library import NEUTRAL
from prompts.prompt import Prompt
from prompts.view import ScoredPrompt, score_of
from vllm_eval.engine import Answer, Kind
from vllm_eval.metrics import bias_metrics

NASTY = "[red]Look[/red] \x1b[2J at the [link=x]body[/link]\nnow"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def scored(prompt: Prompt, human: int = 6, background: int = 4, other: int = 0) -> ScoredPrompt:
    kinds: list[Kind] = ["human"] * human + ["background"] * background + ["other"] * other
    answers = [Answer(str(i), "A", "a", kind, None, 1, 0, 0.1) for i, kind in enumerate(kinds)]
    metrics = bias_metrics(answers, [str(i) for i in range(len(kinds))])
    return ScoredPrompt(prompt, metrics, score_of(metrics), 0)


def console(terminal: bool) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, force_terminal=terminal, width=100, color_system=None), out


def standing() -> Standing:
    return Standing(3, 10, 1, scored(Prompt(NASTY)), scored(NEUTRAL.prompt, 2, 8))


def test_the_display_suits_where_the_output_goes() -> None:
    assert isinstance(open_display(console(terminal=True)[0]), LiveDisplay)
    assert type(open_display(console(terminal=False)[0])) is PlainDisplay


def test_texts_of_models_reach_a_log_as_text() -> None:
    target, out = console(terminal=False)
    with PlainDisplay(target, Clock()) as display:
        display.line(f"refused: {NASTY}")
        display.standing(standing())
        display.standing(standing())
    lines = out.getvalue().splitlines()
    assert lines[0] == "[    0 s] refused: [red]Look[/red] \\x1b[2J at the [link=x]body[/link] now"
    assert "3 of 10 prompts, 1 refused; best so far SHAcc 60.0 [" in lines[1]
    assert lines[-1].endswith("3 of 10 prompts, 1 refused; the same is best")
    assert "\x1b" not in out.getvalue()


def test_a_panel_shows_budget_best_current_and_pace() -> None:
    target, out = console(terminal=True)
    clock = Clock()
    with LiveDisplay(target, clock) as display:
        display.plan(200)
        display.standing(standing())
        display.phase(NASTY)
        clock.now = 10
        display.answered(40, 60)
        display._live.refresh()
    shown = out.getvalue()
    for part in (
        "3 of 10 prompts, 1 refused",
        "SHAcc 60.0",
        "SHAcc 20.0",
        "(neutral)",
        "40 answers and 60 known",
    ):
        assert part in shown, part
    assert "4.0 a second, about 25 s left" in shown
    assert "[red]Look[/red] \\x1b[2J" in shown


def test_progress_lines_come_now_and_then_where_there_is_no_terminal() -> None:
    target, out = console(terminal=False)
    clock = Clock()
    display = PlainDisplay(target, clock)
    display.plan(1000)
    for _ in range(40):
        clock.now += 1
        display.answered(5, 0)
    assert [line.split("] ")[1] for line in out.getvalue().splitlines()] == [
        "75 answers, 5.0 a second, about 3 min left",
        "150 answers, 5.0 a second, about 3 min left",
    ]


def test_time_left_is_unknown_before_the_first_answers_have_settled() -> None:
    clock = Clock()
    progress = Progress(clock)
    progress.plan(10)
    assert progress.left() is None
    assert progress.text() == "0 answers, 0.0 a second"
    clock.now = SETTLED_SECONDS / 2
    progress.add(1, 0)
    assert progress.left() is None
    clock.now = SETTLED_SECONDS
    progress.add(1, 0)
    assert progress.left() == 4 * SETTLED_SECONDS


def test_what_was_loaded_before_the_first_question_is_no_part_of_the_rate() -> None:
    clock = Clock()
    progress = Progress(clock)
    clock.now = 1000
    progress.plan(100)
    clock.now = 1010
    progress.add(50, 0)
    assert progress.rate == 5
    assert progress.left() == 10
    assert progress.elapsed == 1010


def test_known_answers_shorten_the_rest_and_leave_the_rate_alone() -> None:
    clock = Clock()
    progress = Progress(clock)
    progress.plan(100)
    clock.now = 200
    progress.add(0, 50)  # a round that was known already, after long thinking
    clock.now = 210
    progress.add(20, 0)
    assert progress.rate == 2
    assert progress.left() == 15


def test_long_prompts_are_cut() -> None:
    target, out = console(terminal=False)
    PlainDisplay(target, Clock()).line("word " * 500)
    assert len(out.getvalue().strip()) < 330


def test_durations_read_well() -> None:
    assert [duration(seconds) for seconds in (5, 89, 300, 7200)] == ["5 s", "89 s", "5 min", "2.0 h"]


def test_nothing_scored_is_said_so() -> None:
    assert summary(None) == "none yet"
