"""`python -m vllm_eval.views`: prompts x views in one table, each a run, nothing bought twice."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import scoring_world as world

from prompts.history import History
from videos.clip import Clip, ClipSet
from videos.sides import divide
from vllm_eval import views
from vllm_eval.config import TargetConfig
from vllm_eval.engine import Answer, Kind
from vllm_eval.evaluator import Scored
from vllm_eval.target import policy_of
from vllm_eval.views_table import interaction

TWO = ("--prompt", "neutral", "--prompt", world.HELPFUL)


@dataclass
class Store(world.Store):
    """Clips need no masks here; what was asked for is remembered."""

    seen: list[str] = field(default_factory=list)

    def fill(self, clips: Sequence[Clip], policy: Any) -> dict[str, str]:
        self.seen.append(policy.view)
        return {}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/history.db"


def told(
    capsys: pytest.CaptureFixture[str], url: str, engine: Any, *arguments: str, store: Any = None
) -> str:
    capsys.readouterr()
    outside = world.outside(engine, store)
    assert views.main([*arguments, "--history", url], outside) == 0
    return capsys.readouterr().out


def test_every_prompt_is_scored_on_every_view_and_held_to_the_first_of_each(
    capsys: pytest.CaptureFixture[str], url: str
) -> None:
    store = Store()
    flags = (*TWO, "--views", "original,black,dim:0.5", "--json")
    found = json.loads(told(capsys, url, world.Engine(), *flags, store=store))
    names = [(cell["view"], cell["prompt"]) for cell in found["cells"]]
    assert names == [(v, p) for v in ("original", "black", "dim:0.5") for p in ("neutral", "prompt 2")]
    assert store.seen == ["original", "black", "dim:0.5"]
    first, last = found["cells"][0], found["cells"][-1]
    assert first["both"] == first["of_view"] == first["of_prompt"] == first["interaction"] == {}
    assert last["of_prompt"]["shacc"]["value"] > 0.2
    assert last["interaction"]["shacc"]["value"] == 0, "this engine takes no notice of views"
    assert found["answers"] == {"known": 0, "bought": 240}


def test_nothing_is_bought_twice_and_each_view_is_a_run(capsys: pytest.CaptureFixture[str], url: str) -> None:
    engine = world.Engine()
    told(capsys, url, engine, *TWO, "--views", "original,black")
    out = told(capsys, url, engine, *TWO, "--views", "original,black,crop")
    assert "160 answers known, 80 bought" in out
    assert len(engine.asked) == len(set(engine.asked)) == 240
    with History(url, create=False) as history:
        runs = history.runs()
    shown = [run.config["target"].get("view", "original") for run in runs]
    assert sorted(shown) == ["black", "black", "crop:0.1", "original", "original"]


def test_an_interrupted_table_goes_on(capsys: pytest.CaptureFixture[str], url: str) -> None:
    outside = world.outside(world.Engine(stop_after=100))
    assert views.main([*TWO, "--views", "original,black", "--history", url], outside) == 130
    out = told(capsys, url, world.Engine(), *TWO, "--views", "original,black")
    assert "100 answers known, 60 bought" in out


def test_the_table_is_narrow_enough_and_says_whether_gains_add_up(
    capsys: pytest.CaptureFixture[str], url: str
) -> None:
    out = told(capsys, url, world.Engine(), *TWO, "--views", "original,blurred,side")
    assert "scripted swaps: 40 clips, 80 source videos, chance 20.0 %" in out
    assert "side x prompt 2" in out
    assert "may add up" in out
    assert max(map(len, out.splitlines())) <= 120


def test_a_side_is_that_of_an_optimizers_run(capsys: pytest.CaptureFixture[str], url: str) -> None:
    found = json.loads(told(capsys, url, world.Engine(), "--views", "original", "--side", "tune", "--json"))
    expected = divide(world.swaps(), {"tune": 0.15, "select": 0.28, "test": 0.57}, 0)[0]["tune"]
    assert found["clips"] == len(expected)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--views", "original,sepia"), "view 'sepia' is unknown, expected one of: original, black"),
        (("--prompt", "nutral"), "'nutral' is no question and names no prompt; known names: neutral"),
        (("--clips", "0"), "--clips 0, expected at least 1"),
        (("--target.view", "sepia"), "view 'sepia' is unknown"),
    ],
)
def test_what_cannot_be_is_one_line(
    capsys: pytest.CaptureFixture[str], url: str, flags: tuple[str, ...], said: str
) -> None:
    assert views.main([*flags, "--history", url], world.outside(world.Engine())) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1


def test_a_view_on_which_no_clip_can_be_answered_is_told(
    capsys: pytest.CaptureFixture[str], url: str
) -> None:
    outside = world.outside(world.Engine(fails=True))
    assert views.main([*TWO, "--views", "black", "--history", url], outside) == 2
    assert "no clip of scripted swaps could be answered as black" in capsys.readouterr().err


def test_a_configuration_without_a_view_is_written_as_before_and_one_with_it_shows_it() -> None:
    plain = TargetConfig()
    assert not {"view", "masks"} & plain.model_dump().keys()
    assert policy_of(plain).key == "uniform-6-84"
    seen = TargetConfig.model_validate({"view": "dim", "masks": "runs/masks"})
    assert seen.model_dump()["view"] == "dim:0.3", "an amount is spelt out, so that two ways are one"
    assert policy_of(seen).key == "uniform-6-84-dim:0.3"
    assert policy_of(seen).masks == "runs/masks"


def scored(kinds: Sequence[Kind]) -> Scored:
    clips = ClipSet("s", world.swaps(len(kinds)).clips, world.CLASSES)
    answers = tuple(Answer(str(i), "", None, kind, None, 0, 0, 0.0) for i, kind in enumerate(kinds))
    return Scored("p", clips, answers)


def test_interaction_is_a_difference_of_differences_over_clips_without_errors() -> None:
    both = scored(["human", "human", "error", "background"] * 10)
    of_view = scored(["human", "background", "human", "background"] * 10)
    of_prompt = scored(["human", "human", "human", "background"] * 10)
    neither = scored(["background", "background", "human", "background"] * 10)
    found = interaction(both, of_view, of_prompt, neither, "shacc")
    assert found.n == 30
    assert found.value == pytest.approx((1 - 1 - 1 + 0 + 1 - 0 - 1 + 0 + 0) / 3)
    assert found.low < found.value < found.high <= 2


def test_gains_that_add_up_have_no_interaction() -> None:
    rng = np.random.default_rng(0)
    draws = rng.random((4, 400))
    shares = (0.7, 0.5, 0.4, 0.2)  # both, view, prompt, neither: each adds its own
    four = [scored(np.where(d < s, "human", "other").tolist()) for d, s in zip(draws, shares, strict=True)]
    found = interaction(four[0], four[1], four[2], four[3], "shacc")
    assert not found.significant
    assert found.low < 0 < found.high
