"""The compositor against the rules of HAT and of the paper, written out once more, on real frames.

Frames are HAT's archery clip and a real video; masks are drawn, since none are at hand. The rules are
computed here from the files alone, with numpy, Pillow and scipy, without anything of ``videos.compose``.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from videos.compose import ActionSwap, HumanOnly, UnalignedSwap
from videos.decode import FramesFolder, VideoFile

Image8 = NDArray[np.uint8]

ASKED = (3, 11, 29)


def soft_mask(size: tuple[int, int], centre: tuple[float, float], radius: float) -> Image8:
    """A person-sized blob with a soft rim: 255 inside, falling to 0 at 1.5 times the radius."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    away = np.hypot(rows - centre[0], (columns - centre[1]) * 1.7) / radius
    return np.clip(255 * (1.5 - away) / 0.5, 0, 255).astype(np.uint8)


def store(folder: Path, images: Sequence[Image8], suffix: str) -> Path:
    folder.mkdir(parents=True)
    for number, image in enumerate(images, 1):
        Image.fromarray(image).save(folder / f"{number:06d}{suffix}", quality=95)
    return folder


@pytest.fixture(scope="module")
def archery(shared_data: Path) -> Path:
    return shared_data / "hat/kinetics400/ori/archery/01xStFVYC7U_000011_000021"


@pytest.fixture(scope="module")
def person(archery: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Thirty real frames and masks that move over them."""
    root = tmp_path_factory.mktemp("person")
    frames = [np.asarray(Image.open(archery / f"{number:06d}.jpg")) for number in range(1, 151, 5)]
    height, width = frames[0].shape[:2]
    masks = [soft_mask((height, width), (height * 0.6, 60.0 + 7 * k), height / 4) for k in range(30)]
    return store(root / "ori", frames, ".jpg"), store(root / "seg", masks, ".png")


@pytest.fixture(scope="module", params=["same size", "other shape"])
def scene(
    request: pytest.FixtureRequest, shared_data: Path, archery: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Twenty frames: of the same clip, later; or of a video of another size and shape."""
    root = tmp_path_factory.mktemp("scene")
    if request.param == "same size":
        frames = [
            np.asarray(Image.open(archery / f"{number:06d}.jpg"))[:, ::-1] for number in range(101, 121)
        ]
    else:
        (video,) = [path for path in (shared_data / "video").iterdir() if path.suffix == ".mp4"]
        frames = list(VideoFile(video).read(range(0, 40, 2))[:, :, :301])
    height, width = frames[0].shape[:2]
    masks = [soft_mask((height, width), (90.0 + k, width * 0.4), height / 5) for k in range(20)]
    return store(root / "inp", frames, ".jpg"), store(root / "seg", masks, ".png")


def image(folder: Path, index: int) -> Image8:
    (path,) = folder.glob(f"{index + 1:06d}.*")
    return np.asarray(Image.open(path))


def hats_rules(person: tuple[Path, Path], scene: tuple[Path, Path], asked: Sequence[int]) -> list[Image8]:
    """Reference section 3.3 of the toolkit's loader, one rule after another, pixels pasted one by one."""
    n_fg, n_bg = (len(list(folder.iterdir())) for folder in (person[0], scene[0]))
    behind = [min(max(int(np.round(f / n_fg * n_bg)), 0), n_bg - 1) for f in asked]
    height, width = image(person[0], 0).shape[:2]

    def fitted(array: Image8) -> Image8:
        old_height, old_width = array.shape[:2]
        scale = min(height, width) / min(old_height, old_width)
        size = (int(old_width * scale + 0.5), int(old_height * scale + 0.5))
        return np.asarray(Image.fromarray(array).resize(size, Image.Resampling.BILINEAR))

    foreground = ndimage.center_of_mass(image(person[1], asked[0]).astype(float))
    background = ndimage.center_of_mass(fitted(image(scene[1], behind[0])).astype(float))
    down, right = int(background[0] - foreground[0]), int(background[1] - foreground[1])
    assert (down, right) != (0, 0)
    made = []
    for f, b in zip(asked, behind, strict=True):
        canvas = fitted(image(scene[0], b)).copy()
        frame, mask = image(person[0], f), image(person[1], f)
        for y, x in zip(*np.nonzero(mask > 128), strict=True):
            if 0 <= y + down < canvas.shape[0] and 0 <= x + right < canvas.shape[1]:
                canvas[y + down, x + right] = frame[y, x]
        made.append(canvas)
    return made


def test_hats_composite_is_hats_to_the_pixel(person: tuple[Path, Path], scene: tuple[Path, Path]) -> None:
    swap = ActionSwap(*(FramesFolder(folder) for folder in (*person, *scene)))
    expected = hats_rules(person, scene, ASKED)
    composed = swap.read(ASKED)
    assert composed.shape == (3, *expected[0].shape)
    for index in range(3):
        assert np.array_equal(composed[index], expected[index])


def test_human_only_is_the_mean_colour_around_the_person(person: tuple[Path, Path]) -> None:
    shown = HumanOnly(*(FramesFolder(folder) for folder in person)).read(ASKED)
    for index, f in enumerate(ASKED):
        expected = np.empty_like(shown[index])
        expected[...] = np.array([123.675, 116.28, 103.53]).astype(np.uint8)
        inside = image(person[1], f) > 128
        expected[inside] = image(person[0], f)[inside]
        assert inside.any()
        assert np.array_equal(shown[index], expected)


def stretched(array: Image8, height: int, width: int) -> NDArray[np.float64]:
    """Bilinear between pixel centres, edges held, by scipy."""
    rows = (np.arange(height) + 0.5) * array.shape[0] / height - 0.5
    columns = (np.arange(width) + 0.5) * array.shape[1] / width - 0.5
    places = np.meshgrid(rows, columns, indexing="ij")
    colours = (array[..., c].astype(float) for c in range(3))
    layers = [ndimage.map_coordinates(one, places, order=1, mode="nearest") for one in colours]
    return np.stack(layers, axis=-1)


def test_the_papers_composite_is_the_papers(person: tuple[Path, Path], scene: tuple[Path, Path]) -> None:
    asked = (3, 11, 29)  # of a scene of twenty frames: 3, 11 and, begun anew, 9
    swap = UnalignedSwap(*(FramesFolder(folder) for folder in (*person, scene[0])))
    for composed, f in zip(swap.read(asked), asked, strict=True):
        frame, level = image(person[0], f), np.float32(image(person[1], f)[..., None] / np.float32(255))
        behind = np.rint(stretched(image(scene[0], f % 20), *frame.shape[:2])).astype(np.float32)
        expected = np.clip(frame * level + behind * (1 - level), 0, 255).astype(np.uint8)
        away = np.abs(composed.astype(int) - expected)
        assert composed.shape == frame.shape
        # Where sizes are equal to the pixel; else scipy's own rounding may turn a half the other way.
        same = image(scene[0], 0).shape == frame.shape
        assert away.max() <= (0 if same else 1)
        assert (away > 0).mean() < 1e-3
