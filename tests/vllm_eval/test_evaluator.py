"""The evaluator asks once, clip by clip, and keeps what it bought."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from videos.clip import Clip, ClipSet, Frames, Pixels, SourceInfo
from vllm_eval import evaluator as evaluator_module
from vllm_eval.engine import Answer, Request
from vllm_eval.evaluator import AnswerRow, Evaluator
from vllm_eval.question import Question


@dataclass(frozen=True)
class StillSource:
    name: str

    def identity(self) -> str:
        return self.name

    def info(self) -> SourceInfo:
        return SourceInfo(8, 8.0)

    def read(self, indices: Sequence[int]) -> Pixels:
        return np.zeros((len(indices), 4, 4, 3), np.uint8)


@dataclass(frozen=True)
class Policy:
    frames: int = 2

    @property
    def key(self) -> str:
        return f"first-{self.frames}"


class FakeFrameStore:
    """Names media after the clip's source; one called "broken" has no name, one called "torn" no frames."""

    def media_id(self, clip: Clip, policy: Policy) -> str:
        if clip.frames.identity() == "broken":
            raise FileNotFoundError("broken.mp4")
        return f"{clip.frames.identity()}-{policy.key}"

    def get(self, clip: Clip, policy: Policy) -> Frames:
        if clip.frames.identity() == "torn":
            raise ValueError("torn.mp4 ends early")
        return Frames(clip.frames.read(range(policy.frames)), tuple(range(policy.frames)), 8.0, 8)


@dataclass(frozen=True)
class PlainFormat:
    key: str = "plain"
    name: str = "plain"
    lead: str = ""

    def ask(self, prompt: str, clip: Clip, classes: Sequence[str]) -> Question:
        return Question(f"{prompt}\n{self.lead}{'/'.join(classes)}", tuple(classes), ())


@dataclass
class ScriptedEngine:
    """Answers "human" to everything, last request first; remembers what it was asked."""

    fingerprint: str = "scripted"
    calls: list[list[Request]] = field(default_factory=list)
    stop_after: int | None = None
    reply: Callable[[Request], Answer] = lambda request: answer(request.key)

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        self.calls.append(list(requests))
        for place, request in enumerate(reversed(requests)):
            if place == self.stop_after:
                raise KeyboardInterrupt
            yield self.reply(request)

    def close(self) -> None:
        pass


@dataclass
class DictStore:
    answers: dict[str, Answer] = field(default_factory=dict)
    batches: list[list[AnswerRow]] = field(default_factory=list)
    used: dict[tuple[str, str, str], Answer] = field(default_factory=dict)

    def known(self, keys: Sequence[str]) -> dict[str, Answer]:
        return {key: self.answers[key] for key in keys if key in self.answers and not self.answers[key].error}

    def failed(self, keys: Sequence[str], run_id: str, dataset: str) -> dict[str, Answer]:
        used = {key: self.used[run_id, dataset, key] for key in keys if (run_id, dataset, key) in self.used}
        return {key: answer for key, answer in used.items() if answer.error}

    def add(self, rows: Sequence[AnswerRow]) -> None:
        self.batches.append(list(rows))
        self.answers.update({row.answer.key: row.answer for row in rows})
        self.used.update({(row.run_id, row.dataset, row.answer.key): row.answer for row in rows})


@dataclass(frozen=True)
class Text:
    text: str

    @property
    def id(self) -> str:
        return f"id of {self.text}"


def answer(key: str, error: str | None = None) -> Answer:
    label: str | None = None if error else "dancing"
    return Answer(key, "x", label, "error" if error else "human", None, 9, 4, 0.1, error)


def clip_set(n: int, name: str = "toy") -> ClipSet:
    clips = tuple(Clip(f"c{i}", "dancing", "kitchen", (f"s{i}",), StillSource(f"s{i}")) for i in range(n))
    return ClipSet(name, clips, ("dancing", "kitchen", "reading", "surfing"))


def build(
    engine: ScriptedEngine, store: DictStore, policy: Policy | None = None, run_id: str = "run"
) -> Evaluator:
    frames: Any = FakeFrameStore()
    frame_policy: Any = policy or Policy()
    return Evaluator(engine, frames, frame_policy, PlainFormat(), store, run_id)


PROMPTS = [Text("what?"), Text("who?")]


def test_every_prompt_gets_an_answer_for_every_clip_in_clip_order() -> None:
    engine, store = ScriptedEngine(), DictStore()
    scored = build(engine, store).evaluate(PROMPTS, clip_set(3))
    assert list(scored) == [prompt.id for prompt in PROMPTS]
    asked = {(r.question.text.split("\n")[0], r.clip.id): r.key for r in engine.calls[0]}
    assert [one.key for one in scored["id of who?"].answers] == [asked["who?", f"c{i}"] for i in range(3)]
    assert scored["id of who?"].metrics().shacc.value == 1
    assert scored["id of who?"].chance == 0.25


def test_there_is_one_engine_call_and_all_prompts_of_a_clip_stand_together() -> None:
    engine = ScriptedEngine()
    build(engine, DictStore()).evaluate(PROMPTS, clip_set(3))
    assert len(engine.calls) == 1
    assert [request.clip.id for request in engine.calls[0]] == ["c0", "c0", "c1", "c1", "c2", "c2"]


def test_nothing_is_asked_twice() -> None:
    engine, store = ScriptedEngine(), DictStore()
    evaluator = build(engine, store)
    first = evaluator.evaluate(PROMPTS[:1], clip_set(2))
    assert evaluator.missing(PROMPTS, clip_set(3)) == 4
    again = evaluator.evaluate(PROMPTS, clip_set(3))
    assert [len(call) for call in engine.calls] == [2, 4]
    assert again["id of what?"].answers[:2] == first["id of what?"].answers
    evaluator.evaluate(PROMPTS, clip_set(3))
    assert len(engine.calls) == 2


def test_a_prompt_given_twice_is_asked_once() -> None:
    engine = ScriptedEngine()
    build(engine, DictStore()).evaluate([Text("what?"), Text("what?")], clip_set(2))
    assert len(engine.calls[0]) == 2


@dataclass(frozen=True)
class Alias:
    text: str
    id: str


def test_two_ids_of_one_text_share_one_question_and_each_gets_its_rows() -> None:
    engine, store = ScriptedEngine(), DictStore()
    seen: list[tuple[int, int]] = []
    both = [Alias("what?", "1"), Alias("what?", "2")]
    scored = build(engine, store).evaluate(both, clip_set(2), lambda new, known: seen.append((new, known)))
    assert len(engine.calls[0]) == 2
    assert seen == [(1, 1), (1, 1)]
    assert scored["1"].answers == scored["2"].answers
    assert sorted(row.prompt_id for batch in store.batches for row in batch) == ["1", "1", "2", "2"]


def test_whatever_changes_an_answer_changes_its_key() -> None:
    def keys(engine: ScriptedEngine, policy: Policy, clips: ClipSet, text: str = "what?") -> set[str]:
        store = DictStore()
        build(engine, store, policy).evaluate([Text(text)], clips)
        return set(store.answers)

    base = keys(ScriptedEngine(), Policy(), clip_set(1))
    assert base == keys(ScriptedEngine(), Policy(), clip_set(1, name="another name"))
    others = [
        keys(ScriptedEngine("another model"), Policy(), clip_set(1)),
        keys(ScriptedEngine(), Policy(frames=4), clip_set(1)),
        keys(ScriptedEngine(), Policy(), ClipSet("toy", clip_set(1).clips, ("dancing", "kitchen"))),
        keys(ScriptedEngine(), Policy(), clip_set(1), "who?"),
    ]
    assert len(base.union(*others)) == 5


def test_an_error_is_returned_and_stored_and_asked_again_by_another_run_only() -> None:
    engine, store = ScriptedEngine(reply=lambda request: answer(request.key, "no frames")), DictStore()
    evaluator = build(engine, store)
    scored = evaluator.evaluate(PROMPTS[:1], clip_set(2))
    assert scored["id of what?"].metrics().errors == 2
    assert len(store.answers) == 2
    engine.reply = lambda request: answer(request.key)
    resumed = build(engine, store)
    assert resumed.missing(PROMPTS[:1], clip_set(2)) == 0
    seen: list[tuple[int, int]] = []
    again = resumed.evaluate(PROMPTS[:1], clip_set(2), lambda new, known: seen.append((new, known)))
    assert again == scored
    assert (len(engine.calls), seen) == (1, [(0, 2)])
    other = build(engine, store, run_id="another")
    assert other.missing(PROMPTS[:1], clip_set(2)) == 2
    assert other.evaluate(PROMPTS[:1], clip_set(2))["id of what?"].metrics().errors == 0
    assert build(engine, store).evaluate(PROMPTS[:1], clip_set(2)) == scored  # what it decided with stays


@pytest.mark.parametrize("source", ["broken", "torn"])
def test_a_clip_that_no_model_saw_counts_as_no_question(source: str) -> None:
    def look(request: Request) -> Answer:
        try:
            request.frames()
        except ValueError as failure:
            return answer(request.key, str(failure))
        return answer(request.key)

    good, seen = clip_set(1), list[tuple[int, int]]()
    bad = Clip("bad", "dancing", "kitchen", ("bad",), StillSource(source))
    evaluator = build(ScriptedEngine(reply=look), DictStore())
    clips = ClipSet("toy", (*good.clips, bad), good.classes)
    assert evaluator.missing(PROMPTS, clips) == (2 if source == "broken" else 4)  # no more than may be bought
    evaluator.evaluate(PROMPTS, clips, lambda new, known: seen.append((new, known)))
    assert sorted(seen) == [(0, 1), (0, 1), (1, 0), (1, 0)]
    assert evaluator.missing(PROMPTS, clips) == 0


def test_an_error_of_the_model_counts_as_a_question() -> None:
    seen: list[tuple[int, int]] = []
    evaluator = build(ScriptedEngine(reply=lambda request: answer(request.key, "overloaded")), DictStore())
    evaluator.evaluate(PROMPTS[:1], clip_set(1), lambda new, known: seen.append((new, known)))
    assert seen == [(1, 0)]


def test_a_clip_that_cannot_be_read_becomes_an_error_and_stops_nobody() -> None:
    good = clip_set(2)
    bad = Clip("bad", "dancing", "kitchen", ("bad",), StillSource("broken"))
    engine, store = ScriptedEngine(), DictStore()
    scored = build(engine, store).evaluate(PROMPTS[:1], ClipSet("toy", (*good.clips, bad), good.classes))
    assert [one.kind for one in scored["id of what?"].answers] == ["human", "human", "error"]
    assert scored["id of what?"].answers[2].error == "FileNotFoundError: broken.mp4"
    assert len(engine.calls[0]) == 2


def test_answers_are_stored_in_batches_as_they_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluator_module, "BATCH_ROWS", 4)
    store = DictStore()
    build(ScriptedEngine(), store).evaluate(PROMPTS[:1], clip_set(10))
    assert [len(batch) for batch in store.batches] == [4, 4, 2]


def test_a_slow_engine_has_each_answer_stored_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluator_module, "BATCH_SECONDS", 0.0)
    store = DictStore()
    build(ScriptedEngine(), store).evaluate(PROMPTS[:1], clip_set(3))
    assert [len(batch) for batch in store.batches] == [1, 1, 1]


def test_an_interrupted_run_keeps_what_it_bought_and_goes_on_from_there() -> None:
    engine, store = ScriptedEngine(stop_after=3), DictStore()
    evaluator = build(engine, store)
    with pytest.raises(KeyboardInterrupt):
        evaluator.evaluate(PROMPTS, clip_set(4))
    assert len(store.answers) == 3
    engine.stop_after = None
    evaluator.evaluate(PROMPTS, clip_set(4))
    assert len(engine.calls[1]) == 5


def test_progress_comes_in_increments_of_new_and_known() -> None:
    seen: list[tuple[int, int]] = []
    evaluator = build(ScriptedEngine(), DictStore())
    evaluator.evaluate(PROMPTS[:1], clip_set(3))
    evaluator.evaluate(PROMPTS, clip_set(3), on_answer=lambda new, known: seen.append((new, known)))
    assert seen == [(0, 3), (1, 0), (1, 0), (1, 0)]


def test_a_format_may_be_replaced_for_one_prompt() -> None:
    engine, store = ScriptedEngine(), DictStore()
    formats = {"id of who?": PlainFormat(key="prefixed", lead="A video of a human ")}
    scored = build(engine, store).evaluate(PROMPTS, clip_set(1), formats=formats)
    assert [r.question.text.split("\n")[1][:8] for r in engine.calls[0]] == ["dancing/", "A video "]
    assert [one.format_key for one in scored.values()] == ["plain", "prefixed"]


def test_rows_tell_what_the_answer_was_about() -> None:
    store = DictStore()
    build(ScriptedEngine(), store).evaluate(PROMPTS[:1], clip_set(1))
    row = store.batches[0][0]
    assert (row.prompt_id, row.clip_id, row.sources) == ("id of what?", "c0", ("s0",))
    assert (row.human, row.background, row.choices) == ("dancing", "kitchen", 4)
    assert (row.dataset, row.run_id, row.format_key) == ("toy", "run", "plain")


@pytest.mark.parametrize(
    ("reply", "problem"), [("silent", "without an answer"), ("stranger", "unasked or twice")]
)
def test_an_engine_that_breaks_its_contract_is_an_exception(reply: str, problem: str) -> None:
    class Careless(ScriptedEngine):
        def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
            yield from [answer("stranger")] if reply == "stranger" else []

    with pytest.raises(RuntimeError, match=problem):
        build(Careless(), DictStore()).evaluate(PROMPTS, clip_set(1))


def test_no_clips_ask_nothing() -> None:
    engine = ScriptedEngine()
    scored = build(engine, DictStore()).evaluate(PROMPTS, clip_set(0))
    assert engine.calls == []
    assert scored["id of what?"].metrics().n == 0
