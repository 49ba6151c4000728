"""The same questions about the same clips for every way of asking the bundled model, and how far two agree.

``SCENEPROOF_REAL_CLIPS`` sets the number of clips, each asked with two prompts.
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from statistics import mean

import pytest
import torch

from videos.clip import ClipSet
from videos.decode import FramePolicy
from videos.store import FrameStore
from vllm_eval.engine import Answer, Engine, Request
from vllm_eval.engines import load_engine
from vllm_eval.engines.video_model import choose_device, choose_dtype
from vllm_eval.questions import load_format

CLIPS = int(os.environ.get("SCENEPROOF_REAL_CLIPS", "40"))
POLICY = FramePolicy(6, "uniform", 84)
LONG = FramePolicy(32, "uniform", 84)  # more pairs of frames than a side has tokens
PROMPTS = (
    "What is the action being performed?",
    "Ignore the place. Watch how the person's arms and legs move. Which action is it?",
)
OPTIONS = {"max_model_len": 1024, "max_num_seqs": 32, "enforce_eager": True}
CPU_OPTIONS = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_WORKER_MULTIPROC_METHOD": "spawn"}  # no fork: threads


@cache
def clips() -> ClipSet:
    from videos.datasets import load

    return load("hat:rand_1", "mini").take(CLIPS, 0)


def skip_where_emulated(dtype: str) -> None:
    """bfloat16 in software takes several times as long and shows no more than float32 does."""
    if dtype == "bfloat16" and choose_dtype("auto", choose_device("auto")) is not torch.bfloat16:
        pytest.skip("this machine has no bfloat16 instructions; float32 is tested")


def asked(
    of: ClipSet, form: str, prompts: Sequence[str] = PROMPTS, policy: FramePolicy = POLICY
) -> list[Request]:
    store, asks = FrameStore(), load_format(form)
    return [
        Request(
            clip,
            store.media_id(clip, policy),
            partial(store.get, clip, policy),
            asks.ask(prompt, clip, of.classes),
            f"{clip.id} {form} {policy.frames} {prompt}",
        )
        for clip in of.clips
        for prompt in prompts
    ]


def answered(engine: Engine, requests: Sequence[Request]) -> dict[str, Answer]:
    answers = list(engine.answer(requests))
    found = {answer.key: answer for answer in answers}
    assert len(found) == len(answers) == len(requests)
    assert not [answer.error for answer in answers if answer.error]
    return found


@cache
def by_transformers(dtype: str) -> Mapping[str, Answer]:
    """The lettered questions answered by the transformers engine, once for all tests."""
    engine = load_engine("transformers", "mini", dtype=dtype)
    try:
        return answered(engine, asked(clips(), "mcq5"))
    finally:
        engine.close()


@dataclass(frozen=True)
class Agreement:
    """``differ``: keys with different labels, with how far the reference's letter is ahead of its next.
    ``apart``: differences of the letters' log-probabilities where both have them."""

    n: int
    differ: Mapping[str, float]
    apart: Sequence[float]

    @property
    def share(self) -> float:
        return 1 - len(self.differ) / self.n

    def lines(self, name: str) -> Iterator[str]:
        yield (
            f"{name}: letters agree on {self.n - len(self.differ)} of {self.n} ({100 * self.share:.1f} %); "
            f"log-probabilities differ by {mean(self.apart):.4f} on average, at most {max(self.apart):.4f}"
        )
        yield from (f"  differs, ahead by {ahead:.3f}: {key}" for key, ahead in self.differ.items())

    def only_near_ties(self) -> bool:
        """No letter that is further ahead than twice the most a log-probability moved."""
        return all(ahead < 2 * max(self.apart) for ahead in self.differ.values())


def agreement(answers: Mapping[str, Answer], reference: Mapping[str, Answer]) -> Agreement:
    keys = list(answers)
    differ = {key: ahead(reference[key]) for key in keys if answers[key].label != reference[key].label}
    pairs = (
        pair
        for key in keys
        for pair in zip(answers[key].logprobs or (), reference[key].logprobs or (), strict=True)
    )
    apart = [abs(one - other) for one, other in pairs if math.isfinite(one) and math.isfinite(other)]
    return Agreement(len(keys), differ, apart)


def ahead(one: Answer) -> float:
    """How far the likeliest letter is ahead of the next, in log-probability."""
    assert one.logprobs is not None
    first, second, *_ = sorted(one.logprobs, reverse=True)
    return first - second
