"""Whatever the server does, each question gets one answer, and it is counted as what it is."""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import openai_server as server
from openai_server import Endpoint, engine_at, fails, request, requests, says

from assets.errors import UserError
from videos.clip import Frames
from vllm_eval.engine import Answer, Kind


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with server.serving() as running:
        yield running


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OPENAI_API_KEY", server.KEY)
    yield
    assert not [one for one in threading.enumerate() if one.name.startswith("openai-")]


def by_clip(answers: list[Answer]) -> dict[str, Answer]:
    """Answers by their clip, each there once."""
    found = {answer.key.rpartition(" ")[2]: answer for answer in answers}
    assert len(found) == len(answers)
    return found


def gather(answers: Iterator[Answer], into: list[Answer]) -> None:
    """Append one by one, so that what came before an exception is there."""
    for answer in answers:
        into.append(answer)


def test_every_passing_trouble_is_survived_and_no_answer_is_lost_doubled_or_exchanged(
    endpoint: Endpoint,
) -> None:
    troubles = [
        fails(429),
        fails(429, Retry_After="0.02"),
        fails(500),
        fails(503),
        fails(529),
        server.late(4.5, says()),
        server.DROPPED,
        server.HALF,
        server.WRONG_SHAPE,
        server.A_LIST,
        server.NO_CHOICE,
        server.HTML,
        server.silent(),
        server.silent(None),
        server.drips,
        says("A", "error"),
        server.late(0.1, says()),
    ]
    # A trouble each for every second clip, for some another one right after it.
    endpoint.scripts = {2 * i + 1: [trouble] for i, trouble in enumerate(troubles)}
    endpoint.scripts[2 * len(troubles) + 1] = [server.HALF, fails(500), fails(429)]
    asked = requests(2 * len(troubles) + 4)
    engine = engine_at(endpoint, timeout=3.0)
    found = by_clip(list(engine.answer(asked)))
    engine.close()
    assert found.keys() == {one.clip.id for one in asked}
    for number, one in enumerate(asked):
        answer = found[one.clip.id]
        assert (answer.key, answer.text, answer.kind) == (
            one.key,
            server.letter_of(number),
            server.kind_of(number),
        )
        assert (answer.prompt_tokens, answer.cached_tokens, answer.error) == (100, 60, None)
        assert answer.label == one.question.labels["ABCDE".index(answer.text)]
    assert all(endpoint.calls(2 * i) == 1 for i in range(len(troubles)))
    assert all(endpoint.calls(2 * i + 1) == 2 for i in range(len(troubles) - 1))
    assert endpoint.calls(2 * len(troubles) + 1) == 4


LASTING: dict[str, tuple[server.Act, Kind, str]] = {
    "500": (fails(500, "boom"), "error", "2 attempts: HTTP 500: boom"),
    "503": (fails(503, Retry_After="0"), "error", "2 attempts: HTTP 503: no"),
    "503 for an hour": (fails(503, Retry_After="3600"), "error", "asks to wait 3600 s, over the deadline"),
    "too late": (server.late(4.0, says()), "error", "2 attempts: no complete reply in time"),
    "drip": (server.drips, "error", "2 attempts: no complete reply in time"),
    "dropped": (server.DROPPED, "error", "2 attempts: Connection error."),
    "half": (server.HALF, "error", "2 attempts: unreadable reply, body: Invalid JSON"),
    "shape": (server.WRONG_SHAPE, "error", "2 attempts: unreadable reply, choices: "),
    "no choice": (server.NO_CHOICE, "error", "2 attempts: unreadable reply, choices: "),
    "too large": (fails(413, "image too large"), "error", "HTTP 413: image too large"),
    "wrong": (fails(400, "bad image"), "error", "HTTP 400: bad image"),
    "silent": (server.silent(), "unparsed", ""),
    "babble": (says("I can't tell."), "unparsed", ""),
    "cut": (says("", "length"), "unparsed", ""),
    "refusal": (says("", message={"refusal": "I won't."}), "refused", ""),
    "in words": (says("I’m sorry, but I can’t help with that."), "refused", ""),
    "filtered": (says("B", "content_filter"), "refused", ""),
    "filtered before": (fails(400, "see our policy", "content_filter"), "refused", ""),
    "flagged": (fails(403, "Your input was flagged"), "refused", ""),
}


def test_lasting_trouble_costs_its_own_clip_and_says_why(endpoint: Endpoint) -> None:
    for number, (act, _, _) in enumerate(LASTING.values()):
        endpoint.scripts[2 * number + 1] = [act] * 2
    asked = requests(2 * len(LASTING) + 1)
    engine = engine_at(endpoint, timeout=2.5, attempts=2)
    found = by_clip(list(engine.answer(asked)))
    engine.close()
    assert len(found) == len(asked)
    for number, (name, (_, kind, reason)) in enumerate(LASTING.items()):
        answer = found[f"c{2 * number + 1}"]
        assert (name, answer.kind) == (name, kind)
        assert (answer.error or "").startswith(reason)
        assert (answer.error is None) is (kind != "error")
        assert answer.label is None
        assert found[f"c{2 * number}"].kind == server.kind_of(2 * number)
    once = ("too large", "wrong", "babble", "cut", "refusal", "filtered", "flagged", "503 for an hour")
    assert {endpoint.calls(2 * list(LASTING).index(name) + 1) for name in once} == {1}
    assert endpoint.calls(2 * list(LASTING).index("silent") + 1) == 2


def test_answers_come_as_they_arrive_and_stay_with_their_clips(endpoint: Endpoint) -> None:
    endpoint.scripts = {1: [server.late(1.5, says())]}
    engine = engine_at(endpoint)
    list(engine.answer(requests(1)))  # from now on several at once
    answers = list(engine.answer(requests(3)[1:]))
    engine.close()
    assert [answer.key for answer in answers] == ["Look. c2", "Look. c1"]
    assert [answer.text for answer in answers] == [server.letter_of(2), server.letter_of(1)]


def test_fewer_are_sent_when_the_server_says_so_and_more_again_later(endpoint: Endpoint) -> None:
    def at_most_three(handler: server.Handler, number: int) -> None:
        (server.late(0.02, says()) if endpoint.busy <= 3 else fails(429))(handler, number)

    endpoint.usual = at_most_three
    engine = engine_at(endpoint, concurrency=32)
    answers = by_clip(list(engine.answer(requests(60))))
    engine.close()
    assert {answer.kind for answer in answers.values()} == set(server.KINDS)
    assert endpoint.busiest > 3  # it was tried
    assert engine.spent.failed < len(answers)  # and learnt: much less than a refusal for each
    assert engine.spent.calls == 60 + engine.spent.failed == len(endpoint.asked)


def test_nobody_is_sent_while_the_server_asks_to_wait(endpoint: Endpoint) -> None:
    endpoint.scripts = {3: [fails(429, Retry_After="0.5")]}
    engine = engine_at(endpoint, concurrency=2)
    assert len(by_clip(list(engine.answer(requests(12))))) == 12
    engine.close()
    gaps = [later - sooner for sooner, later in zip(endpoint.times, endpoint.times[1:], strict=False)]
    assert max(gaps) > 0.4


def test_one_is_sent_until_the_server_has_answered(endpoint: Endpoint) -> None:
    endpoint.usual = server.late(0.05, fails(500, "down"))
    engine = engine_at(endpoint)
    with pytest.raises(UserError, match=r"^model toy at http://\S+: 3 requests in a row failed, .* down$"):
        list(engine.answer(requests(30)))
    engine.close()
    assert endpoint.busiest == 1
    assert len(endpoint.asked) == 9


def test_a_server_that_fails_on_the_way_is_told_after_the_answers_it_gave(endpoint: Endpoint) -> None:
    for number in range(10, 100):
        endpoint.scripts[number] = [fails(500)] * 9
    engine = engine_at(endpoint, attempts=1)
    answers: list[Answer] = []
    with pytest.raises(UserError, match="20 requests in a row failed"):
        gather(engine.answer(requests(100)), answers)
    engine.close()
    assert len([answer for answer in answers if answer.kind != "error"]) == 10
    assert 20 <= len(by_clip(answers)) - 10 <= 20 + 8


@pytest.mark.parametrize(
    "act",
    [
        fails(
            429,
            "Rate limit reached for requests per min. Please try again in 20s. You can increase your limit "
            "by adding a payment method at https://platform.openai.com/account/billing.",
            "rate_limit_exceeded",
        ),
        fails(429, "You exceeded your current quota, check your billing details. Please retry in 0.1s."),
        fails(429, "Upgrade at https://example.com/settings/billing", Retry_After="0.01"),
    ],
)
def test_a_limit_on_the_pace_that_advertises_billing_is_waited_for(
    endpoint: Endpoint, act: server.Act
) -> None:
    endpoint.scripts = {0: [act], 3: [act]}
    engine = engine_at(endpoint)
    assert len(by_clip(list(engine.answer(requests(5))))) == 5
    engine.close()


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (fails(401, f"Incorrect API key: {server.KEY}."), "HTTP 401: Incorrect API key: ***.; check the key"),
        (fails(402, "no credit"), "HTTP 402: no credit; add credit or give another key in OPENAI_API_KEY"),
        (fails(404, "no such model"), "check target.model and base_url; it serves: other, toy-2"),
        (fails(429, "over quota", "insufficient_quota"), "HTTP 429: over quota"),
        (fails(429, "your credit is used up"), "HTTP 429: your credit is used up"),
        (fails(429, "come back", Retry_After="9999"), "asks to wait 9999 s, over the deadline of 600 s"),
    ],
)
def test_what_concerns_all_clips_is_one_line_before_anything_is_bought(
    endpoint: Endpoint, act: server.Act, said: str
) -> None:
    endpoint.models = (200, {"data": [{"id": "other"}, {"id": "models/toy-2"}]})
    endpoint.usual = act
    engine = engine_at(endpoint)
    with pytest.raises(UserError) as caught:
        list(engine.answer(requests(20)))
    engine.close()
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"model toy at {endpoint.url}: ")
    assert "\n" not in str(caught.value)
    assert server.KEY not in str(caught.value)
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_told_when_the_engine_is_made(endpoint: Endpoint, status: int) -> None:
    endpoint.models = (status, {"error": {"message": f"key {server.KEY} is unknown"}})
    with pytest.raises(UserError, match=rf"HTTP {status}: .*\*\*\* is unknown.*OPENAI_API_KEY"):
        engine_at(endpoint)
    assert not endpoint.asked


def test_a_server_that_is_not_there_is_told_when_the_engine_is_made() -> None:
    with server.serving() as endpoint:
        pass
    with pytest.raises(UserError, match=r"model toy at http://\S+: no server answers there"):
        engine_at(endpoint)


@pytest.mark.parametrize("models", [(404, {}), (500, {}), (200, {"data": 3}), (200, b"<html>")])
def test_a_server_without_a_list_of_models_is_asked_all_the_same(
    endpoint: Endpoint, models: tuple[int, object]
) -> None:
    endpoint.models = models
    engine = engine_at(endpoint)
    assert [answer.kind for answer in engine.answer(requests(1))] == ["human"]
    engine.close()


def test_an_option_the_server_does_not_take_is_left_out_from_then_on(endpoint: Endpoint) -> None:
    def picky(handler: server.Handler, number: int) -> None:
        body = endpoint.asked[-1][1]
        if body.get("top_logprobs", 0) > 5:
            fails(400, "top_logprobs must be at most 5")(handler, number)
        elif "logprobs" in body:
            fails(400, "logprobs is not supported")(handler, number)
        elif "max_tokens" in body:
            fails(400, "use max_completion_tokens instead of max_tokens")(handler, number)
        elif "temperature" in body:
            fails(400, "Unsupported value: temperature")(handler, number)
        else:
            says()(handler, number)

    endpoint.usual = picky
    engine = engine_at(endpoint, max_tokens=7)
    before = engine.fingerprint
    answers = by_clip(list(engine.answer(requests(5))))
    engine.close()
    assert [answers[f"c{i}"].kind for i in range(5)] == [server.kind_of(i) for i in range(5)]
    assert len(endpoint.asked) == 5 + 4
    sent = endpoint.asked[-1][1]
    assert (sent["max_completion_tokens"], sent["seed"]) == (7, 0)
    assert not {"max_tokens", "temperature", "logprobs", "top_logprobs"} & sent.keys()
    assert engine.fingerprint == before


def test_a_clip_without_frames_is_an_error_of_its_own(endpoint: Endpoint) -> None:
    def broken() -> Frames:
        raise OSError("no such file")

    asked = [request(0), request(1, "Look.", broken), request(1, "Who?", broken), request(2)]
    engine = engine_at(endpoint)
    answers = {answer.key: answer for answer in engine.answer(asked)}
    engine.close()
    assert [answers[one.key].kind for one in asked] == ["human", "error", "error", "other"]
    assert answers["Who? c1"].error == "OSError: no such file"
    assert endpoint.calls(1) == 0


def test_a_clip_is_decoded_once_for_all_its_prompts(endpoint: Endpoint) -> None:
    reads = []

    def read() -> Frames:
        reads.append(threading.current_thread().name)
        return Frames(server.Still(0).read(range(2)), (0, 4), 8.0, 8)

    engine = engine_at(endpoint)
    asked = [request(0, f"Prompt {i}.", read) for i in range(6)]
    assert len(list(engine.answer(asked[:4]))) == 4
    assert len(list(engine.answer(asked[4:]))) == 2
    engine.close()
    assert len(reads) == 1


# Stopping


def test_an_iterator_that_is_left_stops_at_once_and_leaves_nothing(endpoint: Endpoint) -> None:
    endpoint.scripts = {number: [server.late(8.0, says())] for number in range(4, 30)}
    engine = engine_at(endpoint)
    answers = engine.answer(requests(30))
    assert next(answers).kind == "human"
    began = time.monotonic()
    answers.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 5
    sent = len(endpoint.asked)
    assert not [one for one in threading.enumerate() if one.name.startswith("openai-")]
    time.sleep(0.1)
    assert len(endpoint.asked) == sent
    engine.close()


def test_closing_the_engine_stops_what_is_under_way(endpoint: Endpoint) -> None:
    endpoint.usual = server.late(0.3, says())
    engine = engine_at(endpoint, concurrency=1)
    answers = engine.answer(requests(9))
    next(answers)
    engine.close()
    engine.close()
    with pytest.raises(RuntimeError, match="closed while it was answering"):
        list(answers)
    with pytest.raises(RuntimeError, match="this engine was closed"):
        next(engine.answer(requests(1)))
    assert len(endpoint.asked) < 9


def test_ctrl_c_stops_what_is_under_way(endpoint: Endpoint) -> None:
    endpoint.scripts = {number: [server.late(8.0, says())] for number in range(1, 9)}
    engine = engine_at(endpoint)
    main = threading.main_thread().ident
    assert main is not None
    interrupt = threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT))
    waiting = engine.answer(requests(9))
    answers = [next(waiting)]
    interrupt.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        gather(waiting, answers)
    engine.close()
    assert time.monotonic() - began < 5
    assert [answer.key for answer in answers] == ["Look. c0"]


def test_no_more_is_bought_ahead_than_may_be_under_way(endpoint: Endpoint) -> None:
    engine = engine_at(endpoint, concurrency=3)
    answers = engine.answer(requests(40))
    next(answers)
    time.sleep(0.3)
    assert len(endpoint.asked) <= 1 + 2 * 3
    assert len(list(answers)) == 39
    engine.close()
