"""What an optimizer was sent before each proposal is in the history, whole, and no key with it."""

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import scripted_world as world

from agents import optimize, pareto
from agents.llm import load_llm
from agents.llm.base import Conversation, Message, Reply, ToolCall, plain_conversation
from agents.strategies import STRATEGIES
from agents.strategies.rival import Job, Rival, Search
from prompts.history import History
from prompts.records import ProposalRecord

KEY = "very-secret-0123456789"
LIMBS = ("arms", "legs", "hands", "feet", "knees", "hips", "shoulders", "neck", "head", "torso")
SMALL = [
    *("--budget", "5", "--optimizer.per_round", "2", "--optimizer.finalists", "2"),
    *("--data.tune_clips", "12", "--data.select_clips", "20", "--data.test_clips", "24"),
    *("--data.report_clips", "24", "--data.agreement_clips", "8"),
]
Sent = str | list[dict[str, Any]]


@pytest.fixture(autouse=True)
def _no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pareto, "plot", lambda *given: None)


def idea(number: int) -> str:
    one, other = LIMBS[number % 10], LIMBS[number // 10 % 10]
    return f"Look at the {one}, then at the {other} in view {number}: which action is it?"


@dataclass
class Writer:
    """Writes another prompt each time, as JSON where that is wanted; keeps what it was sent and replied."""

    follows_instructions: bool = True
    calls_tools: bool = False
    name: str = "writer"
    temperature: float = 1.0
    kept: list[tuple[Sent, str]] = field(default_factory=list)

    def complete(
        self, conversation: Conversation, *, begin: str = "", json_schema: Any = None, **rest: Any
    ) -> Reply:
        text = idea(len(self.kept))
        said = json.dumps({"prompts": [{"hypothesis": "why", "prompt": text}]}) if json_schema else text
        return self._keep(conversation, f"{begin} {said}" if begin else said)

    def converse(self, turns: Sequence[Message], tools: Any, **rest: Any) -> Reply | None:
        if not self.calls_tools:
            return None
        if len(turns) == 2:
            look = ToolCall("c0", "history_top", '{"k": 2}')
            return replace(self._keep(turns, "look first"), calls=(look,))
        given = json.dumps({"prompt": idea(len(self.kept)), "hypothesis": "why", "parent": "neutral"})
        propose = ToolCall("c1", "propose", given)
        self._keep(turns, f"I think so.\n{given}")
        return Reply("I think so.", 7, 3, 0.0, calls=(propose,))

    def close(self) -> None:
        pass

    def _keep(self, conversation: Conversation, reply: str) -> Reply:
        plain = conversation if isinstance(conversation, str) else [_plain(turn) for turn in conversation]
        self.kept.append((plain, reply))
        return Reply(reply, 7, 3, 0.0)


def _plain(turn: Message) -> dict[str, Any]:
    told: dict[str, Any] = {"role": turn.role, "content": turn.content}
    if turn.calls:
        told["calls"] = [{"id": one.id, "name": one.name, "arguments": one.arguments} for one in turn.calls]
    return told | ({"call_id": turn.call_id} if turn.call_id else {})


def proposed(folder: Path, strategy: str, parts: Any, *more: str) -> list[tuple[ProposalRecord, Any]]:
    """The proposals of a whole run, each with what the history says its optimizer had been sent."""
    url = f"sqlite:///{folder}/history.db"
    words = [*SMALL, "--optimizer.strategy", strategy, "--output", str(folder / "runs"), "--history", url]
    assert optimize.main([*words, *more], parts) == 0
    with History(url, create=False) as history:
        (run,) = history.runs()
        return [(one, history.conversation(one)) for one in history.proposals(run.id)]


@pytest.mark.parametrize("form", ["chat", "ranked"])
@pytest.mark.parametrize("strategy", ["opro", "agent", "reflective", "evolve", "paraphrase"])
def test_every_proposal_has_the_conversation_it_came_from(tmp_path: Path, strategy: str, form: str) -> None:
    writer: Any = Writer(follows_instructions=form == "chat")
    found = proposed(tmp_path, strategy, world.parts(llm=writer), "--optimizer.form", form)
    assert len([one for one, _ in found if one.verdict == "accepted"]) == 5
    for one, sent in found:
        assert (sent, one.raw) in writer.kept
        assert isinstance(sent, str) == (form == "ranked")
        assert one.prompt.text in one.raw


def test_of_tool_calls_all_turns_before_the_proposal_are_kept(tmp_path: Path) -> None:
    writer: Any = Writer(calls_tools=True)
    found = proposed(tmp_path, "agent", world.parts(llm=writer), "--optimizer.per_round", "1")
    assert len(found) == 5
    for one, sent in found:
        assert (sent, one.raw) in writer.kept
        assert [turn["role"] for turn in sent] == ["system", "user", "assistant", "tool"]
        assert sent[2]["calls"][0]["name"] == "history_top"
        assert one.raw.startswith("I think so.\n{")


def test_a_rivals_text_has_the_reply_that_holds_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loop(search: Search) -> None:
        search.grade([Job("What do the limbs do, all in all?", search.clips)])
        for number in range(9):
            reply = search.write([Message("user", f"request {number}")], 50, schema={"type": "object"})
            search.write([Message("user", "something else")], 50)
            text = json.loads(reply.text)["prompts"][0]["prompt"]
            search.grade([Job(text.upper(), search.clips)])

    strategies: Any = STRATEGIES
    monkeypatch.setitem(strategies, "capo", lambda config, seed, llm: Rival("capo", loop, llm(), seed))
    writer: Any = Writer()
    (first, nothing), *others = proposed(tmp_path, "capo", world.parts(llm=writer))
    assert (nothing, first.raw) == (None, "")
    assert [sent for _, sent in others] == [
        [{"role": "user", "content": f"request {number}"}] for number in range(4)
    ]
    assert all((sent, one.raw) in writer.kept for one, sent in others)


def test_of_a_picture_the_history_keeps_size_and_hash() -> None:
    (turn,) = plain_conversation([Message("user", "look", (b"png",))])
    assert turn == {
        "role": "user",
        "content": "look",
        "images": [
            {"bytes": 3, "sha256": "8f8cbb7dcf46e0bc7d53265749a6c17d116093a6ba95e442764060c76fd4a86c"}
        ],
    }


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[str]]]:
    """An OpenAI-compatible endpoint that wants a key: its address, and the keys it was shown."""
    keys: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            keys.append(str(self.headers["Authorization"]))
            said = json.dumps({"prompts": [{"hypothesis": "why", "prompt": idea(len(keys))}]})
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
            usage = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}
            answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "toy"}
            body = json.dumps(answer | {"choices": [choice], "usage": usage}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *given: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1", keys
    server.shutdown()
    server.server_close()


def test_the_key_of_an_endpoint_is_nowhere_in_the_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: tuple[str, list[str]]
) -> None:
    address, keys = endpoint
    monkeypatch.setenv("OPTIMIZER_KEY", KEY)
    parts = replace(world.parts(), llm=load_llm)
    named = ("--optimizer.llm.model", "toy", "--optimizer.llm.base_url", address)
    found = proposed(tmp_path, "opro", parts, *named, "--optimizer.llm.api_key_env", "OPTIMIZER_KEY")
    assert set(keys) == {f"Bearer {KEY}"}
    assert all([turn["role"] for turn in sent] == ["system", "user"] for _, sent in found)
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes(), file
