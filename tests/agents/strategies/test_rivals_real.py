"""The adapters around the real packages; each is skipped where its package is not installed."""

import random
import threading
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import pytest
from made_run import Run, Writing

from agents.config import OptimizerConfig
from agents.guard import Guard
from agents.kept import KeptLLM
from agents.llm.base import LLM, Reply
from agents.strategies import STRATEGIES
from agents.strategies.capo import population
from agents.strategies.gepa import Clips, records
from agents.strategies.rival import Rival
from assets.errors import UserError
from prompts.library import NEUTRAL

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs

DSPY = (
    "[[ ## proposed_instruction ## ]]\n{prompt}\n\n[[ ## proposed_prefix_for_output_field ## ]]\nAnswer:\n\n"
    "[[ ## completed ## ]]"
)
FORMS = {
    "gepa": "```\n{prompt}\n```",
    "dspy-copro": DSPY,
    "dspy-mipro": DSPY,
    "capo": "<prompt>{prompt}</prompt>",
}
NEEDS = {
    "gepa": ("gepa",),
    "dspy-copro": ("dspy",),
    "dspy-mipro": ("dspy", "optuna"),
    "capo": ("promptolution",),
}
EXTRAS = {"gepa": "gepa", "dspy-copro": "dspy", "dspy-mipro": "dspy", "capo": "capo"}


def installed(name: str) -> bool:
    return all(find_spec(module) for module in NEEDS[name])


def params(*names: str) -> list[Any]:
    return [
        pytest.param(
            name, marks=pytest.mark.skipif(not installed(name), reason=f"{NEEDS[name][-1]} is not installed")
        )
        for name in names
    ]


EVERY = params(*FORMS)


def rival(name: str, llm: LLM, seed: int = 1, minibatch: int | None = 8) -> Any:
    return STRATEGIES[name](OptimizerConfig(strategy=name, minibatch=minibatch), seed, lambda: llm)


@pytest.mark.parametrize("name", EVERY)
def test_it_searches_through_the_runs_own_scoring(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    run, llm = Run(prompts=6), Writing(FORMS[name])
    made = rival(name, llm)
    assert isinstance(made, Rival)
    texts = run.drive(made)
    assert len(texts) == len(set(texts))
    # MIPROv2 decides before how many trials it makes, and may try one candidate twice.
    assert 3 <= len(texts) <= 6 if name == "dspy-mipro" else len(texts) == 6
    assert not any(Guard(()).check(text) for text in texts)
    assert run.bought <= 7 * run.n
    assert not [thread for thread in threading.enumerate() if thread.name == "rival"]
    told = capfd.readouterr()
    assert "it/s]" not in told.err  # the terminal is the run's own
    assert "Bootstrapping" not in told.out


@pytest.mark.parametrize("name", EVERY)
def test_a_resumed_run_proposes_the_same_without_asking_for_old_replies(name: str) -> None:
    whole, broken = Run(prompts=5), Run(prompts=5)
    first, again = Writing(FORMS[name]), Writing(FORMS[name])
    expected = whole.drive(rival(name, KeptLLM(first, whole)))
    broken.drive(rival(name, KeptLLM(Writing(FORMS[name]), broken)), until=2)
    replies = len(broken.events)
    assert set(broken.drive(rival(name, KeptLLM(again, broken)))) == set(expected)
    assert len(again.seeds) == len(broken.events) - replies
    assert len(again.seeds) < len(first.seeds)


@pytest.mark.parametrize("name", EVERY)
def test_a_model_that_cannot_be_used_ends_it_in_one_line(name: str) -> None:
    run = Run()
    with pytest.raises(UserError, match=r"^no key$"):
        run.drive(rival(name, Writing(fail=UserError("no key"))))
    assert run.order == [] or name == "capo"


@pytest.mark.parametrize("name", params("gepa"))
def test_gepa_tries_a_child_on_a_minibatch_and_only_then_on_all(name: str) -> None:
    run = Run(prompts=8)
    run.drive(rival(name, Writing(FORMS[name]), minibatch=None))
    counts = [len(run.answers_of[one]) for one in run.order]
    assert min(counts) == 3
    assert set(counts) <= {3, run.n}


@pytest.mark.parametrize("name", params("gepa"))
def test_gepa_reflects_on_counts_and_at_most_eight_clips(name: str) -> None:
    run, llm = Run(n=60, prompts=1), Writing(FORMS[name])
    run.drive(rival(name, llm, minibatch=60))
    assert llm.said[0].count("clip c") <= 8
    assert "of 60 videos right" in llm.said[0]
    assert NEUTRAL.prompt.text in llm.said[0]


@pytest.mark.parametrize("name", params("gepa"))
def test_gepa_knows_clips_by_their_ids(name: str) -> None:
    loader = Clips(("c3", "c1"))
    assert (loader.all_ids(), loader.fetch(["c1"]), len(loader)) == (["c3", "c1"], ["c1"], 2)


@pytest.mark.parametrize("name", params("gepa"))
def test_another_version_of_gepa_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.strategies.gepa.version", lambda package: "0.1.5")
    with pytest.raises(
        UserError, match=r"written for gepa 0\.1\.4, found 0\.1\.5: pip install 'gepa==0\.1\.4'"
    ):
        rival(name, Writing())


@pytest.mark.parametrize("name", params("dspy-mipro"))
def test_mipro_asks_a_minibatch_in_one_call(name: str) -> None:
    run = Run(prompts=4)
    run.drive(rival(name, Writing(FORMS[name]), minibatch=8), per_round=1)
    counts = [len(run.answers_of[one]) for one in run.order]
    assert min(counts) >= 8
    assert max(run.calls[1:]) >= 8


@pytest.mark.parametrize("name", params("capo"))
def test_capo_leaves_the_global_generators_as_they_were(name: str) -> None:
    random.seed(5)
    before = random.getstate()
    Run(prompts=8).drive(rival(name, Writing(FORMS[name])))
    assert random.getstate() == before


@pytest.mark.parametrize("name", params("capo"))
def test_a_failure_inside_capos_step_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from promptolution.optimizers.capo import CAPO

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(CAPO, "_do_racing", fail)
    with pytest.raises(UserError, match="strategy capo failed: _Failed: RuntimeError: out of memory"):
        Run(prompts=8).drive(rival(name, Writing(FORMS[name])))


@pytest.mark.parametrize("name", FORMS)
def test_without_its_package_the_extra_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(module: str) -> None:
        raise ImportError(module, name=module)

    where: dict[str, Callable[[], str]] = {"gepa": lambda: "gepa", "capo": lambda: "capo"}
    module = where.get(name, lambda: "dspy_rivals")()
    monkeypatch.setattr(f"agents.strategies.{module}.import_module", absent)
    with pytest.raises(
        UserError, match=rf"strategy {name} needs \w+: pip install 'sceneproof\[{EXTRAS[name]}\]'"
    ):
        rival(name, Writing())


def test_a_refused_instruction_is_told_to_whoever_reflects_on_it() -> None:
    assert records(["leak: 'golf'"]) == [{"Feedback": "the instruction was refused: leak: 'golf'"}]


def test_capos_first_generation_begins_with_the_hand_written_prompts() -> None:
    made = population(6, 1)
    assert made[0] == NEUTRAL.prompt.text
    assert len(set(made)) == 6
    assert population(6, 1) == made != population(6, 2)


@pytest.mark.parametrize("name", params("dspy-copro", "dspy-mipro"))
def test_a_model_that_ignores_dspys_form_is_held_to_a_schema(name: str) -> None:
    run, fields = Run(prompts=4), ("proposed_instruction", "proposed_prefix_for_output_field")
    llm = Writing("I do not know.", json_form=f'{{"{fields[0]}": "{{prompt}}", "{fields[1]}": "Answer:"}}')
    assert len(run.drive(rival(name, llm))) >= 2
    held = [schema for schema in llm.schemas if schema]
    assert len(held) * 2 == len(llm.schemas)
    assert all(schema["properties"][fields[0]]["maxLength"] == 400 for schema in held)


class Breaking(Writing):
    """Of its replies in JSON only every third is whole."""

    def complete(self, conversation: Any, *, json_schema: Any = None, **rest: Any) -> Reply:
        reply = super().complete(conversation, json_schema=json_schema, **rest)
        whole = json_schema is None or sum(map(bool, self.schemas)) % 3 == 0
        return reply if whole else replace(reply, text=reply.text[:20], cut=True)


@pytest.mark.parametrize("name", params("dspy-copro", "dspy-mipro"))
def test_json_that_was_cut_is_asked_for_again(name: str) -> None:
    run, fields = Run(prompts=4), ("proposed_instruction", "proposed_prefix_for_output_field")
    llm = Breaking("I do not know.", json_form=f'{{"{fields[0]}": "{{prompt}}", "{fields[1]}": "Answer:"}}')
    assert len(run.drive(rival(name, llm))) >= 2
