"""Clips, prompts and clocks of benchmarks.engines."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import vllm_eval.mini_vllm
from videos.clip import Frames
from videos.decode import FramePolicy
from vllm_eval.engine import Request
from vllm_eval.questions import load_format

FRAMES, SIDE = 6, 84  # what the bundled model was trained on
WARM_UP = 2  # clips beyond those measured, to compile kernels and allocate with
GIB = 1 << 30


@dataclass(frozen=True)
class Said:
    """An answer as far as it is counted. ``label``: the choice it names, None if none."""

    key: str
    label: str | None
    prompt_tokens: int
    cached_tokens: int


class Way(Protocol):
    """One way of asking. ``whole``: later prompts are asked together, clip by clip; else one after another.
    ``processes``: those that belong to it besides this one and its children."""

    @property
    def whole(self) -> bool: ...

    @property
    def start_seconds(self) -> float: ...

    @property
    def processes(self) -> Sequence[int]: ...

    def ask(self, requests: Sequence[Request]) -> list[Said]: ...

    def text_alone(self, requests: Sequence[Request]) -> float | None:
        """Seconds that text-only prompts of the suffixes' lengths take; None where it is not measured."""

    def close(self) -> None: ...


@dataclass(frozen=True)
class Work:
    """Per prompt a request about each clip; ``warm_up``: the same about clips that are not measured."""

    prompts: Sequence[Sequence[Request]]
    warm_up: Sequence[Sequence[Request]]


def work(clips: int, prompts: int, frames: int) -> Work:
    """The questions, their pixels read; where a clip is shorter, frames are shown twice."""
    from videos.datasets import load
    from videos.store import FrameStore

    found = load("hat:rand_1", "mini").take(clips + WARM_UP, 0)
    store, asks, policy = FrameStore(), load_format("mcq5"), FramePolicy(frames, "uniform", SIDE)
    pixels = {clip.id: store.get(clip, policy) for clip in found.clips}
    by_prompt = [
        [
            Request(
                clip,
                store.media_id(clip, policy),
                partial(_given, pixels[clip.id]),
                asks.ask(text, clip, found.classes),
                f"{clip.id}: {text}",
            )
            for clip in found.clips
        ]
        for text in texts(prompts)
    ]
    return Work([one[:clips] for one in by_prompt], [one[clips:] for one in by_prompt[:2]])


def texts(count: int) -> list[str]:
    """Prompts that were written for this model's card and never trained on."""
    path = Path(vllm_eval.mini_vllm.__file__).parent / "heldout_prompts.txt"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    if count > len(lines):
        raise SystemExit(f"error: --prompts {count}, there are {len(lines)}")
    return lines[:count]


def _given(frames: Frames) -> Frames:
    return frames


def warmed(way: Way, asked: Work) -> None:
    """Ask a little, of clips that are not measured."""
    for requests in asked.warm_up:
        way.ask(requests)


def measure(way: Way, asked: Work) -> dict[str, Any]:
    """What one run found."""
    first, *rest = asked.prompts
    later = [[request for one in zip(*rest, strict=True) for request in one]] if way.whole else rest
    seconds, said = [], []
    for requests in [first, *later]:
        began = time.perf_counter()
        said.append(way.ask(requests))
        seconds.append(time.perf_counter() - began)
    each = sum(seconds[1:]) / len(rest)
    text = way.text_alone([request for one in rest for request in one])
    answers = [answer for some in said for answer in some]
    return {
        "answers": len(answers),
        "answers_per_second": round(len(answers) / sum(seconds), 2),
        "first_seconds": round(seconds[0], 3),
        "later_seconds_per_prompt": round(each, 3),
        "text_alone_seconds_per_prompt": None if text is None else round(text / len(rest), 3),
        "marginal_over_text": None if text is None else round(each * len(rest) / text, 3),
        "prompt_tokens": sum(answer.prompt_tokens for answer in answers),
        "cached_share": _share(answers),
        "start_seconds": round(way.start_seconds, 1),
        "peak_gib": round(peak_bytes(way.processes) / GIB, 2),
        "letters": letters(asked, answers),
    }


def _share(answers: Sequence[Said]) -> float | None:
    total = sum(answer.prompt_tokens for answer in answers)
    return round(sum(answer.cached_tokens for answer in answers) / total, 4) if total else None


def letters(asked: Work, answers: Sequence[Said]) -> str:
    """The letter of each answer in the order of prompts and clips, "-" where it names no choice."""
    labels = {answer.key: answer.label for answer in answers}
    told = []
    for request in (request for one in asked.prompts for request in one):
        label = labels[request.key]
        question = request.question
        told.append("-" if label is None else question.letters[question.labels.index(label)])
    return "".join(told)


def peak_bytes(processes: Sequence[int]) -> int:
    """Most resident memory of this process, of those named, and of all their children, summed."""
    parents = dict(_parents())
    ours = {_self(), *processes}
    while grown := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= grown
    return sum(_status(pid, "VmHWM") * 1024 for pid in ours)


def _self() -> int:
    import os

    return os.getpid()


def _parents() -> Iterator[tuple[int, int]]:
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            yield int(path.name), _status(int(path.name), "PPid")


def _status(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)
