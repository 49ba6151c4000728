"""Broken input of every kind, and the message it gives: docs/datasets.md prints what this file finds."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from videos.__main__ import main
from videos.datasets import known_names

DOCS = Path(__file__).resolve().parents[3] / "docs" / "datasets.md"
HEAD = "label,youtube_id,time_start,time_end,split\n"
NAME = "aaaaaaaaaaa_000003_000013"
ROW = "archery,aaaaaaaaaaa,3,13,val\n"
OWN = "clip,human,background\n"


@dataclass(frozen=True)
class Case:
    """What is wrong, in which data set, and how it comes about in an empty folder. ``worded`` by a library:
    another version of it may say the same in other words."""

    wrong: str
    dataset: str
    make: Callable[[Path], object]
    worded: bool = False


def writes(*files: tuple[str, str | bytes]) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        for name, data in files:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data.encode() if isinstance(data, str) else data)

    return make


def frames(root: Path, name: str, *numbers: int) -> None:
    (root / name).mkdir(parents=True)
    for number in numbers:
        Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(root / name / f"{number:06d}.png")


def a_file(root: Path) -> None:
    root.rmdir()
    root.write_text("x")


def framed(*clips: tuple[str, tuple[int, ...]]) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        for name, numbers in clips:
            frames(root, name, *numbers)
        (root / "clips.csv").write_text(OWN + "".join(f"{name},yoga,\n" for name, _ in clips))

    return make


def kinetics(wrong: str, *rows: str | bytes, files: tuple[str, ...] = ()) -> Case:
    data = b"".join(row.encode() if isinstance(row, str) else row for row in rows)
    empty: list[tuple[str, str | bytes]] = [(name, b"") for name in files]
    return Case(wrong, "kinetics:val", writes(("val.csv", data), *empty))


def listed(wrong: str, *lines: str) -> Case:
    text = "".join(f"{line}\n" for line in lines)
    return Case(wrong, "kinetics:val", writes(("kinetics400_val_list_videos.txt", text)))


def own(wrong: str, text: str, *files: tuple[str, str | bytes], dataset: str = "folder") -> Case:
    return Case(wrong, dataset, writes(("clips.csv", text), *files))


MIMETICS = ("mimetics_v1.0.csv", HEAD + "archery,aaaaaaaaaaa,3,13,test\n")
EIGHT = tuple(range(1, 9))
CASES = (
    Case("unknown data set", "kinetics400:val", lambda root: None),
    Case("unknown split", "kinetics:dev", lambda root: None),
    Case("missing folder", "kinetics:val", lambda root: root.rmdir()),
    Case("file instead of the folder", "mimetics", a_file),
    Case("no annotation (Kinetics)", "kinetics:val", lambda root: None),
    Case("no annotation (Mimetics)", "mimetics", lambda root: None),
    Case("folder instead of the annotation", "kinetics:val", lambda root: (root / "val.csv").mkdir()),
    kinetics("empty annotation", ""),
    kinetics("header and no row", HEAD),
    kinetics("missing column", "label,youtube_id\narchery,aaaaaaaaaaa\n"),
    kinetics("semicolons for commas", HEAD.replace(",", ";"), ROW.replace(",", ";")),
    kinetics("wrong encoding", HEAD, "caf\xe9,aaaaaaaaaaa,3,13,val\n".encode("latin-1")),
    kinetics("UTF-16, as spreadsheets save it", (HEAD + ROW).encode("utf-16")),
    kinetics("byte order mark (read as if it were not there)", b"\xef\xbb\xbf", HEAD, ROW),
    kinetics("quote that is not closed", HEAD, '"' + ROW, ROW),
    kinetics("quote that is closed lines later", HEAD, '"' + ROW, '",b,1,2,val\n'),
    kinetics("time stamps that are no numbers", HEAD, "archery,aaaaaaaaaaa,0:03,0:13,val\n"),
    kinetics("end before start", HEAD, "archery,aaaaaaaaaaa,13,3,val\n"),
    kinetics("row cut off", HEAD, "archery\n"),
    kinetics("split that is none", HEAD, ROW.replace("val", "valid")),
    kinetics("unknown class", HEAD, ROW.replace("archery", "archry")),
    kinetics("row that stands twice", HEAD, ROW, ROW),
    kinetics("one clip under two labels", HEAD, ROW, ROW.replace("archery", "yoga")),
    kinetics("missing clip", HEAD, ROW),
    kinetics("empty video, as a failed download leaves it", HEAD, ROW, files=(f"val/{NAME}.mp4",)),
    listed("index out of range in a list", f"archery/{NAME}.mp4 400", f"archery/{NAME}.mp4 5"),
    listed("index that contradicts the folder", f"archery/{NAME}.mp4 6", f"archery/{NAME}.mp4 5"),
    listed("list whose first line only has an index", f"archery/{NAME}.mp4 5", "yoga/bbbbbbbbbbb.mp4"),
    Case(
        "line of Mimetics' class annotation cut off",
        "mimetics",
        writes(MIMETICS, ("mimetics_v1.0_clsannot.txt", "#label object scene\narchery large\n")),
    ),
    Case("no csv in a folder of one's own", "folder", lambda root: None),
    Case("several csv files there", "folder", writes(("a.csv", OWN), ("b.csv", OWN))),
    own("csv that is not there", OWN, dataset="folder:test"),
    own("no label for the person", OWN + "a.mp4,,yoga\n"),
    own("path out of the folder", OWN + "../a.mp4,yoga,\n"),
    own("class that classes.txt lacks", OWN + "a.mp4,yoga,beach\n", ("classes.txt", "yoga\nzumba\n")),
    own("class twice in classes.txt", OWN + "a.mp4,yoga,\n", ("classes.txt", "yoga\nyoga\n")),
    Case(
        "file that is no video",
        "folder",
        writes(("clips.csv", OWN + "a.mp4,yoga,\n"), ("a.mp4", "no video at all")),
        worded=True,
    ),
    Case("frame missing in a folder of frames", "folder", framed(("clip", (1, 2, 4)))),
    Case("frames that start at 2", "folder", framed(("clip", (2, 3, 4)))),
    Case("clip too short for the frames asked for", "folder", framed(("clip", (1, 2, 3)))),
    Case("same content under two names", "folder", framed(("one", EIGHT), ("two", EIGHT))),
)


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What `python -m videos check` says of each case, with DATA for the folder."""
    return {case.wrong: message(case, tmp_path_factory.mktemp("broken")) for case in CASES}


def message(case: Case, folder: Path) -> str:
    root = folder / "data"
    root.mkdir()
    case.make(root)
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []
        patch.setattr("rich.console.Console.print", lambda self, *what, **how: printed.extend(map(str, what)))
        where = ["--root", str(root), "--out", str(folder / "list.csv")]
        main(["check", "--dataset", case.dataset, *where])
    lines = [line for line in printed if line.startswith(f"{case.dataset}: ")]
    told = lines[-1].removeprefix(f"{case.dataset}: ") if lines else "(read)"
    return told.replace(str(root), "DATA").replace(known_names(), "<all names>")


def test_each_kind_of_broken_input_has_a_message_of_one_line(messages: dict[str, str]) -> None:
    assert len(messages) == len(CASES)
    assert all(text and "\n" not in text and "Traceback" not in text for text in messages.values())
    assert all("expected" in text or ": " in text for text in messages.values())


def test_the_table_in_the_documentation_is_what_is_printed(messages: dict[str, str]) -> None:
    rows = {case: f"| {case.wrong} | `{messages[case.wrong]}` |" for case in CASES}
    printed = DOCS.read_text(encoding="utf-8").splitlines()
    expected = [row[: row.rindex("DATA")] if case.worded else row for case, row in rows.items()]
    absent = [row for row in expected if not any(line.startswith(row) for line in printed)]
    assert not absent, "\n".join(["the table should be:", *rows.values()])
