"""Answers and replies that are asked once, whoever asks: runs share them, each counts its own as bought.

Both are functions of what is asked: a local model gives the same reply to the same request and seed, whatever
came before, and an answer's key names all it depends on. So a run that was killed starts again for free, and
a run that asks what another asked costs nothing but counts, tokens and seconds included.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from time import monotonic, process_time
from typing import Any

from agents.llm.base import LLM, Conversation, Reply, Schema
from vllm_eval.engine import Answer, Engine, Request

_BATCH = 500  # keys of one look-up


class Memo:
    """JSON by key in one SQLite file, which several processes may share."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(path, timeout=60, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.execute("CREATE TABLE IF NOT EXISTS memo (key TEXT PRIMARY KEY, value TEXT NOT NULL)")

    def known(self, keys: Sequence[str]) -> dict[str, Any]:
        """What is kept under these keys."""
        found = {}
        for start in range(0, len(keys), _BATCH):
            some = keys[start : start + _BATCH]
            marks = ",".join("?" * len(some))
            for key, value in self._file.execute(
                f"SELECT key, value FROM memo WHERE key IN ({marks})", list(some)
            ):
                found[key] = json.loads(value)
        return found

    def keep(self, key: str, value: Any) -> None:
        """Keep a value for good; the first under a key stays."""
        with self._file:
            self._file.execute("INSERT OR IGNORE INTO memo VALUES (?, ?)", (key, json.dumps(value)))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class MemoEngine:
    """An engine that asks another only what is not kept; answers come in the order of the requests.

    The order matters: which answers a run had bought when must not depend on what others asked before.
    """

    def __init__(self, engine: Engine, memo: Memo) -> None:
        self._engine, self._memo = engine, memo

    @property
    def fingerprint(self) -> str:
        """As Engine.fingerprint: the other's."""
        return self._engine.fingerprint

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """As Engine.answer."""
        known = self._memo.known([one.key for one in requests])
        lacking = [one for one in requests if one.key not in known]
        answers = {key: _answer(value) for key, value in known.items()}
        if lacking:
            for answer in self._engine.answer(lacking):
                answers[answer.key] = answer
                if answer.kind != "error":
                    self._memo.keep(answer.key, asdict(answer))
        yield from (answers[one.key] for one in requests)

    def close(self) -> None:
        """As Engine.close."""
        self._engine.close()


def _answer(value: dict[str, Any]) -> Answer:
    logs = value["logprobs"]
    return Answer(**{**value, "logprobs": None if logs is None else tuple(logs)})


class MemoLLM:
    """A model whose replies are kept, without tools: who would work with them gets facts in the request.

    ``tokens`` and ``seconds`` count all replies, those kept from before with what they once took: processor
    time, or of a ``served`` model the time until the reply was there.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[], LLM],
        memo: Memo,
        follows: bool,
        temperature: float = 1.0,
        served: bool = False,
    ) -> None:
        self.name, self.temperature, self.follows_instructions = name, temperature, follows
        self._load, self._memo, self.served = load, memo, served
        self._llm: LLM | None = None
        self.tokens, self.seconds, self.replies = 0, 0.0, 0

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
        """As LLM.complete."""
        asked: dict[str, Any] = {
            "max_tokens": max_tokens,
            "temperature": self.temperature if temperature is None else temperature,
            "seed": seed,
            "stop": list(stop),
            "json_schema": json_schema,
            "begin": begin,
        }
        key = _request_key(f"{self.name}, served" if self.served else self.name, conversation, asked)
        held = self._memo.known([key]).get(key)
        if held is None:
            held = self._asked(conversation, asked)
            self._memo.keep(key, held)
        self.tokens += held["prompt_tokens"] + held["completion_tokens"]
        self.seconds += held["seconds" if self.served else "processor"]
        self.replies += 1
        return Reply(
            held["text"], held["prompt_tokens"], held["completion_tokens"], held["seconds"], held["cut"]
        )

    def _asked(self, conversation: Conversation, asked: dict[str, Any]) -> dict[str, Any]:
        self._llm = self._llm or self._load()
        before, started = process_time(), monotonic()
        reply = self._llm.complete(conversation, **asked)
        took = {"processor": process_time() - before, "seconds": monotonic() - started}
        spent = {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens}
        return {"text": reply.text, "cut": reply.cut, **spent, **took}

    def close(self) -> None:
        """The model stays loaded for the next run."""


def _request_key(name: str, conversation: Conversation, asked: dict[str, Any]) -> str:
    turns = (
        conversation if isinstance(conversation, str) else [(one.role, one.content) for one in conversation]
    )
    said = json.dumps([name, turns, asked], sort_keys=True, ensure_ascii=False)
    return f"reply {sha256(said.encode()).hexdigest()}"
