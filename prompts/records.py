"""What a history hands out: frozen records, and how values are made storable."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, TypeAlias

from prompts.prompt import Prompt
from vllm_eval.evaluator import AnswerRow

Verdict = Literal["accepted", "refused"]
Json: TypeAlias = dict[str, Any]
Conversation: TypeAlias = str | Sequence[Mapping[str, Any]]  # text to continue, or messages

REDACTED = "(redacted)"
AT = " @ "  # a run with several target models keeps the answers of each as the data set "NAME @ target"
_SECRET_KEY = re.compile(
    r"(^|_)(api_?key|secret(_key)?|private_?key|access_?key|pass(word|wd|phrase)?|token|credentials?|auth(orization)?"
    r"|bearer|cookie)$"
)
_SECRET_VALUE = re.compile(r"^(sk-|hf_|ghp_|Bearer )\S{8,}")
_URL_PASSWORD = re.compile(r"(://[^:/@\s]*):[^@\s]+@")  # a slash may be part of it
_URL_SECRET = re.compile(r"([?&](?:api_?key|pass(?:word|wd)?|secret|token)=)[^&\s]+", re.IGNORECASE)


@dataclass(frozen=True)
class RunRecord:
    """One run. ``status`` is running, finished or failed; a killed run stays "running"."""

    id: str
    started: str
    finished: str | None
    status: str
    config: Json
    config_hash: str
    seed: int
    code_version: str
    environment: Json
    summary: Json | None


@dataclass(frozen=True)
class ProposalRecord:
    """A prompt put forward, the guard's verdict on it and the optimizer's reply it was read from.

    ``conversation_id`` names what the optimizer had been sent: ``History.conversation`` tells it.
    """

    round: int
    position: int
    prompt: Prompt
    verdict: Verdict
    reason: str
    raw: str
    conversation_id: str | None = None
    created: str = ""


@dataclass(frozen=True)
class Put:
    """A proposal on its way into the history, what it means as in ``History.add_proposal``."""

    prompt: Prompt
    verdict: Verdict
    reason: str = ""
    raw: str = ""
    request: Conversation | None = None


@dataclass(frozen=True)
class RunCounts:
    """What a run holds: prompts it knows, proposals by verdict, data sets it has answers on, by name."""

    prompts: int = 0
    accepted: int = 0
    refused: int = 0
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True)
class DecisionRecord:
    """Something the loop decided, in order of time."""

    kind: str
    detail: Json
    created: str


@dataclass(frozen=True)
class ScoredIn:
    """Where a prompt was scored: one run, one data set, one question format."""

    run_id: str
    dataset: str
    prompt_id: str
    format_key: str


def plain(value: object) -> Any:
    """The value as any JSON column holds it: mappings, lists, strings, finite numbers, booleans, None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return clean(value)
    return value if value is None or isinstance(value, (bool, int)) else clean(str(value))


def clean(text: str) -> str:
    """Text any database accepts: lone surrogates and NULs, which model replies can hold, are replaced."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\N{REPLACEMENT CHARACTER}")


def redacted(value: Any) -> Any:
    """A plain value without secrets: what stands under a secret-looking name, looks like a key, or is a
    password inside a URL."""
    if isinstance(value, dict):
        return {key: REDACTED if item and _is_secret(key) else redacted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [redacted(item) for item in value]
    if isinstance(value, str):
        return REDACTED if _SECRET_VALUE.match(value) else without_password(value)
    return value


def without_password(text: str) -> str:
    """Text with *** for the password of any URL in it."""
    return _URL_SECRET.sub(r"\1***", _URL_PASSWORD.sub(r"\1:***@", text))


def _is_secret(key: str) -> bool:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).replace("-", "_").replace(" ", "_")
    return _SECRET_KEY.search(snake.lower()) is not None


def config_hash(config: Mapping[str, Any]) -> str:
    """A hash of the configuration without its secrets: changing a key does not make another experiment."""
    return sha256(json.dumps(redacted(plain(config)), sort_keys=True).encode()).hexdigest()


def clusters_of(rows: Sequence[AnswerRow]) -> tuple[tuple[str, ...], ...]:
    """Per answer the sources of its clip: what metrics and paired differences take as clusters."""
    return tuple(row.sources or (row.clip_id,) for row in rows)
