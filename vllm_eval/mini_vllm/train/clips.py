"""Training clips, rendered on the fly: a fixed set of 8,000 was learned by heart."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from videos.mini.actions import ACTIONS
from videos.mini.body import Floats, J
from videos.mini.render import FRAMES, SIZE, Spec, empty_place, render
from videos.mini.scenes import PLAIN, SCENES

PLACES: tuple[str, ...] = (*SCENES, *PLAIN)
BODIES = 100_000  # training bodies; the benchmark's have larger seeds
VARIANTS = 60  # pictures kept per place: each is used again with other people, framing and light
# Three frame pairs on a merged grid of three by three: transformers counts positions after a video from its
# larger side, vLLM from its largest coordinate; they agree while a clip has no more pairs than that side.
SIDE, PATCH, PICKS = 84, 14, 6

# Segments whose direction on the screen is asked for, per frame: the dense part of the supervision.
LIMBS = (
    ("pelvis", "neck"), ("neck", "head"),
    ("near_shoulder", "near_elbow"), ("near_elbow", "near_wrist"),
    ("far_shoulder", "far_elbow"), ("far_elbow", "far_wrist"),
    ("near_hip", "near_knee"), ("near_knee", "near_ankle"),
    ("far_hip", "far_knee"), ("far_knee", "far_ankle"),
)  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """Some frame pairs of a clip: pixels uint8 [2P, 84, 84, 3]; class numbers; limb directions float32
    [2P, 10, 2]; the person's share of each patch float32 [P, 6, 6], averaged over the two frames of a patch;
    the number of the patch each joint is in, row by row, int64 [2P, 17], -1 outside the picture."""

    pixels: NDArray[np.uint8]
    action: int
    place: int
    limbs: NDArray[np.float32]
    coverage: NDArray[np.float32]
    joints: NDArray[np.int64]


def uniform_picks() -> tuple[int, ...]:
    """The frames the benchmark's policy samples: the middle of each of six equal segments."""
    return tuple(int((k + 0.5) * FRAMES / PICKS) for k in range(PICKS))


def sample_spec(rng: np.random.Generator, agree: float, props_at_home: float = 0.6) -> Spec:
    """A random clip; with probability ``agree`` the action is in its usual place, else anywhere but there."""
    action = ACTIONS[rng.integers(len(ACTIONS))]
    others = [place for place in PLACES if place != action]
    home = bool(rng.random() < agree)
    place = action if home else others[rng.integers(len(others))]
    props = bool(rng.random() < (props_at_home if home else 0.1))
    return Spec(action, place, int(rng.integers(2**31)), int(rng.integers(BODIES)), props)


def make_sample(spec: Spec, rng: np.random.Generator, pairs: int = PICKS // 2) -> Sample:
    """Render, shrink to the model's input, and mirror half of the clips. Fewer pairs are chosen at random:
    the tower sees each pair on its own, and pairs of different clips teach more than pairs of one."""
    shift = int(rng.integers(-1, 2))  # not always the very same instants
    chosen = sorted(rng.choice(PICKS // 2, pairs, replace=False))
    frames = [uniform_picks()[2 * pair + k] for pair in chosen for k in (0, 1)]
    picks = [min(FRAMES - 1, max(0, k + shift)) for k in frames]
    clip = render(spec, picks, place=_place(spec.scene, spec.seed % VARIANTS), with_background=False)
    return _sample(spec, clip.frames, clip.mask, clip.joints, rng)


def make_swap(spec: Spec, rng: np.random.Generator) -> Sample:
    """As ``make_sample`` with all pairs, but cut out elsewhere and pasted, the way HAT swaps actions."""
    others = [place for place in PLACES if place != spec.scene]
    taken_at = others[rng.integers(len(others))]
    person = render(
        spec, uniform_picks(), place=_place(taken_at, int(rng.integers(VARIANTS))), with_background=False
    )
    stand_in = Spec(spec.action, spec.scene, int(rng.integers(2**31)), spec.body, False)
    empty = render(
        stand_in, uniform_picks(), place=_place(spec.scene, int(rng.integers(VARIANTS)))
    ).background
    shift = tuple(int(v) for v in rng.integers(-18, 19, 2))
    moved, mask = (np.roll(part, shift, (1, 2)) for part in (person.frames, person.mask))
    frames = np.where((mask > 128)[..., None], moved, empty)
    return _sample(spec, frames, mask, person.joints, rng)


def _sample(
    spec: Spec, frames: NDArray[np.uint8], mask: NDArray[np.uint8], joints: Floats, rng: np.random.Generator
) -> Sample:
    pixels = np.stack([_shrink(frame) for frame in frames])
    steps = np.stack([joints[:, J[b]] - joints[:, J[a]] for a, b in LIMBS], 1)
    limbs = steps / (np.linalg.norm(steps, axis=-1, keepdims=True) + 1e-6)
    coverage = _coverage(mask)
    spots = joints * (SIDE / SIZE)
    if rng.random() < 0.5:
        pixels, coverage = pixels[:, :, ::-1], coverage[:, :, ::-1]
        limbs[..., 0] *= -1
        spots = np.array([SIDE - 1, 0]) + spots * np.array([-1, 1])
    return Sample(
        np.ascontiguousarray(pixels), ACTIONS.index(spec.action), PLACES.index(spec.scene),
        limbs.astype(np.float32), np.ascontiguousarray(coverage, np.float32), _patch_numbers(spots),
    )  # fmt: skip


def batches(seed: int, size: int, agree: float, pairs: int = PICKS // 2) -> Iterator[list[Sample]]:
    """Endless batches; the same seed gives the same clips."""
    rng = np.random.default_rng(seed)
    while True:
        yield [make_sample(sample_spec(rng, agree), rng, pairs) for _ in range(size)]


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
    return np.asarray(small.reshape(-1, 2, grid, grid).mean(1) / 255, np.float32)


def _patch_numbers(spots: Floats) -> NDArray[np.int64]:
    cell = np.floor(spots / PATCH).astype(np.int64)
    inside = ((cell >= 0) & (cell < SIDE // PATCH)).all(-1)
    return np.where(inside, cell[..., 1] * (SIDE // PATCH) + cell[..., 0], -1)
