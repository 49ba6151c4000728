"""Whatever vLLM does, each question gets one answer, and no clip is sent more often than needed."""

import logging
import sys
from collections import Counter
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from vllm_fake import CLASSES, VIDEO_TOKENS, FakeBackend, broken, engine_on, requests

from assets.errors import UserError
from vllm_eval.engine import Answer
from vllm_eval.engines import load_engine
from vllm_eval.engines.vllm_backend import EngineDied
from vllm_eval.engines.vllm_report import Room
from vllm_eval.rendered import Renders


def once(answers: list[Answer], count: int) -> dict[str, Answer]:
    found = {answer.key: answer for answer in answers}
    assert len(found) == len(answers) == count
    return found


def test_replies_out_of_order_reach_their_own_questions() -> None:
    backend = FakeBackend(together=3)
    asked = requests(5)
    answers = once(list(engine_on(backend).answer(asked)), 10)
    for request in asked:
        answer = answers[request.key]
        assert (answer.text, answer.label) == ("B", request.question.labels[1])
        assert answer.logprobs == (-9.0, -0.5, -9.0, -9.0, -9.0)
        assert answer.kind in ("human", "background", "other")
        assert answer.prompt_tokens > VIDEO_TOKENS
    assert {given.id for given in backend.given} == {f"r{n}" for n in range(10)}


def test_pixels_are_sent_and_decoded_once_for_all_questions_and_rounds() -> None:
    backend, seen = FakeBackend(), list[str]()
    engine, asked = engine_on(backend), requests(4, seen=seen)
    list(engine.answer(asked))
    list(engine.answer(asked))
    assert Counter(seen) == {"c0": 1, "c1": 1, "c2": 1, "c3": 1}
    assert [given.pixels is not None for given in backend.given] == [True, False] * 4 + [False] * 8
    assert [int(given.pixels[0, 0, 0, 0]) for given in backend.given if given.pixels is not None] == [
        0,
        1,
        2,
        3,
    ]


def test_a_forgotten_clip_is_sent_again_once_and_answered() -> None:
    backend, seen = FakeBackend(media=1), list[str]()
    engine, asked = engine_on(backend), requests(3, seen=seen)
    list(engine.answer(asked))
    answers = once(list(engine.answer(asked)), 6)
    assert all(answer.error is None for answer in answers.values())
    assert len(backend.given) == 12
    assert max(Counter(seen).values()) == 2


def test_without_a_processor_cache_every_prompt_has_its_pixels() -> None:
    backend = FakeBackend(media=0)
    answers = once(list(engine_on(backend, mm_processor_cache_gb=0).answer(requests(3))), 6)
    assert all(answer.error is None for answer in answers.values())
    assert all(given.pixels is not None for given in backend.given)


def test_an_unreadable_clip_is_an_error_and_the_others_go_on() -> None:
    backend = FakeBackend()
    asked = [broken(one) if one.clip.id in ("c0", "c2") else one for one in requests(4)]
    answers = once(list(engine_on(backend).answer(asked)), 8)
    failed = {answer.key.split("|")[0] for answer in answers.values() if answer.kind == "error"}
    assert failed == {"c0", "c2"}
    assert answers["c0|What?"].error == "OSError: no such file"
    assert len(backend.given) == 4


def test_a_refused_prompt_fails_alone_and_what_vllm_half_knows_is_forgotten() -> None:
    long = "longer than the model takes"
    backend = FakeBackend(refuses=lambda given: long if given.uuid.startswith("mc1-") else None)
    asked = requests(3)
    engine = engine_on(backend)
    answers = once(list(engine.answer(asked)), 6)
    assert [key for key, answer in answers.items() if answer.kind == "error"] == [
        "c1|What?",
        "c1|Which action is it?",
    ]
    assert answers["c1|What?"].error == f"ValueError: {long}"
    assert backend.forgotten == 2
    backend.refuses = lambda given: None
    assert all(answer.error is None for answer in engine.answer(asked))


def test_when_vllm_dies_the_answers_so_far_are_there_and_the_rest_is_an_exception() -> None:
    answers = engine_on(FakeBackend(dies_after=3, together=1)).answer(requests(5))
    once([next(answers) for _ in range(3)], 3)
    with pytest.raises(EngineDied):
        next(answers)
    assert issubclass(EngineDied, UserError)


def test_no_more_is_under_way_than_the_window_and_the_queue_does_not_run_dry() -> None:
    backend = FakeBackend(window=6, together=1)
    once(list(engine_on(backend).answer(requests(20))), 40)
    assert backend.most == 6


def test_answers_come_before_all_prompts_are_handed_over() -> None:
    backend = FakeBackend(window=4)
    answers = engine_on(backend).answer(requests(20))
    next(answers)
    assert len(backend.given) == 1
    next(answers)
    assert len(backend.given) <= 6


def test_leaving_early_leaves_nothing_under_way() -> None:
    backend = FakeBackend(window=8)
    engine = engine_on(backend)
    answers = engine.answer(requests(10))
    next(answers)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert backend.aborted
    assert not backend.waiting
    once(list(engine.answer(requests(10))), 20)


def test_asking_again_before_the_end_is_refused_instead_of_mixed_up() -> None:
    engine = engine_on(FakeBackend())
    first = engine.answer(requests(4))
    next(first)
    list(engine.answer(requests(2)))
    with pytest.raises(RuntimeError, match="before it had finished"):
        next(first)


def test_missing_logprobs_leave_the_letter_that_was_said(caplog: pytest.LogCaptureFixture) -> None:
    backend = FakeBackend(replies=lambda reply: replace(reply, logprobs={123456: -3.0}))
    answers = list(engine_on(backend).answer(requests(2)))
    assert {(answer.text, answer.logprobs) for answer in answers} == {("B", None)}
    assert "4 lettered answers came without log-probabilities" in caplog.text


def test_formats_choose_how_an_answer_is_drawn_and_none_asks_for_the_most_likely_tokens() -> None:
    many = [
        replace(
            one, question=replace(one.question, letters=(), text=f"Choices: {', '.join(one.question.labels)}")
        )
        for one in requests(1, ["Say."])
    ]
    backend = FakeBackend()
    answers = list(engine_on(backend, max_new_tokens=9).answer([*many, *requests(1, ["Name it."], "open")]))
    choice, free = (given.sampling for given in backend.given)
    assert choice.choice == many[0].question.labels
    assert choice.max_tokens > max(map(len, choice.choice))
    assert (free.choice, free.letters, free.max_tokens) == ((), (), 9)
    assert answers[0].label == many[0].question.labels[-1]
    assert (answers[1].text, answers[1].label) == ("I see archery.", "archery")
    backend = FakeBackend()
    list(engine_on(backend, constrain=False).answer(many))
    assert backend.given[0].sampling.choice == ()


def test_clips_that_outgrow_the_cache_are_met_where_they_are_still_resident() -> None:
    backend = FakeBackend(room=Room(400, 16, True))
    engine, asked = engine_on(backend), requests(10, ["What?"])
    list(engine.answer(asked))
    list(engine.answer(asked))
    second = [given.uuid.split("-")[0] for given in backend.given[10:]]
    assert sorted(second) == sorted(f"mc{n}" for n in range(10))
    assert second[0] == "mc9", "what was asked about last is still there and comes first"
    assert second[-1] in {f"mc{n}" for n in range(8)}


def test_the_cost_of_a_clip_is_told_once_and_reuse_every_time(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    engine = engine_on(FakeBackend())
    for _ in range(2):
        list(engine.answer(requests(3)))
    told = [record.getMessage() for record in caplog.records]
    assert sum(f"one clip costs {VIDEO_TOKENS} video tokens" in line for line in told) == 1
    assert sum("prompt tokens cached" in line for line in told) == 2
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("room", "count", "cause"),
    [
        (Room(100_000, 16, False), 3, "prefix caching is off"),
        (Room(100_000, 64, True), 3, "block_size"),
        (Room(200, 16, True), 9, "the KV cache holds 200"),
        (Room(None, 16, True), 3, "keep no prefixes"),
    ],
)
def test_little_reuse_is_warned_about_with_its_cause(
    room: Room, count: int, cause: str, caplog: pytest.LogCaptureFixture
) -> None:
    list(engine_on(FakeBackend(room=room, finds=False)).answer(requests(count)))
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert cause in warning
    assert "only 0 %" in warning


def test_new_clips_with_one_question_each_are_no_reason_to_warn(caplog: pytest.LogCaptureFixture) -> None:
    list(engine_on(FakeBackend(finds=False)).answer(requests(5, ["What?"])))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_rendered_prompt_shows_what_is_sent_and_warms_no_cache() -> None:
    backend = FakeBackend()
    engine = engine_on(backend, system="Be brief.")
    request = requests(1)[0]
    shown = engine.rendered(request)
    assert isinstance(engine, Renders)
    assert shown.text == f"system:Be brief.<|end|>user:<|video|>{request.question.text}<|end|>assistant:"
    assert shown.video_tokens == VIDEO_TOKENS
    assert list(shown.letters) == ["A", "B", "C", "D", "E"]
    (answer,) = engine.answer([request])
    assert (answer.prompt_tokens, answer.cached_tokens) == (shown.prompt_tokens, 0)


def test_frames_of_a_wrong_kind_are_an_error_of_their_clip() -> None:
    first, *rest = requests(2, ["What?"])
    bad = replace(first, frames=lambda: replace(first.frames(), pixels=np.zeros((2, 8, 8), np.uint8)))
    answers = once(list(engine_on(FakeBackend()).answer([bad, *rest])), 2)
    assert "expected uint8" in (answers[first.key].error or "")
    assert answers[rest[0].key].error is None


def test_closing_twice_is_harmless_and_a_closed_engine_says_so() -> None:
    backend = FakeBackend()
    engine = engine_on(backend)
    engine.close()
    engine.close()
    assert backend.closed == 1
    with pytest.raises(RuntimeError, match="closed"):
        list(engine.answer(requests(1)))


def test_no_requests_no_answers() -> None:
    assert list(engine_on(FakeBackend()).answer([])) == []


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed here")
def test_without_vllm_one_line_says_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not installed: pip install 'sceneproof\[vllm\]'") as caught:
        load_engine("vllm", str(tmp_path))
    assert "\n" not in str(caught.value)
    assert len(CLASSES) == 7
