"""The endpoint's side is a real HTTP server on the loopback interface."""

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agents.llm import Message, ToolCall, ToolSpec, load_llm
from agents.llm.base import Remote, TimedOut, TooLong, sees_images, with_tools
from agents.llm.openai_llm import OpenAILLM, Patience
from assets.errors import UserError
from vllm_eval.engines.openai_settings import read_access

KEY = "sk-very-secret-0123456789"
ASK = [Message("system", "You write prompts."), Message("user", "One more.")]


def said(text: str, finish: str = "stop") -> dict[str, Any]:
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "toy",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14},
    }


def refused(param: str | None, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": None}}


@dataclass
class Endpoint:
    """Answers with its script, last entry for ever; keeps what it was asked."""

    script: list[tuple[int, dict[str, Any] | str]] = field(default_factory=lambda: [(200, said("hello"))])
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    url: str = ""
    delay: float = 0.0

    def answer(self, path: str, key: str | None, body: dict[str, Any]) -> tuple[int, dict[str, Any] | str]:
        self.asked.append(body)
        self.paths.append(path)
        self.keys.append(key)
        time.sleep(self.delay)
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


def handler_of(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, content = endpoint.answer(self.path, self.headers["Authorization"], body)
            page = isinstance(content, str) and content.startswith("<")
            data = (content if isinstance(content, str) else json.dumps(content)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if page else "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Retry-After-Ms", "10")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(endpoint))
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    serving.start()
    yield endpoint
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture
def llm(endpoint: Endpoint) -> Iterator[OpenAILLM]:
    llm = made(endpoint.url)
    yield llm
    llm.close()


def made(url: str, timeout: float = 20.0, deadline: float = 20.0, **more: Any) -> OpenAILLM:
    access = read_access(url, "MY_KEY", {"MY_KEY": KEY})
    return OpenAILLM("toy", access, 0.7, Patience(timeout, deadline), **more)


def test_a_conversation_goes_out_and_the_reply_comes_back(endpoint: Endpoint, llm: OpenAILLM) -> None:
    reply = llm.complete(ASK, max_tokens=20, seed=5, stop=["\n"])
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens, reply.cut) == ("hello", 11, 3, False)
    assert reply.seconds > 0
    sent = endpoint.asked[0]
    assert sent["messages"] == [
        {"role": "system", "content": "You write prompts."},
        {"role": "user", "content": "One more."},
    ]
    assert (sent["model"], sent["max_tokens"], sent["temperature"]) == ("toy", 20, 0.7)
    assert (sent["seed"], sent["stop"]) == (5, ["\n"])
    assert "response_format" not in sent
    assert endpoint.keys == [f"Bearer {KEY}"]


def test_a_plain_text_goes_to_the_completions_path(endpoint: Endpoint, llm: OpenAILLM) -> None:
    choice = {"index": 0, "finish_reason": "length", "text": " 90", "logprobs": None}
    endpoint.script = [(200, {**said(""), "object": "text_completion", "choices": [choice]})]
    reply = llm.complete("Score", max_tokens=1, temperature=0.0)
    assert (reply.text, reply.cut) == (" 90", True)
    assert endpoint.paths == ["/v1/completions"]
    assert llm.complete("Score", max_tokens=1, begin=" 9").text == " 9 90"
    assert endpoint.asked[1]["prompt"] == "Score 9"
    assert (endpoint.asked[0]["prompt"], endpoint.asked[0]["temperature"]) == ("Score", 0.0)


@pytest.mark.parametrize("trouble", [429, 500, 503])
def test_a_busy_endpoint_is_asked_again(endpoint: Endpoint, llm: OpenAILLM, trouble: int) -> None:
    endpoint.script = [
        (trouble, refused(None, "later")),
        (trouble, refused(None, "later")),
        (200, said("now")),
    ]
    assert llm.complete(ASK, max_tokens=5).text == "now"
    assert len(endpoint.asked) == 3


def test_a_schema_constrains_the_reply(endpoint: Endpoint, llm: OpenAILLM) -> None:
    llm.complete(ASK, max_tokens=5, json_schema={"type": "object"})
    assert endpoint.asked[0]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": {"type": "object"}},
    }


def test_an_option_the_endpoint_refuses_is_left_out_from_then_on(endpoint: Endpoint, llm: OpenAILLM) -> None:
    endpoint.script = [
        (400, refused("response_format", "not supported")),
        (400, refused(None, "Unknown field: seed")),
        (200, said("fine")),
    ]
    assert llm.complete(ASK, max_tokens=5, json_schema={"type": "object"}).text == "fine"
    assert llm.complete(ASK, max_tokens=5, json_schema={"type": "object"}).text == "fine"
    assert len(endpoint.asked) == 4
    assert all("response_format" not in sent and "seed" not in sent for sent in endpoint.asked[2:])


def test_max_tokens_is_sent_under_its_newer_name_where_asked_for(endpoint: Endpoint, llm: OpenAILLM) -> None:
    endpoint.script = [(400, refused("max_tokens", "use max_completion_tokens")), (200, said("fine"))]
    llm.complete(ASK, max_tokens=5)
    assert endpoint.asked[1]["max_completion_tokens"] == 5
    assert "max_tokens" not in endpoint.asked[1]


def test_a_context_that_is_exceeded_is_told_apart(endpoint: Endpoint, llm: OpenAILLM) -> None:
    told = "max_tokens is too large: 9. This model's maximum context length is 8192 tokens."
    endpoint.script = [(400, refused("max_tokens", told))]
    with pytest.raises(TooLong, match="maximum context length is 8192"):
        llm.complete(ASK, max_tokens=9)
    assert len(endpoint.asked) == 1
    endpoint.script = [(400, refused("messages", "no such role"))]
    with pytest.raises(UserError) as other:
        llm.complete(ASK, max_tokens=9)
    assert not isinstance(other.value, TooLong)


def test_a_refusal_about_something_else_is_told_at_once(endpoint: Endpoint, llm: OpenAILLM) -> None:
    endpoint.script = [(400, refused("messages", "the conversation stopped making sense"))]
    with pytest.raises(UserError, match="stopped making sense"):
        llm.complete(ASK, max_tokens=5, stop=["\n"])
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "check the key in MY_KEY"), (404, "check optimizer.llm.model")]
)
def test_the_key_stands_in_no_error_and_no_log(
    endpoint: Endpoint, llm: OpenAILLM, status: int, hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint.script = [(status, refused(None, f"Incorrect API key provided: {KEY}."))]
    with pytest.raises(UserError, match=hint) as failure:
        llm.complete(ASK, max_tokens=5)
    told = str(failure.value)
    assert "\n" not in told
    assert "optimizer model toy at 127.0.0.1" in told
    shown: BaseException | None = failure.value
    while shown is not None:
        assert KEY not in str(shown)
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)
    assert caplog.records
    assert KEY not in caplog.text.replace(json.dumps(refused(None, KEY)), "")


def test_nobody_there_is_one_line_with_its_cause() -> None:
    llm = made("http://127.0.0.1:9/v1", deadline=0.1)
    said = (
        r"optimizer model toy at 127.0.0.1:9: APIConnectionError: .*[Rr]efused.*check optimizer.llm.base_url"
    )
    with pytest.raises(UserError, match=said):
        llm.complete(ASK, max_tokens=5)
    llm.close()


def test_a_busy_endpoint_is_asked_until_the_deadline_and_it_is_told(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.llm.openai_llm._TELL", 0.0)
    endpoint.script = [(429, refused(None, "3 requests per minute"))]
    llm, told = made(endpoint.url, deadline=0.5), list[str]()
    llm.notify = told.append
    with pytest.raises(UserError, match=r"RateLimitError: .*3 requests per minute"):
        llm.complete(ASK, max_tokens=5)
    assert len(endpoint.asked) > 10  # every ten milliseconds, as the server wishes
    assert "asked again in 0 s" in told[0]


def test_money_that_is_used_up_is_not_waited_for(endpoint: Endpoint, llm: OpenAILLM) -> None:
    endpoint.script = [(429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}})]
    with pytest.raises(UserError, match="exceeded your quota"):
        llm.complete(ASK, max_tokens=5)
    assert len(endpoint.asked) == 1


def test_a_reply_that_does_not_come_is_not_asked_for_again(endpoint: Endpoint) -> None:
    endpoint.delay = 1.0
    llm = made(endpoint.url, timeout=5.0)
    llm.within(0.0)  # at least a second is given
    endpoint.delay = 2.0
    with pytest.raises(TimedOut, match=r"no reply within .*optimizer.llm.timeout"):
        llm.complete(ASK, max_tokens=5)
    assert len(endpoint.asked) == 1
    llm.close()


def test_an_answer_without_choices_or_usage_is_an_empty_reply(endpoint: Endpoint, llm: OpenAILLM) -> None:
    endpoint.script = [(200, {**said("x"), "choices": []}), (200, {**said("x"), "usage": None})]
    assert llm.complete(ASK, max_tokens=5).text == ""
    assert llm.complete(ASK, max_tokens=5).prompt_tokens == 0


@dataclass(frozen=True)
class Settings:
    model: str = "toy"
    base_url: str | None = None
    api_key_env: str = "MY_KEY"
    temperature: float = 0.3
    timeout: float = 20.0
    deadline: float = 20.0
    extra_body: Mapping[str, Any] = field(default_factory=dict)


def test_settings_with_a_base_url_take_the_key_from_the_environment(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    llm = load_llm(Settings(base_url=endpoint.url))
    llm.complete(ASK, max_tokens=5)
    llm.close()
    assert endpoint.keys == [f"Bearer {KEY}"]
    assert endpoint.asked[0]["temperature"] == 0.3
    assert llm.follows_instructions


def test_a_server_of_ones_own_needs_no_key_and_a_public_one_does(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    llm = load_llm(Settings(base_url=endpoint.url))
    assert llm.complete(ASK, max_tokens=5).text == "hello"
    llm.close()
    with pytest.raises(UserError, match=r"MY_KEY is not set: put the key of api\.example\.com into"):
        load_llm(Settings(base_url="https://api.example.com/v1"))


@pytest.mark.parametrize("url", ["api.openai.com/v1", "ftp://x/v1", "http://"])
def test_a_base_url_that_is_none_is_said_with_an_example(url: str) -> None:
    with pytest.raises(UserError, match=r"expected e\.g\. https://"):
        load_llm(Settings(base_url=url))


def test_the_libraries_are_loaded_only_when_used() -> None:
    heavy = ("openai", "xllamacpp", "torch", "transformers")
    code = f"import agents.llm, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


TOOL = ToolSpec("top", "The best prompts.", {"type": "object", "properties": {"k": {"type": "integer"}}})


def wanting(name: str, arguments: str) -> dict[str, Any]:
    reply = said("")
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}
    reply["choices"][0] = {
        "index": 0,
        "finish_reason": "tool_calls",
        "message": {"role": "assistant", "content": None, "tool_calls": [call]},
    }
    return reply


def test_tools_go_out_and_calls_come_back(endpoint: Endpoint, llm: OpenAILLM) -> None:
    endpoint.script = [(200, wanting("top", '{"k": 3}'))]
    reply = llm.converse(ASK, [TOOL], max_tokens=20, seed=4)
    assert reply is not None
    assert reply.calls == (ToolCall("c1", "top", '{"k": 3}'),)
    sent = endpoint.asked[0]
    assert sent["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "top",
                "description": "The best prompts.",
                "parameters": dict(TOOL.parameters),
            },
        }
    ]
    answered = [*ASK, Message("assistant", "", calls=reply.calls), Message("tool", "none yet", call_id="c1")]
    llm.converse(answered, [TOOL], max_tokens=20)
    asked, told = endpoint.asked[1]["messages"][2:]
    assert asked["tool_calls"][0]["function"] == {"name": "top", "arguments": '{"k": 3}'}
    assert told == {"role": "tool", "content": "none yet", "tool_call_id": "c1"}


@pytest.mark.parametrize(
    "refusal",
    [
        "Unrecognized request argument supplied: tools",
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        "toy does not support tools",
    ],
)
def test_an_endpoint_without_tools_is_found_out_once(
    endpoint: Endpoint, llm: OpenAILLM, refusal: str
) -> None:
    endpoint.script = [(400, refused(None, refusal)), (200, said("no tools here"))]
    assert with_tools(llm) is not None
    assert llm.converse(ASK, [TOOL], max_tokens=20) is None
    assert with_tools(llm) is None
    assert len(endpoint.asked) == 1  # a reply without tools would be paid for and thrown away
    assert llm.complete(ASK, max_tokens=20).text == "no tools here"


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("<html><body>Welcome</body></html>", "Welcome"),
        ('{"choices": [', "'{"),
        ({"error": "Unexpected endpoint or method"}, "Unexpected endpoint or method"),
        ({"detail": KEY}, r"\*\*\*"),
    ],
    ids=["page", "broken", "error", "other"],
)
def test_an_answer_that_is_no_completion_is_one_line_and_shows_no_key(
    endpoint: Endpoint, llm: OpenAILLM, answer: dict[str, Any] | str, shown: str
) -> None:
    endpoint.script = [(200, answer)]
    with pytest.raises(UserError, match=f"is no completion: .*{shown}.*usually ends in /v1") as failed:
        llm.complete(ASK, max_tokens=20)
    assert KEY not in str(failed.value)


def test_a_retry_is_no_hotter_than_endpoints_take(endpoint: Endpoint, llm: OpenAILLM) -> None:
    llm.complete(ASK, max_tokens=20, temperature=2.185)
    assert endpoint.asked[0]["temperature"] == 2


def test_pictures_go_beside_the_text_until_they_are_refused(endpoint: Endpoint, llm: OpenAILLM) -> None:
    endpoint.script = [
        (200, said("seen")),
        (400, refused(None, "image input is not supported")),
        (200, said("read")),
    ]
    turn = Message("user", "Look.", images=(b"\x89PNG",))
    llm.complete([turn], max_tokens=5)
    text, picture = endpoint.asked[0]["messages"][0]["content"]
    assert text == {"type": "text", "text": "Look."}
    assert picture["image_url"]["url"] == "data:image/png;base64,iVBORw=="
    assert sees_images(llm)
    assert llm.complete([turn], max_tokens=5).text == "read"
    assert endpoint.asked[2]["messages"] == [{"role": "user", "content": "Look."}]
    assert not sees_images(llm)


def choice(**given: Any) -> dict[str, Any]:
    return {**said(""), "choices": [{"index": 0, "finish_reason": "stop", **given}]}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (choice(message={"role": "assistant", "content": None}), ""),
        (
            choice(
                message={
                    "role": "assistant",
                    "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "so"}],
                }
            ),
            "so",
        ),
    ],
    ids=["no content", "parts"],
)
def test_odd_contents_are_read(endpoint: Endpoint, llm: OpenAILLM, answer: dict[str, Any], text: str) -> None:
    endpoint.script = [(200, answer)]
    assert llm.complete(ASK, max_tokens=5).text == text


def test_arguments_that_come_as_an_object_are_read(endpoint: Endpoint, llm: OpenAILLM) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "top", "arguments": {"k": 3}}}
    endpoint.script = [(200, choice(message={"role": "assistant", "content": "", "tool_calls": [call]}))]
    reply = llm.converse(ASK, [TOOL], max_tokens=20)
    assert reply is not None
    assert reply.calls == (ToolCall("c1", "top", '{"k": 3}'),)


@pytest.mark.parametrize(
    "answer",
    [
        choice(message=None),
        {**said(""), "choices": [None]},
        choice(message={"role": "assistant", "content": ""}, error={"code": 502, "message": "no provider"}),
        choice(message={"role": "assistant", "content": "Wat"}, finish_reason="error"),
    ],
    ids=["no message", "no choice", "error", "broken off"],
)
def test_an_answer_that_broke_off_is_asked_for_again_and_then_told(
    endpoint: Endpoint, llm: OpenAILLM, answer: dict[str, Any]
) -> None:
    endpoint.script = [(200, answer), (200, said("now"))]
    assert llm.complete(ASK, max_tokens=5).text == "now"
    endpoint.script = [(200, answer)]
    with pytest.raises(UserError, match="is no completion"):
        llm.complete(ASK, max_tokens=5)
    assert len(endpoint.asked) == 5


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (404, refused(None, "No endpoints found that support tool use.")),
        (422, {"detail": [{"loc": ["body", "tools"], "msg": "Extra inputs are not permitted"}]}),
        (500, refused(None, "tools param requires --jinja flag")),
    ],
    ids=["router", "validation", "llama.cpp"],
)
def test_tools_are_refused_in_many_words(
    endpoint: Endpoint, llm: OpenAILLM, status: int, answer: dict[str, Any]
) -> None:
    endpoint.script = [(status, answer), (200, said("fine"))]
    told: list[str] = []
    llm.notify = told.append
    assert llm.converse(ASK, [TOOL], max_tokens=20) is None
    assert with_tools(llm) is None
    assert told == [f"optimizer model toy at {endpoint.url.split('/')[2]} takes no tools: left out"]


def test_an_unknown_field_is_left_out_whatever_the_status(endpoint: Endpoint, llm: OpenAILLM) -> None:
    detail = [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]
    endpoint.script = [(422, {"detail": detail}), (200, said("fine"))]
    assert llm.complete(ASK, max_tokens=5).text == "fine"
    assert "seed" not in endpoint.asked[1]


def test_what_is_too_large_for_the_server_is_too_long(endpoint: Endpoint, llm: OpenAILLM) -> None:
    endpoint.script = [(413, "<html>Request Entity Too Large</html>")]
    with pytest.raises(TooLong):
        llm.complete(ASK, max_tokens=5)


def test_a_call_the_model_got_wrong_takes_no_tools_away(endpoint: Endpoint, llm: OpenAILLM) -> None:
    slip = {"error": {"message": "Failed to call a function: tools", "code": "tool_use_failed"}}
    endpoint.script = [(400, slip), (200, wanting("top", "{}"))]
    assert llm.converse(ASK, [TOOL], max_tokens=20) is not None
    endpoint.script = [(400, slip)]
    assert llm.converse(ASK, [TOOL], max_tokens=20) is None
    assert len(endpoint.asked) == 5
    assert with_tools(llm) is not None


def test_a_warm_retry_takes_the_temperature_from_no_later_call(endpoint: Endpoint, llm: OpenAILLM) -> None:
    endpoint.script = [(400, refused("temperature", "temperature must be in 0..1")), (200, said("fine"))]
    llm.complete(ASK, max_tokens=5, temperature=1.3)
    llm.complete(ASK, max_tokens=5)
    assert [sent["temperature"] for sent in endpoint.asked] == [1.3, 1.0, 0.7]


def test_broken_arguments_are_not_repeated_to_the_endpoint(endpoint: Endpoint, llm: OpenAILLM) -> None:
    turns = [
        *ASK,
        Message("assistant", "", calls=(ToolCall("c1", "top", '{"k": '),)),
        Message("tool", "no JSON", call_id="c1"),
        Message("assistant", ""),
    ]
    llm.converse(turns, [TOOL], max_tokens=20)
    sent = endpoint.asked[0]["messages"]
    assert sent[2]["tool_calls"][0]["function"]["arguments"] == "{}"
    assert sent[4]["content"]


def test_more_of_the_body_goes_out_as_it_stands(endpoint: Endpoint) -> None:
    llm = made(endpoint.url, extra_body={"reasoning_effort": "low"})
    assert isinstance(llm, Remote)
    llm.complete(ASK, max_tokens=5)
    assert endpoint.asked[0]["reasoning_effort"] == "low"
    llm.close()
