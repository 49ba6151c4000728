"""Values are made storable, and secrets are taken out."""

from math import inf, nan

import pytest

from prompts.prompt import Prompt
from prompts.records import REDACTED, clean, config_hash, plain, redacted


def test_plain_values_fit_into_json() -> None:
    value = {1: (1, 2.5, nan, inf), "text": "a\x00b\ud800", "set": {3}, "none": None, "object": Prompt("x")}
    assert plain(value)["1"] == [1, 2.5, None, None]
    assert plain(value)["text"] == "a\N{REPLACEMENT CHARACTER}b?"
    assert plain(value)["set"] == [3]
    assert plain(value)["none"] is None
    assert plain(value)["object"].startswith("Prompt(")


@pytest.mark.parametrize(
    "key",
    ["api_key", "apikey", "API-Key", "openaiApiKey", "password", "hf_token", "auth", "aws_secret_access_key"],
)
def test_what_stands_under_a_secret_name_is_redacted(key: str) -> None:
    assert redacted({key: "value", "nested": [{key: "value"}]}) == {
        key: REDACTED,
        "nested": [{key: REDACTED}],
    }


@pytest.mark.parametrize("key", ["api_key_env", "max_tokens", "tokens", "key", "author"])
def test_harmless_names_are_left_alone(key: str) -> None:
    assert redacted({key: "value"}) == {key: "value"}


def test_values_that_look_like_secrets_are_redacted() -> None:
    assert redacted("sk-123456789") == REDACTED
    assert redacted("postgresql://me:pw@host/db") == "postgresql://me:***@host/db"
    assert redacted("postgresql://me:p/a+s@host/db") == "postgresql://me:***@host/db"
    hidden = "postgresql:///db?user=me&password=***&port=1"
    assert redacted("postgresql:///db?user=me&password=hunter2&port=1") == hidden
    assert redacted("https://host/path") == "https://host/path"
    assert redacted({"api_key": None}) == {"api_key": None}


def test_a_changed_key_is_the_same_configuration() -> None:
    one, two = {"llm": {"api_key": "a", "model": "m"}}, {"llm": {"model": "m", "api_key": "b"}}
    assert config_hash(one) == config_hash(two)
    assert config_hash(one) != config_hash({"llm": {"model": "n", "api_key": "a"}})


def test_clean_text_is_unchanged() -> None:
    assert clean("naïve 动作 🏃\n") == "naïve 动作 🏃\n"
