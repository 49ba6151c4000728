"""Every kind of broken HAT there is a message for; docs/hat.md shows the messages as they really come.

``python tests/videos/datasets/test_hat_broken.py`` prints the table anew.
"""

import os
import pickle
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets.errors import UserError
from videos.datasets import read
from videos.decode import FramePolicy, decode
from videos.splits import paper_split, split_whole

DOCS = Path(__file__).resolve().parents[3] / "docs" / "hat.md"
LIST = "kinetics400_val_list_rawframes.txt"
A, B = "archery/aaaaaaaaaaa_000000_000002", "golf driving/bbbbbbbbbbb_000010_000012"
PAIRS = {A: [B, 4, 142], B: [A, 4, 5]}
SAMPLE = f"sample_000000_archery_to_golf driving_{A[8:]}_bg_{B[13:]}"
COLUMNS = "pair,human_label,background_label,choice_1,choice_2,choice_3,choice_4,choice_5,"
HEADER = f"{COLUMNS}human_choice,background_choice\n"
UCF = "YoYo/v_YoYo_g01_c02"


class Harm:
    """Runs a command when a trusting reader loads it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch harmed",)


def frames(folder: Path, count: int = 4, size: tuple[int, int] = (30, 20), name: str = "{:06d}.jpg") -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number in range(1, count + 1):
        Image.new("L", size, 40 * number).save(folder / name.format(number))


def whole(root: Path) -> None:
    """Two clips in all three folders, their pairs, their list."""
    for key in (A, B):
        for part, name in (("ori", "{:06d}.jpg"), ("seg", "{:06d}.png"), ("inp", "{:06d}.jpg")):
            frames(root / part / key, name=name)
    (root / "actionswap_rand_1.pickle").write_bytes(pickle.dumps(PAIRS))
    (root / LIST).write_text(f"{A} 4 5\n{B} 4 142\n")


def pickled(data: object) -> Callable[[Path], object]:
    return lambda root: (root / "actionswap_rand_1.pickle").write_bytes(pickle.dumps(data))


def cut(root: Path) -> None:
    path = root / "actionswap_rand_1.pickle"
    path.write_bytes(path.read_bytes()[:-20])


def listing(text: str, encoding: str = "utf-8") -> Callable[[Path], object]:
    return lambda root: (root / LIST).write_bytes(text.encode(encoding))


def csv_of(text: str) -> Callable[[Path], object]:
    def make(root: Path) -> None:
        (root / "pairs_mcq.csv").write_text(text)
        frames(root / SAMPLE)

    return make


def line(choices: str = "archery,bowling,golf driving,smoking,writing", numbers: str = "1,3") -> str:
    return f"{SAMPLE},archery,golf driving,{choices},{numbers}\n"


def ucf(root: Path) -> None:
    for part, name in (
        ("rawframes", "image_{:05d}.jpg"),
        ("seg", "img_{:05d}.png"),
        ("inpaint", "img_{:05d}.jpg"),
    ):
        frames(root / "ucf101_hat" / part / UCF, name=name)
    (root / "ucf101_hat" / "rawframes" / UCF / "image_00002.jpg").unlink()
    (root / "ucf101_hat" / "actionswap_far_1.pickle").write_bytes(pickle.dumps({UCF: [UCF, "4", "100"]}))


def gap(root: Path) -> None:
    (root / "ori" / A / "000002.jpg").unlink()


def half_an_image(root: Path) -> None:
    path = root / "ori" / A / "000001.jpg"
    path.write_bytes(path.read_bytes()[:200])


def mixed_sizes(root: Path) -> None:
    Image.new("L", (16, 16)).save(root / "ori" / A / "000002.jpg")


def emptied(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


HAT = "hat:rand_1"
# What is broken, the data set to read, and how to break it.
CASES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "pickle that runs a command": (HAT, pickled({A: Harm()})),
    "truncated pickle": (HAT, cut),
    "empty pickle": (HAT, lambda root: (root / "actionswap_rand_1.pickle").write_bytes(b"")),
    "pickle of a list": (HAT, pickled([A, B])),
    "pair of another shape": (HAT, pickled({A: B})),
    "counts that are no numbers": (HAT, pickled({A: [B, "many", 142]})),
    "key that leads out of the folder": (HAT, pickled({A: ["../secret", 4, 142]})),
    "mix that is not there": ("hat:far_3", lambda root: None),
    "mode that does not exist": ("hat:rand_1:soft", lambda root: None),
    "no frames at all": (HAT, lambda root: [shutil.rmtree(root / part) for part in ("ori", "seg", "inp")]),
    "frames of a clip missing": (HAT, lambda root: shutil.rmtree(root / "ori" / A)),
    "empty folder of masks": (HAT, lambda root: emptied(root / "seg" / A)),
    "pair not in the list": (HAT, listing(f"{A} 4 5\n")),
    "list line without its numbers": (HAT, listing(f"{A} 4 5\ngolf driving\n")),
    "list line with words for numbers": (HAT, listing(f"{A} four 5\n")),
    "empty list": (HAT, listing("\n")),
    "list that is not UTF-8": (HAT, listing(f"{A} 4 5\n", "utf-16")),
    "clip listed twice": (HAT, listing(f"{A} 4 5\n{B} 4 142\n{A} 4 5\n")),
    "fewer masks than frames": (HAT, lambda root: frames(root / "seg" / A, 3, name="{:06d}.png")),
    "masks of another size": (HAT, lambda root: frames(root / "seg" / A, size=(16, 16), name="{:06d}.png")),
    "scene's masks of another size": (HAT, lambda root: frames(root / "seg" / B, 4, (16, 16), "{:06d}.png")),
    "frames of two sizes": (HAT, mixed_sizes),
    "frame left out": (HAT, gap),
    "half an image": (HAT, half_an_image),
    "masks missing, Human-Only": ("hat:human_only", lambda root: shutil.rmtree(root / "seg" / A)),
    "no csv of pairs": ("swap2485", lambda root: None),
    "csv without a column": ("swap2485", csv_of(COLUMNS + "human_choice\n")),
    "four choices": ("swap2485", csv_of(HEADER + line("archery,bowling,golf driving,smoking,"))),
    "choice number of another label": ("swap2485", csv_of(HEADER + line(numbers="2,3"))),
    "pair named for other labels": ("swap2485", csv_of(HEADER + line().replace("_archery_", "_smoking_"))),
    "pair listed twice": ("swap2485", csv_of(HEADER + line() + line())),
    "pair without frames": ("swap2485:hat", lambda root: (csv_of(HEADER + line())(root), gone(root))),
    "UCF101 frame left out": ("ucf101_hat:far_1", ucf),
}


def gone(root: Path) -> None:
    for part in ("ori", "seg", "inp"):
        shutil.rmtree(root / part)


def told(case: str, root: Path) -> str:
    """The message, whether the reader refuses, leaves a row out, or a clip cannot be read."""
    dataset, spoil = CASES[case]
    whole(root)
    spoil(root)
    try:
        reading = read(dataset, root)
        for row in reading.left_out[:1]:
            return plain(f"{row.reason}: {row.clip} ({row.detail})", root)
        for clip in reading.clips.clips:
            decode(clip.frames, FramePolicy(4))
    except UserError as failure:
        return plain(str(failure), root)
    return "read without complaint"


def plain(message: str, root: Path) -> str:
    return message.replace(str(root), "data")


def table() -> str:
    rows = ["| what is broken | read as | what is said |", "|---|---|---|"]
    for case, (dataset, _) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            rows.append(f"| {case} | `{dataset}` | {told(case, Path(folder)).replace('|', '/')} |")
    return "\n".join(rows)


@pytest.mark.parametrize("case", CASES)
def test_what_is_broken_is_told_in_one_line_that_the_docs_show(case: str, tmp_path: Path) -> None:
    message = told(case, tmp_path)
    assert message != "read without complaint"
    assert "\n" not in message
    assert f"| {case} | `{CASES[case][0]}` | {message.replace('|', '/')} |" in DOCS.read_text(
        encoding="utf-8"
    )
    assert not (tmp_path / "harmed").exists()
    assert not Path("harmed").exists()


def test_what_is_whole_is_read_without_complaint(tmp_path: Path) -> None:
    whole(tmp_path)
    reading = read(HAT, tmp_path)
    assert (len(reading.clips), reading.left_out) == (2, ())
    assert decode(reading.clips.clips[0].frames, FramePolicy(4)).pixels.dtype == np.uint8


def test_splits_that_cannot_be_are_told(tmp_path: Path) -> None:
    whole(tmp_path)
    clips = read(HAT, tmp_path).clips
    with pytest.raises(UserError, match="is none of the paper's 2,485 pairs"):
        paper_split(clips)
    with pytest.raises(UserError, match="would be empty: 2 clips are too entangled"):
        split_whole(clips, {"tune": 0.5, "test": 0.5}, 0)


if __name__ == "__main__":
    warnings.simplefilter("error")
    print(table())
