"""Two histories become one: nothing is lost, nothing doubled, and a repetition changes nothing."""

import json
import sqlite3
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from rows import WHAT, WHO, answer, row, rows

from assets.errors import UserError
from prompts.__main__ import main
from prompts.checking import check
from prompts.database import Database
from prompts.history import History
from prompts.leases import Worker
from prompts.library import NEUTRAL
from prompts.merging import Merge, Merged
from prompts.records import config_hash


@pytest.fixture
def other_url(tmp_path: Path) -> str:
    """A finished run with reused answers, a failed attempt and a better one, proposals and a conversation."""
    url = f"sqlite:///{tmp_path}/other.db"
    with History(url) as history:
        first, second = history.start_run({"n": 1}, 1), history.start_run({"n": 2}, 2)
        for run in (first, second):
            history.add_prompt(run, NEUTRAL.prompt)
            history.add(rows(run, NEUTRAL.prompt, ["human", "background", "error"]))
        history.add([row(second, "c2", NEUTRAL.prompt, "other")])
        history.add_proposal(first, 0, WHO, "accepted", request=[{"role": "user", "content": "go"}])
        history.add(rows(first, WHO, ["human"] * 3))
        history.add_decision(first, "winner", {"id": WHO.id})
        history.add_spend(first, "dollars", 0.5)
        history.add_spend(first, "dollars", 0.5)
        history.finish_run(first, {"winner": WHO.id})
    return url


def merge(source: str, target: str) -> Merged:
    one, two = Database(source, create=False), Database(target)
    try:
        return Merge(one, two).run()
    finally:
        one.close()
        two.close()


def contents(url: str) -> dict[str, Any]:
    with History(url, create=False) as history:
        return {
            "runs": [asdict(run) for run in history.runs()],
            "prompts": [one.id for one in history.prompts()],
            "answers": [asdict(one) for one in history.answers_for()],
            "scores": [asdict(one) for one in history.scored().values()],
            "proposals": [[asdict(p) for p in history.proposals(run.id)] for run in history.runs()],
            "decisions": [history.decisions(run.id) for run in history.runs()],
            "spent": [history.spent(run.id) for run in history.runs()],
            "positions": [[one.id for one in history.prompts(run.id)] for run in history.runs()],
        }


def sound(url: str) -> bool:
    database = Database(url)
    try:
        return list(check(database)) == []
    finally:
        database.close()


def test_an_empty_history_becomes_a_copy(history_url: str, other_url: str) -> None:
    done = merge(other_url, history_url)
    assert contents(history_url) == contents(other_url)
    assert (done.runs, done.prompts, done.proposals, done.answers, done.answers_known) == (2, 2, 1, 7, 0)
    assert sound(history_url)


def test_who_works_on_a_run_is_not_merged(history_url: str, other_url: str) -> None:
    with History(other_url) as other:
        second = other.runs()[1].id
        other.leases.take(second, "token", Worker("elsewhere", 7, "", ""), lambda lease: False)
    merge(other_url, history_url)
    assert contents(history_url) == contents(other_url)
    with History(history_url) as history:
        assert history.leases.held() == {}
        history.leases.take(second, "mine", Worker("here", 8, "", ""), lambda lease: False)
    merge(other_url, history_url)
    with History(history_url) as history:
        assert history.leases.held()[second].token == "mine"
    assert sound(history_url)


def test_merging_again_changes_nothing(history_url: str, other_url: str) -> None:
    merge(other_url, history_url)
    before = contents(history_url)
    done = merge(other_url, history_url)
    assert contents(history_url) == before
    assert (done.runs, done.prompts, done.proposals, done.decisions, done.answers) == (0, 0, 0, 0, 0)
    assert done.answers_known == 7


def test_both_histories_keep_what_is_theirs_and_share_answers(history_url: str, other_url: str) -> None:
    with History(history_url) as history:
        mine = history.start_run({"mine": True}, 0)
        history.add_prompt(mine, NEUTRAL.prompt)
        history.add(rows(mine, NEUTRAL.prompt, ["background", "background", "human"]))
    done = merge(other_url, history_url)
    assert (done.answers, done.answers_known) == (4, 3)  # three of one prompt, and a failed attempt
    with History(history_url) as history, History(other_url) as other:
        assert [one.answer.kind for one in history.answers_for(mine)] == ["background", "background", "human"]
        first = other.runs()[0].id
        # What is in the history was bought first: the others' answer to the same question is not kept.
        kinds = [one.answer.kind for one in history.answers_for(first, NEUTRAL.prompt.id)]
        assert kinds == ["background", "background", "error"]
        second = other.runs()[1].id
        kinds = [one.answer.kind for one in history.answers_for(second, NEUTRAL.prompt.id)]
        assert kinds == ["background", "background", "human"]
        assert [one.answer.kind for one in history.answers_for(first, WHO.id)] == ["human"] * 3
    assert sound(history_url)


def test_a_run_that_went_on_elsewhere_goes_on(history_url: str, other_url: str) -> None:
    merge(other_url, history_url)
    with History(other_url) as other:
        second = other.runs()[1].id
        other.add_proposal(second, 0, WHAT, "accepted")
        other.add([replace(row(second, "c0", WHAT), answer=answer("new"))])
        other.finish_run(second, {"winner": WHAT.id})
    merge(other_url, history_url)
    assert contents(history_url) == contents(other_url)


def test_two_runs_of_one_id_are_refused_and_nothing_is_merged(history_url: str, other_url: str) -> None:
    with History(other_url) as other:
        run = other.runs()[0]
    with History(history_url) as history:
        history.start_run({}, 0)
    with sqlite3.connect(other_url.removeprefix("sqlite:///")) as shell:
        with History(history_url) as history:
            mine = history.runs()[0].id
        shell.execute("PRAGMA foreign_keys = OFF")
        shell.execute("UPDATE runs SET id = ? WHERE id = ?", (mine, run.id))
    shell.close()
    with pytest.raises(UserError, match="nothing was merged"):
        merge(other_url, history_url)
    with History(history_url) as history:
        assert [one.id for one in history.runs()] == [mine]
        assert history.prompts() == []
        assert config_hash({}) == history.run(mine).config_hash


def test_the_command_tells_what_came(
    capsys: pytest.CaptureFixture[str], history_url: str, other_url: str
) -> None:
    path = other_url.removeprefix("sqlite:///")
    assert main(["merge", path, "--into", history_url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answers"] == 7
    assert main(["merge", other_url, "--history", history_url]) == 0
    assert "0 runs, 0 prompts" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("other", "problem"), [("absent.db", "no history at"), ("itself", "are the same history")]
)
def test_what_cannot_be_merged_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, other_url: str, other: str, problem: str
) -> None:
    wanted = other_url.replace("other.db", "./other.db") if other == "itself" else str(tmp_path / other)
    assert main(["merge", wanted, "--into", other_url]) == 2
    error = capsys.readouterr().err
    assert problem in error
    assert error.count("\n") == 1


def test_an_older_copy_changes_no_later_score(history_url: str, other_url: str) -> None:
    merge(other_url, history_url)
    with History(history_url) as history:
        first = history.runs()[0].id
        history.add([replace(row(first, "c0", NEUTRAL.prompt), answer=answer("asked anew", "background"))])
    before = contents(history_url)
    merge(other_url, history_url)
    assert contents(history_url) == before
    assert sound(history_url)


def test_a_state_that_came_later_counts_whatever_way_it_came(history_url: str, other_url: str) -> None:
    merge(other_url, history_url)
    with History(other_url) as other:
        other.finish_run(other.runs()[1].id, {}, "failed")
    with History(history_url) as history:
        history.finish_run(history.runs()[1].id, {"winner": WHO.id})
    merge(other_url, history_url)
    with History(history_url) as history:
        assert history.runs()[1].status == "finished"
    assert sound(history_url)


def test_what_is_written_meanwhile_waits_for_the_next_merge(
    history_url: str, other_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = Merge._texts

    def interrupted(self: Merge) -> tuple[int, int]:
        with History(other_url) as other:
            late = other.start_run({"n": 3}, 3)
            other.add_proposal(late, 0, WHAT, "accepted")
            other.add(rows(late, WHAT, ["human"]))
        return texts(self)

    monkeypatch.setattr(Merge, "_texts", interrupted)
    assert merge(other_url, history_url).runs == 2
    monkeypatch.undo()
    assert merge(other_url, history_url).runs == 1
    assert contents(history_url) == contents(other_url)
