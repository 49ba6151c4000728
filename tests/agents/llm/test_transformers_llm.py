"""transformers as the runtime, on the real SmolLM2-135M read from its GGUF file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.llm import LLM, Message, load_llm
from agents.llm.transformers_llm import TransformersLLM
from assets.errors import UserError
from assets.fetch import fetch


@pytest.fixture(scope="module")
def smol() -> Iterator[LLM]:
    try:
        path = fetch("smollm2-135m-instruct")
    except UserError as failure:
        pytest.skip(f"SmolLM2 cannot be fetched here: {failure}")
    llm = TransformersLLM(str(path))
    yield llm
    llm.close()


RANKED = "Score 12: Where is this?\nScore 55: Who is there?\nScore 90:"


@pytest.mark.filterwarnings("ignore")
def test_a_seed_makes_a_reply_repeatable_and_another_seed_another(smol: LLM) -> None:
    texts = [smol.complete(RANKED, max_tokens=6, seed=seed).text for seed in (1, 2, 3, 1)]
    assert texts[0] == texts[3]
    assert len(set(texts)) > 1


@pytest.mark.filterwarnings("ignore")
def test_a_text_is_continued_from_its_beginning_up_to_a_stop(smol: LLM) -> None:
    reply = smol.complete(RANKED, max_tokens=24, seed=3, stop=["\n"], begin=" Watch the")
    assert reply.text.startswith(" Watch the")
    assert "\n" not in reply.text
    assert reply.prompt_tokens > 15
    assert 0 < reply.completion_tokens <= 24


@pytest.mark.filterwarnings("ignore")
def test_a_conversation_goes_through_the_models_template(smol: LLM) -> None:
    reply = smol.complete([Message("user", "Say hello.")], max_tokens=8, temperature=0.0)
    assert "hello" in reply.text.lower()
    assert smol.follows_instructions


@pytest.mark.filterwarnings("ignore")
def test_a_text_longer_than_the_context_is_a_users_error(smol: LLM) -> None:
    with pytest.raises(UserError, match=r"tokens exceed its context of \d+"):
        smol.complete("x " * 5000, max_tokens=4000)


class Settings:
    base_url = None
    api_key_env = "MY_KEY"
    temperature = 1.0

    def __init__(self, model: str) -> None:
        self.model = model


def test_a_model_that_is_not_there_is_a_users_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        load_llm(Settings(f"transformers:{tmp_path}/a.gguf"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="cannot be loaded by transformers"):
        load_llm(Settings(f"transformers:{tmp_path}/empty"))
