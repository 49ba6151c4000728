"""What is sent to whom, what it costs, and what stays secret; and the engine under the evaluator."""

import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import openai_server as server
from openai_server import Endpoint, engine_at, fails, image, request, requests, says

from assets.errors import UserError
from videos.clip import Clip, ClipSet, Frames
from vllm_eval.engine import Answer
from vllm_eval.engines import load_engine
from vllm_eval.evaluator import AnswerRow, Evaluator
from vllm_eval.question import Question
from vllm_eval.questions.layout import lettered

PRICES = {"prompt": 100.0, "cached": 10.0, "completion": 400.0}  # dollars per million
EACH = (40 * 100 + 60 * 10 + 400) / 1e6


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with server.serving() as running:
        yield running


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", server.KEY)


def test_each_question_goes_out_with_its_own_clip_before_it(endpoint: Endpoint) -> None:
    engine = engine_at(endpoint, extra_body={"top_k": 1}, system="Be brief.")
    assert len(list(engine.answer(requests(6)))) == 6
    engine.close()
    for number, body in endpoint.asked:
        system, user = body["messages"]
        *frames, text = user["content"]
        assert system == {"role": "system", "content": "Be brief."}
        assert text == {"type": "text", "text": request(number).question.text}
        assert [image(one["image_url"]["url"]).mean() for one in frames] == pytest.approx([number] * 2, abs=1)
        assert (body["model"], body["top_k"], body["temperature"], body["seed"]) == ("toy", 1, 0, 0)


@pytest.mark.parametrize(
    ("owner", "chosen", "media", "part"),
    [
        ("me", "auto", "frames", "image_url"),
        ("vllm", "auto", "jpeg", "video_url"),
        ("vllm", "frames", "frames", "image_url"),
        ("me", "mp4", "mp4", "video_url"),
    ],
)
def test_clips_go_as_videos_where_the_server_takes_them(
    endpoint: Endpoint, owner: str, chosen: str, media: str, part: str
) -> None:
    endpoint.models = (200, {"data": [{"id": "toy", "owned_by": owner}]})
    engine = engine_at(endpoint, media=chosen)
    assert [answer.kind for answer in engine.answer(requests(1))] == ["human"]
    engine.close()
    ((_, body),) = endpoint.asked
    assert body["messages"][0]["content"][0]["type"] == part
    assert ("media_io_kwargs" in body) is (media == "jpeg")
    assert f" {media}-" in engine.fingerprint


def test_tokens_and_money_are_counted(endpoint: Endpoint) -> None:
    endpoint.scripts = {1: [fails(500)], 2: [server.silent()]}
    engine = engine_at(endpoint, prices=PRICES)
    assert len(list(engine.answer(requests(5)))) == 5
    spent = engine.spent
    engine.close()
    assert (spent.calls, spent.failed) == (7, 1)
    assert (spent.prompt_tokens, spent.cached_tokens, spent.completion_tokens) == (600, 360, 6)
    assert spent.dollars == pytest.approx(6 * EACH)


def test_what_an_unreadable_reply_took_is_paid_for_all_the_same(endpoint: Endpoint) -> None:
    nothing = server.completion("B") | {"choices": []}
    endpoint.scripts = {1: [says(finish="error")], 2: [server.sends(nothing)], 3: [server.HALF]}
    engine = engine_at(endpoint, prices=PRICES)
    assert len(list(engine.answer(requests(5)))) == 5
    spent = engine.spent
    engine.close()
    assert (spent.calls, spent.failed) == (8, 3)
    assert spent.dollars == pytest.approx(7 * EACH)  # of half a reply nobody knows


def test_a_text_in_parts_is_read(endpoint: Endpoint) -> None:
    parts = [{"type": "text", "text": "B"}, {"type": "text", "text": "."}]
    endpoint.usual = says(message={"content": parts})
    engine = engine_at(endpoint)
    (answer,) = engine.answer(requests(1))
    engine.close()
    assert answer.text == "B."


def test_a_list_of_models_that_cannot_be_had_just_now_chooses_no_media(endpoint: Endpoint) -> None:
    endpoint.models = (503, {"error": {"message": "warming up"}})
    with pytest.raises(UserError, match=r"HTTP 503; try again later, or set target\.options\.media"):
        engine_at(endpoint)
    engine_at(endpoint, media="frames").close()
    endpoint.models = (404, {})
    engine_at(endpoint).close()


def test_the_cap_on_money_is_not_overshot_and_loses_no_answer(endpoint: Endpoint) -> None:
    endpoint.usual = server.late(0.02, says())
    engine = engine_at(endpoint, prices=PRICES, max_dollars=10.5 * EACH)
    answers: list[Answer] = []
    with pytest.raises(UserError, match=r"^\$0\.05 of max_dollars 0\.0525 is spent: raise it .* are kept$"):
        _gather(engine.answer(requests(40)), answers)
    engine.close()
    assert len({answer.key for answer in answers}) == len(endpoint.asked) == 10
    assert engine.spent.dollars == pytest.approx(10 * EACH)


def test_the_key_goes_to_the_server_and_nowhere_else(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint.scripts = {1: [fails(400, f"never {server.KEY}")] * 9, 2: [fails(500, server.KEY)] * 9}
    engine = engine_at(endpoint)
    answers = list(engine.answer(requests(3)))
    engine.close()
    assert set(endpoint.keys) == {f"Bearer {server.KEY}"}
    assert sorted(answer.kind for answer in answers) == ["error", "error", "human"]
    assert "HTTP 400: never ***" in {answer.error for answer in answers}
    shown = f"{answers} {engine.fingerprint} {engine.settings!r} {engine._access!r} {caplog.text}"
    assert server.KEY not in shown


def test_credentials_in_the_address_open_the_server_and_are_not_shown(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address = endpoint.url.replace("http://", "http://ann:hunter2@")
    endpoint.scripts = {0: [fails(404, "hunter2 has no such model")]}
    engine = load_engine("openai", "toy", base_url=address)
    with pytest.raises(UserError) as caught:
        list(engine.answer(requests(1)))
    engine.close()
    assert set(endpoint.keys) == {"Basic YW5uOmh1bnRlcjI="}
    assert f"at {endpoint.url}: HTTP 404: *** has no such model" in str(caught.value)
    assert "hunter2" not in f"{caught.value} {engine.fingerprint} {caplog.text}"


def test_an_unknown_option_is_told_with_the_known_ones(endpoint: Endpoint) -> None:
    with pytest.raises(UserError, match=r"engine openai has no option 'dtype', expected one of: base_url, "):
        load_engine("openai", "toy", base_url=endpoint.url, dtype="auto")


# Under the evaluator


class Shelf:
    """An answer store in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, AnswerRow] = {}
        self.bought = 0

    def known(self, keys: Sequence[str]) -> dict[str, Answer]:
        found = {key: self.rows[key].answer for key in keys if key in self.rows}
        return {key: answer for key, answer in found.items() if answer.kind != "error"}

    def failed(self, keys: Sequence[str], run_id: str, dataset: str) -> dict[str, Answer]:
        found = {key: self.rows[key].answer for key in keys if key in self.rows}
        return {key: answer for key, answer in found.items() if answer.kind == "error"}

    def add(self, rows: Sequence[AnswerRow]) -> None:
        self.bought += sum(row.answer.key not in self.rows for row in rows)
        self.rows.update({row.answer.key: row for row in rows})


class Stills:
    def media_id(self, clip: Clip, policy: Any) -> str:
        return clip.id

    def get(self, clip: Clip, policy: Any) -> Frames:
        return Frames(clip.frames.read(range(2)), (0, 4), 8.0, 8)


class Policy:
    key = "two"


class Five:
    name = key = "five"

    def ask(self, prompt: str, clip: Clip, classes: Sequence[str]) -> Question:
        return lettered(f"{prompt} Clip {clip.id}.", server.LABELS)


class Text:
    def __init__(self, text: str) -> None:
        self.text = self.id = text


def test_a_run_cut_short_by_the_server_is_taken_up_where_it_stopped(endpoint: Endpoint) -> None:
    clips = ClipSet("toy", tuple(request(number).clip for number in range(30)), server.LABELS)
    shelf, outside = Shelf(), Stills()
    endpoint.scripts = {
        3: [says("", message={"refusal": "no"})] * 2,
        4: [fails(400, "bad image")],
        17: [fails(401, "key withdrawn")],
    }

    def evaluate(engine: Any) -> Any:
        store: Any = outside
        policy: Any = Policy()
        scoring = Evaluator(engine, store, policy, Five(), shelf, "run")
        return scoring.evaluate([Text("Look.")], clips)["Look."]

    engine = engine_at(endpoint, concurrency=4)
    with pytest.raises(UserError, match="HTTP 401: key withdrawn"):
        evaluate(engine)
    engine.close()
    first = len(shelf.rows)
    assert 16 <= first < 30
    assert len(endpoint.asked) == first + 1  # the one that failed: all that was paid for is kept
    engine = engine_at(endpoint, concurrency=4)
    scored = evaluate(engine)
    engine.close()
    assert len(endpoint.asked) == 30 + 1  # clip 17 is asked a second time; clip 4 stays an error in this run
    metrics = scored.metrics()
    assert (metrics.n, metrics.errors, metrics.refused.value) == (29, 1, pytest.approx(1 / 29))
    kinds = [answer.kind for answer in scored.answers]
    assert kinds == [{3: "refused", 4: "error"}.get(n, server.kind_of(n)) for n in range(30)]
    right = [kind == "human" for kind in kinds if kind != "error"]
    assert np.mean(right) == pytest.approx(metrics.shacc.value)


def _gather(answers: Iterator[Answer], into: list[Answer]) -> None:
    for answer in answers:
        into.append(answer)


def test_equal_requests_of_two_engines_have_equal_fingerprints(endpoint: Endpoint) -> None:
    one, other = engine_at(endpoint), engine_at(endpoint, concurrency=2, prices=PRICES)
    assert one.fingerprint == other.fingerprint
    assert replace(one.spent, calls=0) == other.spent
    one.close()
    other.close()
