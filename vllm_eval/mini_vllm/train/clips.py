"""Training clips, rendered on the fly: a fixed set of 8,000 was learned by heart (80 % train, 61 % validation)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from videos.mini.actions import ACTIONS
from videos.mini.body import J
from videos.mini.render import FRAMES, Spec, empty_place, render
from videos.mini.scenes import PLAIN, SCENES

PLACES: tuple[str, ...] = (*SCENES, *PLAIN)
BODIES = 100_000  # training bodies; the benchmark's have larger seeds
VARIANTS = 60  # pictures kept per place: each is used again with other people, framing and light
SIDE, PATCH, PICKS = 112, 14, 8

# Segments whose direction on the screen is asked for, per frame: the dense part of the supervision.
LIMBS = (
    ("pelvis", "neck"), ("neck", "head"),
    ("near_shoulder", "near_elbow"), ("near_elbow", "near_wrist"), ("far_shoulder", "far_elbow"), ("far_elbow", "far_wrist"),
    ("near_hip", "near_knee"), ("near_knee", "near_ankle"), ("far_hip", "far_knee"), ("far_knee", "far_ankle"),
)  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """pixels uint8 [8, 112, 112, 3]; class numbers; limb directions float32 [8, 10, 2]; person's share of each
    patch float32 [4, 8, 8], averaged over the two frames of a patch."""

    pixels: NDArray[np.uint8]
    action: int
    place: int
    limbs: NDArray[np.float32]
    coverage: NDArray[np.float32]


def uniform_picks() -> tuple[int, ...]:
    """The frames the benchmark's policy samples: the middle of each of eight equal segments."""
    return tuple(int((k + 0.5) * FRAMES / PICKS) for k in range(PICKS))


def sample_spec(rng: np.random.Generator, agree: float, props_at_home: float = 0.6) -> Spec:
    """A random clip; with probability ``agree`` the action is in its usual place, else anywhere but there."""
    action = ACTIONS[rng.integers(len(ACTIONS))]
    others = [place for place in PLACES if place != action]
    home = bool(rng.random() < agree)
    place = action if home else others[rng.integers(len(others))]
    props = bool(rng.random() < (props_at_home if home else 0.1))
    return Spec(action, place, int(rng.integers(2**31)), int(rng.integers(BODIES)), props)


def make_sample(spec: Spec, rng: np.random.Generator) -> Sample:
    """Render, shrink to the model's input, and mirror half of the clips."""
    shift = int(rng.integers(-1, 2))  # not always the very same instants
    picks = [min(FRAMES - 1, max(0, k + shift)) for k in uniform_picks()]
    clip = render(spec, picks, place=_place(spec.scene, spec.seed % VARIANTS), with_background=False)
    pixels = np.stack([_shrink(frame) for frame in clip.frames])
    steps = np.stack([clip.joints[:, J[b]] - clip.joints[:, J[a]] for a, b in LIMBS], 1)
    limbs = steps / (np.linalg.norm(steps, axis=-1, keepdims=True) + 1e-6)
    coverage = _coverage(clip.mask)
    if rng.random() < 0.5:
        pixels, coverage = pixels[:, :, ::-1], coverage[:, :, ::-1]
        limbs[..., 0] *= -1
    return Sample(
        np.ascontiguousarray(pixels), ACTIONS.index(spec.action), PLACES.index(spec.scene),
        limbs.astype(np.float32), np.ascontiguousarray(coverage, np.float32),
    )  # fmt: skip


def batches(seed: int, size: int, agree: float) -> Iterator[list[Sample]]:
    """Endless batches; the same seed gives the same clips."""
    rng = np.random.default_rng(seed)
    while True:
        yield [make_sample(sample_spec(rng, agree), rng) for _ in range(size)]


@lru_cache(maxsize=len(PLACES) * VARIANTS)
def _place(scene: str, variant: int) -> Image.Image:
    return empty_place(scene, variant)


def _shrink(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(frame).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _coverage(mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    grid = SIDE // PATCH
    small = np.stack(
        [np.asarray(Image.fromarray(m).resize((grid, grid), Image.Resampling.BOX)) for m in mask]
    )
    return small.reshape(PICKS // 2, 2, grid, grid).mean(1).astype(np.float32) / 255
