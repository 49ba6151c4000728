"""Fourteen Kinetics-50 actions as motions of the limbs: phase in, joint angles out."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from videos.mini.body import Floats, Pose

Motion = Callable[[Floats, np.random.Generator], Pose]


def _wave(phase: Floats, low: float, high: float, offset: float = 0.0) -> Floats:
    """A cosine between low (at phase 0) and high (at phase 0.5)."""
    return low + (high - low) * (0.5 - 0.5 * np.cos(2 * np.pi * (phase + offset)))


def _keys(phase: Floats, *points: tuple[float, float]) -> Floats:
    """Piecewise-linear keyframes (phase, value), periodic, smoothed a little by the sampling itself."""
    xs, ys = zip(*points, strict=True)
    return np.asarray(np.interp(phase % 1.0, [*xs, xs[0] + 1.0], [*ys, ys[0]]), np.float64)


def _still(phase: Floats, value: float) -> Floats:
    return np.full_like(phase, value)


def archery(phase: Floats, rng: np.random.Generator) -> Pose:
    """One arm straight ahead, the other draws back to the cheek, holds, lets go."""
    draw = _keys(phase, (0.0, 0.0), (0.45, 1.0), (0.8, 1.0), (0.86, 0.1))
    return Pose(
        lean=_still(phase, -4), nod=_still(phase, 4), near_arm=60 - 150 * draw, near_forearm=92 + 2 * draw,
        far_arm=_still(phase, 92), far_forearm=_still(phase, 92), near_thigh=_still(phase, -16),
        near_shin=_still(phase, -14), far_thigh=_still(phase, 16), far_shin=_still(phase, 12),
        lift=_still(phase, 0), shift=-0.02 * draw,
    )  # fmt: skip


def bowling(phase: Floats, rng: np.random.Generator) -> Pose:
    """A low lunge while one straight arm swings from behind the back to the front."""
    swing = _keys(phase, (0.0, -20.0), (0.35, -95.0), (0.6, 20.0), (0.75, 115.0), (0.9, 60.0))
    low = _keys(phase, (0.0, 0.15), (0.35, 0.5), (0.6, 1.0), (0.8, 0.9), (0.95, 0.2))
    return Pose(
        lean=18 + 38 * low, nod=-20 * low, near_arm=swing, near_forearm=swing + 6, far_arm=-30 - 40 * low,
        far_forearm=-20 - 40 * low, near_thigh=-10 - 42 * low, near_shin=-20 - 50 * low,
        far_thigh=20 + 55 * low, far_shin=2 - 6 * low, lift=_still(phase, 0), shift=-0.1 + 0.2 * low,
    )  # fmt: skip


def climbing_a_rope(phase: Floats, rng: np.random.Generator) -> Pose:
    """Hanging from both hands, hand over hand, knees tucked around the rope."""
    pull = _wave(phase, 0, 1)
    return Pose(
        lean=-6 + 6 * pull, nod=_still(phase, -12), near_arm=172 - 60 * pull, near_forearm=176 - 10 * pull,
        far_arm=112 + 60 * pull, far_forearm=166 + 10 * pull, near_thigh=30 + 50 * pull,
        near_shin=-25 - 30 * pull, far_thigh=25 + 55 * pull, far_shin=-30 - 30 * pull,
        lift=-0.06 + 0.1 * pull, shift=_still(phase, -0.06), hang=True,
    )  # fmt: skip


def deadlifting(phase: Floats, rng: np.random.Generator) -> Pose:
    """Bent over with straight hanging arms, then upright, slowly, again and again."""
    up = _keys(phase, (0.0, 0.0), (0.12, 0.0), (0.45, 1.0), (0.62, 1.0), (0.95, 0.0))
    return Pose(
        lean=68 * (1 - up), nod=-25 * (1 - up), near_arm=4 + 2 * up, near_forearm=3 + 0 * up,
        far_arm=2 + 4 * up, far_forearm=4 + 0 * up, near_thigh=62 * (1 - up) + 2, near_shin=-28 * (1 - up),
        far_thigh=58 * (1 - up) - 2, far_shin=-30 * (1 - up), lift=0 * up, shift=-0.08 * (1 - up),
    )  # fmt: skip


def golf_driving(phase: Floats, rng: np.random.Generator) -> Pose:
    """Both arms together: up behind the shoulder, down through the ball, up in front."""
    swing = _keys(
        phase, (0.0, 15.0), (0.35, -140.0), (0.48, -145.0), (0.62, 30.0), (0.76, 165.0), (0.9, 160.0)
    )
    twist = swing / 160
    return Pose(
        lean=24 - 16 * np.abs(twist), nod=_still(phase, 12), near_arm=swing, near_forearm=swing * 1.12,
        far_arm=swing + 14, far_forearm=swing * 1.08, near_thigh=-12 - 6 * twist, near_shin=-14 - 10 * twist,
        far_thigh=16 - 6 * twist, far_shin=4 - 6 * twist, lift=0 * swing, shift=0.03 * twist, front=0.6,
    )  # fmt: skip


def hurdling(phase: Floats, rng: np.random.Generator) -> Pose:
    """Running strides and a leap with one leg stretched far ahead."""
    fly = _keys(phase, (0.0, 0.0), (0.3, 0.15), (0.5, 1.0), (0.65, 1.0), (0.85, 0.0))
    stride = np.sin(4 * np.pi * phase)
    run = 1 - fly
    return Pose(
        lean=14 + 26 * fly, nod=-16 * fly - 4, near_arm=-50 * stride * run - 60 * fly,
        near_forearm=40 - 50 * stride * run - 40 * fly, far_arm=50 * stride * run + 85 * fly,
        far_forearm=85 + 40 * stride * run + 10 * fly, near_thigh=45 * stride * run + 92 * fly,
        near_shin=(-35 + 40 * stride) * run + 84 * fly, far_thigh=-45 * stride * run - 50 * fly,
        far_shin=(-35 - 40 * stride) * run - 120 * fly, lift=0.16 * fly, shift=-0.06 + 0.12 * fly,
    )  # fmt: skip


def juggling_balls(phase: Floats, rng: np.random.Generator) -> Pose:
    """Facing us, elbows at the sides, forearms tossing in turn, eyes up."""
    toss = np.sin(2 * np.pi * 2 * phase)
    return Pose(
        lean=_still(phase, 0), nod=_still(phase, -10), near_arm=20 + 6 * toss, near_forearm=95 + 42 * toss,
        far_arm=-20 + 6 * toss, far_forearm=-95 + 42 * toss, near_thigh=_still(phase, 8),
        near_shin=_still(phase, 4), far_thigh=_still(phase, -8), far_shin=_still(phase, -4),
        lift=_still(phase, 0), shift=0.015 * toss, front=1.0,
    )  # fmt: skip


def playing_violin(phase: Floats, rng: np.random.Generator) -> Pose:
    """Chin down on a raised arm, the other hand sawing across it."""
    bow = np.sin(2 * np.pi * 1.5 * phase)
    sway = 4 * np.sin(2 * np.pi * phase)
    return Pose(
        lean=sway, nod=_still(phase, 24), near_arm=42 + 14 * bow, near_forearm=128 + 30 * bow,
        far_arm=76 + sway, far_forearm=152 + sway, near_thigh=_still(phase, -5), near_shin=_still(phase, -5),
        far_thigh=_still(phase, 8), far_shin=_still(phase, 4), lift=_still(phase, 0),
        shift=0.004 * sway, front=0.6,
    )  # fmt: skip


def punching_person(phase: Floats, rng: np.random.Generator) -> Pose:
    """Fists at the face, knees soft, straight jabs in turn."""
    jab = _keys(phase, (0.0, 0.0), (0.15, 1.0), (0.3, 0.0), (0.5, 0.0), (1.0, 0.0))
    cross = _keys(phase, (0.0, 0.0), (0.5, 0.0), (0.65, 1.0), (0.8, 0.0))
    bounce = _wave(2 * phase, 0, 1)
    return Pose(
        lean=10 + 8 * (jab + cross), nod=_still(phase, 8),
        near_arm=28 + 62 * cross, near_forearm=158 - 66 * cross,
        far_arm=40 + 52 * jab, far_forearm=152 - 60 * jab, near_thigh=-18 - 8 * bounce,
        near_shin=-34 - 6 * bounce, far_thigh=32 + 8 * bounce, far_shin=-4 - 8 * bounce,
        lift=0.012 * bounce, shift=0.03 * (jab + cross), front=0.45,
    )  # fmt: skip


def shooting_basketball(phase: Floats, rng: np.random.Generator) -> Pose:
    """A dip with the hands at the chest, then a jump with both arms stretched overhead."""
    rise = _keys(phase, (0.0, 0.0), (0.25, 0.0), (0.5, 1.0), (0.68, 1.0), (0.9, 0.1))
    dip = _keys(phase, (0.0, 0.3), (0.25, 1.0), (0.45, 0.0), (0.8, 0.1))
    return Pose(
        lean=16 * dip, nod=-14 * rise, near_arm=32 + 128 * rise, near_forearm=128 + 36 * rise,
        far_arm=42 + 126 * rise, far_forearm=120 + 48 * rise, near_thigh=48 * dip, near_shin=-42 * dip,
        far_thigh=40 * dip + 4, far_shin=-46 * dip, lift=0.13 * rise * (1 - dip), shift=0 * rise, front=0.45,
    )  # fmt: skip


def skipping_rope(phase: Floats, rng: np.random.Generator) -> Pose:
    """Facing us, small quick hops, feet together, hands circling wide of the hips."""
    hop = np.abs(np.sin(2 * np.pi * 2 * phase))
    spin = np.sin(2 * np.pi * 4 * phase)
    return Pose(
        lean=_still(phase, 0), nod=_still(phase, 0), near_arm=26 + 4 * spin, near_forearm=58 + 16 * spin,
        far_arm=-26 - 4 * spin, far_forearm=-58 - 16 * spin, near_thigh=6 + 16 * (1 - hop),
        near_shin=2 - 22 * (1 - hop), far_thigh=-6 - 16 * (1 - hop), far_shin=-2 + 22 * (1 - hop),
        lift=0.09 * hop, shift=_still(phase, 0), front=1.0,
    )  # fmt: skip


def surfing_water(phase: Floats, rng: np.random.Generator) -> Pose:
    """A wide low crouch, both arms spread out and tilting for balance."""
    tilt = np.sin(2 * np.pi * phase)
    low = _wave(phase, 0.6, 1.0, 0.2)
    return Pose(
        lean=14 + 16 * tilt, nod=_still(phase, -6), near_arm=-84 + 22 * tilt, near_forearm=-92 + 26 * tilt,
        far_arm=86 + 22 * tilt, far_forearm=94 + 26 * tilt, near_thigh=-58 * low, near_shin=14 + 0 * low,
        far_thigh=64 * low, far_shin=-12 + 0 * low, lift=_still(phase, 0.03), shift=0.04 * tilt, front=0.5,
    )  # fmt: skip


def sweeping_floor(phase: Floats, rng: np.random.Generator) -> Pose:
    """Stooped, both hands on a low handle, pushing and pulling, a small step."""
    push = np.sin(2 * np.pi * phase)
    return Pose(
        lean=32 + 8 * push, nod=_still(phase, 16), near_arm=22 + 26 * push, near_forearm=52 + 24 * push,
        far_arm=44 + 22 * push, far_forearm=78 + 14 * push, near_thigh=-14 - 6 * push,
        near_shin=-22 - 4 * push, far_thigh=22 + 8 * push, far_shin=-2 + 0 * push,
        lift=0 * push, shift=-0.04 + 0.05 * push,
    )  # fmt: skip


def sword_fighting(phase: Floats, rng: np.random.Generator) -> Pose:
    """Lunges with one arm slashing down from overhead, the other thrown back."""
    cut = _keys(phase, (0.0, 0.0), (0.3, 0.0), (0.45, 1.0), (0.6, 1.0), (0.9, 0.0))
    return Pose(
        lean=-4 + 24 * cut, nod=_still(phase, 0), near_arm=-70 - 15 * cut, near_forearm=-110 + 20 * cut,
        far_arm=158 - 82 * cut, far_forearm=190 - 106 * cut, near_thigh=-16 - 28 * cut,
        near_shin=-12 - 30 * cut, far_thigh=18 + 48 * cut, far_shin=8 - 8 * cut,
        lift=0 * cut, shift=-0.1 + 0.22 * cut,
    )  # fmt: skip


# Alphabetical, as Kinetics orders its classes. Values: the motion and the seconds one cycle of it takes.
MOTIONS: dict[str, tuple[Motion, float]] = {
    "archery": (archery, 2.2),
    "bowling": (bowling, 1.9),
    "climbing a rope": (climbing_a_rope, 1.2),
    "deadlifting": (deadlifting, 2.2),
    "golf driving": (golf_driving, 1.8),
    "hurdling": (hurdling, 1.3),
    "juggling balls": (juggling_balls, 1.3),
    "playing violin": (playing_violin, 1.5),
    "punching person (boxing)": (punching_person, 1.1),
    "shooting basketball": (shooting_basketball, 1.7),
    "skipping rope": (skipping_rope, 1.2),
    "surfing water": (surfing_water, 1.8),
    "sweeping floor": (sweeping_floor, 1.3),
    "sword fighting": (sword_fighting, 1.4),
}
ACTIONS: tuple[str, ...] = tuple(MOTIONS)


def perform(action: str, times: Floats, rng: np.random.Generator) -> Pose:
    """The action at ``times`` [T] seconds by one performer: own tempo, phase, amplitude and posture."""
    motion, period = MOTIONS[action]
    phase = times / (period * rng.uniform(0.75, 1.35)) + rng.random()
    pose = motion(phase, rng)
    gain = rng.uniform(0.85, 1.12)
    angles = {name: value for name, value in vars(pose).items() if isinstance(value, np.ndarray)}
    own: dict[str, Any] = {name: _personal(name, value, gain, rng) for name, value in angles.items()}
    return replace(pose, **own)


def _personal(name: str, value: Floats, gain: float, rng: np.random.Generator) -> Floats:
    if name in ("lift", "shift"):
        return value * gain
    middle = float(value.mean())
    tremor = rng.normal(0, 1.2, len(value))
    return middle + (value - middle) * gain + rng.normal(0, 4.0) + tremor
