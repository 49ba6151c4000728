"""What is sent, what is read from a reply, what a failure means, and how many at once: without a server."""

import asyncio
import json
import math
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import openai_server as server
from openai_server import completion, first_token, request

from assets.errors import UserError
from videos.clip import Frames
from vllm_eval.engines import openai_request as ask
from vllm_eval.engines.openai_media import Encoder, encoded, frame_rate, mp4
from vllm_eval.engines.openai_pace import Gate, backoff
from vllm_eval.engines.openai_reply import Garbled, declines, letter_logprobs, read_completion, to_answer
from vllm_eval.engines.openai_settings import Prices, read_access, read_settings
from vllm_eval.engines.openai_verdict import retry_after

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 16, 17, 3), np.uint8)
FRAMES = Frames(PIXELS, (0, 4, 8), 8.0, 12)


def settings(**options: Any) -> Any:
    return read_settings({"model": "toy", **options})


def answered(text: str | None, finish: str | None = "stop", **more: Any) -> Any:
    body = json.dumps(completion(text, finish, **more)).encode()
    return to_answer(request(0), read_completion(body), 0.5)


# What is sent


@pytest.mark.parametrize("system", [None, "Be brief."])
def test_the_clip_stands_before_the_question(system: str | None) -> None:
    sent = encoded(FRAMES, "m", settings(), "frames")
    turns = ask.messages(request(0).question, sent, system)
    assert [turn["role"] for turn in turns] == (["system"] if system else []) + ["user"]
    parts = turns[-1]["content"]
    assert [part["type"] for part in parts] == ["image_url"] * 3 + ["text"]
    assert parts[-1]["text"] == request(0).question.text
    assert {part["image_url"]["detail"] for part in parts[:-1]} == {"low"}
    plain = encoded(FRAMES, "m", settings(detail=None), "frames").parts
    assert all("detail" not in part["image_url"] for part in plain)


def test_frames_arrive_as_they_were() -> None:
    smooth = np.linspace(0, 255, 2 * 32 * 32 * 3).reshape(2, 32, 32, 3).astype(np.uint8)
    sent = encoded(Frames(smooth, (0, 1), 8.0, 8), "m", settings(quality=100), "frames")
    for frame, part in zip(smooth, sent.parts, strict=True):
        assert np.abs(server.image(part["image_url"]["url"]).astype(int) - frame).max() <= 4


def test_a_server_of_videos_is_told_which_frames_these_are() -> None:
    sent = encoded(FRAMES, "m7", settings(quality=80), "jpeg")
    (part,) = sent.parts
    head, *frames = part["video_url"]["url"].split(",")
    assert (part["type"], head, len(frames)) == ("video_url", "data:video/jpeg;base64", 3)
    assert server.image(frames[1]).shape == (16, 17, 3)
    assert part["uuid"] == "m7-jpeg80"
    video = ask.body(settings(extra_body={"top_k": 1}), sent)
    assert video.pop("top_k") == 1
    assert video == {
        "media_io_kwargs": {
            "video": {
                "fps": 8.0,
                "frames_indices": [0, 4, 8],
                "total_num_frames": 12,
                "duration": 1.5,
                "do_sample_frames": False,
            }
        }
    }


def test_an_mp4_holds_every_frame_at_the_sampled_rate(tmp_path: Path) -> None:
    import av

    pixels = np.repeat(np.array([10, 120, 240], np.uint8), 16 * 17 * 3).reshape(3, 16, 17, 3)
    frames = Frames(pixels, (0, 4, 8), 8.0, 12)
    options = settings(media="file", media_folder=str(tmp_path / "new"))
    (part,) = encoded(frames, "m", options, "file").parts
    url = urlsplit(part["video_url"]["url"])
    assert (part["type"], url.scheme) == ("video_url", "file")
    assert encoded(frames, "m", options, "file").parts == (part,)
    (path,) = (tmp_path / "new").iterdir()
    assert path == Path(unquote(url.path))
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == 2
        seen = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert [image.shape for image in seen] == [(16, 18, 3)] * 3
    assert [round(float(image.mean()) / 10) for image in seen] == [1, 12, 24]
    (inline,) = encoded(frames, "m", settings(), "mp4").parts
    assert inline["video_url"]["url"].startswith("data:video/mp4;base64,")
    assert mp4(pixels[:1], Fraction(1))


@pytest.mark.parametrize(
    ("indices", "fps", "rate"), [((0, 15, 30), 30.0, 2), ((5,), 30.0, 1), ((3, 3), 25.0, 1), ((0, 2), 0.0, 1)]
)
def test_the_sampled_rate_follows_from_the_steps(indices: tuple[int, ...], fps: float, rate: int) -> None:
    pixels = np.zeros((len(indices), 2, 2, 3), np.uint8)
    assert frame_rate(Frames(pixels, indices, fps, 60)) == rate


def test_encoded_clips_are_kept_up_to_the_bound_latest_used_last() -> None:
    size = sum(len(part["image_url"]["url"]) for part in _sent(0).parts)
    encoder = Encoder(settings(), "frames", kept_bytes=int(2.5 * size))
    for number in (0, 1):
        encoder.encode(request(number))
    assert encoder.find("media0") == _sent(0)
    encoder.encode(request(2))
    assert (encoder.find("media1"), encoder.find("media2")) == (None, _sent(2))
    assert encoder.find("media0") is not None


def _sent(number: int) -> ask.Sent:
    one = request(number)
    return encoded(one.frames(), one.media_id, settings(), "frames")


def test_what_is_asked_for_follows_the_settings() -> None:
    question, plain = request(0).question, SimpleNamespace(letters=())
    assert ask.options(question, settings(seed=3, temperature=0.7)) == {
        "max_tokens": 16,
        "temperature": 0.7,
        "seed": 3,
        "logprobs": True,
        "top_logprobs": 20,
    }
    assert ask.options(question, settings(letters="logprobs"))["max_tokens"] == 1
    assert "logprobs" not in ask.options(question, settings(letters="text"))
    open_: Any = plain
    assert ask.options(open_, settings(letters="logprobs")) == {
        "max_tokens": 16,
        "temperature": 0.0,
        "seed": 0,
    }
    assert ask.options(question, settings(), {"top_logprobs"})["top_logprobs"] == 5
    assert ask.options(question, settings(), {"logprobs", "seed", "max_tokens"}) == {
        "max_completion_tokens": 16,
        "temperature": 0.0,
    }


# What is read


def test_letters_are_read_from_log_probabilities_where_the_model_means_them() -> None:
    top = first_token(A=-2.0, C=-0.3, The=-3.0, _C=-3.0)
    answer = answered("C", choice=top)
    assert (answer.label, answer.kind) == ("surfing", "other")
    assert answer.logprobs is not None
    assert answer.logprobs[0] == -2.0
    assert answer.logprobs[2] == pytest.approx(math.log(math.exp(-0.3) + math.exp(-3.0)))
    assert answer.logprobs[1] == -math.inf


def test_a_sentence_is_not_answered_by_its_first_tokens_runner_up() -> None:
    top = first_token(The=-0.01, A=-5.0)
    assert answered("The answer is B.", choice=top).label == "bowling"
    assert answered("The person moves.", choice=top).label == "archery"  # nothing better is known
    assert answered("The person moves.").kind == "unparsed"
    declined = answered("I'm sorry, but I can't assist with that.", choice=first_token(I=-0.1, A=-4.0))
    assert (declined.kind, declined.label) == ("refused", None)


def test_the_likeliest_letter_decides_alone_where_the_settings_say_so() -> None:
    body = json.dumps(completion("The answer is B.", choice=first_token(The=-0.01, A=-5.0))).encode()
    assert to_answer(request(0), read_completion(body), 0.0, by_logprobs=True).label == "archery"


@pytest.mark.parametrize("first", [(), (("The", -0.1),), (("A", math.nan),)])
def test_without_a_listed_letter_there_are_no_log_probabilities(first: tuple[tuple[str, float], ...]) -> None:
    assert letter_logprobs("AB", first) is None


def test_log_probabilities_never_exceed_zero() -> None:
    assert letter_logprobs("AB", [("A", 1e-9), (" A", -20.0), ("B", -9999.0)]) == (0.0, -9999.0)


@pytest.mark.parametrize(
    "extra",
    [
        {"usage": None},
        {"usage": {"prompt_tokens": "many"}},
        {"choice": {"logprobs": {"content": "x"}}},
        {"choice": {"logprobs": {"content": []}}},
        {"choice": {"finish_reason": 7}},
        {"message": {"refusal": 3}},
        {"surprise": [1]},
    ],
)
def test_a_malformed_extra_costs_no_answer(extra: dict[str, Any]) -> None:
    answer = answered("B", **extra)
    assert (answer.kind, answer.text, answer.logprobs) == ("background", "B", None)
    assert answer.prompt_tokens == (0 if "usage" in extra else 100)


@pytest.mark.parametrize("usage", [{"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}}])
def test_no_more_tokens_are_cached_than_there_are(usage: dict[str, Any]) -> None:
    assert answered("B", usage=usage).cached_tokens == 5


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b'{"choices": [{}]}', b'{"choices": [null]}', b"\xff"]
)
def test_a_reply_of_another_shape_is_told_in_one_line(body: bytes) -> None:
    with pytest.raises(Garbled, match=r"^unreadable reply, [^\n]+$"):
        read_completion(body)


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't assist with that request.",
        "I’m sorry, I can’t help with that.",
        "Sorry, I cannot identify people in this video.",
        "I am unable to provide that.",
        "Unfortunately, I won't help.",
    ],
)
def test_refusals_in_words_are_known(text: str) -> None:
    assert declines(text)


@pytest.mark.parametrize(
    "text",
    ["I can't tell which.", "I cannot identify the action.", "Sorry about the delay: B", "B", "", "Island"],
)
def test_not_knowing_is_no_refusal(text: str) -> None:
    assert not declines(text)


def test_a_refusal_that_names_a_choice_after_all_is_an_answer() -> None:
    assert answered("I'm sorry, I can't help it: the answer is B.").kind == "background"
    assert answered("B", message={"refusal": "no"}).kind == "refused"


def test_money_follows_the_prices_cached_tokens_apart() -> None:
    reply = read_completion(json.dumps(completion("B")).encode())
    assert reply.dollars(None) == 0.0
    assert reply.dollars(Prices(prompt=2.0, completion=8.0)) == pytest.approx((100 * 2 + 8) / 1e6)
    priced = Prices(prompt=2.0, completion=8.0, cached=0.5)
    assert reply.dollars(priced) == pytest.approx((40 * 2 + 60 * 0.5 + 8) / 1e6)


def test_waits_are_read_in_all_their_forms() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=60), usegmt=True)
    told = [{"retry-after": "1.5"}, {"retry-after-ms": "250", "retry-after": "9"}, {"retry-after": past}]
    assert [retry_after(headers) for headers in told] == [1.5, 0.25, 0.0]
    assert retry_after({"retry-after": soon}) == pytest.approx(60, abs=30)
    for nonsense in ("", "soon", "inf", "nan", "-3"):
        assert retry_after({"retry-after": nonsense}) is None


# How many at once


def test_the_limit_doubles_each_round_trip_then_halves_once_and_creeps_back() -> None:
    async def course() -> list[float]:
        gate = Gate(64)
        limits = [gate.limit]
        gate.cut(await gate.enter())  # before any reply: nothing to halve
        gate.grow()
        limits.append(gate.limit)
        for _ in range(8):
            gate.grow()
        limits.append(gate.limit)
        seen = [await gate.enter() for _ in range(10)]
        for one in seen:
            gate.cut(one)
        limits.append(gate.limit)
        for _ in range(8):
            gate.grow()
        limits.append(gate.limit)
        for _ in range(9):
            gate.cut(gate.cuts)
        limits.append(gate.limit)
        for _ in range(3000):
            gate.grow()
        return [*limits, gate.limit]

    limits = asyncio.run(course())
    assert limits == [1, 8, 16, 8, pytest.approx(8.94, abs=0.02), 1, 64]


def test_the_gate_lets_in_as_many_as_its_limit_in_order_of_arrival() -> None:
    async def course() -> tuple[list[int], list[int]]:
        gate, order = Gate(2, limit=2.9), []

        async def one(number: int) -> None:
            await gate.enter()
            order.append(number)

        tasks = [asyncio.create_task(one(number)) for number in range(5)]
        await asyncio.sleep(0.01)
        first = list(order)
        gate.leave()
        await asyncio.sleep(0.01)
        second = list(order)
        gate.free()
        await asyncio.gather(*tasks)
        assert order == list(range(5))
        return first, second

    assert asyncio.run(course()) == ([0, 1], [0, 1, 2])


def test_waits_double_up_to_the_longest() -> None:
    for tries, longest in ((1, 0.5), (2, 1.0), (5, 8.0), (9, 30.0), (4000, 30.0)):
        assert longest / 2 <= backoff(0.5, tries) <= longest


# Settings, keys and addresses


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"media": "gif"}, r"option media: Input should be 'auto', 'frames'"),
        ({"concurrency": 0}, "option concurrency: Input should be greater"),
        ({"prices": {"prompt": 1}}, "option prices.completion: Field required"),
        ({"max_dollars": 1.0}, "max_dollars needs prices"),
        ({"media": "file"}, "media file needs media_folder"),
        ({"api_kee": "sk-123456"}, "option api_kee: Extra inputs"),
    ],
)
def test_wrong_options_are_told_in_one_line_without_their_value(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        settings(**options)
    assert "\n" not in str(caught.value)
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"base_url": "api.openai.com/v1"}, "is no endpoint"),
        ({"base_url": "https://host/v1?api-key=sk-123456"}, r"^base_url 'https://host/v1' is no endpoint"),
        ({"base_url": "https://host/v1"}, "OPENAI_API_KEY is not set: put the key of host"),
        ({"base_url": "http://[::1/v1"}, r"'http://\[::1/v1' is no endpoint|::1/v1' is no endpoint"),
        ({"base_url": "http://host:port/v1"}, "host:port/v1' is no endpoint"),
        ({"api_key_env": "sk-123456"}, "api_key_env is no name of a variable"),
        ({"api_key_env": "gsk_123456"}, "api_key_env is no name of a variable"),
        ({"api_key_env": "ODD"}, "the key in ODD holds characters no key has"),
    ],
)
def test_wrong_addresses_and_keys_are_told_without_secrets(options: dict[str, Any], said: str) -> None:
    chosen = settings(**options)
    with pytest.raises(UserError, match=said) as caught:
        read_access(chosen.base_url, chosen.api_key_env, {"ODD": "sk-123456\nx"})
    assert "123456" not in str(caught.value)


def test_credentials_in_the_address_go_into_a_header_and_are_shown_nowhere() -> None:
    access = read_access("https://ann:p%40ss@host:8000/v1", "OPENAI_API_KEY", {})
    assert access.shown == access.base_url == "https://host:8000/v1"
    assert access.headers == {"Authorization": "Basic YW5uOnBAc3M="}
    shown = access.clean("in p@ss, p%40ss and YW5uOnBAc3M=\n" + "x" * 400)
    assert "***, *** and ***" in shown
    assert (len(shown), shown.count("\n")) == (300, 0)
    assert "p@ss" not in repr(access)
    assert "YW5u" not in repr(access)


def test_the_fingerprint_holds_what_changes_an_answer_and_nothing_else() -> None:
    same = [{}, {"base_url": "http://elsewhere/v1"}, {"timeout": 1.0, "concurrency": 2}, {"api_key_env": "K"}]
    prints = {settings(**options).fingerprint("frames") for options in same}
    other: list[dict[str, Any]] = [
        {"revision": "r1"},
        {"detail": "high"},
        {"quality": 80},
        {"temperature": 0.7},
        {"seed": 1},
        {"max_tokens": 1},
        {"system": "Be brief."},
        {"letters": "text"},
        {"extra_body": {"top_k": 1}},
    ]
    prints |= {settings(**options).fingerprint("frames") for options in other}
    prints.add(settings().fingerprint("jpeg"))
    assert len(prints) == 1 + len(other) + 1
    assert "toy frames-low-q95 temperature0-seed0-max16 letters-auto" in settings().fingerprint("frames")
