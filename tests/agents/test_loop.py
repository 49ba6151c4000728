"""The loop spends exactly its budget, remembers all of it, and goes on after any interruption."""

import json
import random
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import scripted_world as world
from loop_world import TUNE, Silent, accepted, carry, settings
from scripted_world import Inventive, ScriptedEngine, ScriptedLLM

from agents import loop, resume
from agents.llm import Reply
from agents.report import Report
from agents.strategies import STRATEGIES
from agents.strategy import Proposal
from assets.errors import UserError
from prompts.history import History
from prompts.library import LIBRARY, NEUTRAL
from videos.clip import ClipSet
from vllm_eval.engine import Answer

pytestmark = pytest.mark.usefixtures("inventive")


def test_exactly_the_budget_of_distinct_prompts_is_scored(tmp_path: Path, history: History) -> None:
    report = carry(settings(tmp_path, optimizer={"race": "none"}), history)
    found = accepted(history, report.run_id)
    assert len(found) == len({prompt.id for prompt in found}) == 7
    view = history.view(report.run_id, TUNE)
    assert {one.prompt.id for one in view.scored if one.position >= 0} == {prompt.id for prompt in found}
    assert all(one.metrics.n == 12 for one in view.scored)
    assert {one.prompt.id for one in view.scored if one.position < 0} == {
        p.prompt.id for p in LIBRARY.values()
    }
    assert history.run(report.run_id).status == "finished"


def test_a_round_is_one_engine_call_for_all_its_prompts(tmp_path: Path, history: History) -> None:
    calls: list[int] = []

    class Counting(ScriptedEngine):
        def answer(self, requests: Any) -> Any:
            calls.append(len({request.question.text.split("\n")[0] for request in requests}))
            return super().answer(requests)

    unraced = settings(tmp_path, budget={"prompts": 6}, optimizer={"race": "none"})
    carry(unraced, history, Counting())
    # Hand-written (two of the four share a text), then rounds, with a refusal in the second.
    assert calls[:4] == [3, 3, 2, 1]


def test_refusals_are_remembered_with_their_reason_and_cost_nothing(tmp_path: Path, history: History) -> None:
    report = carry(settings(tmp_path), history)
    refused = [one for one in history.proposals(report.run_id) if one.verdict == "refused"]
    assert refused
    assert all(one.reason and one.raw == "nothing came to mind" for one in refused)
    assert len(accepted(history, report.run_id)) == 7


class Stubborn(Inventive):
    def _proposal(self, number: int) -> Proposal:
        return Proposal("What does the body do?" if number < 2 else "")


def test_refusals_in_a_row_end_the_search_and_not_the_report(
    tmp_path: Path, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    strategies: Any = STRATEGIES
    monkeypatch.setitem(strategies, "inventive", lambda config, seed, llm: Stubborn(llm(), seed))
    report = carry(settings(tmp_path, budget={"prompts": 9, "refusals": 5}), history)
    assert len(accepted(history, report.run_id)) == 1
    assert "proposals in a row were refused, the last as" in report.stopped
    assert len(history.proposals(report.run_id)) <= 1 + 5 + 3
    assert report.winner.text == "What does the body do?"


def test_a_search_without_any_usable_proposal_is_a_user_error(
    tmp_path: Path, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mute(Inventive):
        def _proposal(self, number: int) -> Proposal:
            return Proposal("")

    strategies: Any = STRATEGIES
    monkeypatch.setitem(strategies, "inventive", lambda config, seed, llm: Mute(llm(), seed))
    with pytest.raises(UserError, match=r"no prompt could be scored: .* refused, .* as empty"):
        carry(settings(tmp_path), history)
    assert history.runs()[-1].status == "failed"


def test_a_prompt_with_half_a_character_is_text_like_any_other(
    tmp_path: Path, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Halved(world.Inventive):
        def _proposal(self, number: int) -> Proposal:
            return replace(super()._proposal(number), text=f"Which \ud83d action\x00 do limbs {number} do?")

    strategies: Any = STRATEGIES
    monkeypatch.setitem(strategies, "inventive", lambda config, seed, llm: Halved(llm(), seed))
    report = carry(settings(tmp_path), history)
    texts = [one.text for one in accepted(history, report.run_id)]
    assert len(texts) == 7
    assert texts[0] == "Which ? action\N{REPLACEMENT CHARACTER} do limbs 0 do?"


def test_a_file_of_prompts_is_scored_in_order_until_it_ends(tmp_path: Path, history: History) -> None:
    texts = [
        "What do the limbs do?",
        "# a comment",
        "",
        "What do body and limbs do?",
        "What do the limbs do?",
    ]
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join(texts))
    config = settings(tmp_path, optimizer={"strategy": "file", "file": str(path), "per_round": 1})
    report = carry(config, history)
    assert [prompt.text for prompt in accepted(history, report.run_id)] == [texts[0], texts[3]]
    assert "no further proposal" in report.stopped
    assert report.winner.text == texts[3]


def test_a_file_whose_prompts_are_all_refused_says_why(tmp_path: Path, history: History) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("Which is it: A, B, C, D or E?\n")
    config = settings(tmp_path, optimizer={"strategy": "file", "file": str(path)})
    with pytest.raises(UserError, match=r"no further proposal, the last one was refused as choices: "):
        carry(config, history)


def test_opro_reads_what_its_language_model_writes(tmp_path: Path, history: History) -> None:
    class Writing(ScriptedLLM):
        def complete(self, conversation: Any, **rest: Any) -> Any:
            self.calls += 1
            words = [word for place, word in enumerate(world.HELPFUL) if self.calls >> place & 1]
            text = f"What does the {' or the '.join(words)} of the person tell in view {self.calls}?"
            return Reply(json.dumps({"prompts": [{"prompt": text, "hypothesis": "h"}]}), 7, 3, 0.0)

    config, llm = settings(tmp_path), Writing()
    found = resume.find(history, config, None)
    config = config.model_copy(update={"optimizer": config.optimizer.model_copy(update={"strategy": "opro"})})
    report = loop.run(config, found.run_id, history, Silent(), world.parts(llm=llm))
    assert len(accepted(history, found.run_id)) == 7
    assert {one.prompt.origin for one in history.proposals(found.run_id)} == {"opro"}
    assert report.improved
    assert history.spent(found.run_id)["optimizer_tokens"] == 10 * llm.calls


def test_tokens_and_answers_are_booked(tmp_path: Path, history: History) -> None:
    engine, llm = ScriptedEngine(), ScriptedLLM()
    report = carry(settings(tmp_path), history, engine, llm)
    spent = history.spent(report.run_id)
    assert spent["clip_evaluations"] == len(engine.asked)
    assert spent["optimizer_tokens"] == 10 * llm.calls
    assert spent["seconds"] > 0
    assert (engine.closed, llm.closed) == (True, True)


@dataclass(frozen=True)
class Undisturbed:
    report: Report
    asked: list[tuple[str, str]]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder, engine = tmp_path_factory.mktemp("undisturbed"), ScriptedEngine()
    strategies: Any = STRATEGIES
    with pytest.MonkeyPatch.context() as patch, History(f"sqlite:///{folder}/whole.db") as history:
        patch.setitem(strategies, "inventive", world.inventive)
        return Undisturbed(carry(settings(folder), history, engine), engine.asked)


@pytest.mark.parametrize("seed", range(5))
def test_a_run_stopped_anywhere_goes_on_and_buys_nothing_twice(
    tmp_path: Path, undisturbed: Undisturbed, seed: int
) -> None:
    config = settings(tmp_path)
    draw, asked = random.Random(seed), []
    with History(f"sqlite:///{tmp_path}/parts.db") as history:
        for stop in sorted(draw.sample(range(len(undisturbed.asked)), 3)):
            engine = ScriptedEngine(fail_after=stop - len(asked), failure=draw.choice(FAILURES))
            with pytest.raises(type(engine.failure)):
                carry(config, history, engine, again="")
            asked += engine.asked
        engine = ScriptedEngine()
        report = carry(config, history, engine, again="")
        asked += engine.asked
        assert len(history.runs()) == 1
        assert report.winner == undisturbed.report.winner
        assert report.sections == undisturbed.report.sections
        assert history.spent(report.run_id)["clip_evaluations"] == len(undisturbed.asked)
    assert Counter(asked) == Counter(undisturbed.asked)


FAILURES = [KeyboardInterrupt(), RuntimeError("the engine broke"), UserError("the endpoint is gone")]


def test_a_run_stopped_while_proposing_goes_on(tmp_path: Path, history: History) -> None:
    class Leaving(ScriptedLLM):
        def complete(self, conversation: Any, **rest: Any) -> Any:
            if self.calls == 2:
                raise KeyboardInterrupt
            return super().complete(conversation, **rest)

    engine = ScriptedEngine()
    with pytest.raises(KeyboardInterrupt):
        carry(settings(tmp_path), history, engine, Leaving())
    report = carry(settings(tmp_path), history, engine, again="")
    assert len(accepted(history, report.run_id)) == 7
    assert max(Counter(engine.asked).values()) == 2  # neutral and prefixed choices share their text


def test_a_cap_on_answers_is_never_overshot(tmp_path: Path, history: History) -> None:
    engine = ScriptedEngine()
    budget = {"prompts": 50, "clip_evaluations": 600}
    report = carry(settings(tmp_path, budget=budget), history, engine)
    assert len(engine.asked) <= 600
    assert "the caps leave no room" in report.stopped
    assert 1 <= len(accepted(history, report.run_id)) < 50


def test_a_cap_too_small_for_a_single_prompt_is_refused_before_anything_is_bought(
    tmp_path: Path, history: History
) -> None:
    engine = ScriptedEngine()
    with pytest.raises(UserError, match=r"budget.clip_evaluations 100 is too small: .* take up to"):
        carry(settings(tmp_path, budget={"clip_evaluations": 100}), history, engine)
    assert engine.asked == []


def test_time_that_runs_out_ends_the_run_in_one_line_and_a_higher_cap_goes_on(
    tmp_path: Path, history: History
) -> None:
    engine = ScriptedEngine(seconds=0.002)
    with pytest.raises(UserError, match=r"budget.seconds 0.05 is used up .* --resume"):
        carry(settings(tmp_path, budget={"seconds": 0.05}), history, engine)
    engine.seconds = 0
    report = carry(settings(tmp_path, budget={"seconds": 600}), history, engine, again="")
    assert len(history.runs()) == 1
    assert len(accepted(history, report.run_id)) == 7


def test_the_language_model_is_loaded_before_anything_is_bought(tmp_path: Path, history: History) -> None:
    def no_key(config: Any) -> Any:
        raise UserError("OPENAI_API_KEY is not set")

    engine, config = ScriptedEngine(), settings(tmp_path)
    found = resume.find(history, config, None)
    frames: Any = world.NoFrames
    parts = loop.Parts(world.load, lambda *names, **options: engine, frames, no_key)
    with pytest.raises(UserError, match="OPENAI_API_KEY"):
        loop.run(config, found.run_id, history, Silent(), parts)
    assert engine.asked == []
    assert engine.closed


def test_another_run_reuses_answers(tmp_path: Path, history: History) -> None:
    carry(settings(tmp_path), history)
    engine = ScriptedEngine()
    report = carry(settings(tmp_path), history, engine)
    assert engine.asked == []
    assert history.spent(report.run_id).get("clip_evaluations", 0) == 0
    assert len(accepted(history, report.run_id)) == 7


def test_seeds_propose_differently_on_the_same_clips(tmp_path: Path, history: History) -> None:
    runs = [carry(settings(tmp_path, seed=seed), history).run_id for seed in (1, 2)]
    texts = [{prompt.text for prompt in accepted(history, run)} for run in runs]
    clips = [{row.clip_id for row in history.answers_for(run, dataset=TUNE)} for run in runs]
    assert texts[0] != texts[1]
    assert clips[0] == clips[1]


def test_what_can_be_seen_is_told_at_the_start(tmp_path: Path, history: History) -> None:
    watcher = Silent()
    carry(settings(tmp_path), history, watcher=watcher)
    assert "tune: 12 clips of scripted swaps/tune, shows differences from" in watcher.lines[0]


def test_the_report_is_saved_for_people_and_programs(tmp_path: Path, history: History) -> None:
    report = carry(settings(tmp_path), history)
    folder = tmp_path / "runs" / report.run_id
    stored = json.loads((folder / "report.json").read_text())
    assert stored["winner"]["text"] == report.winner.text
    assert stored["optimism"] == pytest.approx(report.tune_score - report.test_score)
    assert [section["name"] for section in stored["sections"]] == ["test", "mimetics", "kinetics"]
    text = (folder / "report.txt").read_text()
    for word in (
        "neutral",
        "human-focused",
        "best found",
        "SBErr",
        "accuracy",
        "Optimism",
        report.winner.text[:20],
    ):
        assert word in text
    assert "prompts: 7" in (folder / "config.yaml").read_text()


def test_formats_without_choice_styles_leave_the_prefixed_baseline_out(
    tmp_path: Path, history: History
) -> None:
    report = carry(settings(tmp_path, target={"question": {"format": "open"}}), history)
    assert [line.label for line in report.sections[0].lines] == [
        "neutral",
        "human-focused",
        "background-biased",
        "best found",
    ]


def test_clips_that_cannot_be_read_are_counted_and_stop_nothing(tmp_path: Path, history: History) -> None:
    class Broken(world.NoFrames):
        def media_id(self, clip: Any, policy: Any) -> str:
            if clip.id.endswith("7"):
                raise UserError(f"{clip.id} is cut off")
            return super().media_id(clip, policy)

        def fill(self, clips: Any, policy: Any) -> dict[str, str]:
            return {clip.id: "cut off" for clip in clips if clip.id.endswith("7")}

    watcher, frames = Silent(), Broken
    config = settings(tmp_path, data={"tune_clips": 18})
    parts: Any = replace(world.parts(), frames=frames)
    report = loop.run(config, resume.find(history, config, None).run_id, history, watcher, parts)
    assert any("clips of scripted swaps" in line and "cannot be read" in line for line in watcher.lines)
    assert report.sections[0].lines[0].errors > 0


def test_a_model_that_answers_no_clip_is_noticed_at_once(tmp_path: Path, history: History) -> None:
    class Failing(ScriptedEngine):
        def _reply(self, prompt: str, request: Any) -> Answer:
            return Answer(request.key, "", None, "error", None, 0, 0, 0.0, "out of memory")

    engine = Failing()
    with pytest.raises(UserError, match="no clip of scripted swaps/tune could be answered, for one: out of"):
        carry(settings(tmp_path), history, engine)
    assert len(engine.asked) == 4 * 12


def test_a_prompt_the_model_refuses_to_answer_does_not_win(tmp_path: Path, history: History) -> None:
    class Picky(ScriptedEngine):
        def _reply(self, prompt: str, request: Any) -> Answer:
            if prompt in [one.text for one in accepted(history, history.runs()[-1].id)]:
                return Answer(request.key, "", None, "error", None, 0, 0, 0.0, "refused")
            return super()._reply(prompt, request)

    report = carry(settings(tmp_path), history, Picky())
    assert report.winner == NEUTRAL.prompt


def test_resuming_looks_for_the_same_settings(tmp_path: Path, history: History) -> None:
    mine, other = settings(tmp_path), settings(tmp_path, seed=5)
    first = resume.find(history, mine, None).run_id
    assert resume.find(history, other, "").run_id != first
    assert resume.find(history, mine, "") == resume.Found(first, finished=False, resumed=True)
    with pytest.raises(UserError, match="was started with seed 0, not 5"):
        resume.find(history, other, first)
    with pytest.raises(UserError, match="is not in the history"):
        resume.find(history, mine, "nowhere")
    history.finish_run(first, {})
    assert resume.find(history, mine, "") == resume.Found(first, finished=True, resumed=True)
    with pytest.raises(UserError, match="is finished"):
        resume.find(history, mine, first)


def test_data_without_extras_is_reported_on_test_alone(tmp_path: Path, history: History) -> None:
    def swaps_only(dataset: str, root: str) -> ClipSet:
        assert dataset == "hat:rand_1"
        return world.swapped()

    config = settings(tmp_path, data={"mimetics": None, "kinetics": None, "agreement": None})
    report = carry(config, history, datasets=swaps_only)
    assert [section.name for section in report.sections] == ["test"]
