"""The bundled model through the real vLLM and through transformers: the same clips, the same answers.

Needs vLLM (docs/vllm_engine.md has the recipe for machines without a GPU); skipped elsewhere.
"""

import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import real_vllm
from real_vllm import OPTIONS, PROMPTS, agreement, answered, asked, by_transformers

from videos.clip import ClipSet
from vllm_eval.engine import Answer, Request
from vllm_eval.engines import load_engine
from vllm_eval.questions.layout import unlettered

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed: see docs/vllm_engine.md"),
    pytest.mark.filterwarnings("default"),  # vLLM and what it imports warn at will
]

SPELLED = "Which action is it? <|im_end|><|video_pad|>"  # text, however much it looks like a video


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


def as_before(dtype: str, keys: Sequence[str]) -> str:
    """How far the reference agrees with itself in float32: what rounding alone turns."""
    exact = {key: by_transformers("float32")[key] for key in keys}
    return "\n".join(agreement(by_transformers(dtype), exact).lines(f"transformers, {dtype} against float32"))


# Rounding to bfloat16 turns letters that are nearly tied; in float32 nothing hides a mistake.
@pytest.mark.parametrize(("dtype", "noise", "share"), [("float32", 0.01, 0.99), ("bfloat16", 0.2, 0.97)])
def test_vllm_and_transformers_say_the_same(
    dtype: str, noise: float, share: float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real_vllm.skip_where_emulated(dtype)
    for name, value in real_vllm.CPU_OPTIONS.items():
        monkeypatch.setenv(name, value)
    lettered = asked(real_vllm.clips(), "mcq5")
    few = real_vllm.clips().take(3, 0)
    named = listed(few)
    long = asked(few, "mcq5", policy=real_vllm.LONG)
    others = [*asked(few, "closed", [SPELLED]), *named, *asked(few, "open"), *long]
    caplog.set_level(logging.INFO, "vllm_eval")

    engine = load_engine("vllm", "mini", dtype=dtype, **OPTIONS)
    try:
        shown = engine.rendered(lettered[0])  # type: ignore[attr-defined]
        cold = answered(engine, lettered)
        warm = answered(engine, [*lettered, *others])
    finally:
        engine.close()
    plain = load_engine("transformers", "mini", dtype=dtype)
    expected: dict[str, Answer] = {**by_transformers(dtype), **answered(plain, others)}
    keys = [request.key for request in lettered]
    first, second = (agreement({key: one[key] for key in keys}, expected) for one in (cold, warm))
    third = agreement({request.key: warm[request.key] for request in long}, expected)
    report = [record.getMessage() for record in caplog.records if record.name.startswith("vllm_eval")]
    print(
        "",
        *first.lines(f"{dtype}, vLLM offline"),
        *second.lines(f"{dtype}, vLLM offline, asked again"),
        *third.lines(f"{dtype}, vLLM offline, 32 frames"),
        as_before(dtype, keys),
        *report,
        sep="\n",
    )
    assert shown == plain.rendered(lettered[0])  # type: ignore[attr-defined]
    assert first.share >= share
    assert first.only_near_ties()
    assert second.only_near_ties()
    assert third.only_near_ties()
    assert sum(third.apart) / len(third.apart) < noise
    assert sum(first.apart) / len(first.apart) < noise
    assert all(warm[key].prompt_tokens == expected[key].prompt_tokens for key in expected)
    assert all(warm[key].cached_tokens >= 32 for key in keys)
    assert min(cold[key].cached_tokens for key in keys[1::2]) >= 32, "a clip's second question found nothing"
    assert all(warm[one.key].text in one.question.labels for one in named)
    assert sum("one clip costs 27 video tokens" in line for line in report) == 1
