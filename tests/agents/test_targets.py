"""Several target models: each is asked for itself, and a prompt is chosen for all of them."""

from pathlib import Path
from typing import Any

import pytest
import scripted_world as world
from loop_world import TUNE, Silent, settings
from scripted_world import ScriptedEngine

from agents import loop, resume
from agents.config import RunConfig
from agents.estimate import forecast
from agents.pooling import Pooled
from agents.report import Report
from agents.targets import by_target, overall, widened
from assets.errors import UserError
from prompts.history import History
from prompts.library import NEUTRAL
from prompts.prompt import Prompt
from prompts.roles import roles_of
from vllm_eval.engine import Answer, Kind, Request
from vllm_eval.evaluator import Scored

ONE_SIDED = "What does the body do, and the posture, and the motion?"  # grand for a, useless for b
FAIR = "What do the limbs do?"
TEXTS = (ONE_SIDED, FAIR)

pytestmark = pytest.mark.usefixtures("inventive")


class Stubborn(ScriptedEngine):
    """Sees the person by one word alone, which does little for the other model."""

    def _reply(self, prompt: str, request: Request) -> Answer:
        usual = super()._reply(prompt, request)
        if request.clip.background is None:
            return usual
        sees = prompt == FAIR and int(request.clip.id.removeprefix("swap")) % 5 == 0
        kind: Kind = "human" if sees else "background"
        label = request.clip.human if sees else request.clip.background
        return Answer(request.key, "A", label, kind, None, 40, 30, 0.01)


def engines() -> dict[str, ScriptedEngine]:
    return {"a": ScriptedEngine("engine a"), "b": Stubborn("engine b")}


def parts(made: dict[str, ScriptedEngine]) -> loop.Parts:
    frames: Any = world.NoFrames
    return loop.Parts(
        world.load, lambda name, model, **rest: made[model], frames, lambda _: world.ScriptedLLM()
    )


def two(tmp_path: Path, rule: str = "worst", **changes: Any) -> RunConfig:
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join(TEXTS))
    optimizer = {"strategy": "file", "file": str(path)} | changes.pop("optimizer", {})
    return settings(
        tmp_path,
        targets=[{"model": "a"}, {"model": "b"}],
        objective={"targets": rule} | changes.pop("objective", {}),
        optimizer=optimizer,
        **changes,
    )


def carry(
    config: RunConfig, history: History, made: dict[str, ScriptedEngine], again: str | None = None
) -> Report:
    found = resume.find(history, config, again)
    return loop.run(config, found.run_id, history, Silent(), parts(made))


def test_the_worst_target_or_the_mean_decides_who_wins(tmp_path: Path, history: History) -> None:
    worst = carry(two(tmp_path), history, engines())
    mean = carry(two(tmp_path, "mean"), history, engines())
    assert worst.winner.text == FAIR
    assert mean.winner.text == ONE_SIDED
    assert worst.test_score < mean.test_score
    assert worst.targets == ("a", "b")


def test_every_targets_answers_are_its_own_in_the_history(tmp_path: Path, history: History) -> None:
    made = engines()
    report = carry(two(tmp_path), history, made)
    for name, engine in made.items():
        rows = history.answers_for(report.run_id, dataset=f"{TUNE} @ {name}")
        assert {row.clip_id for row in rows} <= {clip.id for clip in world.swapped().clips}
        assert engine.closed
        view = history.view(report.run_id, f"{TUNE} @ {name}")
        found = view.get(report.winner.id)
        assert found is not None
        assert found.metrics.n == 12
    assert history.datasets(report.run_id)
    assert all(" @ " in name for name in history.datasets(report.run_id))
    spent = history.spent(report.run_id)["clip_evaluations"]
    assert spent == sum(len(engine.asked) for engine in made.values())


def test_an_answer_bought_for_one_target_alone_is_not_bought_again(tmp_path: Path, history: History) -> None:
    alone = engines()
    config = settings(tmp_path, target={"model": "a"}, optimizer=two(tmp_path).optimizer.model_dump())
    found = resume.find(history, config, None)
    loop.run(config, found.run_id, history, Silent(), parts(alone))
    made = engines()
    carry(two(tmp_path), history, made)
    known = set(alone["a"].asked)
    assert known
    assert not known & set(made["a"].asked)
    assert known & set(made["b"].asked)


def test_the_report_shows_every_target(tmp_path: Path, history: History) -> None:
    report = carry(two(tmp_path), history, engines())
    names = [section.name for section in report.sections]
    assert names == [f"{name} @ {model}" for name in ("test", "mimetics", "kinetics") for model in "ab"]
    by_name = {section.name: section for section in report.sections}
    found = {name: by_name[f"test @ {name}"].lines[-1].measures["shacc"].estimate for name in "ab"}
    assert [found[name].n for name in "ab"] == [24, 24]
    assert found["a"].value != found["b"].value
    text = (tmp_path / "runs" / report.run_id / "report.txt").read_text()
    assert "test @ b: scripted swaps/test" in text
    assert "worst of 2 models" in text


def test_a_killed_run_of_two_targets_goes_on_and_buys_nothing_twice(tmp_path: Path, history: History) -> None:
    config = two(tmp_path, optimizer={"strategy": "inventive", "file": None})
    whole = engines()
    report = carry(config, history, whole)
    asked = sorted(whole["a"].asked + whole["b"].asked)
    with History(f"sqlite:///{tmp_path}/parts.db") as other:
        first, second = engines(), engines()
        first["b"].fail_after = len(whole["b"].asked) // 2
        with pytest.raises(KeyboardInterrupt):
            carry(config, other, first)
        resumed = carry(config, other, second, again="")
        assert resumed.winner == report.winner
        assert resumed.sections == report.sections
        both = [one for made in (first, second) for engine in made.values() for one in engine.asked]
        assert sorted(both) == asked


def test_a_cap_on_answers_counts_those_of_all_targets(tmp_path: Path, history: History) -> None:
    made = engines()
    config = two(
        tmp_path,
        optimizer={"strategy": "inventive", "file": None},
        budget={"prompts": 50, "clip_evaluations": 1200},
    )
    report = carry(config, history, made)
    assert "the caps leave no room" in report.stopped
    assert sum(len(engine.asked) for engine in made.values()) <= 1200


def test_a_strategy_sees_the_answers_of_all_targets(tmp_path: Path, history: History) -> None:
    report = carry(two(tmp_path), history, engines())
    clips = widened(loop.load_data(two(tmp_path).data, world.load), "ab").tune
    pooled = Pooled(history, report.run_id, clips)
    rows = pooled.answers(report.winner.id)
    assert [row.clip_id for row in rows] == [clip.id for clip in clips.clips]
    seen = pooled.view().get(report.winner.id)
    assert seen is not None
    assert seen.metrics.n == 24
    parts = [history.view(report.run_id, f"{TUNE} @ {name}").get(report.winner.id) for name in "ab"]
    shares = [one.metrics.shacc.value for one in parts if one]
    assert seen.metrics.shacc.value == pytest.approx(sum(shares) / 2)


def test_a_loss_on_one_target_is_a_loss(tmp_path: Path, history: History) -> None:
    def accuracy(prompt: str) -> float:
        return 0.9 if prompt == NEUTRAL.prompt.text else 0.6

    made = engines()
    made["b"].ordinary_accuracy = accuracy
    report = carry(two(tmp_path), history, made)
    assert report.winner == NEUTRAL.prompt
    assert {one.prompt.text for one in report.passed_over} == set(TEXTS)
    assert "points lost on ordinary clips" in report.passed_over[0].reason


def test_lowest_sberr_asks_the_proof_of_every_target(tmp_path: Path, history: History) -> None:
    config = two(tmp_path, objective={"rule": "sberr", "margin": 0.5})
    report = carry(config, history, engines())
    assert report.winner.text == FAIR


def test_an_anchor_lost_by_one_target_refuses_the_prompt(tmp_path: Path, history: History) -> None:
    class Losing(ScriptedEngine):
        """Right on every clip with neutral, on none with the fair prompt."""

        def _reply(self, prompt: str, request: Request) -> Answer:
            if request.clip.background is None:
                return super()._reply(prompt, request)
            kind: Kind = "background" if prompt == FAIR else "human"
            return Answer(request.key, "A", request.clip.human, kind, None, 40, 30, 0.01)

    anchor = loop.load_data(two(tmp_path).data, world.load).tune.clips[0].id
    made = {"a": ScriptedEngine("engine a"), "b": Losing("engine b")}
    report = carry(two(tmp_path, optimizer={"guard": {"anchors": [anchor]}}), history, made)
    assert [(one.prompt.text, one.reason) for one in report.passed_over] == [
        (FAIR, f"anchor: 1 anchors lost, at most 0: {anchor} @ b")
    ]


def test_targets_of_one_model_share_their_engine_and_keep_their_settings(
    tmp_path: Path, history: History
) -> None:
    opened: list[ScriptedEngine] = []

    def load(name: str, model: str, **rest: Any) -> ScriptedEngine:
        opened.append(ScriptedEngine())
        return opened[-1]

    frames: Any = world.NoFrames
    outside = loop.Parts(world.load, load, frames, lambda _: world.ScriptedLLM())
    config = two(tmp_path)
    values = config.model_dump() | {
        "targets": [
            {"model": "a", "name": "few", "frames": {"count": 2}},
            {"model": "a", "name": "many", "frames": {"count": 8}},
        ]
    }
    config = RunConfig.model_validate({key: value for key, value in values.items() if key != "target"})
    found = resume.find(history, config, None)
    report = loop.run(config, found.run_id, history, Silent(), outside)
    assert len(opened) == 1
    assert report.targets == ("few", "many")
    asked = history.spent(found.run_id)["clip_evaluations"]
    assert asked == len(opened[0].asked)


def test_the_estimate_counts_all_targets(tmp_path: Path, history: History) -> None:
    made = engines()
    told = forecast(two(tmp_path), history, parts(made))
    alone = settings(tmp_path, target={"model": "a"}, optimizer=two(tmp_path).optimizer.model_dump())
    assert told.most == 2 * forecast(alone, history, parts(engines())).most
    assert dict(told.trial.prompt_tokens) == {"a": 40, "b": 40}
    report = carry(two(tmp_path), history, made)
    assert report.spent["clip_evaluations"] <= told.most


def test_a_target_that_answers_nothing_is_named(tmp_path: Path, history: History) -> None:
    class Failing(ScriptedEngine):
        def _reply(self, prompt: str, request: Request) -> Answer:
            return Answer(request.key, "", None, "error", None, 0, 0, 0.0, "out of memory")

    made = {"a": ScriptedEngine("engine a"), "b": Failing("engine b")}
    with pytest.raises(UserError, match=r"no clip of .*tune could be answered by b, for one: out of memory"):
        carry(two(tmp_path), history, made)
    with pytest.raises(UserError, match="none of 12 trial answers of b could be had"):
        forecast(two(tmp_path), history, parts(made))


def test_the_history_tells_what_each_data_set_of_each_target_served_for(
    tmp_path: Path, history: History
) -> None:
    report = carry(two(tmp_path), history, engines())
    named = roles_of(history, report.run_id).named()
    assert {name: role for name, role in named.items() if role != "report"} == {
        f"scripted swaps/{side} @ {model}": side for side in ("tune", "select") for model in "ab"
    }
    assert len(named) == 12


def test_scores_of_several_targets_are_their_worst_or_their_mean(tmp_path: Path, history: History) -> None:
    report = carry(two(tmp_path), history, engines())
    clips = widened(loop.load_data(two(tmp_path).data, world.load), "ab").tune
    answers = Pooled(history, report.run_id, clips).answers(report.winner.id)
    rows = {row.clip_id: row.answer for row in answers}
    scored = Scored(report.winner.id, clips, tuple(rows[clip.id] for clip in clips.clips))
    each = [overall(part, "worst") for part in by_target(scored).values()]
    assert len(each) == 2
    assert overall(scored, "worst") == min(each)
    assert overall(scored, "mean") == pytest.approx(sum(each) / 2)


def test_a_race_goes_by_the_rule_that_chooses(tmp_path: Path, history: History) -> None:
    verdicts = {}
    for rule in ("worst", "mean"):
        report = carry(two(tmp_path, rule, optimizer={"racing": {"block": 2}}), history, engines())
        told = {
            one.detail["prompt"]: one
            for one in history.decisions(report.run_id)
            if one.kind in ("race/futile", "race/won", "race/complete", "race/twin")
        }
        verdicts[rule] = told[Prompt(ONE_SIDED).id]
    assert verdicts["mean"].detail["difference"] > 0
    assert verdicts["worst"].detail["difference"] <= 0
    assert verdicts["worst"].kind != "race/won"
