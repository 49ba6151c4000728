"""Videos as phones, screen recorders, browsers and broken downloads leave them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hard_videos import (
    LEVELS,
    corner_lit,
    cut,
    greys,
    moving,
    write_changing_size,
    write_music,
    write_video,
)

import videos.decoders
import videos.files
from assets.errors import UserError
from videos.clip import SourceInfo
from videos.decode import FramePolicy, VideoFile, decode
from videos.decoders import without_decord

LIT = {0: (slice(0, 24), slice(0, 24)), 90: (slice(-24, None), slice(0, 24))}
LIT |= {180: (slice(-24, None), slice(-24, None)), 270: (slice(0, 24), slice(-24, None))}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_turned_video_stands_upright(tmp_path: Path, suffix: str, degrees: int) -> None:
    path = tmp_path / f"clip{suffix}"
    write_video(path, corner_lit(), prepare=lambda stream: stream.set_display_rotation(degrees))
    (frame,) = VideoFile(path).read((0,))
    assert frame.shape == ((128, 64, 3) if degrees % 180 else (64, 128, 3))
    assert frame[LIT[degrees]].min() > 200
    assert np.median(frame) < 60


def test_a_mirrored_video_is_seen_as_in_a_mirror(tmp_path: Path) -> None:
    path = write_video(tmp_path / "selfie.mp4", corner_lit())
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    data[matrix : matrix + 4] = (-1 << 16).to_bytes(4, signed=True)
    path.write_bytes(data)
    (frame,) = VideoFile(path).read((0,))
    assert frame[:24, -24:].min() > 200
    assert frame[:, :64].max() < 60


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_variable_rate_gives_its_frames_by_number_and_its_rate_over_all(
    tmp_path: Path, suffix: str
) -> None:
    ticks = np.cumsum([0, *([40] * 10), *([400] * 9)]).tolist()  # 20 frames in 4 s, the first half in 0.4
    video = VideoFile(write_video(tmp_path / f"clip{suffix}", greys(LEVELS), ticks=ticks))
    info = video.info()
    assert info.length == 20
    assert info.fps == pytest.approx(19 / 4.0, rel=0.1)  # mp4 counts the last frame's own time too
    frames = decode(video, FramePolicy(5))
    assert frames.pixels.mean(axis=(1, 2, 3)) == pytest.approx([LEVELS[i] for i in (2, 6, 10, 14, 18)], abs=3)
    assert (frames.indices, frames.fps, frames.total) == ((2, 6, 10, 14, 18), info.fps, 20)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [("a.webm", "libvpx", "yuv420p"), ("a.mkv", "mpeg4", "yuv420p"), ("a.mp4", "libx264", "yuv444p")],
)
def test_odd_sizes_come_whole(tmp_path: Path, name: str, codec: str, pix_fmt: str) -> None:
    frames = corner_lit(3, 63, 97)
    video = VideoFile(write_video(tmp_path / name, frames, codec, pix_fmt=pix_fmt))
    pixels = video.read((0, 2))
    assert pixels.shape == (2, 63, 97, 3)
    assert pixels[:, :28, :28].min() > 200
    assert pixels[:, 36:].max() < 60


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
@pytest.mark.parametrize("policy", ["uniform", "centre", "dense", "paper", "paper_internvl3"])
def test_a_single_frame_fills_every_place(tmp_path: Path, suffix: str, policy: str) -> None:
    video = VideoFile(write_video(tmp_path / f"clip{suffix}", greys([90])))
    frames = decode(video, FramePolicy.parse(f"{policy}-4"))
    assert (frames.indices, frames.total, frames.fps) == ((0, 0, 0, 0), 1, 10.0)
    assert frames.pixels.mean(axis=(1, 2, 3)) == pytest.approx([90] * 4, abs=3)


@pytest.mark.parametrize("name", ["a.mp4", "fast.mp4", "a.mkv", "a.webm", "a.avi"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.98])
def test_a_cut_off_video_is_told_from_a_shorter_one(tmp_path: Path, name: str, kept: float) -> None:
    path = tmp_path / name
    codec = "mpeg4" if path.suffix == ".avi" else ""
    write_video(path, moving(20), codec, faststart=name == "fast.mp4")
    assert VideoFile(path).info() == SourceInfo(20, 10.0)
    with pytest.raises(UserError, match=r"a.*: [\d,]+ of [\d,]+ bytes, the file is cut off; fetch it again"):
        VideoFile(cut(path, kept)).info()


def test_bytes_behind_the_end_and_streams_of_no_declared_size_are_no_fault(tmp_path: Path) -> None:
    longer = write_video(tmp_path / "longer.mp4", greys(LEVELS))
    longer.write_bytes(longer.read_bytes() + b"\x7f" * 1000)
    streamed = write_video(tmp_path / "streamed.mkv", greys(LEVELS))
    data = bytearray(streamed.read_bytes())
    segment = data.index(b"\x18\x53\x80\x67") + 4
    data[segment : segment + 8] = b"\x01" + b"\xff" * 7
    streamed.write_bytes(data)
    assert [VideoFile(path).info().length for path in (longer, streamed)] == [20, 20]


def test_a_file_of_nothing_but_boxes_is_no_trap(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes((8).to_bytes(4) + b"ftyp" + ((8).to_bytes(4) + b"free") * 500_000)
    with pytest.raises(UserError, match="fetch it again"):
        VideoFile(path).info()


def music_with_a_cover(path: Path) -> None:
    write_music(path, corner_lit(1)[0])


def a_picture(path: Path) -> None:
    from PIL import Image

    Image.fromarray(corner_lit(1)[0]).save(path, "JPEG")


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda path: path.write_bytes(b""), "0 bytes, the file is cut off"),
        (lambda path: path.write_bytes(b"\0" * 5000), "no video, fetch it again"),
        (lambda path: path.write_text("<html>Video unavailable</html>" * 99), "no video, fetch it again"),
        (lambda path: path.write_text("#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n"), "no video, fetch it"),
        (lambda path: path.write_text("ffconcat version 1.0\nfile other.mp4\n"), "no video, fetch it again"),
        (a_picture, "no video, fetch it again"),
        (write_music, "no video in it"),
        (music_with_a_cover, "no video in it"),
        (lambda path: path.mkdir(), "a folder or device, expected a video file"),
        (os.mkfifo, "a folder or device, expected a video file"),
        (lambda path: path.symlink_to("nowhere"), "No such file or directory; expected a video file"),
    ],
)
def test_what_is_no_video_is_told_in_one_line(
    tmp_path: Path, write: Callable[[Path], Any], told: str
) -> None:
    path = tmp_path / "clip.mp4"
    write(path)
    with pytest.raises(UserError, match=told) as caught:
        VideoFile(path).info()
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_huge_size_is_believed_only_where_the_frames_have_it(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mkv", greys(LEVELS[:3], 256, 256), "mpeg4")
    data = bytearray(path.read_bytes())
    for element in (b"\xb0\x82", b"\xba\x82"):  # the container's width and height, two bytes each
        at = data.index(element + b"\x01\x00") + 2
        data[at : at + 2] = (30_000).to_bytes(2)
    path.write_bytes(data)
    assert VideoFile(path).read((0, 2)).shape == (2, 256, 256, 3)


def test_more_frames_than_memory_should_hold_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = VideoFile(write_video(tmp_path / "clip.mp4", greys(LEVELS[:3], 256, 256)))
    monkeypatch.setattr(videos.decoders, "MAX_BYTES", 500_000)
    assert len(video.read((0, 1, 0, 1, 0, 1))) == 6  # the same ones again need little
    told = r"3 frames of 256x256 would fill 0\.0 GB, expected at most 0\.0; take fewer frames or scale"
    with pytest.raises(UserError, match=told):
        video.read((0, 1, 2))


def test_frames_of_a_new_size_midway_take_the_size_of_the_first(tmp_path: Path) -> None:
    video = VideoFile(write_changing_size(tmp_path / "call.webm", moving(6), greys([50] * 6, 32, 64)))
    pixels = video.read(range(12))
    assert pixels.shape == (12, 64, 128, 3)
    assert pixels[6:].mean(axis=(1, 2, 3)) == pytest.approx([50] * 6, abs=3)


EXACT = {
    "h264.mp4": {},
    "bframes.mkv": {"options": {"x264-params": "bframes=5:keyint=9"}},
    "vp8.webm": {"codec": "libvpx", "options": {"auto-alt-ref": "1", "lag-in-frames": "16"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"auto-alt-ref": "1", "cpu-used": "8"}},
    "full_range.mp4": {"pix_fmt": "yuvj420p"},
}
INEXACT = {
    "open_groups.mp4": {"options": {"x264-params": "open-gop=1:bframes=3:keyint=10"}},
    "recovery_points.mp4": {"options": {"x264-params": "intra-refresh=1:keyint=15"}},
    "mpeg4.avi": {"codec": "mpeg4"},
    "ten_bits.mp4": {"pix_fmt": "yuv420p10le"},
}


@pytest.mark.parametrize("name", [*EXACT, *INEXACT])
def test_both_decoders_give_the_same_bytes(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_decord: list[bool] = []

    def spied(*arguments: Any) -> Any:
        pixels = decoded(*arguments)
        by_decord.append(pixels is not None)
        return pixels

    decoded = videos.decoders._by_decord
    monkeypatch.setattr(videos.decoders, "_by_decord", spied)
    video = VideoFile(write_video(tmp_path / name, moving(40), **(EXACT | INEXACT)[name]))
    indices = (*FramePolicy(4).indices(video.info()), 39, 0, 39)
    first = video.read(indices)
    assert by_decord == ([True] if name in EXACT else [])
    with without_decord():
        assert np.array_equal(first, video.read(indices))
        assert np.array_equal(first, video.read(range(40))[list(indices)])
    assert len(by_decord) <= 1


def test_a_size_that_decord_cannot_take_is_read_by_pyav(tmp_path: Path) -> None:
    frames = corner_lit(3, 64, 96)
    video = VideoFile(write_video(tmp_path / "narrow.mp4", frames))
    assert np.abs(video.read((0, 2)).astype(int) - frames[[0, 2]]).mean() < 3


def test_a_frame_that_is_not_there_shifts_no_other(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mkv", greys(LEVELS), options={"x264-params": "keyint=1"})
    with av.open(str(path)) as container:
        gone = bytes([packet for packet in container.demux(video=0) if packet.size][4])
    filler = (len(gone) - 4).to_bytes(4) + b"\x0c" + b"\xff" * (len(gone) - 6) + b"\x80"
    path.write_bytes(path.read_bytes().replace(gone, filler))
    levels = VideoFile(path).read((3, 5, 19)).mean(axis=(1, 2, 3))
    assert levels == pytest.approx([LEVELS[i] for i in (3, 5, 19)], abs=3)
    with pytest.raises(UserError, match=r"clip\.mkv: .*; fetch it again|clip\.mkv: .*, fetch it again"):
        VideoFile(path).read((3, 4, 5))


def test_a_hidden_reference_is_no_frame(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.webm", moving(20))
    all_shown = VideoFile(path).read(range(20))
    with av.open(str(path)) as container:
        packet = bytes([packet for packet in container.demux(video=0) if packet.size][4])
    path.write_bytes(path.read_bytes().replace(packet, bytes([packet[0] & ~0x10]) + packet[1:]))
    video = VideoFile(path)
    assert video.info().length == 19
    assert np.array_equal(video.read((3, 4, 18)), all_shown[[3, 5, 19]])
    with without_decord():
        assert np.array_equal(video.read((18, 4)), all_shown[[19, 5]])


def test_a_file_that_changes_while_it_is_read_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = VideoFile(write_video(tmp_path / "clip.mp4", greys(LEVELS)))
    reading = videos.files.read

    def read_while_written(path: Path, *arguments: Any) -> Any:
        pixels = reading(path, *arguments)
        write_video(path, greys(LEVELS[::-1]))
        return pixels

    monkeypatch.setattr(videos.files, "read", read_while_written)
    with pytest.raises(UserError, match="changed while it was read; start again once it is all written"):
        video.read((0, 1))
    monkeypatch.undo()
    assert video.read((0,)).mean() == pytest.approx(LEVELS[-1], abs=3)


def test_a_file_replaced_by_one_of_the_same_size_and_date_is_another(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"a" * 1000)
    before, status = VideoFile(path).identity(), os.stat(path)
    path.write_bytes(b"b" * 1000)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert VideoFile(path).identity() != before
