"""One clip of the bundled benchmark: a person acting in a place, its exact mask and the empty place.

Everything follows from the ``Spec``: the same spec gives the same pixels on every machine with the same
numpy and Pillow. Frame k shows the time k / FPS, so any subset of frames can be rendered alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from videos.mini.actions import perform
from videos.mini.body import Body, Floats, Paint, draw_body, joints_of, make_body
from videos.mini.props import BEHIND, PROPS
from videos.mini.scenes import paint_scene

FRAMES, FPS, SIZE = 24, 10.0, 192
VERSION = 1  # raise when any pixel changes

_NOISE_SLACK = 16
_MARGIN = 0.16  # of the frame: how much larger than the frame a scene is painted, room for camera drift

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Spec:
    """``scene`` is a key of scenes.SCENES or scenes.PLAIN; ``body`` a seed; ``props``: draw what is held."""

    action: str
    scene: str
    seed: int
    body: int
    props: bool


@dataclass(frozen=True)
class Rendered:
    """frames uint8 [T, H, W, 3], mask uint8 [T, H, W] (soft, 0..255), background uint8 [T, H, W, 3] without
    the person, joints float [T, 17, 2] in pixels (order: body.JOINTS)."""

    frames: Bytes
    mask: Bytes
    background: Bytes
    joints: Floats


@dataclass(frozen=True)
class _Camera:
    """Offset of the view into the painted scene, per frame [T, 2] in pixels, and the exposure curve."""

    offsets: NDArray[np.intp]
    curve: bytes


def render(
    spec: Spec,
    indices: Sequence[int] | None = None,
    size: int = SIZE,
    place: Image.Image | None = None,
    with_background: bool = True,
    with_mask: bool = True,
) -> Rendered:
    """The clip at these frame numbers (default: all), ``size`` pixels high and wide.

    ``place`` is a picture from ``empty_place`` to act in instead of the spec's own scene: painting one takes
    as long as drawing five people, and training may use one again. Without background, or mask, it is empty.
    """
    rng = np.random.default_rng((spec.seed, spec.body))
    wanted = np.arange(FRAMES) if indices is None else np.asarray(indices, np.intp)
    body, front, joints, height, facing = _stage(spec, rng, size)
    margin = round(size * _MARGIN)
    scene = empty_place(spec.scene, spec.seed, size) if place is None else place
    camera = _camera(rng, margin)
    wide = size + _NOISE_SLACK
    grain = int(rng.integers(0, 10))
    noise = rng.integers(128 - grain, 129 + grain, (wide, wide), np.uint8).astype(np.int16) - 128
    noise = np.repeat(noise[:, :, None], 3, axis=2)  # as large as a picture: adding it is three times faster
    frames, masks, backgrounds = [], [], []
    for index in wanted:
        rng = np.random.default_rng(
            (spec.seed, int(index))
        )  # a frame is the same whichever others are rendered
        dx, dy = (int(v) for v in camera.offsets[index])
        view = scene.crop((dx, dy, dx + size, dy + size))
        picture, mask = view.copy(), Image.new("L", (size, size))
        draw, at = ImageDraw.Draw(picture), joints[index]
        progress = float(index) / FRAMES
        if spec.props and spec.action in BEHIND:
            PROPS[spec.action](draw, at, height, facing, progress)
        draw_body(Paint(draw, ImageDraw.Draw(mask), height), body, at, front)
        if spec.props and spec.action not in BEHIND:
            PROPS[spec.action](draw, at, height, facing, progress)
        frames.append(_sensor(picture, camera.curve, noise, rng))
        if with_background:
            backgrounds.append(_sensor(view, camera.curve, noise, rng))
        if with_mask:
            masks.append(_soft(mask))
    empty = np.stack(backgrounds) if with_background else np.zeros((0, size, size, 3), np.uint8)
    person = np.stack(masks) if with_mask else np.zeros((0, size, size), np.uint8)
    return Rendered(np.stack(frames), person, empty, joints[wanted])


def empty_place(scene: str, seed: int, size: int = SIZE) -> Image.Image:
    """The scene of that seed, with a margin around it for the camera to drift in."""
    wide = size + round(size * _MARGIN)
    return paint_scene(scene, np.random.default_rng((seed, 11)), wide, wide)


def _stage(spec: Spec, rng: np.random.Generator, size: int) -> tuple[Body, float, Floats, float, float]:
    """Who stands where: body, frontality, joints [FRAMES, 17, 2] in pixels, height in pixels, facing."""
    body = make_body(spec.body)
    pose = perform(spec.action, np.arange(FRAMES) / FPS, rng)
    joints = joints_of(pose, body)
    facing = float(rng.choice([-1.0, 1.0]))
    tall = float(joints[:, :, 1].max())
    # A raised arm must not leave the picture: such people stand a little further away.
    height = size * min(rng.uniform(0.7, 0.9), 0.95 / max(tall + 0.06, 1e-6))
    foot = size * rng.uniform(0.93, 0.98)
    centre = size * rng.uniform(0.4, 0.6)
    middle = (joints[:, :, 0].max() + joints[:, :, 0].min()) / 2
    pixels = np.stack(
        [centre + facing * (joints[:, :, 0] - middle) * height, foot - joints[:, :, 1] * height], -1
    )
    return body, pose.front, pixels, height, facing


def _camera(rng: np.random.Generator, margin: int) -> _Camera:
    """A slow drift across the margin with a little shake."""
    start, end = rng.uniform(0, margin, (2, 2))
    path = start + (end - start) * np.linspace(0, rng.uniform(0, 1), FRAMES)[:, None]
    offsets = np.clip(np.round(path + rng.normal(0, 0.4, path.shape)), 0, margin).astype(np.intp)
    gain = rng.uniform(0.82, 1.15)
    return _Camera(offsets, bytes(min(255, int(v * gain + 0.5)) for v in range(256)))


def _sensor(view: Image.Image, curve: bytes, noise: NDArray[np.int16], rng: np.random.Generator) -> Bytes:
    """Exposure and sensor noise. One field of noise a clip, read from a new corner each frame: drawing
    110,592 numbers a frame would cost more than the person does."""
    x, y = (int(v) for v in rng.integers(0, _NOISE_SLACK, 2))
    wide, high = view.size
    exposed = np.frombuffer(view.tobytes().translate(curve), np.uint8).reshape(high, wide, 3)
    summed = exposed + noise[y : y + high, x : x + wide]
    return np.clip(summed, 0, 255, out=summed).astype(np.uint8)


def _soft(mask: Image.Image) -> Bytes:
    """Edges one pixel wide, as a segmentation network's probabilities have them."""
    return np.asarray(mask.filter(ImageFilter.BoxBlur(1)))
