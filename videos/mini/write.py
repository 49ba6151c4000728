"""Writes the bundled benchmark's files in the formats HAT, Kinetics and Mimetics are published in."""

import csv
import pickle
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from videos.mini.actions import ACTIONS
from videos.mini.plan import Planned, Sizes, hat_clips, kinetics_clips, mimetics_clips, swaps
from videos.mini.render import FPS, FRAMES, SIZE, Bytes, Spec, render

MIXES = ("rand", "close", "far", "same")

_HEADER = ("label", "youtube_id", "time_start", "time_end", "split", "is_cc")
_JPEG = {"quality": 80}  # the sensor noise makes frames large: at 88 the benchmark would fill 0.9 GB
_PNG = {"compress_level": 1}
_BIT_RATE = 200_000
# One thread, and no macroblock tree: x264's fast code for it gives other bytes from run to run.
_X264 = {"preset": "veryfast", "threads": "1", "x264-params": "mbtree=0"}


@dataclass(frozen=True)
class Task:
    """One clip to draw: a video at ``path``, or frames named ``key`` below HAT's root at ``path``."""

    kind: Literal["frames", "video"]
    spec: Spec
    path: Path
    key: str = ""


def tasks(root: Path, sizes: Sizes) -> list[Task]:
    """Everything to be drawn below ``root``."""
    frames = [Task("frames", clip.spec, root / "hat", clip.key) for clip in hat_clips(sizes)]
    videos = [
        Task("video", clip.spec, root / "kinetics" / split / f"{clip.name}.mp4")
        for split in ("train", "val")
        for clip in kinetics_clips(sizes, split)
    ]
    mimed = [
        Task("video", clip.spec, root / "mimetics" / "data" / clip.spec.action / f"{clip.name}.mp4")
        for clip in mimetics_clips(sizes)
    ]
    return frames + videos + mimed


def write_clip(task: Task) -> None:
    """Draw one clip and write its files."""
    if task.kind == "video":
        write_video(task.path, render(task.spec, with_background=False, with_mask=False).frames)
    else:
        drawn = render(task.spec)
        _write_frames(task.path / "ori" / task.key, drawn.frames, ".jpg", _JPEG)
        _write_frames(task.path / "seg" / task.key, drawn.mask, ".png", _PNG)
        _write_frames(task.path / "inp" / task.key, drawn.background, ".jpg", _JPEG)


def write_annotations(root: Path, sizes: Sizes) -> None:
    """The list, the four pickles and the csv files."""
    _write_hat(root / "hat", hat_clips(sizes))
    for split in ("train", "val"):
        _write_csv(root / "kinetics" / "annotations" / f"{split}.csv", kinetics_clips(sizes, split), split)
    _write_csv(root / "mimetics" / "mimetics_v1.0.csv", mimetics_clips(sizes), "test")


def write_video(path: Path, frames: Bytes) -> None:
    """H.264 in mp4 from uint8 [T, H, W, 3]."""
    import av
    from av.video.stream import VideoStream

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS), options=_X264)
        assert isinstance(stream, VideoStream)
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = _BIT_RATE
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def _write_frames(folder: Path, frames: Bytes, suffix: str, options: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames, 1):
        Image.fromarray(frame).save(folder / f"{number:06d}{suffix}", **options)


def _write_hat(root: Path, clips: Sequence[Planned]) -> None:
    root.mkdir(parents=True, exist_ok=True)
    lines = [f"{clip.key} {FRAMES} {ACTIONS.index(clip.spec.action)}\n" for clip in clips]
    (root / "kinetics400_val_list_rawframes.txt").write_text("".join(lines), encoding="utf-8")
    for mix in MIXES:
        found = swaps(clips, mix)
        pairs = {clip.key: _target(found[clip.key]) for clip in clips}
        (root / f"actionswap_{mix}_1.pickle").write_bytes(pickle.dumps(pairs))


def _target(clip: Planned) -> list[str | int]:
    return [clip.key, FRAMES, ACTIONS.index(clip.spec.action)]


def _write_csv(path: Path, clips: Iterable[Planned], split: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_HEADER)
        for clip in clips:
            writer.writerow((clip.spec.action, clip.youtube_id, clip.start, clip.end, split, 0))
