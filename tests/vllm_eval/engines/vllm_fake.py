"""A vLLM that is not there: it remembers what it is given, caches as vLLM does, and fails when told to."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from videos.clip import Clip, Frames, Pixels, SourceInfo
from vllm_eval.engine import Request
from vllm_eval.engines.vllm import VLLMEngine
from vllm_eval.engines.vllm_backend import CacheMiss, EngineDied, Facts
from vllm_eval.engines.vllm_reply import Reply
from vllm_eval.engines.vllm_report import Room
from vllm_eval.engines.vllm_request import Sampling
from vllm_eval.questions import load_format

CLASSES = ("archery", "bowling", "climbing a rope", "dancing", "fencing", "golf", "punching person (boxing)")
VIDEO_TOKENS = 64
PLACEHOLDER = "<|video|>"


class Words:
    """A tokenizer of words, blanks and special tokens, which learns as it reads."""

    chat_template = "a template for video"

    def __init__(self) -> None:
        self.words: dict[str, int] = {}

    def __call__(
        self, text: str, add_special_tokens: bool = True, split_special_tokens: bool = False
    ) -> dict[str, list[int]]:
        special = "" if split_special_tokens else r"<\|\w+\|>|"
        found = re.findall(rf"{special}\w+|.|\n", text)
        return {"input_ids": [self.words.setdefault(word, len(self.words)) for word in found]}

    def decode(self, ids: Sequence[int]) -> str:
        known = {number: word for word, number in self.words.items()}
        return "".join(known[number] for number in ids)

    def get_added_vocab(self) -> dict[str, int]:
        return {PLACEHOLDER: 0, "<|end|>": 1}

    def apply_chat_template(self, messages: Sequence[Any], **options: Any) -> str:
        said = []
        for message in messages:
            content = message["content"]
            parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
            texts = [PLACEHOLDER if part["type"] == "video" else part["text"] for part in parts]
            said.append(f"{message['role']}:{''.join(texts)}<|end|>")
        return "".join(said) + "assistant:"


@dataclass(frozen=True)
class Given:
    """A prompt that was handed over."""

    id: str
    prompt: Mapping[str, Any]
    sampling: Sampling

    @property
    def uuid(self) -> str:
        return str(self.prompt["multi_modal_uuids"]["video"][0])

    @property
    def pixels(self) -> Pixels | None:
        video = self.prompt["multi_modal_data"]["video"][0]
        return None if video is None else video[0]


@dataclass
class FakeBackend:
    """``media``: how many clips its processor cache holds. ``replies`` changes a reply before it is given.
    ``refuses`` says why a prompt is refused, ``dies_after`` so many steps. ``together``: replies a step, the
    last request first."""

    tokenizer: Any = field(default_factory=Words)
    room: Room = field(default_factory=lambda: Room(100_000, 16, True))
    window: int = 4
    media: int = 1000
    together: int = 2
    finds: bool = True
    replies: Callable[[Reply], Reply] = lambda reply: reply
    refuses: Callable[[Given], str | None] = lambda given: None
    dies_after: int | None = None
    given: list[Given] = field(default_factory=list)
    waiting: list[Given] = field(default_factory=list)
    most: int = 0
    steps: int = 0
    aborted: list[str] = field(default_factory=list)
    closed: int = 0
    forgotten: int = 0
    cached: dict[str, None] = field(default_factory=dict)
    prefixes: set[str] = field(default_factory=set)

    @property
    def facts(self) -> Facts:
        return Facts("9.9", "bfloat16", None, self.room, self.window)

    def submit(self, prompt: Mapping[str, Any], sampling: Sampling) -> str:
        given = Given(f"r{len(self.given)}", prompt, sampling)
        if given.pixels is None and given.uuid not in self.cached:
            raise CacheMiss(given.uuid)
        self.cached[given.uuid] = None
        while len(self.cached) > self.media:
            del self.cached[next(iter(self.cached))]
        if reason := self.refuses(given):
            raise ValueError(reason)
        self.given.append(given)
        self.waiting.append(given)
        self.most = max(self.most, len(self.waiting))
        return given.id

    def step(self) -> list[Reply]:
        self.steps += 1
        if self.dies_after is not None and self.steps > self.dies_after:
            raise EngineDied("it ended")
        done, self.waiting = self.waiting[: self.together], self.waiting[self.together :]
        return [self.replies(self._reply(given)) for given in reversed(done)]

    def abort(self, ids: Sequence[str]) -> None:
        self.aborted.extend(ids)
        self.waiting = [given for given in self.waiting if given.id not in ids]

    def forget_media(self) -> None:
        self.forgotten += 1
        self.cached.clear()

    def close(self) -> None:
        self.closed += 1

    def _reply(self, given: Given) -> Reply:
        """The second letter, the last name, or free text."""
        prompt, sampling = given.prompt, given.sampling
        name = f"{given.uuid} {prompt.get('cache_salt')}"
        found = name in self.prefixes and self.finds
        self.prefixes.add(name)
        total = len(prompt["prompt_token_ids"]) - 1 + VIDEO_TOKENS
        shares = {token: -9.0 if n != 1 else -0.5 for n, token in enumerate(sampling.letters)}
        text = sampling.choice[-1] if sampling.choice else "I see archery."
        tokens = (sampling.letters[1],) if sampling.letters else (7, 8)
        return Reply(
            given.id,
            self.tokenizer.decode(tokens) if sampling.letters else text,
            tokens,
            {**shares, 123456: -3.0} if shares else None,
            total,
            VIDEO_TOKENS if found else 0,
        )


@dataclass(frozen=True)
class Noise:
    """Frames that are told apart by their first pixel."""

    number: int

    def identity(self) -> str:
        return f"noise{self.number}"

    def info(self) -> SourceInfo:
        return SourceInfo(24, 12.0)

    def read(self, indices: Sequence[int]) -> Pixels:
        return np.full((len(indices), 28, 28, 3), self.number, np.uint8)


def frames_of(clip: Clip, seen: list[str]) -> Frames:
    seen.append(clip.id)
    indices = (3, 9, 15, 21)
    return Frames(clip.frames.read(indices), indices, 12.0, 24)


def requests(
    count: int = 3,
    prompts: Sequence[str] = ("What?", "Which action is it?"),
    form: str = "mcq5",
    seen: list[str] | None = None,
    **options: Any,
) -> list[Request]:
    """Clip by clip, every prompt; ``seen`` notes each decoding."""
    asks, noted = load_format(form, **options), [] if seen is None else seen
    clips = [Clip(f"c{i}", CLASSES[i % 7], CLASSES[(i + 3) % 7], (f"s{i}",), Noise(i)) for i in range(count)]
    return [
        Request(
            clip,
            f"m{clip.id}",
            partial(frames_of, clip, noted),
            asks.ask(prompt, clip, CLASSES),
            f"{clip.id}|{prompt}",
        )
        for clip in clips
        for prompt in prompts
    ]


def broken(request: Request) -> Request:
    """The same, its file unreadable."""

    def fail() -> Frames:
        raise OSError("no such\nfile")

    return replace(request, frames=fail)


def engine_on(backend: FakeBackend, **options: Any) -> VLLMEngine:
    return VLLMEngine("some/model", backend=backend, **options)
