"""The viewer shows a history in a real browser, while a run goes, and what models wrote only as text."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import chromium
from story import CHILD, HOSTILE, SENT, TUNE, WINNER, Story, answers, tell

from prompts.__main__ import main
from prompts.commands.view import command
from prompts.display import shown
from prompts.history import History
from prompts.library import NEUTRAL
from prompts.prompt import Prompt
from prompts.viewer import player, shared
from videos.clip import Clip, Frames, Pixels, SourceInfo

streamlit = pytest.importorskip("streamlit", reason="streamlit is not installed")

APP = Path(str(shared.__file__)).with_name("app.py")


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    told = tell(f"sqlite:///{tmp_path}/history.db")
    monkeypatch.setenv("SCENEPROOF_HISTORY__URL", told.url)
    return told


def drawn(page: str) -> Any:
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(APP), default_timeout=60).run()
    app.sidebar.radio(key="page").set_value(page).run()
    assert not app.exception
    return app


@pytest.mark.parametrize("page", shared.PAGES)
def test_text_of_models_reaches_no_element_that_reads_markup(story: Story, page: str) -> None:
    app = drawn(page)
    reading = [*app.markdown, *app.caption, *app.subheader, *app.title, *app.info, *app.error]
    for element in reading:
        assert "script" not in str(element.value)
        assert "**strong**" not in str(element.value)
    labels = [str(button.label) for button in app.button]
    assert all(set(label) <= set("0123456789abcdef. -") for label in labels)


def test_a_finished_run_is_shown_with_its_result(story: Story) -> None:
    app = drawn("Run")
    assert {one.label: one.value for one in app.metric} == {
        "prompts scored": "2 of 2",
        "refused": "1",
        "answers booked": "150",
        "best score, %": "70.0",
        "neutral, %": "30.0",
    }
    tables = [frame.value.to_dict("records") for frame in app.dataframe]
    assert [row["prompt"] for row in tables[0] if row["chosen"] == "★"] == [WINNER.id[:8]]
    assert shown(HOSTILE).plain in [row["text"] for row in tables[0]]
    assert tables[1][-1]["SHAcc"].startswith("60.0 [")
    assert tables[-1][0]["why"] == "leak: 'surfing' <script>"


def test_runs_are_compared(story: Story) -> None:
    other = tell(story.url, finished=False)
    app = drawn("Runs compared")
    rows = {row["run"]: row for row in app.dataframe[0].value.to_dict("records")}
    assert set(rows) == {story.run_id, other.run_id}
    assert rows[story.run_id]["minus neutral"].startswith("+40.0 [")
    assert WINNER.text in [one.value for one in app.code]


def test_the_lineage_is_walked_by_clicks(story: Story) -> None:
    app = drawn("Lineage")
    told = [one.value for one in app.code]
    assert WINNER.text in told
    sent = [shown(turn["content"]).plain for turn in SENT]
    assert told[told.index(sent[0]) :][:3] == [*sent, "<b>raw</b>"]
    app.button(key=f"child-{CHILD.id}").click().run()
    assert shown(HOSTILE).plain in [one.value for one in app.code]
    app.button(key=f"parent-{WINNER.id}").click().run()
    app.button(key=f"parent-{NEUTRAL.prompt.id}").click().run()
    assert not app.exception
    assert NEUTRAL.prompt.text in [one.value for one in app.code]


def test_clips_are_filtered_by_outcome_class_and_confusion(story: Story) -> None:
    app = drawn("Clips")

    def clips() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = app.dataframe[0].value.to_dict("records")
        return rows

    assert len(clips()) == 20
    app.selectbox(key="outcome").set_value("fixed by B").run()
    assert len(clips()) == 12
    assert all(row["B"] == row["person"] != row["A"] for row in clips())
    app.multiselect(key="classes").set_value(["archery"]).run()
    assert {row["person"] for row in clips()} == {"archery"}
    app.multiselect(key="classes").set_value([]).run()
    app.selectbox(key="outcome").set_value("broken by B").run()
    assert len(clips()) == 4
    app.selectbox(key="outcome").set_value("any").run()
    app.selectbox(key="confusion").set_value("archery -> bowling").run()
    assert {(row["person"], "bowling" in (row["A"], row["B"])) for row in clips()} == {("archery", True)}
    assert not app.exception
    assert "dataset 'swaps' is unknown" in "".join(one.value for one in app.code)


def test_an_absent_history_is_told_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.testing.v1 import AppTest

    monkeypatch.setenv("SCENEPROOF_HISTORY__URL", f"sqlite:///{tmp_path}/absent.db")
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not app.exception
    assert "no history at" in app.code[0].value
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_address_of_the_history_is_told_before_a_server_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["view", "--history", f"sqlite:///{tmp_path}/absent.db"]) == 2
    assert "no history at" in capsys.readouterr().err


def test_the_server_listens_on_this_machine_alone_and_sends_nothing() -> None:
    words = command("127.0.0.1", 8501)
    assert "--server.address=127.0.0.1" in words
    assert "--browser.gatherUsageStats=false" in words


class Waves:
    """Frames of odd size that change."""

    def identity(self) -> str:
        return "waves"

    def info(self) -> SourceInfo:
        return SourceInfo(30, 15.0)

    def read(self, indices: Any) -> Pixels:
        return np.stack([np.full((31, 47, 3), 8 * index, np.uint8) for index in indices])


def test_a_clip_is_played_whole_at_its_own_speed() -> None:
    import av

    data, kind = player.moving(Clip("c", "a", None, ("s",), Waves()))
    assert kind == "video/mp4"
    with av.open(BytesIO(data)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        assert len(frames) == 30
        assert float(stream.average_rate) == pytest.approx(15)
        assert (frames[0].height, frames[0].width) == (240, 364)


def test_without_the_encoder_a_clip_is_an_animated_picture() -> None:
    from PIL import Image

    pixels = np.stack([np.full((10, 10, 3), 30 * n, np.uint8) for n in range(4)])
    picture = Image.open(BytesIO(player._gif(Frames(pixels, (0, 1, 2, 3), 4.0, 4))))
    assert (getattr(picture, "n_frames", 1), picture.info["duration"]) == (4, 250)


@contextmanager
def served(url: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"SCENEPROOF_HISTORY__URL": url}
    root = Path(str(shared.__file__)).parents[2]
    environment["PYTHONPATH"] = os.pathsep.join([str(root), environment.get("PYTHONPATH", "")])
    server = subprocess.Popen(
        command("127.0.0.1", port),
        env=environment,
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _until(lambda: _answers(port) or server.poll() is not None, 90)
        assert server.poll() is None
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(30)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _until(true: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.2)


def test_chromium_follows_a_run_that_goes_and_runs_no_script_of_a_prompt(tmp_path: Path) -> None:
    """The page changes by itself as the run scores a prompt; every page shows hostile text as text."""
    story = tell(f"sqlite:///{tmp_path}/history.db", finished=False)
    with chromium() as browser, served(story.url) as address:
        browser.get(address)

        def text() -> str:
            return str(browser.execute_script("return document.body.innerText"))

        _until(lambda: "prompts scored" in text(), 90)
        assert "2 of 2" in text()
        with History(story.url) as history:
            late = Prompt("Late, what is done?")
            history.add_proposal(story.run_id, 2, late, "accepted")
            rows = answers(story.run_id, WINNER, TUNE, 10)
            history.add(
                [
                    replace(one, prompt_id=late.id, answer=replace(one.answer, key=f"late {one.clip_id}"))
                    for one in rows
                ]
            )
        _until(lambda: "3 of 2" in text(), 30)
        for page, seen in (
            ("Runs compared", "Best score so far"),
            ("Lineage", "The whole tree"),
            ("Clips", "Outcome"),
        ):
            choices = "[...document.querySelectorAll('[data-testid=stRadio] label')]"
            click = f"{choices}.find(one => one.innerText.trim() === arguments[0]).click()"
            browser.execute_script(click, page)
            _until(lambda seen=seen: seen in text(), 60)
            exceptions = "return document.querySelectorAll('[data-testid=stException]').length"
            assert browser.execute_script(exceptions) == 0
        scripts = "return [...document.scripts].filter(one => one.text.includes('alert')).length"
        assert browser.execute_script(scripts) == 0
        assert browser.execute_script("return document.querySelectorAll('img[onerror]').length") == 0
        severe = [one for one in browser.get_log("browser") if one["level"] == "SEVERE"]
        assert not severe
