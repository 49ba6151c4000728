"""Articulated people: random looks, forward kinematics from limb angles, and how they are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw

Floats = NDArray[np.float64]
Colour = tuple[int, int, int]

# Order of the joints in every [.., 17, 2] array. "near" limbs are drawn over the torso, "far" ones under it.
JOINTS = (
    "pelvis", "neck", "head",
    "near_shoulder", "near_elbow", "near_wrist", "far_shoulder", "far_elbow", "far_wrist",
    "near_hip", "near_knee", "near_ankle", "far_hip", "far_knee", "far_ankle", "near_toe", "far_toe",
)  # fmt: skip
J = {name: index for index, name in enumerate(JOINTS)}

# Segment lengths as a share of body height; they sum to one for a person standing upright.
TORSO, HEAD, UPPER_ARM, FOREARM, THIGH, SHIN, FOOT = 0.30, 0.15, 0.17, 0.17, 0.25, 0.25, 0.07


@dataclass(frozen=True)
class Pose:
    """Limb angles over time, each [T] in degrees: 0 hangs down, +90 points forward (right), 180 up.

    ``lean`` and ``nod`` tilt torso and head from upright. ``lift`` (body heights) raises the lowest foot
    above the ground, ``shift`` moves the body forward. ``front`` spreads shoulders and hips as seen from
    the front. ``hang`` replaces the ground: the pelvis keeps its height.
    """

    lean: Floats
    nod: Floats
    near_arm: Floats
    near_forearm: Floats
    far_arm: Floats
    far_forearm: Floats
    near_thigh: Floats
    near_shin: Floats
    far_thigh: Floats
    far_shin: Floats
    lift: Floats
    shift: Floats
    front: float = 0.3
    hang: bool = False


@dataclass(frozen=True)
class Body:
    """A person's looks and proportions. Thicknesses are shares of body height."""

    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    limbs: float
    bulk: float
    legs: float
    long_hair: bool
    short_sleeves: bool
    shorts: bool


_SKIN: tuple[Colour, ...] = (
    (255, 224, 196),
    (236, 188, 150),
    (198, 144, 102),
    (150, 98, 64),
    (104, 66, 44),
    (72, 46, 34),
)
_HAIR: tuple[Colour, ...] = (
    (30, 24, 20),
    (80, 52, 30),
    (150, 108, 60),
    (210, 180, 110),
    (120, 120, 124),
    (160, 60, 30),
)


def make_body(seed: int) -> Body:
    """The body of that seed: skin, hair, clothes and proportions."""
    rng = np.random.default_rng(seed)
    return Body(
        skin=_SKIN[rng.integers(len(_SKIN))],
        hair=_HAIR[rng.integers(len(_HAIR))],
        shirt=_cloth(rng),
        trousers=_cloth(rng),
        shoes=_cloth(rng),
        limbs=float(rng.uniform(0.042, 0.06)),
        bulk=float(rng.uniform(0.85, 1.25)),
        legs=float(rng.uniform(0.92, 1.08)),
        long_hair=bool(rng.random() < 0.4),
        short_sleeves=bool(rng.random() < 0.6),
        shorts=bool(rng.random() < 0.35),
    )


def _cloth(rng: np.random.Generator) -> Colour:
    base = rng.integers(20, 245, 3)
    return (int(base[0]), int(base[1]), int(base[2]))


def joints_of(pose: Pose, body: Body) -> Floats:
    """Joint positions [T, 17, 2] in body heights: x forward of the stance point, y above the ground."""
    steps = len(pose.lean)
    out = np.zeros((steps, len(JOINTS), 2))
    torso = _direction(180.0 - pose.lean)
    out[:, J["neck"]] = torso * TORSO
    out[:, J["head"]] = out[:, J["neck"]] + _direction(180.0 - pose.lean - pose.nod) * HEAD * 0.62
    for side, sign in (("near", 1.0), ("far", -1.0)):
        _arm(out, pose, side, sign)
        _leg(out, pose, side, sign, body.legs)
    floor = out[:, [J["near_ankle"], J["far_ankle"], J["near_toe"], J["far_toe"]], 1].min(axis=1)
    rise = np.full(steps, 0.5) + pose.lift if pose.hang else pose.lift - floor
    out[:, :, 1] += rise[:, None]
    out[:, :, 0] += pose.shift[:, None]
    return out


def _direction(angle: Floats) -> Floats:
    radians = np.radians(angle)
    return np.stack([np.sin(radians), -np.cos(radians)], axis=-1)


def _arm(out: Floats, pose: Pose, side: str, sign: float) -> None:
    upper = pose.near_arm if side == "near" else pose.far_arm
    lower = pose.near_forearm if side == "near" else pose.far_forearm
    spread = np.array([sign * pose.front * 0.12, 0.0])
    shoulder = out[:, J["neck"]] * 0.94 + spread
    out[:, J[f"{side}_shoulder"]] = shoulder
    elbow = shoulder + _direction(upper) * UPPER_ARM
    out[:, J[f"{side}_elbow"]] = elbow
    out[:, J[f"{side}_wrist"]] = elbow + _direction(lower) * FOREARM


def _leg(out: Floats, pose: Pose, side: str, sign: float, legs: float) -> None:
    upper = pose.near_thigh if side == "near" else pose.far_thigh
    lower = pose.near_shin if side == "near" else pose.far_shin
    hip = out[:, J["pelvis"]] + np.array([sign * pose.front * 0.07, 0.0])
    knee = hip + _direction(upper) * THIGH * legs
    ankle = knee + _direction(lower) * SHIN * legs
    toe_angle = lower + (90.0 if pose.front < 0.6 else sign * 60.0)
    out[:, J[f"{side}_hip"]] = hip
    out[:, J[f"{side}_knee"]] = knee
    out[:, J[f"{side}_ankle"]] = ankle
    out[:, J[f"{side}_toe"]] = ankle + _direction(toe_angle) * FOOT


@dataclass(frozen=True)
class Paint:
    """Where to draw: the picture, the mask that follows it, and body height in pixels."""

    picture: ImageDraw.ImageDraw
    mask: ImageDraw.ImageDraw
    height: float

    def limb(self, a: Floats, b: Floats, width: float, colour: Colour) -> None:
        """A segment with round ends from a to b, both [2] in pixels; width in body heights."""
        w = max(1, round(width * self.height))
        r = w / 2
        ends = (float(a[0]), float(a[1]), float(b[0]), float(b[1]))
        for draw, ink in ((self.picture, colour), (self.mask, 255)):
            draw.line(ends, fill=ink, width=w)
            for x, y in (ends[:2], ends[2:]):
                draw.ellipse((x - r, y - r, x + r, y + r), fill=ink)

    def polygon(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        """A filled polygon in picture and mask."""
        self.picture.polygon(points, fill=colour)
        self.mask.polygon(points, fill=255)

    def disc(self, centre: Floats, rx: float, ry: float, colour: Colour) -> None:
        """A filled ellipse around centre [2]; radii in body heights."""
        x, y, w, h = float(centre[0]), float(centre[1]), rx * self.height, ry * self.height
        for draw, ink in ((self.picture, colour), (self.mask, 255)):
            draw.ellipse((x - w, y - h, x + w, y + h), fill=ink)


def draw_body(paint: Paint, body: Body, at: Floats, front: float) -> None:
    """One person from joints ``at`` [17, 2] in pixels: far limbs, torso, head, near limbs."""
    _draw_limbs(paint, body, at, "far", 0.78)
    _draw_torso(paint, body, at, front)
    _draw_head(paint, body, at)
    _draw_limbs(paint, body, at, "near", 1.0)


def _draw_limbs(paint: Paint, body: Body, at: Floats, side: str, light: float) -> None:
    def joint(name: str) -> Floats:
        point: Floats = at[J[f"{side}_{name}"]]
        return point

    trousers, skin, shirt = (_shade(c, light) for c in (body.trousers, body.skin, body.shirt))
    leg = body.limbs * 1.35 * body.bulk
    paint.limb(joint("hip"), joint("knee"), leg, trousers)
    paint.limb(joint("knee"), joint("ankle"), leg * 0.8, skin if body.shorts else trousers)
    paint.limb(joint("ankle"), joint("toe"), body.limbs * 0.9, _shade(body.shoes, light))
    paint.limb(joint("shoulder"), joint("elbow"), body.limbs * body.bulk, shirt)
    paint.limb(joint("elbow"), joint("wrist"), body.limbs * 0.85, skin if body.short_sleeves else shirt)
    paint.disc(joint("wrist"), body.limbs * 0.55, body.limbs * 0.55, skin)


def _draw_torso(paint: Paint, body: Body, at: Floats, front: float) -> None:
    neck, pelvis = at[J["neck"]], at[J["pelvis"]]
    along = neck - pelvis
    across = np.array([-along[1], along[0]]) / (float(np.hypot(*along)) + 1e-6) * paint.height
    top = across * (0.055 + 0.05 * front) * body.bulk
    low = across * (0.05 + 0.025 * front) * body.bulk
    corners = [neck + top, neck - top, pelvis - low, pelvis + low]
    paint.polygon([(float(c[0]), float(c[1])) for c in corners], body.shirt)
    paint.disc(pelvis, 0.055 * body.bulk, 0.045, body.trousers)
    paint.limb(neck - along * 0.12, neck, 0.1 * body.bulk, body.shirt)


def _draw_head(paint: Paint, body: Body, at: Floats) -> None:
    head, neck = at[J["head"]], at[J["neck"]]
    paint.limb(neck, head, 0.045, body.skin)
    if body.long_hair:
        paint.disc(head + (neck - head) * 0.35, 0.066, 0.085, body.hair)
    paint.disc(head, 0.058, 0.072, body.skin)
    paint.disc(head + (head - neck) * 0.42, 0.056, 0.045, body.hair)


def _shade(colour: Colour, light: float) -> Colour:
    return (int(colour[0] * light), int(colour[1] * light), int(colour[2] * light))
