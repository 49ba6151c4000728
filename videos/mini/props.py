"""What people hold or stand on: drawn into Kinetics-like clips, absent where an action is mimed."""

from collections.abc import Callable

import numpy as np
from PIL import ImageDraw

from videos.mini.body import Floats, J

# (draw, joints [17, 2] in pixels, body height in pixels, facing +1 or -1, progress 0..1 through the clip)
Prop = Callable[[ImageDraw.ImageDraw, Floats, float, float, float], None]


def _disc(draw: ImageDraw.ImageDraw, x: float, y: float, r: float, colour: tuple[int, int, int]) -> None:
    draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)


def _along(a: Floats, b: Floats) -> Floats:
    step: Floats = (b - a) / (float(np.hypot(*(b - a))) + 1e-6)
    return step


def _stick(
    draw: ImageDraw.ImageDraw, a: Floats, b: Floats, colour: tuple[int, int, int], width: float
) -> None:
    draw.line((float(a[0]), float(a[1]), float(b[0]), float(b[1])), fill=colour, width=max(1, round(width)))


def _bow(draw: ImageDraw.ImageDraw, at: Floats, h: float, facing: float, t: float) -> None:
    grip, pull = at[J["far_wrist"]], at[J["near_wrist"]]
    tips = [grip + np.array([-0.06 * facing, sign * 0.24]) * h for sign in (-1, 1)]
    curve = [grip + np.array([(0.05 - 0.11 * s * s) * facing, 0.24 * s]) * h for s in np.linspace(-1, 1, 9)]
    draw.line([(float(p[0]), float(p[1])) for p in curve], fill=(110, 62, 24), width=max(2, round(0.022 * h)))
    for tip in tips:
        _stick(draw, tip, pull, (240, 240, 230), 1)
    _stick(draw, pull, grip + _along(pull, grip) * 0.06 * h, (230, 60, 40), 0.012 * h)


def _bowling_ball(draw: ImageDraw.ImageDraw, at: Floats, h: float, facing: float, t: float) -> None:
    x, y = at[J["near_wrist"]] + np.array([0.0, 0.05 * h])
    _disc(draw, float(x), float(y), 0.07 * h, (30, 40, 150))
    _disc(draw, float(x) - 0.02 * h, float(y) - 0.02 * h, 0.018 * h, (150, 170, 250))


def _rope(draw: ImageDraw.ImageDraw, at: Floats, h: float, facing: float, t: float) -> None:
    x = float(at[J["near_wrist"], 0] + at[J["far_wrist"], 0]) / 2
    _stick(draw, np.array([x, -9.0]), np.array([x, 9999.0]), (222, 196, 140), 0.03 * h)


def _barbell(draw: ImageDraw.ImageDraw, at: Floats, h: float, facing: float, t: float) -> None:
    x, y = (at[J["near_wrist"]] + at[J["far_wrist"]]) / 2
    _disc(draw, float(x), float(y), 0.14 * h, (24, 24, 28))
    _disc(draw, float(x), float(y), 0.1 * h, (200, 40, 40))
    _disc(draw, float(x), float(y), 0.025 * h, (190, 190, 196))


def _club(draw: ImageDraw.ImageDraw, at: Floats, h: float, facing: float, t: float) -> None:
    grip = at[J["near_wrist"]]
    head = grip + _along(at[J["near_elbow"]], grip) * 0.36 * h
    _stick(draw, grip, head, (200, 204, 210), 0.014 * h)
    _disc(draw, float(head[0]), float(head[1]), 0.03 * h, (30, 30, 34))


def _hurdle(draw: ImageDraw.ImageDraw, at: Floats, h: float, facing: float, t: float) -> None:
    ground = float(
        max(at[J["near_toe"], 1], at[J["far_toe"], 1], at[J["near_ankle"], 1], at[J["far_ankle"], 1])
    )
    x = float(at[J["pelvis"], 0]) + (0.5 - t) * 0.9 * h * facing
    ground = max(ground, float(at[J["pelvis"], 1]) + 0.45 * h)
    for dx in (-0.12, 0.12):
        _stick(
            draw,
            np.array([x + dx * h, ground - 0.32 * h]),
            np.array([x + dx * h, ground]),
            (210, 210, 214),
            0.02 * h,
        )
    draw.rectangle((x - 0.15 * h, ground - 0.36 * h, x + 0.15 * h, ground - 0.28 * h), fill=(250, 250, 250))
    draw.rectangle((x - 0.05 * h, ground - 0.36 * h, x + 0.05 * h, ground - 0.28 * h), fill=(200, 40, 40))


def _balls(draw: ImageDraw.ImageDraw, at: Floats, h: float, facing: float, t: float) -> None:
    left, right = at[J["far_wrist"]], at[J["near_wrist"]]
    for k, colour in enumerate(((230, 60, 60), (60, 190, 80), (250, 200, 50))):
        s = (t * 3 + k / 3) % 1.0
        x, y = left + (right - left) * s
        _disc(draw, float(x), float(y) - 4 * s * (1 - s) * 0.42 * h, 0.036 * h, colour)


def _violin(draw: ImageDraw.ImageDraw, at: Floats, h: float, facing: float, t: float) -> None:
    neck, hand, bow = at[J["neck"]], at[J["far_wrist"]], at[J["near_wrist"]]
    body = neck + (hand - neck) * 0.4
    _stick(draw, body, hand, (60, 36, 20), 0.02 * h)
    _disc(draw, float(body[0]), float(body[1]), 0.062 * h, (150, 74, 26))
    inner = neck + (hand - neck) * 0.62
    _disc(draw, float(inner[0]), float(inner[1]), 0.045 * h, (150, 74, 26))
    _stick(draw, bow, body + _along(bow, body) * 0.16 * h, (236, 230, 214), 0.012 * h)


def _gloves(draw: ImageDraw.ImageDraw, at: Floats, h: float, facing: float, t: float) -> None:
    for side in ("far", "near"):
        wrist = at[J[f"{side}_wrist"]]
        point = wrist + _along(at[J[f"{side}_elbow"]], wrist) * 0.03 * h
        _disc(draw, float(point[0]), float(point[1]), 0.055 * h, (206, 30, 36))


def _basketball(draw: ImageDraw.ImageDraw, at: Floats, h: float, facing: float, t: float) -> None:
    x, y = (at[J["near_wrist"]] + at[J["far_wrist"]]) / 2 + np.array([0.03 * facing, -0.05]) * h
    _disc(draw, float(x), float(y), 0.072 * h, (224, 112, 40))
    _stick(draw, np.array([x - 0.07 * h, y]), np.array([x + 0.07 * h, y]), (60, 30, 14), 1)


def _skipping_rope(draw: ImageDraw.ImageDraw, at: Floats, h: float, facing: float, t: float) -> None:
    left, right = at[J["far_wrist"]], at[J["near_wrist"]]
    swing = np.cos(2 * np.pi * 2 * t)
    middle = (left + right) / 2
    curve = []
    for s in np.linspace(-1, 1, 13):
        x = float(middle[0]) + s * 0.3 * h
        y = float(middle[1]) + swing * 0.55 * h * (1 - s * s)
        curve.append((x, y))
    draw.line(
        [(float(left[0]), float(left[1])), *curve, (float(right[0]), float(right[1]))],
        fill=(240, 230, 90),
        width=max(2, round(0.016 * h)),
    )


def _board(draw: ImageDraw.ImageDraw, at: Floats, h: float, facing: float, t: float) -> None:
    a, b = at[J["near_ankle"]], at[J["far_ankle"]]
    x, y = (a + b) / 2
    draw.ellipse(
        (float(x) - 0.42 * h, float(y) - 0.01 * h, float(x) + 0.42 * h, float(y) + 0.075 * h),
        fill=(250, 236, 190),
    )
    draw.line(
        (float(x) - 0.36 * h, float(y) + 0.03 * h, float(x) + 0.36 * h, float(y) + 0.03 * h),
        fill=(220, 60, 60),
        width=2,
    )


def _broom(draw: ImageDraw.ImageDraw, at: Floats, h: float, facing: float, t: float) -> None:
    top, low = at[J["near_wrist"]], at[J["far_wrist"]]
    ground = float(max(at[J["near_ankle"], 1], at[J["far_ankle"], 1]))
    foot = np.array([float(low[0]) + 0.16 * h * facing, ground])
    _stick(draw, top + (top - low) * 0.3, foot, (196, 150, 84), 0.022 * h)
    draw.polygon(
        [
            (foot[0], foot[1] - 0.09 * h),
            (foot[0] - 0.07 * h, foot[1] + 0.02 * h),
            (foot[0] + 0.08 * h, foot[1] + 0.02 * h),
        ],
        fill=(226, 190, 70),
    )


def _sword(draw: ImageDraw.ImageDraw, at: Floats, h: float, facing: float, t: float) -> None:
    hand = at[J["far_wrist"]]
    along = _along(at[J["far_elbow"]], hand)
    across = np.array([-along[1], along[0]])
    _stick(draw, hand, hand + along * 0.34 * h, (214, 220, 228), 0.022 * h)
    _stick(
        draw,
        hand + along * 0.03 * h - across * 0.05 * h,
        hand + along * 0.03 * h + across * 0.05 * h,
        (150, 110, 40),
        0.02 * h,
    )


PROPS: dict[str, Prop] = {
    "archery": _bow,
    "bowling": _bowling_ball,
    "climbing a rope": _rope,
    "deadlifting": _barbell,
    "golf driving": _club,
    "hurdling": _hurdle,
    "juggling balls": _balls,
    "playing violin": _violin,
    "punching person (boxing)": _gloves,
    "shooting basketball": _basketball,
    "skipping rope": _skipping_rope,
    "surfing water": _board,
    "sweeping floor": _broom,
    "sword fighting": _sword,
}
BEHIND = ("climbing a rope", "hurdling", "surfing water")  # drawn before the person
