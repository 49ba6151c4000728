"""Local models, on the real SmolLM2-135M (98 MB, fetched once into the cache)."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.llm import LLM, Message, load_llm
from assets.errors import UserError


@dataclass(frozen=True)
class Settings:
    model: str
    base_url: str | None = None
    api_key_env: str = "MY_KEY"
    temperature: float = 1.0


@pytest.fixture(scope="module")
def smol() -> Iterator[LLM]:
    try:
        llm = load_llm(Settings("smollm2-135m-instruct"))
    except UserError as failure:
        pytest.skip(f"SmolLM2 cannot be fetched here: {failure}")
    yield llm
    llm.close()
    gc.collect()


RANKED = "Score 12: Where is this?\nScore 55: Who is there?\nScore 90:"


def test_a_text_is_continued_up_to_a_stop(smol: LLM) -> None:
    reply = smol.complete(RANKED, max_tokens=40, seed=1, stop=["\n"])
    assert reply.text.strip()
    assert "\n" not in reply.text
    assert reply.prompt_tokens > 15
    assert 0 < reply.completion_tokens <= 40
    assert not smol.follows_instructions


def test_a_continuation_begins_as_it_is_told(smol: LLM) -> None:
    begin = ' Say "no\\yes" as the'
    reply = smol.complete(RANKED, max_tokens=30, seed=1, stop=["\n"], begin=begin)
    assert reply.text.startswith(begin)
    assert len(reply.text) > len(begin)


def test_the_last_word_of_a_beginning_is_not_grown(smol: LLM) -> None:
    replies = [smol.complete(RANKED, max_tokens=4, seed=seed, begin=" Watch th") for seed in range(6)]
    assert not any(reply.text[len(" Watch th") :][:1].isalnum() for reply in replies)


def test_the_seed_decides_the_sample(smol: LLM) -> None:
    texts = [smol.complete(RANKED, max_tokens=12, seed=seed, stop=["\n"]).text for seed in range(4)]
    assert len(set(texts)) > 1
    assert [smol.complete(RANKED, max_tokens=12, seed=seed, stop=["\n"]).text for seed in range(4)] == texts


def test_the_reply_does_not_depend_on_what_was_asked_before(smol: LLM) -> None:
    """A cached prefix changes the batches llama.cpp sums in, and so the numbers, unless it is kept out."""
    long = "".join(f"Score {i}: Watch how the person moves, case {i}, and name it.\n" for i in range(8))
    first = [smol.complete(long, max_tokens=12, seed=seed).text for seed in range(2)]
    smol.complete(long[: len(long) // 2], max_tokens=1)
    assert [smol.complete(long, max_tokens=12, seed=seed).text for seed in range(2)] == first


def test_a_conversation_goes_through_the_models_template(smol: LLM) -> None:
    reply = smol.complete([Message("user", "Say hello.")], max_tokens=12, temperature=0.0)
    assert "hello" in reply.text.lower()
    assert "<|im_" not in reply.text


def test_a_schema_constrains_even_a_model_that_does_not_obey(smol: LLM) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    reply = smol.complete([Message("user", "Count.")], max_tokens=30, json_schema=schema)
    assert reply.text.startswith("{")
    assert '"n"' in reply.text


def test_a_reply_that_ran_into_its_limit_says_so(smol: LLM) -> None:
    assert smol.complete("One two three four", max_tokens=2, temperature=0.0).cut


def test_a_text_longer_than_the_context_is_a_users_error(smol: LLM) -> None:
    with pytest.raises(UserError, match="exceeds the available context size"):
        smol.complete("x " * 5000, max_tokens=1)


def test_a_closed_model_answers_no_more() -> None:
    try:
        llm = load_llm(Settings("smollm2-135m-instruct"))
    except UserError as failure:
        pytest.skip(f"SmolLM2 cannot be fetched here: {failure}")
    llm.close()
    llm.close()
    with pytest.raises(RuntimeError, match="closed"):
        llm.complete("x", max_tokens=1)


def test_a_file_that_is_no_model_is_said_before_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"PK\x03\x04")
    with pytest.raises(UserError, match=r"a\.gguf is not a GGUF file"):
        load_llm(Settings(str(tmp_path / "a.gguf")))
    with pytest.raises(UserError, match=r"cannot read optimizer model .*b\.gguf: No such file"):
        load_llm(Settings(str(tmp_path / "b.gguf")))


def test_a_broken_model_is_a_users_error(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF" + b"\xff" * 64)
    with pytest.raises(UserError, match="cannot be loaded"):
        load_llm(Settings(str(tmp_path / "a.gguf")))


def test_an_unknown_name_lists_what_is_possible() -> None:
    with pytest.raises(UserError, match=r"unknown optimizer model 'gpt-9', expected one of: smollm2-135m"):
        load_llm(Settings("gpt-9"))


def test_the_number_of_threads_changes_nothing(smol: LLM) -> None:
    text = "\n".join(f"Score {n}: Look at the person's {n} movements." for n in range(10, 40)) + "\nScore 90:"
    two = load_llm(Settings("smollm2-135m-instruct"), threads=2)
    one = load_llm(Settings("smollm2-135m-instruct"), threads=1)
    try:
        for seed in range(4):
            replies = [llm.complete(text, max_tokens=40, seed=seed, stop=["\n"]) for llm in (one, two)]
            assert replies[0].text == replies[1].text
    finally:
        one.close()
        two.close()
        gc.collect()
