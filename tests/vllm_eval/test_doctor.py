"""`python -m vllm_eval.doctor` shows what a model is asked and names what is wrong."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import scoring_world as world

from assets.errors import UserError
from videos.decode import FramePolicy
from vllm_eval import doctor
from vllm_eval.checkup import examine, problems, unused_cache
from vllm_eval.engine import Answer, Request
from vllm_eval.engines.transformers import TransformersEngine
from vllm_eval.questions import load_format
from vllm_eval.rendered import Rendered

Change = Callable[[Answer], Answer]


class Changed(world.Engine):
    """The scripted engine with its answers or what it renders changed."""

    def __init__(self, answer: Change = lambda a: a, rendered: Any = None) -> None:
        super().__init__()
        self._answer, self._rendered = answer, rendered

    def reply(self, request: Request) -> Answer:
        return self._answer(super().reply(request))

    def rendered(self, request: Request) -> Rendered:
        shown = super().rendered(request)
        return self._rendered(shown) if self._rendered else shown


class Mute(world.Engine):
    """A model whose letters are several tokens."""

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        raise UserError("'A' is not one token of this model's answer: ask with format open instead")

    def rendered(self, request: Request) -> Rendered:
        raise UserError("'A' is not one token of this model's answer: ask with format open instead")


class Remote(world.Engine):
    """A server: what it renders is not shown."""

    rendered = None  # type: ignore[assignment]


def visit(engine: Any, store: world.Store | None = None, still: bool = False) -> int:
    return doctor.main([], world.outside(engine, store, still))


def test_a_healthy_model_is_shown_with_its_prompt_tokens_letters_and_cache(
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = world.Engine()
    assert visit(engine) == 0
    out = capsys.readouterr().out
    assert "rendered, 60 video and 40 other tokens" in out
    assert "<user><video>What is the action being performed?" in out
    assert "letters, each one token: A 65, B 66, C 67, D 68, E 69" in out
    assert "100 tokens, 60 of them cached" in out
    assert "log-probabilities A -" in out
    assert "asked again: 6 answers" in out
    assert out.rstrip().endswith("nothing is wrong")
    assert engine.closed


@pytest.mark.parametrize(
    ("engine", "says"),
    [
        (Changed(lambda a: replace(a, cached_tokens=0)), "no token ever came from a cache"),
        (Changed(lambda a: replace(a, label=None, kind="unparsed", text="Well")), "names no choice: 'Well'"),
        (Changed(lambda a: replace(a, kind="refused", label=None, text="I cannot")), "refused to answer"),
        (Changed(lambda a: replace(a, logprobs=(math.log(0.01),) * 5)), "at most 5 % of the probability"),
        (Changed(lambda a: replace(a, prompt_tokens=99)), "99 prompt tokens, 100 were rendered"),
        (Changed(rendered=lambda r: replace(r, video_tokens=0)), "holds no video tokens"),
        (Changed(rendered=lambda r: replace(r, text="<user>")), "does not stand in the rendered prompt"),
        (world.Engine(fails=True), "was not answered: ValueError: no frames"),
        (Mute(), "'A' is not one token"),
    ],
)
def test_what_is_wrong_is_named_and_the_status_is_1(
    capsys: pytest.CaptureFixture[str], engine: Any, says: str
) -> None:
    assert visit(engine) == 1
    wrong = [line for line in capsys.readouterr().out.splitlines() if line.startswith("wrong: ")]
    assert any(says in line for line in wrong), wrong


def test_answers_that_change_when_asked_again_are_noise(capsys: pytest.CaptureFixture[str]) -> None:
    class Moody(world.Engine):
        def reply(self, request: Request) -> Answer:
            said = super().reply(request)
            later = len(self.asked) > 6
            return replace(said, label="sport h", kind="other") if later else said

    assert visit(Moody()) == 1
    assert "answers changed when asked again" in capsys.readouterr().out


def test_frames_are_looked_at_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert visit(world.Engine(), world.Store(frames=2)) == 1
    assert "has 2 frames, target.frames.count is 6" in capsys.readouterr().out
    assert visit(world.Engine(), still=True) == 1
    assert "are the same: no motion to see" in capsys.readouterr().out
    broken = tuple(f"swap{i}" for i in range(40))
    assert visit(world.Engine(), world.Store(broken=broken)) == 1
    assert "cannot be read (ValueError: moov atom not found)" in capsys.readouterr().out


def test_a_server_that_renders_out_of_sight_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert visit(Remote()) == 0
    assert "the engine does not show the rendered prompt" in capsys.readouterr().out


def test_a_server_without_a_cache_is_noted_an_engine_without_one_is_ill(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Forgetful(Remote):
        def reply(self, request: Request) -> Answer:
            return replace(super().reply(request), cached_tokens=0)

    assert visit(Forgetful()) == 0
    assert "note: no token ever came from a cache" in capsys.readouterr().out


def test_a_choice_that_was_ruled_out_leaves_the_json_valid(capsys: pytest.CaptureFixture[str]) -> None:
    engine = Changed(lambda a: replace(a, logprobs=(-0.1, *(-math.inf,) * 4)))
    assert doctor.main(["--json"], world.outside(engine)) == 0
    assert json.loads(capsys.readouterr().out)["answers"][0]["answer"]["logprobs"] == [-0.1, *[None] * 4]


def test_programs_get_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--json", "--clips", "2", "--prompt", "Which action is it?"]
    assert doctor.main(given, world.outside(world.Engine())) == 0
    found = json.loads(capsys.readouterr().out)
    assert (len(found["clips"]), len(found["answers"]), found["problems"]) == (2, 2, [])
    assert found["answers"][0]["rendered"]["video_tokens"] == 60
    assert len(found["answers"][0]["answer"]["logprobs"]) == 5


def test_a_wrong_flag_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main(["--clips", "0"], world.outside()) == 2
    assert doctor.main(["--target.modle", "x"], world.outside()) == 2
    errors = capsys.readouterr().err.splitlines()
    assert errors[0] == "error: --clips 0, expected at least 1"
    assert errors[1].startswith("error: unknown flag --target.modle; known: --target.model")


def test_a_real_model_renders_what_it_then_reads(tiny: Callable[[str], Path]) -> None:
    engine = TransformersEngine(str(tiny("qwen2_vl")), dtype="float32", device="cpu")
    policy, store = FramePolicy(2, "uniform", None), _Noise()
    form, clips = load_format("mcq5"), world.swaps(2)
    prompts = ("What is done?", "Look, what is it?")
    found = examine(engine, store, policy, form, clips.clips, clips.classes, prompts)  # type: ignore[arg-type]
    told = [*problems(found, policy), unused_cache(found)]
    assert not [one for one in told if one and "probability" not in one], (
        told
    )  # random weights prefer no letter
    for asked in found.asked:
        assert asked.rendered is not None
        assert asked.answer is not None
        assert asked.rendered.video_tokens > 0
        assert asked.rendered.text.count("<|video_pad|>") == 1
        assert asked.request.question.text in asked.rendered.text
        assert asked.rendered.prompt_tokens == asked.answer.prompt_tokens
    assert all(answer.cached_tokens for answer in found.again)


class _Noise(world.Store):
    """Frames large enough for a vision tower."""

    def get(self, clip: Any, policy: Any) -> Any:
        import numpy as np

        frames = super().get(clip, policy)
        pixels = np.random.default_rng(len(clip.id)).integers(0, 256, (policy.frames, 84, 84, 3))
        return replace(frames, pixels=pixels.astype(np.uint8))
