"""What a configured target becomes; a revision is part of it and changes nothing where none is named."""

from pathlib import Path
from typing import Any

import pytest

from assets.errors import UserError
from prompts.records import config_hash
from vllm_eval.config import ScoringConfig, TargetConfig
from vllm_eval.engines import ENGINES
from vllm_eval.engines.checkpoints import identity, revision_of
from vllm_eval.target import engine_name, open_engine, policy_of, prefixed, question_of


def target(**values: Any) -> TargetConfig:
    return TargetConfig.model_validate(values)


def test_a_revision_reaches_the_engine_and_none_leaves_the_call_as_it_was() -> None:
    calls: list[dict[str, Any]] = []

    def load(engine: str, model: str, **options: Any) -> Any:
        calls.append({"engine": engine, "model": model, **options})

    open_engine(target(model="a/b", options={"dtype": "float32"}), load)
    open_engine(target(model="a/b", revision="v2"), load)
    assert calls == [
        {"engine": "transformers", "model": "a/b", "dtype": "float32"},
        {"engine": "transformers", "model": "a/b", "revision": "v2"},
    ]


def test_an_unset_revision_leaves_the_values_of_a_run_as_they_were() -> None:
    plain = ScoringConfig().model_dump(mode="json")
    assert list(plain["target"]) == ["engine", "model", "options", "frames", "question"]
    named = ScoringConfig.model_validate({"target": {"model": "a/b", "revision": "v2"}})
    assert named.model_dump(mode="json")["target"]["revision"] == "v2"
    assert ScoringConfig.model_validate(named.model_dump()) == named
    assert config_hash(plain) != config_hash(named.model_dump(mode="json"))


def test_two_revisions_are_two_models() -> None:
    assert identity("a/b", "v1") != identity("a/b", "v2")
    assert revision_of("a/b", "v2") == {"revision": "v2"}
    assert revision_of("a/b", None) == {}


def test_what_is_not_on_the_hub_has_no_revision(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder, only models of the hub have revisions"):
        revision_of(str(tmp_path), "v2")


def test_auto_takes_the_server_that_is_named_and_else_what_is_here() -> None:
    assert engine_name(target(engine="auto")) == "transformers"
    server = {"base_url": "http://localhost:8000/v1"}
    assert engine_name(target(engine="auto", model="a/b", options=server)) == "openai"
    assert engine_name(target(engine="transformers", options=server)) == "transformers"
    assert "openai" in ENGINES


def test_frames_and_questions_are_those_configured() -> None:
    given = target(frames={"count": 4}, question={"format": "mcq5", "seed": 3, "instruction": "One letter."})
    assert (policy_of(given).frames, policy_of(given).size) == (4, 84)
    assert question_of(given).key.startswith("mcq5-plain-seed3-")
    styled = prefixed(question_of(given))
    assert styled is not None
    assert styled.key.startswith("mcq5-prefixed-seed3-")
    assert prefixed(question_of(target(question={"format": "open"}))) is None
