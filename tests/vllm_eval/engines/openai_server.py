"""A real HTTP server on the loopback interface that misbehaves as told, and the clips to ask it about."""

import base64
import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from videos.clip import Clip, Frames, Pixels, SourceInfo
from vllm_eval.engine import Kind, Request
from vllm_eval.engines import load_engine
from vllm_eval.engines.openai import OpenAIEngine
from vllm_eval.questions.layout import lettered

KEY = "sk-very-secret-0123456789"
LABELS = ("archery", "bowling", "surfing", "juggling", "knitting")
KINDS: tuple[Kind, ...] = ("human", "background", "other")
Act = Callable[["Handler", int], None]


# What the clips are, and what an honest server says about them


def letter_of(number: int) -> str:
    """The honest answer about clip ``number``: by turns its person, its scene and a third choice."""
    return "ABCDE"[(number + number % 3) % 5]


def kind_of(number: int) -> Kind:
    """The kind of that answer."""
    return KINDS[number % 3]


@dataclass(frozen=True)
class Still:
    number: int

    def identity(self) -> str:
        return str(self.number)

    def info(self) -> SourceInfo:
        return SourceInfo(8, 8.0)

    def read(self, indices: Sequence[int]) -> Pixels:
        return np.full((len(indices), 16, 17, 3), self.number, np.uint8)


def request(number: int, prompt: str = "Look.", frames: Callable[[], Frames] | None = None) -> Request:
    """A question about clip ``number``, whose pixels all have that value."""
    source = Still(number)
    clip = Clip(f"c{number}", LABELS[number % 5], LABELS[(number + 1) % 5], (f"v{number}",), source)
    read = frames or (lambda: Frames(source.read(range(2)), (0, 4), 8.0, 8))
    question = lettered(f"{prompt} Clip c{number}.", LABELS)
    return Request(clip, f"media{number}", read, question, f"{prompt} c{number}")


def requests(n: int) -> list[Request]:
    return [request(number) for number in range(n)]


# The server


class Handler(BaseHTTPRequestHandler):
    """One connection. HTTP/1.0: it is closed after the reply."""

    endpoint: "Endpoint"

    def do_GET(self) -> None:
        self.endpoint.keys.append(self.headers["Authorization"])
        status, content = self.endpoint.models
        self.reply(content, status)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = body["messages"][-1]["content"][-1]["text"]
        found = re.search(r"Clip c(\d+)\.", text)
        assert found
        number = int(found[1])
        self.endpoint.keys.append(self.headers["Authorization"])
        with self.endpoint.counted(number, body):
            self.endpoint.act_for(number)(self, number)

    def reply(self, content: Any, status: int = 200, length: int | None = None, **headers: str) -> None:
        """Send JSON, or bytes as they are; ``length`` is what the header claims."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are expected here."""


@dataclass
class Endpoint:
    """``scripts``: per clip what to do first, second, ...; afterwards, and for all others, ``usual``."""

    url: str = ""
    models: tuple[int, Any] = (200, {"object": "list", "data": [{"id": "toy", "owned_by": "me"}]})
    scripts: dict[int, list[Act]] = field(default_factory=dict)
    usual: "Act" = field(default_factory=lambda: says())
    asked: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    busy: int = 0
    busiest: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def counted(self, number: int, body: dict[str, Any]) -> Iterator[None]:
        with self.guard:
            self.asked.append((number, body))
            self.times.append(time.monotonic())
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
        try:
            yield
        finally:
            with self.guard:
                self.busy -= 1

    def act_for(self, number: int) -> Act:
        with self.guard:
            script = self.scripts.get(number)
            return script.pop(0) if script else self.usual

    def calls(self, number: int) -> int:
        """How often that clip was asked about."""
        return sum(asked == number for asked, _ in self.asked)


@contextmanager
def serving() -> Iterator[Endpoint]:
    """A running server."""
    endpoint = Endpoint()
    handler = type("Bound", (Handler,), {"endpoint": endpoint})
    server = QuietServer(("127.0.0.1", 0), handler)
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def engine_at(endpoint: Endpoint, **options: Any) -> OpenAIEngine:
    """The engine, as the configuration makes it; in a hurry."""
    hurried = {"first_wait": 0.01, "timeout": 5.0, "attempts": 3, "concurrency": 8}
    engine = load_engine("openai", "toy", base_url=endpoint.url, **{**hurried, **options})
    assert isinstance(engine, OpenAIEngine)
    return engine


# What it can do


def completion(text: str | None, finish: str | None = "stop", **more: Any) -> dict[str, Any]:
    """A well-formed reply; ``more`` of message, choice or body by their names."""
    message = {"role": "assistant", "content": text, **more.pop("message", {})}
    choice = {"index": 0, "finish_reason": finish, "message": message, **more.pop("choice", {})}
    usage = {"prompt_tokens": 100, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 60}}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "toy", "choices": [choice]} | {
        "usage": usage,
        **more,
    }


def says(text: str | None = None, finish: str | None = "stop", **more: Any) -> Act:
    """A text, by default the honest letter."""
    return lambda handler, number: handler.reply(
        completion(letter_of(number) if text is None else text, finish, **dict(more))
    )


def sends(content: Any, status: int = 200, length: int | None = None, **headers: str) -> Act:
    """Anything."""
    return lambda handler, number: handler.reply(content, status, length, **headers)


def fails(status: int, message: str = "no", code: str | None = None, **headers: str) -> Act:
    """An error in OpenAI's form."""
    error = {"message": message, "type": "x", "param": None, "code": code}
    return sends({"error": error}, status, **headers)


def late(seconds: float, then: Act) -> Act:
    """Another act, later."""

    def act(handler: Handler, number: int) -> None:
        time.sleep(seconds)
        then(handler, number)

    return act


def drips(handler: Handler, number: int) -> None:
    """A good reply, a byte at a time: it never stalls, and does not end in time."""
    data = json.dumps(completion(letter_of(number))).encode()
    handler.reply(b"", length=len(data))
    for byte in data:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.02)


def silent(content: str | None = "") -> Act:
    """A reply without a word."""
    return sends(completion(content))


def first_token(**logprobs: float) -> dict[str, Any]:
    """Log-probabilities of the first token."""
    top = [{"token": token.replace("_", " "), "logprob": value} for token, value in logprobs.items()]
    best = max(top, key=lambda one: float(str(one["logprob"])))
    return {"logprobs": {"content": [{**best, "top_logprobs": top}]}}


DROPPED = sends(b'{"choices": [{"mess', length=1000)
HALF = sends(b'{"choices": [{"index": 0, "mess')
WRONG_SHAPE = sends({"choices": {"message": "B"}})
A_LIST = sends([1, 2, 3])
NO_CHOICE = sends({**completion("B"), "choices": []})
HTML = sends(b"<html>Bad gateway</html>")


def image(url: str) -> Pixels:
    """The frame in a data URL."""
    from PIL import Image

    data = base64.b64decode(url.rpartition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)))
