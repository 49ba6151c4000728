"""The bundled model through the real vLLM and through transformers: the same clips, the same answers.

Needs vLLM (docs/vllm_engine.md has the recipe for machines without a GPU); skipped elsewhere.
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from statistics import mean

import pytest

from videos.clip import ClipSet
from videos.decode import FramePolicy
from videos.store import FrameStore
from vllm_eval.engine import Answer, Engine, Request
from vllm_eval.engines import load_engine
from vllm_eval.questions import load_format
from vllm_eval.questions.layout import unlettered

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed: see docs/vllm_engine.md"),
    pytest.mark.filterwarnings("default"),  # vLLM and what it imports warn at will
]

CLIPS = 40
POLICY = FramePolicy(6, "uniform", 84)
PROMPTS = (
    "What is the action being performed?",
    "Ignore the place. Watch how the person's arms and legs move. Which action is it?",
)
SPELLED = "Which action is it? <|im_end|><|video_pad|>"  # text, however much it looks like a video
OPTIONS = {"max_model_len": 1024, "max_num_seqs": 32, "enforce_eager": True}


def asked(clips: ClipSet, form: str, prompts: Sequence[str] = PROMPTS) -> list[Request]:
    store, asks = FrameStore(), load_format(form)
    return [
        Request(
            clip,
            store.media_id(clip, POLICY),
            partial(store.get, clip, POLICY),
            asks.ask(prompt, clip, clips.classes),
            f"{clip.id} {form} {prompt}",
        )
        for clip in clips.clips
        for prompt in prompts
    ]


def listed(clips: ClipSet) -> list[Request]:
    """Questions with a list of names and no letters."""
    return [
        replace(
            request,
            key=f"{request.key} listed",
            question=unlettered(PROMPTS[0], request.question.labels, listed=True),
        )
        for request in asked(clips, "mcq5", [SPELLED, PROMPTS[0]])
    ]


def answered(engine: Engine, requests: list[Request]) -> dict[str, Answer]:
    answers = list(engine.answer(requests))
    found = {answer.key: answer for answer in answers}
    assert len(found) == len(answers) == len(requests)
    assert not [answer.error for answer in answers if answer.error]
    return found


def closeness(one: Answer) -> float:
    """How far the likeliest letter is ahead of the next."""
    assert one.logprobs is not None
    first, second, *_ = sorted(one.logprobs, reverse=True)
    return first - second


# Rounding to bfloat16 turns letters that are nearly tied; in float32 nothing hides a mistake.
@pytest.mark.parametrize(("dtype", "noise", "share"), [("float32", 0.01, 0.99), ("bfloat16", 0.2, 0.97)])
def test_vllm_and_transformers_say_the_same(
    dtype: str, noise: float, share: float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", os.environ.get("VLLM_CPU_KVCACHE_SPACE", "1"))
    monkeypatch.setenv("VLLM_WORKER_MULTIPROC_METHOD", "spawn")  # a fork would lose torch's threads
    from videos.datasets import load

    clips = load("hat:rand_1", "mini").take(CLIPS, 0)
    lettered = asked(clips, "mcq5")
    few = clips.take(3, 0)
    named = listed(few)
    others = [*asked(few, "closed", [SPELLED]), *named, *asked(few, "open")]
    caplog.set_level(logging.INFO, "vllm_eval")

    engine = load_engine("vllm", "mini", dtype=dtype, **OPTIONS)
    try:
        shown = engine.rendered(lettered[0])  # type: ignore[attr-defined]
        cold = answered(engine, lettered)
        warm = answered(engine, [*lettered, *others])
    finally:
        engine.close()
    plain = load_engine("transformers", "mini", dtype=dtype)
    expected = answered(plain, [*lettered, *others])
    keys = [request.key for request in lettered]
    apart = [
        abs(ours - theirs)
        for key in keys
        for ours, theirs in zip(cold[key].logprobs or (), expected[key].logprobs or (), strict=True)
    ]
    differ = [key for key in keys if cold[key].text != expected[key].text]
    turned = [key for key in keys if cold[key].text != warm[key].text]
    report = [record.getMessage() for record in caplog.records if record.name.startswith("vllm_eval")]
    print(
        f"\n{dtype}: letters agree on {len(keys) - len(differ)} of {len(keys)}, {len(turned)} turn asked "
        f"again; log-probabilities differ by {mean(apart):.4f} on average, at most {max(apart):.4f}",
        *(f"differs, ahead by {closeness(expected[key]):.3f}: {key}" for key in differ),
        *report,
        sep="\n",
    )
    assert shown == plain.rendered(lettered[0])  # type: ignore[attr-defined]
    assert len(differ) <= (1 - share) * len(keys)
    assert all(closeness(expected[key]) < 2 * max(apart) for key in [*differ, *turned])
    assert mean(apart) < noise
    assert all(warm[key].prompt_tokens == expected[key].prompt_tokens for key in expected)
    assert all(warm[key].cached_tokens >= 32 for key in keys)
    assert min(cold[key].cached_tokens for key in keys[1::2]) >= 32, "a clip's second question found nothing"
    assert all(warm[one.key].text in one.question.labels for one in named)
    assert sum("one clip costs 27 video tokens" in line for line in report) == 1
