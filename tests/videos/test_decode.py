"""Which frames are taken, and that their pixels are the right ones."""

from pathlib import Path
from typing import get_args
from zlib import crc32

import numpy as np
import pytest
from hard_videos import LEVELS, greys, write_video
from PIL import Image

from assets.errors import UserError
from videos.clip import Pixels, SourceInfo
from videos.decode import FramePolicy, FramesFolder, Sampling, VideoFile, decode, resize


def write_folder(path: Path, frames: Pixels) -> Path:
    path.mkdir(parents=True)
    for number, frame in enumerate(frames, 1):
        Image.fromarray(frame).save(path / f"{number:06d}.png")
    return path


@pytest.mark.parametrize(
    ("policy", "length", "expected"),
    [
        (FramePolicy(4), 24, (3, 9, 15, 21)),
        (FramePolicy(8), 24, (1, 4, 7, 10, 13, 16, 19, 22)),
        (FramePolicy(1), 24, (12,)),
        (FramePolicy(4), 2, (0, 0, 1, 1)),
        (FramePolicy(1, "centre"), 25, (12,)),
        (FramePolicy(4, "centre"), 24, (10, 11, 12, 13)),
        (FramePolicy(4, "centre"), 2, (0, 1, 1, 1)),
        (FramePolicy(3, "dense"), 24, (8, 11, 14)),
        (FramePolicy(8, "dense"), 10, (1, 2, 3, 4, 5, 6, 7, 8)),
        (FramePolicy(8, "paper"), 300, (0, 43, 85, 128, 171, 214, 256, 299)),
        (FramePolicy(3, "paper"), 4, (0, 1, 3)),  # 1.5 + 1 is rounded to file 2, where 1.5 alone would be 2
        (FramePolicy(8, "paper"), 8, (0, 1, 2, 3, 4, 5, 6, 7)),
        (FramePolicy(3, "paper"), 2, (0, 1, 1)),
        (FramePolicy(8, "paper"), 1, (0,) * 8),
        (FramePolicy(1, "paper"), 300, (149,)),
        (FramePolicy(1, "paper"), 1, (0,)),
        (FramePolicy(8, "paper_internvl3"), 300, (18, 55, 93, 130, 168, 205, 242, 280)),
        (FramePolicy(1, "paper_internvl3"), 300, (149,)),
    ],
)
def test_indices_follow_the_sampling(policy: FramePolicy, length: int, expected: tuple[int, ...]) -> None:
    assert policy.indices(SourceInfo(length, 10.0)) == expected


@pytest.mark.parametrize("sampling", get_args(Sampling))
@pytest.mark.parametrize("frames", [1, 2, 7, 16])
@pytest.mark.parametrize("length", [1, 2, 15, 300])
def test_indices_are_ascending_inside_the_clip_and_as_many_as_asked(
    sampling: Sampling, frames: int, length: int
) -> None:
    indices = FramePolicy(frames, sampling).indices(SourceInfo(length, 29.97))
    assert len(indices) == frames
    assert list(indices) == sorted(indices)
    assert min(indices) >= 0
    assert max(indices) < length


def test_dense_frames_are_eight_apart_at_thirty_frames_a_second() -> None:
    assert set(np.diff(FramePolicy(8, "dense").indices(SourceInfo(300, 30.0)))) == {8}


def test_policies_that_differ_have_different_keys() -> None:
    keys = {FramePolicy(n, s, size).key for n in (4, 8) for s in ("uniform", "dense") for size in (None, 96)}
    assert len(keys) == 8


@pytest.mark.parametrize("sampling", get_args(Sampling))
def test_a_policy_is_found_again_by_its_key(sampling: Sampling) -> None:
    for policy in (FramePolicy(8, sampling, 224), FramePolicy(3, sampling)):
        assert FramePolicy.parse(policy.key) == policy
    assert FramePolicy.parse(sampling) == FramePolicy.parse(f"{sampling}-8") == FramePolicy(8, sampling)


@pytest.mark.parametrize("bad", ["", "even-8", "uniform-x", "uniform-full", "uniform-0", "uniform-8-224-1"])
def test_what_is_no_policy_is_refused_with_what_was_expected(bad: str) -> None:
    with pytest.raises(UserError, match="expected"):
        FramePolicy.parse(bad)


@pytest.mark.parametrize("bad", [{"frames": 0}, {"sampling": "random"}, {"size": 0}])
def test_an_impossible_policy_is_refused_with_what_was_expected(bad: dict[str, object]) -> None:
    with pytest.raises(UserError, match="expected"):
        FramePolicy(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_video_gives_exactly_the_frames_asked_for_in_the_order_asked(tmp_path: Path, suffix: str) -> None:
    video = VideoFile(write_video(tmp_path / f"clip{suffix}", greys(LEVELS)))
    assert video.info() == SourceInfo(20, 10.0)
    asked = (13, 0, 19, 5, 5)
    levels = video.read(asked).mean(axis=(1, 2, 3))
    assert levels == pytest.approx([LEVELS[i] for i in asked], abs=3)


@pytest.mark.parametrize("faststart", [False, True])
@pytest.mark.parametrize("kept", [0.0, 0.2, 0.9])
def test_a_cut_off_video_is_named_in_one_line(tmp_path: Path, faststart: bool, kept: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 64, 96, 3), np.uint8)
    path = write_video(tmp_path / "clip.mp4", noise, faststart=faststart)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(UserError, match=r"clip\.mp4: .*fetch it again") as caught:
        decode(VideoFile(path), FramePolicy(4))
    assert "\n" not in str(caught.value)


def test_a_missing_video_and_a_missing_folder_are_the_users_to_fix(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a video file"):
        VideoFile(tmp_path / "none.mp4").info()
    with pytest.raises(UserError, match="expected a folder of frames"):
        FramesFolder(tmp_path / "none", 10.0).info()


def test_identity_follows_the_bytes_of_a_video_not_its_place(tmp_path: Path) -> None:
    first = VideoFile(write_video(tmp_path / "a.mp4", greys(LEVELS)))
    (tmp_path / "b.mp4").write_bytes(first.path.read_bytes())
    other = VideoFile(write_video(tmp_path / "c.mp4", greys(LEVELS[::-1])))
    assert first.identity() == VideoFile(tmp_path / "b.mp4").identity() != other.identity()


def test_the_identity_of_a_large_file_sees_head_middle_and_tail(tmp_path: Path) -> None:
    seen = set()
    for place in (None, 5, 500_000, 999_990):
        data = bytearray(1_000_000)
        if place is not None:
            data[place] = 1
        path = tmp_path / f"{place}.mp4"
        path.write_bytes(data)
        seen.add(VideoFile(path).identity())
    assert len(seen) == 4


def test_a_folder_counts_frames_from_one_and_indices_from_zero(tmp_path: Path) -> None:
    folder = FramesFolder(write_folder(tmp_path / "clip", greys(LEVELS[:5])), 12.0)
    assert folder.info() == SourceInfo(5, 12.0)
    assert folder.read((4, 0, 0))[:, 0, 0, 0].tolist() == [LEVELS[4], LEVELS[0], LEVELS[0]]
    assert folder.read_grey((1,)).shape == (1, 64, 128)


def test_a_folder_with_a_gap_names_the_missing_frame(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "clip", greys(LEVELS[:5]))
    (path / "000003.png").unlink()
    with pytest.raises(UserError, match="no frame 000003"):
        FramesFolder(path, 10.0).info()


def test_a_frame_that_is_cut_off_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3), np.uint8)
    path = write_folder(tmp_path / "clip", noise)
    frame = path / "000002.png"
    frame.write_bytes(frame.read_bytes()[:5000])
    with pytest.raises(UserError, match=r"000002\.png: not a whole image"):
        FramesFolder(path, 10.0).read((1,))


def test_a_frame_of_a_huge_declared_size_is_named(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "clip", greys(LEVELS[:3]))
    frame = path / "000002.png"
    data = bytearray(frame.read_bytes())
    data[16:24] = (60_000).to_bytes(4) * 2
    data[29:33] = crc32(data[12:29]).to_bytes(4)
    frame.write_bytes(data)
    with pytest.raises(UserError, match=r"000002\.png: not a whole image"):
        FramesFolder(path, 10.0).read((1,))


def test_the_identity_of_a_folder_is_kept_by_copies_and_changed_by_a_new_frame(tmp_path: Path) -> None:
    first = FramesFolder(write_folder(tmp_path / "a", greys(LEVELS[:5])), 10.0)
    copy = FramesFolder(write_folder(tmp_path / "b", greys(LEVELS[:5])), 10.0)
    before = first.identity()
    assert before == copy.identity()
    write_folder(tmp_path / "c", greys([7])).joinpath("000001.png").rename(first.path / "000006.png")
    assert first.identity() != before


def test_resizing_by_a_whole_factor_is_the_mean_of_the_area() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 12, 3), np.uint8)
    means = pixels.reshape(2, 4, 2, 6, 2, 3).mean(axis=(2, 4))
    assert np.abs(resize(pixels, 4).astype(float) - means).max() <= 1  # rounded once a direction


@pytest.mark.parametrize(("height", "width", "expected"), [(240, 320, (96, 128)), (341, 256, (128, 96))])
def test_the_short_side_is_set_and_the_aspect_kept(
    height: int, width: int, expected: tuple[int, int]
) -> None:
    assert resize(np.zeros((1, height, width, 3), np.uint8), 96).shape[1:3] == expected


def test_shrinking_by_a_broken_factor_neither_drops_nor_doubles_a_line() -> None:
    lines = np.zeros((100, 100, 100, 3), np.uint8)
    lines[range(100), range(100)] = 255  # picture k has one line, at height k
    brightness = resize(lines, 70)[2:-2, :, 0, 0].astype(float).sum(axis=1)
    assert brightness.max() < 1.2 * brightness.min()


def test_a_real_video_decodes(shared_data: Path) -> None:
    video = VideoFile(shared_data / "video" / "two_people_arm_wrestling.mp4")
    frames = decode(video, FramePolicy(8, size=96))
    assert (frames.total, frames.fps) == (300, 30.0)
    assert frames.pixels.shape == (8, 96, 128, 3)
    assert frames.pixels.std() > 20


def test_real_hat_frames_decode(shared_data: Path) -> None:
    clip = shared_data / "hat/kinetics400/ori/archery/01xStFVYC7U_000011_000021"
    frames = decode(FramesFolder(clip, 15.0), FramePolicy(2))
    assert (frames.total, frames.pixels.shape) == (150, (2, 256, 456, 3))
