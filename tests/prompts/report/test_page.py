"""The HTML report tells what the answers hold, to anyone, from one file, whatever was written by models."""

import re
from base64 import b64decode
from dataclasses import astuple, replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from browser import chromium
from PIL import Image
from story import CHILD, CONFIG, HOSTILE, TEST, WINNER, Story, tell

from prompts.__main__ import main
from prompts.display import shown
from prompts.footage import Footage
from prompts.history import History
from prompts.library import NEUTRAL
from prompts.prompt import Prompt
from prompts.report import facts, gallery, page, texts
from videos.clip import Clip, ClipSet, Frames, Pixels, SourceInfo
from videos.decode import FramePolicy, decode


class Page(HTMLParser):
    """Tags with their attributes, and the text outside of style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._style else data


class Dots:
    """Frames of one colour."""

    def __init__(self, name: str) -> None:
        self._name = name

    def identity(self) -> str:
        return self._name

    def info(self) -> SourceInfo:
        return SourceInfo(16, 8.0)

    def read(self, indices: object) -> Pixels:
        return np.full((len(list(indices)), 40, 60, 3), 90, np.uint8)  # type: ignore[call-overload]


class Decoded:
    """Frames decoded here and now, kept nowhere."""

    def get(self, clip: Clip, policy: FramePolicy) -> Frames:
        return decode(clip.frames, policy)


def footage() -> Footage:
    clips = tuple(
        Clip(f"{TEST} clip {n:02d}", "archery", "bowling", (f"s{n}",), Dots(f"d{n}"), (), tuple("vwxyz"))
        for n in range(20)
    )
    clipset = ClipSet("swaps", clips, tuple("vwxyz"))
    return Footage({**CONFIG, "data": {"root": "here"}}, lambda name, root: clipset, Decoded())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return tell(f"sqlite:///{tmp_path_factory.mktemp('report')}/history.db")


@pytest.fixture(scope="module")
def html(story: Story) -> str:
    with History(story.url) as history:
        found = facts.collect(history, story.run_id)
    return page.render(found, footage())


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_the_page_has_everything_a_reviewer_asks_for(html: str) -> None:
    names = [attributes["id"] for tag, attributes in Page(html).tags if tag == "h2"]
    assert names == [
        "question", "result", "data", "search", "lineage", "classes", "confusions", "clips", "refused",
        "cost", "again", "limits",
    ]  # fmt: skip
    text = squeezed(Page(html).text)
    assert WINNER.text in text
    assert "60.0 [" in text  # SHAcc of the winner on test: 12 of 20
    assert "+40.0 [" in text  # against neutral, 4 of 20
    assert "optimism, points" in text
    assert "12 fixed, 6 shown" in text
    assert "python -m agents.optimize --config run.yaml" in text
    assert "answers of the target model150" in text
    assert html.count("<svg") == 2


def test_what_models_wrote_is_text(html: str) -> None:
    parsed = Page(html)
    text = squeezed(parsed.text)
    assert squeezed(shown(HOSTILE).plain) in text
    assert squeezed(shown(CHILD.hypothesis).plain) in text
    assert "Is it <script>refused()</script> surfing?" in text
    assert "dancing & <i>more</i>" in text
    tags = {tag for tag, _ in parsed.tags}
    assert not tags & {"script", "iframe", "object", "embed", "link", "form", "i", "input"}
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    assert "\x1b" not in html
    assert "{{ 7 * 7 }}" in text


def test_nothing_is_fetched_from_anywhere(html: str) -> None:
    parsed = Page(html)
    (policy,) = [a["content"] for _, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    places = [a.get(name) or "" for _, a in parsed.tags for name in ("src", "href", "xlink:href", "action")]
    assert all(place.startswith(("data:image/", "#")) for place in places if place)
    assert "url(http" not in html
    assert "@import" not in html
    assert len(html.encode()) < 5_000_000


def test_ids_of_the_pictures_do_not_collide(html: str) -> None:
    ids = [attributes["id"] for _, attributes in Page(html).tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', html))
    assert used <= set(ids)


def test_clips_are_shown_as_strips_with_both_answers(html: str) -> None:
    strips = [a["src"] for tag, a in Page(html).tags if tag == "img"]
    assert len(strips) == 6 + 4
    data = b64decode(str(strips[0]).partition(",")[2])
    assert Image.open(BytesIO(data)).size == (516, 48)  # eight frames of 60x40 and gaps
    assert "log-probabilities: " in squeezed(Page(html).text)


def test_missing_frames_are_told_in_the_gallery(story: Story) -> None:
    with History(story.url) as history:
        found = facts.collect(history, story.run_id)
    text = squeezed(Page(page.render(found, Footage(found.run.config))).text)
    assert "the frames are not at hand: dataset 'swaps' is unknown" in text
    assert "log-probabilities: " not in text  # without the clip nobody knows which labels were on offer
    assert "no frames were asked for" in squeezed(Page(page.render(found, None)).text)


def test_strips_stop_before_the_file_grows_too_large(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    one = len(gallery.jpeg_strip(decode(Dots("d0"), FramePolicy())))
    monkeypatch.setattr(gallery, "MOST_BYTES", 3 * one)
    with History(story.url) as history:
        found = facts.collect(history, story.run_id)
    text = Page(page.render(found, footage())).text
    assert text.count("this file would grow too large") == 10 - 3


def test_figures_are_those_of_the_answers(story: Story) -> None:
    with History(story.url) as history:
        found = facts.collect(history, story.run_id)
        view = history.view(story.run_id, TEST)
    section = found.main
    assert section is not None
    assert [line.label for line in section.lines] == ["neutral", "human-focused", "best found"]
    best = section.lines[-1]
    scored = view.get(WINNER.id)
    assert scored is not None
    assert astuple(best.estimates["shacc"]) == pytest.approx(astuple(scored.metrics.shacc))
    assert astuple(best.estimates["gap"]) == pytest.approx(astuple(scored.metrics.bias_gap))
    assert best.against_neutral["shacc"] == section.lines[0].behind_winner["shacc"]
    assert found.optimism == pytest.approx(0.0)  # the pattern of answers is the same on both
    assert (found.roles.tune, found.roles.select) == ("swaps/tune", "swaps/select")
    assert found.roles.reports == (TEST, "mimetics")


def test_only_hand_written_prompts_are_called_so(story: Story) -> None:
    with History(story.url) as history:
        found = facts.collect(history, story.run_id)
    section = found.main
    assert section is not None
    better = replace(
        section.lines[1], prompt=Prompt("Written by a model."), estimates=section.lines[-1].estimates
    )
    rival = texts._best_hand_written(replace(section, lines=(*section.lines, better)), found)
    assert rival is not None
    assert rival.label == "human-focused"


def test_clips_of_several_targets_are_found_and_shown_as_each_saw_them() -> None:
    several = [{**CONFIG["target"], "name": "few", "frames": {"count": 2}}, {"model": "a/b", "name": "more"}]
    read: list[str] = []
    clip = Clip("c", "archery", "bowling", ("s",), Dots("d"), (), tuple("vwxyz"))

    def load(name: str, root: str) -> ClipSet:
        read.append(name)
        return ClipSet(name, (clip,), tuple("vwxyz"))

    config = {**CONFIG, "data": {"root": "here"}, "targets": several}
    both = Footage(config, load, Decoded())  # type: ignore[arg-type]
    counts = [
        len(both.frames(both.clip(name, "c"), name).pixels) for name in ("x/test @ few", "x/test @ more")
    ]
    assert (read, counts) == (["x"], [2, 8])


def test_a_run_that_still_goes_is_no_result(tmp_path: Path) -> None:
    going = tell(f"sqlite:///{tmp_path}/history.db", finished=False)
    out = tmp_path / "report.html"
    assert main(["report", "latest", "--history", going.url, "--out", str(out)]) == 0
    text = squeezed(Page(out.read_text(encoding="utf-8")).text)
    assert "This run has chosen no prompt yet" in text
    assert "The run is running: figures may still change." in text
    assert "There is no found prompt to compare with neutral." in text


def test_a_run_that_did_nothing_is_reported(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/history.db"
    with History(url) as history:
        history.start_run({}, 0)
    out = tmp_path / "report.html"
    assert main(["report", "latest", "--history", url, "--out", str(out)]) == 0
    assert "Nothing was scored while searching." in out.read_text(encoding="utf-8")


def test_an_html_report_needs_a_file_that_can_be_written(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "latest", "--history", story.url]) == 2
    assert "name it: --out report.html" in capsys.readouterr().err
    out = ["--no-frames", "--out", "/dev/null/report.html"]
    assert main(["report", "latest", "--history", story.url, *out]) == 2
    assert "choose another file" in capsys.readouterr().err


def test_chromium_shows_it_in_light_and_dark_without_a_complaint(html: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    grounds = []
    with chromium() as browser:
        for mode in ("light", "dark"):
            feature = {"name": "prefers-color-scheme", "value": mode}
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
            browser.get(path.as_uri())
            grounds.append(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
        assert browser.get_log("browser") == []
        assert browser.execute_script("return document.images.length") == 10
        broken = "return [...document.images].filter(one => !one.naturalWidth).length"
        assert browser.execute_script(broken) == 0
        wide = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert browser.execute_script(wide)
        assert browser.execute_script("return document.scripts.length") == 0
    assert grounds == ["rgb(255, 255, 255)", "rgb(20, 23, 27)"]


def test_a_decision_of_the_race_is_a_sentence() -> None:
    told = {"round": 0, "prompt": WINNER.id, "why": "futile", "clips": 8, "against": NEUTRAL.prompt.id}
    lost = told | {"difference": -0.25, "evidence": 3.047, "other": ""}
    assert page._detail("race/futile", lost) == f"{WINNER.id[:8]} after 8 clips: -25.0 points against neutral"
    twin = page._detail("race/twin", lost | {"other": CHILD.id})
    assert twin.endswith(f"against neutral, alike {CHILD.id[:8]}")
