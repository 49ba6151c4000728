"""`vllm serve` on loopback, asked through the openai engine: the letters that the other engines say.

Needs vLLM (docs/vllm_engine.md has the recipe for machines without a GPU); skipped elsewhere.
"""

import math
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import real_vllm
from real_vllm import Agreement, agreement, answered, asked, by_transformers

from vllm_eval.engine import Answer
from vllm_eval.engines import load_engine
from vllm_eval.engines.checkpoints import resolve
from vllm_eval.engines.vllm_server import serving

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed: see docs/vllm_engine.md"),
    pytest.mark.filterwarnings("default"),  # vLLM and what it imports warn at will
]

SERVED = {
    **real_vllm.OPTIONS,
    "block_size": 32,
    "gpu_memory_utilization": 0.5,  # its own 0.92 has to be free at the start
    "limit_mm_per_prompt": {"image": 0, "video": 1},
}


def through_server(dtype: str) -> dict[str, Mapping[str, Answer]]:
    """The lettered questions with frames sent as PNG, the same once more, and as JPEG."""
    requests, found = asked(real_vllm.clips(), "mcq5"), {}
    with serving(resolve("mini"), "mini", dtype=dtype, **SERVED) as server:
        print(f"\nserver up after {server.seconds:.0f} s")
        for media, ways in {"png": ("png", "png again"), "jpeg": ("jpeg",)}.items():
            engine = load_engine("openai", "mini", base_url=server.base_url, media=media, max_tokens=1)
            for way in ways:
                found[way] = answered(engine, requests)
            engine.close()
    return found


# JPEG changes pixels. In bfloat16 letters that are nearly tied turn; in float32 nothing hides a mistake.
@pytest.mark.parametrize(("dtype", "noise", "share"), [("float32", 0.01, 0.99), ("bfloat16", 0.2, 0.97)])
def test_a_served_model_says_what_transformers_says(
    dtype: str, noise: float, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_vllm.skip_where_emulated(dtype)
    for name, value in real_vllm.CPU_OPTIONS.items():
        monkeypatch.setenv(name, value)
    found = through_server(dtype)
    exact, again = (found[way] for way in ("png", "png again"))
    reference = by_transformers(dtype)
    told: dict[str, Agreement] = {way: agreement(found[way], reference) for way in found}
    for way, one in told.items():
        print(*one.lines(f"{dtype}, served, {way}"), sep="\n")
    listed = [value for answer in exact.values() for value in answer.logprobs or ()]
    print(f"{sum(map(math.isfinite, listed))} of {5 * len(exact)} letters among the 20 likeliest tokens")
    assert told["png"].share >= share
    assert told["png"].only_near_ties()
    assert sum(told["png"].apart) / len(told["png"].apart) < noise
    assert len(told["png"].apart) >= 0.9 * 5 * len(exact)
    assert told["jpeg"].share >= 0.9
    assert all(exact[key].prompt_tokens == reference[key].prompt_tokens for key in exact)
    assert all(answer.cached_tokens >= 32 for answer in again.values())
