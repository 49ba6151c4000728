"""Frames out of a video file: decord where it is exact, PyAV everywhere else.

Both wrap FFmpeg and give the same bytes for 8-bit video of even height, so that it does not matter which of
them made a store entry. decord jumps to key frames and then counts; that goes wrong, without a word, where a
key frame is not a clean start (open groups of HEVC and MPEG-4, recovery points of H.264), and its colours
differ where FFmpeg cannot take its short way (more than 8 bits, odd heights). There PyAV reads on its own.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from assets.errors import UserError
from videos.bitstreams import is_hidden, start_kind
from videos.clip import Pixels, SourceInfo

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

USUAL_FPS = 30.0  # where nothing tells the rate
MAX_BYTES = 4 << 30  # decoded frames of one clip, before they are resized

# Playlists and the like name other files and hosts: only what holds video itself is opened.
_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,matroska,avi,mpegts,mpeg,flv,ogg,asf,mpegvideo,h264,hevc,ivf,rm",
}
_EXACT_CODECS = ("h264", "vp8", "vp9")
_EXACT_COLOURS = ("yuv420p", "yuvj420p")
_ALIKE = 0.02  # rates this close, relatively, are one rate

_pyav_only: ContextVar[bool] = ContextVar("pyav_only", default=False)


@dataclass(frozen=True)
class Scan:
    """What a pass over the packets tells. ``times``: presentation times in display order, in ticks; empty
    where packets carry none or share one. ``exact``: decord may jump to its key frames."""

    info: SourceInfo
    times: tuple[int, ...]
    exact: bool


@contextmanager
def without_decord() -> Iterator[None]:
    """For a second try at a file that hung or crashed the first decoder."""
    token = _pyav_only.set(True)
    try:
        yield
    finally:
        _pyav_only.reset(token)


def scan(path: Path) -> Scan:
    """Counts the frames that can be shown, without decoding: headers are wrong where edit lists cut.

    The rate is the container's where the packets' times bear it out, else frames by seconds. Raises
    UserError.
    """
    with opened(path) as (container, stream):
        context = stream.codec_context
        codec, exact, starts = context.name, context.name in _EXACT_CODECS, set()
        times: list[int | None] = []
        for packet in container.demux(stream):
            if packet.size and packet.is_keyframe and exact:
                starts.add(start_kind(codec, bytes(packet), context.extradata or b""))
            if packet.size and not packet.is_discard and not (codec == "vp8" and is_hidden(bytes(packet))):
                times.append(packet.pts)
        known = sorted(time for time in times if time is not None)
        distinct = len(set(known)) == len(times)
        rate = _rate(stream, known) if distinct else stream.average_rate or stream.guessed_rate
    if not times:
        raise UserError(f"{path}: no frame in it; the file is cut off, fetch it again")
    info = SourceInfo(len(times), float(rate or USUAL_FPS))
    return Scan(info, tuple(known) if distinct else (), exact and len(starts) == 1 and None not in starts)


def read(path: Path, indices: Sequence[int], facts: Scan) -> Pixels:
    """RGB frames uint8 [len(indices), H, W, 3], upright, at 0-based display order. Raises UserError."""
    with opened(path) as (container, stream):
        _check_room(path, stream.codec_context.width, stream.codec_context.height, len(set(indices)))
        stream.codec_context.thread_count = 1  # with more it depends on chance how damage shows
        frames = _decoded(container, stream)
        first = next(frames, None)
        if first is None:
            raise UserError(f"{path}: none of its frames can be decoded; the file is cut off, fetch it again")
        _check_room(path, first.width, first.height, len(set(indices)))
        if facts.exact and not _pyav_only.get() and _is_plain(first):
            pixels = _by_decord(path, indices, facts.info.length)
            if pixels is not None and pixels.shape[1:3] == (first.height, first.width):
                return pixels
        return _by_pyav(path, chain((first,), frames), indices, facts.times)


@contextmanager
def opened(path: Path) -> Iterator[tuple["InputContainer", "VideoStream"]]:
    """The file and its best video stream, cover pictures of music left aside. Raises UserError."""
    import av  # here, because loading FFmpeg's libraries costs more than reading a folder of images
    from av.stream import Disposition

    try:
        with av.open(str(path), options=_OPTIONS, metadata_errors="replace") as container:
            moving = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
            if not moving:
                raise UserError(f"{path}: no video in it, expected a video file")
            best = container.streams.best("video")
            yield container, next((stream for stream in moving if stream is best), moving[0])
    except av.FFmpegError as failure:
        reason = failure.strerror or type(failure).__name__
        raise UserError(f"{path}: {reason}; the file is cut off or no video, fetch it again") from failure


def upright(frame: "av.VideoFrame") -> Pixels:
    """RGB as it is to be seen: turned and mirrored as the display matrix says, uint8 [H, W, 3]."""
    pixels = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    matrix = _display_matrix(frame)
    if matrix is None:
        return pixels
    (a, b), (c, d) = matrix
    if abs(b) > abs(a):
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


def _display_matrix(frame: "av.VideoFrame") -> tuple[tuple[int, int], tuple[int, int]] | None:
    """The part that turns: (x, y) is shown at (ax + cy, bx + dy), FFmpeg's libavutil/display.h."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return None
    a, b, _, c, d, *_ = np.frombuffer(bytes(data), np.int32).tolist()
    return (a, b), (c, d)


def _is_plain(frame: "av.VideoFrame") -> bool:
    """decord gives the very bytes that PyAV gives."""
    even = frame.height % 2 == 0
    return even and frame.format.name in _EXACT_COLOURS and _display_matrix(frame) is None


def _decoded(container: "InputContainer", stream: "VideoStream") -> Iterator["av.VideoFrame"]:
    """Frames in display order. A packet that cannot be decoded costs its own frame, not those behind it."""
    import av

    for packet in container.demux(stream):
        with suppress(av.error.InvalidDataError):
            yield from stream.codec_context.decode(packet)


def _by_decord(path: Path, indices: Sequence[int], length: int) -> Pixels | None:
    """None where it fails or counts other frames than the packets tell."""
    try:
        import decord

        decord.logging.set_level(decord.logging.QUIET)
        reader = decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1)
        if len(reader) != length:
            return None
        return np.asarray(reader.get_batch(list(indices)).asnumpy(), np.uint8)
    except Exception:  # whatever it stumbles over, and where it is not installed: PyAV has its own say
        return None


def _by_pyav(
    path: Path, frames: Iterator["av.VideoFrame"], indices: Sequence[int], times: Sequence[int]
) -> Pixels:
    """Decodes from the start, so that frames are exact whatever the key frames."""
    number_of = {time: number for number, time in enumerate(times)}
    found: dict[int, Pixels] = {}
    wanted, last = set(indices), max(indices)
    for count, frame in enumerate(frames):
        # By its time where there is one: a damaged frame that the decoder drops must not shift all others.
        number = number_of.get(frame.pts, -1) if times and frame.pts is not None else count
        if number in wanted:
            found[number] = upright(frame)
        if number >= last:
            break
    missing = min(wanted - found.keys(), default=None)
    if missing is not None:
        raise UserError(f"{path}: frame {missing} cannot be decoded, the file is damaged; fetch it again")
    shape = found[min(wanted)].shape
    return np.stack([_of_shape(found[index], shape) for index in indices])


def _of_shape(pixels: Pixels, shape: tuple[int, ...]) -> Pixels:
    """Streams may change their size midway: all frames take that of the first."""
    if pixels.shape == shape:
        return pixels
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(picture.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def _check_room(path: Path, width: int, height: int, frames: int) -> None:
    size = 3 * width * height * frames
    if size > MAX_BYTES:
        told = f"{frames} frames of {width}x{height} would fill {size / 1e9:.1f} GB"
        limit = f"expected at most {MAX_BYTES / 1e9:.1f}"
        raise UserError(f"{path}: {told}, {limit}; take fewer frames or scale the video down")


def _rate(stream: "VideoStream", times: Sequence[int]) -> float | None:
    """Frames a second, told by the container if the times agree: with variable rates it often is a guess."""
    told = stream.average_rate or stream.guessed_rate
    if len(times) < 2 or stream.time_base is None:
        return float(told) if told else None
    measured = (len(times) - 1) / float((times[-1] - times[0]) * stream.time_base)
    return float(told) if told and abs(float(told) / measured - 1) < _ALIKE else measured
