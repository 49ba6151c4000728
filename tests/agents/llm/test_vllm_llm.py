"""vLLM as the runtime: what is asked of it, and what is said where it is not installed."""

from importlib.util import find_spec

import pytest

from agents.llm import load_llm
from agents.llm.vllm_llm import sampling
from assets.errors import UserError


class Settings:
    model = "vllm:someone/small"
    base_url = None
    api_key_env = "MY_KEY"
    temperature = 1.0


def test_a_request_carries_seed_stops_and_the_schema_to_hold_the_reply_to() -> None:
    assert sampling(9, 0.5, 2**31 + 3, ("\n",), {"type": "object"}) == {
        "max_tokens": 9,
        "temperature": 0.5,
        "seed": 3,
        "stop": ["\n"],
        "json": {"type": "object"},
    }
    assert sampling(9, 0.5, 3, (), None) == {"max_tokens": 9, "temperature": 0.5, "seed": 3}


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed here")
def test_without_vllm_the_extra_is_named() -> None:
    with pytest.raises(
        UserError, match=r"needs vLLM, which is not installed: pip install 'sceneproof\[vllm\]'"
    ):
        load_llm(Settings())
