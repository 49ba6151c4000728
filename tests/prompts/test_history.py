"""The history remembers all of a run, and every answer once."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rows import WHAT, WHO, answer, row, rows

from assets.errors import UserError
from prompts import figures
from prompts.answers import grouped
from prompts.database import Database
from prompts.history import History, score_rows
from prompts.library import LIBRARY, NEUTRAL, PREFIXED
from prompts.prompt import Prompt
from prompts.records import Put, RunCounts, config_hash
from prompts.view import ScoredPrompt
from videos.clip import ClipSet
from vllm_eval.evaluator import Scored


@pytest.fixture
def url(history_url: str) -> str:
    return history_url


@pytest.fixture
def history(url: str) -> Iterator[History]:
    with History(url) as opened:
        yield opened


@pytest.fixture
def run_id(history: History) -> str:
    return history.start_run({"budget": 3}, seed=7)


# Runs


def test_a_run_is_remembered_with_where_it_ran(history: History) -> None:
    run = history.run(history.start_run({"a": 1}, seed=7, environment={"gpu": "none"}))
    assert (run.status, run.seed, run.config, run.finished) == ("running", 7, {"a": 1}, None)
    assert run.environment["gpu"] == "none"
    assert run.environment["python"]
    assert run.code_version


def test_runs_sort_by_start(history: History) -> None:
    started = [history.start_run({}, 0) for _ in range(3)]
    assert [run.id for run in history.runs()] == started == sorted(started)


def test_no_secret_of_a_configuration_is_stored(tmp_path: Path) -> None:
    history = History(f"sqlite:///{tmp_path}/history.db")
    config = {
        "llm": {"api_key": "abc-hidden-1", "apiKey": "abc-hidden-2", "api_key_env": "SHOWN_NAME"},
        "url": "postgresql://me:abc-hidden-3@host/db",
        "headers": ["Bearer abc-hidden-4", "sk-abc-hidden-5"],
    }
    run_id = history.start_run(config, 0, environment={"HF_TOKEN": "abc-hidden-6"})
    history.add_decision(run_id, "note", {"token": "abc-hidden-7"})
    history.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"abc-hidden" not in stored
    assert b"SHOWN_NAME" in stored


def test_finishing_closes_a_run_and_failing_leaves_it_open(history: History) -> None:
    first, second = history.start_run({}, 0), history.start_run({}, 0)
    history.finish_run(first, {"best": 0.5, "odd": nan})
    history.finish_run(second, {"error": "no key"}, status="failed")
    assert history.run(first).summary == {"best": 0.5, "odd": None}
    assert history.resume_run() == second
    assert history.resume_run(second) == second
    with pytest.raises(UserError, match="is finished"):
        history.resume_run(first)


def test_every_state_a_run_went_through_is_kept(url: str, history: History) -> None:
    run = history.start_run({}, 0)
    history.finish_run(run, {"error": "no key"}, status="failed")
    history.finish_run(run, {"best": 1})
    assert history.run(run).status == "finished"
    query = "SELECT status FROM run_states ORDER BY id"
    assert told(url, query) == [("running",), ("failed",), ("finished",)]


def test_resuming_finds_the_latest_run_of_a_configuration(history: History) -> None:
    first = history.start_run({"a": 1}, 0)
    second = history.start_run({"a": 2}, 0)
    assert history.resume_run(config_hash=config_hash({"a": 1})) == first
    assert history.resume_run(config_hash=config_hash({"a": 3})) is None
    assert history.resume_run() == second


def test_an_unknown_run_is_a_user_error_that_names_the_latest(history: History, run_id: str) -> None:
    with pytest.raises(UserError, match=run_id):
        history.run("nowhere")
    with pytest.raises(UserError, match="'nowhere'"):
        history.finish_run("nowhere", {})


# Prompts and proposals


def test_proposals_keep_their_order_verdict_reason_and_reply(history: History, run_id: str) -> None:
    history.add_proposal(run_id, 1, WHO, "accepted", raw="reply \x00 2", position=0)
    history.add_proposal(run_id, 0, WHAT, "refused", "too long", "reply 1", position=1)
    history.add_proposal(run_id, 0, WHO, "accepted", position=0)
    records = history.proposals(run_id)
    assert [(one.round, one.position) for one in records] == [(0, 0), (0, 1), (1, 0)]
    assert (records[1].verdict, records[1].reason, records[1].raw) == ("refused", "too long", "reply 1")
    assert records[2].raw == "reply � 2"
    assert records[0].prompt == WHO
    assert [prompt.text for prompt in history.prompts(run_id)] == [WHO.text]


def test_writing_a_proposal_again_changes_nothing(history: History, run_id: str) -> None:
    for reason in ("first", "second"):
        history.add_proposal(run_id, 0, WHAT, "refused", reason)
    assert [one.reason for one in history.proposals(run_id)] == ["first"]


def test_prompts_come_in_the_order_they_were_added(history: History, run_id: str) -> None:
    texts = [f"prompt {number}" for number in (3, 1, 2)]
    for text in [*texts, texts[0]]:
        history.add_prompt(run_id, Prompt(text))
    assert [prompt.text for prompt in history.prompts(run_id)] == texts


def test_a_styled_prompt_comes_back_with_its_style(history: History, run_id: str) -> None:
    history.add_prompt(run_id, PREFIXED.prompt)
    history.add_prompt(run_id, NEUTRAL.prompt)
    back = history.prompts(run_id)
    assert back == [PREFIXED.prompt, NEUTRAL.prompt]
    assert back[0].text == back[1].text
    assert back[0].id != back[1].id


def test_a_prompt_is_found_by_the_beginning_of_its_id_or_its_name(history: History, run_id: str) -> None:
    history.add_prompt(run_id, WHAT)
    history.add_prompt(run_id, NEUTRAL.prompt)
    assert history.prompt(WHAT.id[:6].upper()) == WHAT
    assert history.prompt("neutral") == NEUTRAL.prompt
    for wanted in ("", "%", "zzz"):
        with pytest.raises(UserError, match="must name one prompt"):
            history.prompt(wanted)


def test_a_prompt_of_any_text_is_kept(history: History, run_id: str) -> None:
    prompt = Prompt("naïve 动作 🏃 'quoted' \n line; DROP TABLE prompts", hypothesis="lone \ud800 surrogate")
    history.add_prompt(run_id, prompt)
    assert history.prompts(run_id)[0].text == prompt.text
    assert "?" in history.prompts(run_id)[0].hypothesis


def test_what_the_optimizer_was_sent_is_kept_once(url: str, history: History, run_id: str) -> None:
    sent = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Two prompts!"}]
    for position, prompt in enumerate((WHO, WHAT)):
        history.add_proposal(run_id, 0, prompt, "accepted", raw="reply", position=position, request=sent)
    history.add_proposal(run_id, 1, WHO, "accepted", request="Score 90:")
    history.add_proposal(run_id, 2, WHO, "accepted")
    found = [history.conversation(one) for one in history.proposals(run_id)]
    assert found == [sent, sent, "Score 90:", None]
    assert told(url, "SELECT COUNT(*) FROM conversations") == [(2,)]


# Answers


def test_answers_come_back_as_they_were(history: History, run_id: str) -> None:
    odd = replace(row(run_id), answer=answer("k", logprobs=(-inf, -0.5)))
    broken = replace(row(run_id, "c1"), answer=answer("n", logprobs=(nan, -0.5)))
    history.add([row(run_id, "c2"), odd, broken])
    known = history.known(["k", "n", row(run_id, "c2").answer.key, "never"])
    assert known[row(run_id, "c2").answer.key] == row(run_id, "c2").answer
    assert known["k"].logprobs == (-1e30, -0.5)
    assert known["n"].logprobs is None
    assert "never" not in known


def test_a_run_knows_the_errors_that_make_up_its_scores(history: History, run_id: str) -> None:
    other = history.start_run({}, 0)
    key = row(run_id).answer.key
    history.add([row(run_id, kind="error"), row(run_id, "c1")])
    history.add([row(other, kind="error")])
    for run in (run_id, other):
        assert [one.kind for one in history.failed([key], run, "swaps/tune").values()] == ["error"]
    assert history.failed([key], run_id, "another data set") == {}
    history.add([row(other)])
    assert history.failed([key], other, "swaps/tune") == {}
    assert list(history.failed([key], run_id, "swaps/tune")) == [key]  # answered by another run since
    assert history.failed([row(run_id, "c1").answer.key, "never"], run_id, "swaps/tune") == {}


def test_what_is_bought_is_booked_with_the_answers_or_not_at_all(
    history: History, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.add([row(run_id)], {"clip_evaluations": 1.0, "seconds": 0.5})
    assert history.spent(run_id) == {"clip_evaluations": 1.0, "seconds": 0.5}
    history.add([], {"clip_evaluations": 1.0})

    def full(*given: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("prompts.answers.insert", full)
    with pytest.raises(OSError, match="no space left"):
        history.add([row(run_id, "c1")], {"clip_evaluations": 1.0})
    assert len(history.answers_for(run_id)) == history.spent(run_id)["clip_evaluations"] == 1


def test_a_round_is_stored_whole_or_not_at_all(history: History, run_id: str) -> None:
    put = [Put(WHO, "accepted", raw="r", request="go"), Put(Prompt(""), "refused", "empty")]
    history.add_round(run_id, 3, put, [("race/assigned", {"prompt": WHO.id})])
    told = [(one.round, one.position, one.prompt.id, one.verdict) for one in history.proposals(run_id)]
    assert told == [(3, 0, WHO.id, "accepted"), (3, 1, Prompt("").id, "refused")]
    assert history.conversation(history.proposals(run_id)[0]) == "go"
    assert [one.kind for one in history.decisions(run_id)] == ["race/assigned"]
    assert history.prompts(run_id) == [WHO]
    broken: Any = object()
    with pytest.raises(AttributeError):
        history.add_round(run_id, 4, [Put(WHAT, "accepted"), broken], [("race/assigned", {})])
    assert len(history.proposals(run_id)) == 2
    assert len(history.decisions(run_id)) == 1
    assert history.prompts(run_id) == [WHO]


def test_errors_are_kept_but_never_known_and_replaced_by_a_real_answer(history: History, run_id: str) -> None:
    history.add([row(run_id, kind="error")])
    key = row(run_id).answer.key
    assert history.known([key]) == {}
    assert [one.answer.kind for one in history.answers_for(run_id)] == ["error"]
    history.add([row(run_id, kind="background")])
    assert history.known([key])[key].kind == "background"
    history.add([row(run_id, kind="human")])
    history.add([row(run_id, kind="error")])
    assert history.known([key])[key].kind == "background"


def test_a_run_keeps_the_failure_it_saw_when_another_asks_again(history: History, run_id: str) -> None:
    other = history.start_run({}, 0)
    history.add([row(run_id, kind="error")])
    history.add([row(other, kind="human")])
    assert [one.answer.kind for one in history.answers_for(run_id)] == ["error"]
    assert [one.answer.kind for one in history.answers_for(other)] == ["human"]


def test_a_clip_whose_sources_are_spelled_anew_is_not_counted_twice(history: History, run_id: str) -> None:
    history.add([row(run_id), row(run_id, "c1", kind="error")])
    history.add([replace(row(run_id), sources=("other",)), replace(row(run_id, "c1"), sources=("other",))])
    history.add([replace(row(run_id, key="engine 2"), sources=("other",))])
    assert [(one.clip_id, one.answer.kind) for one in history.answers_for(run_id)] == [
        ("c0", "human"),
        ("c1", "human"),
    ]


def test_an_answer_serves_several_runs_and_is_stored_once(history: History, run_id: str) -> None:
    other = history.start_run({}, 0)
    history.add([row(run_id)])
    history.add([row(other, dataset="another name")])
    assert [one.answer for one in history.answers_for(run_id)] == [
        one.answer for one in history.answers_for(other)
    ]
    assert [one.dataset for one in history.answers_for()] == ["swaps/tune", "another name"]


def test_answers_are_selected_by_run_prompt_and_data_set(history: History, run_id: str) -> None:
    history.add([row(run_id, clip) for clip in ("c1", "c0")])
    history.add([row(run_id, prompt=WHO), row(run_id, "c9", WHO, dataset="swaps/test")])
    assert [one.clip_id for one in history.answers_for(run_id, WHAT.id)] == ["c0", "c1"]
    assert [one.clip_id for one in history.answers_for(run_id, dataset="swaps/test")] == ["c9"]
    assert len(history.answers_for()) == 4
    assert history.datasets(run_id) == ["swaps/test", "swaps/tune"]
    assert [one.dataset for one in history.scored_in(run_id, WHO.id)] == ["swaps/test", "swaps/tune"]


def test_more_keys_than_a_statement_takes_are_looked_up(history: History, run_id: str) -> None:
    history.add([row(run_id, f"c{i}", key=f"key {i}") for i in range(1200)])
    assert len(history.known([f"key {i}" for i in range(2400)])) == 1200


def test_scored_answers_of_another_source_can_be_recorded(history: History, run_id: str) -> None:
    scored = Scored(WHAT.id, ClipSet("elsewhere", (), ()), ())
    history.record_evaluation(run_id, scored)
    assert history.answers_for(run_id) == []


def test_runs_are_counted_without_being_read(history: History, run_id: str) -> None:
    empty = history.start_run({}, 0)
    history.add_prompt(run_id, NEUTRAL.prompt)
    history.add_proposal(run_id, 0, WHAT, "accepted")
    history.add_proposal(run_id, 0, WHO, "refused", "too short", position=1)
    history.add([row(run_id), row(run_id, dataset="swaps/test")])
    history.add([row("not registered")])
    assert history.run_counts() == {
        run_id: RunCounts(2, 1, 1, ("swaps/test", "swaps/tune")),
        empty: RunCounts(),
        "not registered": RunCounts(datasets=("swaps/tune",)),
    }
    assert [one.prompt for one in history.proposals(run_id, WHO.id)] == [WHO]


# Decisions and spending


def test_decisions_keep_their_order_and_spending_adds_up(history: History, run_id: str) -> None:
    history.add_decision(run_id, "winner", {"id": WHAT.id, "score": 0.5})
    history.add_decision(run_id, "stop", {})
    history.add_spend(run_id, "clip_evaluations", 64)
    history.add_spend(run_id, "clip_evaluations", 36)
    history.add_spend(run_id, "dollars", 0.25)
    assert [(one.kind, one.detail) for one in history.decisions(run_id)] == [
        ("winner", {"id": WHAT.id, "score": 0.5}),
        ("stop", {}),
    ]
    assert history.spent(run_id) == {"clip_evaluations": 100.0, "dollars": 0.25}
    assert history.spent(history.start_run({}, 0)) == {}


# Views


def test_a_view_ranks_what_the_run_scored(history: History, run_id: str) -> None:
    history.add_prompt(run_id, NEUTRAL.prompt)
    history.add_proposal(run_id, 0, WHAT, "accepted")
    history.add_proposal(run_id, 0, Prompt(""), "refused", "empty", position=1)
    history.add_proposal(run_id, 1, WHO, "accepted")
    history.add(rows(run_id, NEUTRAL.prompt, ["human", "background", "background", "other"]))
    history.add(rows(run_id, WHAT, ["human", "human", "human", "unparsed"]))
    history.add(rows(run_id, WHO, ["human", "human", "background", "error"]))
    view = history.view(run_id)
    assert [one.prompt for one in view.scored] == [WHAT, WHO, NEUTRAL.prompt]
    assert [one.position for one in view.scored] == [0, 1, -1]
    assert [one.score for one in view.scored] == [pytest.approx(x) for x in (0.875, 2 / 3, 0.375)]
    assert view.scored[1].metrics.errors == 1
    assert (view.round, view.dataset) == (2, "swaps/tune")
    assert [(one.text, one.reason) for one in view.refused] == [("", "empty")]
    assert view.best() == view.scored[0]
    assert view.neutral() == view.scored[2]
    assert view.get("nowhere") is None


def test_a_view_knows_only_its_run_and_its_data_set(history: History, run_id: str) -> None:
    other = history.start_run({}, 0)
    for run in (run_id, other):
        history.add_prompt(run, WHAT)
    history.add([row(other, "elsewhere", WHAT, "background")])
    assert history.view(run_id).scored == ()
    assert history.view(run_id).round == 0
    history.add(rows(run_id, WHAT, ["human"]))
    history.add([row(run_id, "t0", WHAT, "background", "swaps/test")])
    with pytest.raises(UserError, match="swaps/test, swaps/tune: name the data set"):
        history.view(run_id)
    assert history.view(run_id, "swaps/tune").scored[0].metrics.shacc.value == 1
    assert history.view(run_id, "swaps/test").scored[0].metrics.sberr.value == 1


def test_a_prompt_asked_in_two_formats_is_shown_in_the_one_with_more_answers(
    history: History, run_id: str
) -> None:
    history.add_prompt(run_id, WHAT)
    history.add(rows(run_id, WHAT, ["human", "human"]))
    history.add([row(run_id, "c0", WHAT, "background", form="open")])
    (scored,) = history.view(run_id).scored
    assert (scored.metrics.n, scored.metrics.shacc.value) == (2, 1)


def test_confusions_are_counted_most_frequent_first(history: History, run_id: str) -> None:
    history.add_prompt(run_id, WHAT)
    history.add(rows(run_id, WHAT, ["background", "background", "unparsed", "human", "error"]))
    (scored,) = history.view(run_id).scored
    assert [(one.answered, one.count) for one in scored.confusions] == [("surfing", 2), (None, 1)]


def test_scores_kept_ready_are_those_of_the_answers(url: str, history: History, run_id: str) -> None:
    history.add_prompt(run_id, WHAT)
    history.add(rows(run_id, WHAT, ["human", "background", "unparsed", "error"]))

    def expected(given: History) -> list[ScoredPrompt]:
        return [score_rows(WHAT, group) for _, group in grouped(given.answers_for(run_id))]

    assert list(history.scored(run_id).values()) == expected(history)
    with History(url, create=False) as other:
        assert list(other.scored(run_id).values()) == expected(history)
        history.add([row(run_id, "c3", kind="human"), row(run_id, "c9", WHAT, "other")])
        assert [one.metrics.n for one in other.scored(run_id).values()] == [5]
        assert list(other.scored(run_id).values()) == expected(other) == expected(history)


def test_figures_of_older_code_are_not_believed(
    url: str, history: History, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.add_prompt(run_id, WHAT)
    history.add(rows(run_id, WHAT, ["human", "background"]))
    before = history.view(run_id)
    assert told(url, "SELECT code FROM figures") == [(figures.code(),)]
    monkeypatch.setattr(figures, "code", lambda: "newer")
    with History(url) as again:
        assert again.view(run_id) == before
    assert told(url, "SELECT code FROM figures") == [("newer",)]


@pytest.mark.parametrize("table", ["bought", "proposals", "decisions", "spend", "prompts", "run_states"])
def test_what_is_written_stays_written(url: str, history: History, run_id: str, table: str) -> None:
    history.add_proposal(run_id, 0, WHAT, "accepted")
    history.add(rows(run_id, WHAT, ["human"]))
    history.add_decision(run_id, "stop", {})
    history.add_spend(run_id, "dollars", 1)
    database = Database(url)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.write() as connection:
        connection.exec_driver_sql(f"DELETE FROM {table}")
    column = {"bought": "text", "prompts": "text", "run_states": "status"}.get(table, "created")
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.write() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET {column} = 'x'")
    database.close()


# The file


def test_everything_is_there_after_reopening(url: str, history: History, run_id: str) -> None:
    history.add_proposal(run_id, 0, WHO, "accepted")
    history.add(rows(run_id, WHO, ["human", "other"]))
    before = history.view(run_id)
    history.close()
    with History(url, create=False) as again:
        assert again.view(run_id) == before


def told(url: str, query: str) -> list[tuple[Any, ...]]:
    """What a person with an SQL shell is told."""
    database = Database(url, create=False)
    with database.read() as connection:
        found = [tuple(row) for row in connection.exec_driver_sql(query)]
    database.close()
    return found


def test_the_scores_view_serves_people_with_a_shell(url: str, history: History, run_id: str) -> None:
    history.add_prompt(run_id, WHAT)
    history.add(rows(run_id, WHAT, ["human", "background", "human", "error"]))
    found = told(url, "SELECT prompt, shacc, sberr, n, human, errors FROM scores")
    assert found == [(WHAT.text, pytest.approx(2 / 3), pytest.approx(1 / 3), 3, 2, 1)]


def test_the_answers_view_tells_numbers_in_words(url: str, history: History, run_id: str) -> None:
    key = "ab" * 32
    history.add([row(run_id, "c1", kind="background", key=key)])
    query = "SELECT key, clip_id, human, label, kind, dataset, run_id, prompt_id FROM answers"
    assert told(url, query) == [
        (key, "c1", "dancing", "surfing", "background", "swaps/tune", run_id, WHAT.id)
    ]
    (created,) = told(url, "SELECT created FROM answers")[0]
    assert created[:10] == history.run(run_id).started[:10]


WRITER = """
import sys
sys.path[:0] = [{tests!r}, {root!r}]
from prompts.history import History
from rows import row
with History({url!r}) as history:
    run = history.start_run({{}}, 0)
    for i in range(40):
        history.add([row(run, f"c{{i}}", key=f"shared {{i}}"), row(run, f"d{{i}}", key=f"{name} {{i}}")])
        history.add_spend(run, "clip_evaluations", 2)
"""


def test_several_processes_write_at_once(url: str) -> None:
    here = Path(__file__).parent
    root, folder = str(here.parents[1]), str(here)
    codes = [WRITER.format(tests=folder, root=root, url=url, name=name) for name in ("one", "two", "three")]
    writers = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for code in codes]
    for writer in writers:
        assert writer.communicate(timeout=300)[1] == b""
        assert writer.returncode == 0
    with History(url, create=False) as history:
        runs = history.runs()
        assert [len(history.answers_for(run.id)) for run in runs] == [80, 80, 80]
        assert [history.spent(run.id)["clip_evaluations"] for run in runs] == [80, 80, 80]
        assert len({one.answer.key for one in history.answers_for()}) == 160
        (counted,) = [one.metrics.n for one in history.scored(runs[0].id).values()]
        assert counted == 80


def test_library_prompts_have_distinct_ids() -> None:
    assert len({entry.prompt.id for entry in LIBRARY.values()}) == len(LIBRARY) == 4


def test_the_example_of_the_page_about_the_history_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Path(__file__).parents[2] / "docs" / "history.md"
    (example,) = re.findall(
        r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    monkeypatch.chdir(tmp_path)
    with History() as history:
        run = history.start_run({}, 0)
        history.add_prompt(run, WHAT)
        history.add(rows(run, WHAT, ["human", "background"], "hat/swaps/tune"))
    exec(compile(example, str(page), "exec"), {})
    assert f"hat/swaps/tune {WHAT.text} Estimate(value=0.5" in capsys.readouterr().out
