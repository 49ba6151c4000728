"""What is asked once is kept: runs that ask it again pay nothing and count the same."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from agents.llm.base import Conversation, Reply
from benchmarks.optimizers_memo import Memo, MemoEngine, MemoLLM
from vllm_eval.engine import Answer, Request


class Model:
    """Replies with what it was asked, and counts."""

    def __init__(self) -> None:
        self.asked = 0

    def complete(self, conversation: Conversation, **options: Any) -> Reply:
        self.asked += 1
        return Reply(f"{conversation} {options['seed']}", 30, 4, 0.5)


def model_of(memo: Memo, inner: Model, served: bool = False) -> MemoLLM:
    loaded: Any = inner
    return MemoLLM("small", lambda: loaded, memo, follows=False, served=served)


@pytest.fixture
def memo(tmp_path: Path) -> Iterator[Memo]:
    kept = Memo(tmp_path / "memo.db")
    yield kept
    kept.close()


def test_a_reply_is_asked_once_and_counts_every_time(memo: Memo) -> None:
    inner = Model()
    first, second = model_of(memo, inner), model_of(memo, inner)
    replies = [one.complete("improve", max_tokens=9, seed=3) for one in (first, second)]
    assert inner.asked == 1
    assert replies[0].text == replies[1].text == "improve 3"
    assert first.tokens == second.tokens == 34
    assert first.seconds == second.seconds
    second.complete("improve", max_tokens=9, seed=4)
    assert inner.asked == 2
    assert (second.tokens, second.replies) == (68, 2)


def test_a_served_model_has_replies_of_its_own_and_counts_the_time_until_they_came(memo: Memo) -> None:
    here, there = Model(), Model()
    local, served = model_of(memo, here), model_of(memo, there, served=True)
    for one in (local, served):
        one.complete("improve", max_tokens=9)
    assert (here.asked, there.asked) == (1, 1)
    kept = memo.known(_keys(memo))
    assert len(kept) == 2
    assert served.seconds in {one["seconds"] for one in kept.values()}
    assert local.seconds in {one["processor"] for one in kept.values()}


def _keys(memo: Memo) -> list[str]:
    return [key for (key,) in memo._file.execute("SELECT key FROM memo")]


class Engine:
    """Answers in reverse; one clip cannot be read."""

    fingerprint = "engine"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        for request in reversed(requests):
            self.asked.append(request.key)
            kind: Any = "error" if request.key == "broken" else "human"
            yield Answer(request.key, "A", "golf", kind, (-0.1, -2.0), 40, 1, 0.01)

    def close(self) -> None:
        """Nothing to close."""


def test_answers_come_in_the_order_of_requests_and_errors_are_asked_again(memo: Memo) -> None:
    inner = Engine()
    engine: Any = MemoEngine(inner, memo)
    asked: Any = [type("R", (), {"key": key}) for key in ("a", "broken", "b")]
    for _ in range(2):
        assert [one.key for one in engine.answer(asked)] == ["a", "broken", "b"]
    assert sorted(inner.asked) == ["a", "b", "broken", "broken"]
    again = [one for one in engine.answer(asked) if one.key == "a"]
    assert again[0].logprobs == (-0.1, -2.0)
