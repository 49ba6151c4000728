"""Writers of videos that are hard to read, made for real with FFmpeg, and sources that misbehave."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from videos.clip import Pixels, SourceInfo

LEVELS = [10 * k + 20 for k in range(20)]  # frame k is a flat grey of this level


def greys(levels: Sequence[int], height: int = 64, width: int = 128) -> Pixels:
    return np.stack([np.full((height, width, 3), level, np.uint8) for level in levels])


def corner_lit(count: int = 4, height: int = 64, width: int = 128) -> Pixels:
    """Dark frames with a bright square at the top left."""
    frames = greys([20] * count, height, width)
    frames[:, :32, :32] = 230
    return frames


def moving(count: int, height: int = 64, width: int = 128) -> Pixels:
    """Coloured blocks that wander: no frame is like its neighbours, and colours meet at every edge."""
    blocks = np.random.default_rng(0).integers(0, 256, (8, 16, 3), np.uint8)
    tall, wide = -(-height // 8), -(-width // 16)
    return np.stack(
        [
            np.kron(np.roll(blocks, k, axis=1), np.ones((tall, wide, 1), np.uint8))[:height, :width]
            for k in range(count)
        ]
    )


def write_video(
    path: Path,
    frames: Pixels,
    codec: str = "",
    fps: int = 10,
    pix_fmt: str = "yuv420p",
    ticks: Sequence[int] | None = None,
    faststart: bool = False,
    options: dict[str, str] | None = None,
    prepare: Callable[[VideoStream], object] | None = None,
) -> Path:
    """``ticks``: when each frame is shown, in thousandths of a second; else one after the other."""
    codec = codec or ("libvpx" if path.suffix == ".webm" else "libx264")
    with av.open(str(path), "w", options={"movflags": "faststart"} if faststart else {}) as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        stream.gop_size = 7  # several key frames, and B-frames between them
        if prepare:
            prepare(stream)
        if ticks:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            if ticks:
                picture.pts, picture.time_base = ticks[number], Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def write_changing_size(path: Path, first: Pixels, second: Pixels) -> Path:
    """A webm whose frames have another size from the middle on, as recordings of calls have."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=10)
        stream.height, stream.width = first.shape[1:3]
        stream.pix_fmt = "yuv420p"
        shown = 0
        for part in (first, second):
            encoder = av.CodecContext.create("libvpx", "w")
            encoder.height, encoder.width = part.shape[1:3]
            encoder.pix_fmt, encoder.time_base, encoder.framerate = "yuv420p", Fraction(1, 10), Fraction(10)
            pictures = [av.VideoFrame.from_ndarray(frame, format="rgb24") for frame in part]
            for picture in [*pictures, None]:
                if picture is not None:
                    picture.pts, picture.time_base = shown, Fraction(1, 10)
                    shown += 1
                for packet in encoder.encode(picture):
                    packet.stream = stream
                    container.mux(packet)
    return path


def write_music(path: Path, cover: Pixels | None = None) -> Path:
    """A second of silence, with a picture of its cover where one is given."""
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=8000)
        picture = None
        if cover is not None:
            picture = container.add_stream("mjpeg", rate=1)
            picture.height, picture.width = cover.shape[:2]
            picture.pix_fmt = "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        silence.sample_rate, silence.pts = 8000, 0
        container.mux(sound.encode(silence))
        container.mux(sound.encode(None))
        if picture is not None:
            container.mux(picture.encode(av.VideoFrame.from_ndarray(cover, format="rgb24")))
            container.mux(picture.encode(None))
    return path


def cut(path: Path, share: float) -> Path:
    """Keep this share of the file's bytes."""
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


@dataclass(frozen=True)
class Flat:
    """Flat grey frames, whatever it is asked. Can be sent to other processes, as all here can."""

    level: int = 100

    def identity(self) -> str:
        return f"flat {self.level}"

    def info(self) -> SourceInfo:
        return SourceInfo(24, 10.0)

    def read(self, indices: Sequence[int]) -> Pixels:
        return greys([self.level] * len(indices), 32, 32)


@dataclass(frozen=True)
class Hanging(Flat):
    def read(self, indices: Sequence[int]) -> Pixels:
        time.sleep(600)
        return super().read(indices)


@dataclass(frozen=True)
class Crashing(Flat):
    """Ends its process with a signal: SIGSEGV as a decoder does, SIGKILL as a lack of memory does."""

    signal: int = signal.SIGSEGV

    def read(self, indices: Sequence[int]) -> Pixels:
        os.kill(os.getpid(), self.signal)
        return super().read(indices)


@dataclass(frozen=True)
class Raising(Flat):
    def read(self, indices: Sequence[int]) -> Pixels:
        raise ZeroDivisionError("cannot tell two\nlines from one")


@dataclass(frozen=True)
class UnluckyOnce(Flat):
    """Loses its process the first time: memory ran out because of somebody else."""

    path: Path = Path()

    def read(self, indices: Sequence[int]) -> Pixels:
        if not self.path.exists():
            self.path.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(indices)


@dataclass(frozen=True)
class Rewritten(Flat):
    """Another file by the time it has been read."""

    path: Path = Path()

    def identity(self) -> str:
        return self.path.read_text()

    def read(self, indices: Sequence[int]) -> Pixels:
        self.path.write_text("second version")
        return super().read(indices)
