"""Procedural places: one where each action usually happens, and plain ones that belong to no action.

Each painter gets a ``Canvas`` and fills it; layout, colours, furniture and texture vary with the seed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from videos.mini.actions import ACTIONS
from videos.mini.body import Colour, Floats


@dataclass(frozen=True)
class Canvas:
    """A picture being painted. ``w``, ``h`` in pixels; ``floor`` is where wall and ground meet."""

    draw: ImageDraw.ImageDraw
    rng: np.random.Generator
    w: int
    h: int
    floor: int

    def tint(self, colour: Colour, spread: int = 18) -> Colour:
        """The colour, varied from clip to clip."""
        shift = self.rng.integers(-spread, spread + 1, 3) + int(self.rng.integers(-spread, spread + 1))
        r, g, b = (int(np.clip(c + s, 0, 255)) for c, s in zip(colour, shift, strict=True))
        return (r, g, b)

    def span(self, low: float, high: float) -> float:
        """A random number between the two."""
        return float(self.rng.uniform(low, high))

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        """A filled rectangle in shares of width and height."""
        self.draw.rectangle((x0 * self.w, y0 * self.h, x1 * self.w, y1 * self.h), fill=colour)

    def line(self, x0: float, y0: float, x1: float, y1: float, colour: Colour, width: int = 2) -> None:
        """A line in shares of width and height; its width in pixels."""
        self.draw.line((x0 * self.w, y0 * self.h, x1 * self.w, y1 * self.h), fill=colour, width=width)

    def disc(self, x: float, y: float, r: float, colour: Colour, flat: float = 1.0) -> None:
        """A disc around (x, y) with radius r in shares of the height, flattened by ``flat``."""
        cx, cy, rx = x * self.w, y * self.h, r * self.h
        self.draw.ellipse((cx - rx, cy - rx * flat, cx + rx, cy + rx * flat), fill=colour)

    def shape(self, points: list[tuple[float, float]], colour: Colour) -> None:
        """A filled polygon in shares of width and height."""
        self.draw.polygon([(x * self.w, y * self.h) for x, y in points], fill=colour)

    def fill(self, wall: Colour, ground: Colour) -> float:
        """Wall above, ground below; returns the floor line as a share of the height."""
        self.draw.rectangle((0, 0, self.w, self.floor), fill=wall)
        self.draw.rectangle((0, self.floor, self.w, self.h), fill=ground)
        return self.floor / self.h


def _archery_range(c: Canvas) -> None:
    f = c.fill(c.tint((165, 205, 235)), c.tint((112, 168, 72)))
    for x in np.arange(-0.05, 1.1, 0.09):
        c.disc(x + c.span(-0.02, 0.02), f - 0.05, c.span(0.07, 0.13), c.tint((46, 100, 50)))
    for k in range(int(c.rng.integers(2, 5))):
        x, y, r = 0.12 + 0.26 * k + c.span(-0.06, 0.06), f - 0.02, c.span(0.075, 0.105)
        c.line(x - 0.04, y, x - 0.06, y + 0.2, (120, 84, 50), 3)
        c.line(x + 0.04, y, x + 0.06, y + 0.2, (120, 84, 50), 3)
        rings: tuple[Colour, ...] = (
            (245, 245, 245),
            (30, 30, 30),
            (60, 150, 220),
            (220, 50, 45),
            (250, 215, 60),
        )
        for n, ring in enumerate(rings):
            c.disc(x, y, r * (1 - n * 0.2), ring)


def _bowling_alley(c: Canvas) -> None:
    f = c.fill(c.tint((52, 34, 74)), c.tint((206, 158, 98)))
    neon: tuple[Colour, ...] = ((255, 70, 170), (70, 220, 255), (255, 210, 60))
    for k in range(3):
        y = 0.06 + 0.07 * k + c.span(-0.01, 0.01)
        c.line(0, y, 1, y + c.span(-0.03, 0.03), neon[(k + int(c.rng.integers(3))) % 3], 3)
    vanish = c.span(0.4, 0.6)
    for x in np.linspace(-0.9, 1.9, 12):
        c.line(vanish + (x - vanish) * 0.32, f, x, 1.0, c.tint((110, 70, 36)), 3)
    c.box(0, f - 0.14, 1, f, c.tint((24, 20, 30)))
    for x in np.arange(0.04 + c.span(0, 0.05), 1.0, 0.155):
        for dx in (-0.03, 0.0, 0.03):
            c.disc(x + dx, f - 0.045, 0.022, (245, 245, 240), 1.8)
            c.disc(x + dx, f - 0.085, 0.012, (230, 60, 60), 1.2)


def _gym_hall(c: Canvas) -> None:
    f = c.fill(c.tint((226, 214, 186)), c.tint((188, 132, 78)))
    left = c.span(0.0, 0.15)
    for x in (left, left + 0.36, left + 0.72):
        for y in np.arange(0.08, f - 0.02, 0.06):
            c.line(x, y, x + 0.26, y, c.tint((150, 98, 54), 8), 4)
        c.line(x, 0.05, x, f, (112, 72, 40), 4)
        c.line(x + 0.26, 0.05, x + 0.26, f, (112, 72, 40), 4)
    for _ in range(int(c.rng.integers(2, 4))):
        x = c.span(0.05, 0.95)
        c.line(x, 0, x + c.span(-0.02, 0.02), f + 0.12, c.tint((214, 188, 132)), 4)
    for k in range(2):
        x = c.span(0, 0.6) + 0.2 * k
        c.box(x, f + 0.04, x + 0.32, f + 0.11, c.tint((40, 96, 170)))


def _weight_room(c: Canvas) -> None:
    f = c.fill(c.tint((92, 96, 104)), c.tint((42, 42, 46)))
    for x in np.arange(c.span(-0.1, 0), 1.0, 0.3):
        c.box(x + 0.02, 0.06, x + 0.27, f - 0.2, c.tint((156, 178, 192), 12))
    y = f - 0.06
    c.box(0, y - 0.1, 1, y - 0.075, (30, 30, 32))
    c.box(0, y + 0.02, 1, y + 0.045, (30, 30, 32))
    for x in np.arange(c.span(0, 0.06), 1.0, 0.085):
        colour = ((196, 40, 40), (40, 80, 170), (20, 20, 22), (222, 190, 50))[int(c.rng.integers(4))]
        for level in (y - 0.115, y + 0.0):
            c.disc(x, level, c.span(0.03, 0.045), colour)
            c.disc(x, level, 0.012, (200, 200, 204))
    for x in (c.span(0.02, 0.15), c.span(0.8, 0.95)):
        c.line(x, 0.05, x, 1.0, c.tint((210, 60, 40)), 7)


def _golf_course(c: Canvas) -> None:
    f = c.fill(c.tint((126, 190, 240)), c.tint((96, 186, 70)))
    for _ in range(3):
        x, y = c.span(0, 1), c.span(0.05, 0.22)
        for dx in (-0.06, 0, 0.06):
            c.disc(x + dx, y, c.span(0.035, 0.06), (250, 250, 252), 0.6)
    for k in range(3):
        c.disc(c.span(-0.1, 1.1), f + 0.14 - 0.02 * k, c.span(0.3, 0.5), c.tint((70, 160 + 10 * k, 58)), 0.45)
    c.box(0, f + 0.1, 1, 1, c.tint((104, 196, 76), 10))
    c.disc(c.span(0.1, 0.9), f + 0.2, 0.16, c.tint((236, 220, 160)), 0.28)
    x = c.span(0.1, 0.9)
    c.line(x, f - 0.2, x, f + 0.14, (245, 245, 245), 3)
    c.shape([(x, f - 0.2), (x + 0.1, f - 0.165), (x, f - 0.13)], (226, 44, 44))


def _running_track(c: Canvas) -> None:
    f = c.fill(c.tint((150, 160, 176)), c.tint((190, 78, 54)))
    for y in np.arange(0.03, f - 0.1, 0.045):
        for x in np.arange(c.span(0, 0.03), 1.0, 0.04):
            c.disc(x, y, 0.014, c.tint((150, 120, 120), 90))
    c.box(0, f - 0.1, 1, f, c.tint((66, 140, 70)))
    for k, y in enumerate(np.linspace(f + 0.03, 1.0, 6)):
        c.line(0, y, 1, y + c.span(-0.01, 0.01) * k, (240, 236, 230), 2)
    for x in np.arange(c.span(0.0, 0.1), 1.0, 0.27):
        c.line(x, f - 0.1, x, f + 0.07, (230, 230, 230), 3)
        c.line(x + 0.15, f - 0.1, x + 0.15, f + 0.07, (230, 230, 230), 3)
        c.box(x - 0.01, f - 0.12, x + 0.16, f - 0.08, (250, 250, 250))
        c.box(x + 0.04, f - 0.12, x + 0.11, f - 0.08, (30, 30, 34))


def _circus(c: Canvas) -> None:
    f = c.fill(c.tint((206, 44, 44)), c.tint((220, 186, 120)))
    apex, light = c.span(0.35, 0.65), c.tint((250, 236, 206), 10)
    for x in np.arange(-0.6, 1.6, 0.28):
        c.shape([(apex, -0.15), (x, f), (x + 0.14, f)], light)
    for x in np.arange(0.0, 1.0, 0.07):
        c.disc(x, f - 0.33 - 0.08 * np.cos((x - apex) * 7), 0.014, (255, 226, 90))
    c.box(0, f - 0.07, 1, f + 0.02, c.tint((40, 60, 150)))
    for x in np.arange(c.span(0, 0.1), 1.0, 0.16):
        c.disc(x, f - 0.025, 0.028, (250, 214, 70))
    c.disc(apex, 0.9, 0.42, c.tint((236, 206, 146), 8), 0.22)


def _concert_stage(c: Canvas) -> None:
    f = c.fill(c.tint((58, 14, 22)), c.tint((128, 82, 46)))
    for x in np.arange(-0.02, 1.05, 0.075):
        c.box(x, 0, x + 0.035, f, c.tint((128, 20, 34), 10))
    c.shape([(0.0, 0.0), (1.0, 0.0), (1.0, 0.08), (0.5, 0.16), (0.0, 0.08)], c.tint((164, 30, 44), 8))
    for x in np.arange(c.span(0, 0.1), 1.05, 0.21):
        c.line(x, f - 0.13, x, f + 0.08, (24, 22, 22), 3)
        c.shape(
            [(x - 0.055, f - 0.2), (x + 0.055, f - 0.2), (x + 0.045, f - 0.11), (x - 0.045, f - 0.11)],
            (238, 234, 220),
        )
    x = c.span(0.0, 0.7)
    c.shape([(x, f - 0.06), (x + 0.3, f - 0.06), (x + 0.32, f + 0.05), (x, f + 0.05)], (16, 14, 16))
    c.disc(c.span(0.3, 0.7), 0.97, 0.4, c.tint((190, 140, 84), 8), 0.2)


def _boxing_ring(c: Canvas) -> None:
    f = c.fill(c.tint((20, 20, 28), 8), c.tint((202, 210, 218)))
    for _ in range(90):
        c.disc(c.span(0, 1), c.span(0.02, f - 0.03), c.span(0.012, 0.024), c.tint((92, 74, 70), 30))
    for x in (c.span(0.06, 0.3), c.span(0.7, 0.94)):
        c.shape([(x, 0), (x - 0.2, f), (x + 0.2, f)], c.tint((58, 56, 62), 6))
    ropes: tuple[Colour, ...] = ((214, 36, 40), (240, 240, 240), (40, 80, 200), (214, 36, 40))
    for k, rope in enumerate(ropes):
        y = f - 0.26 + 0.085 * k
        c.line(0, y + c.span(-0.005, 0.005), 1, y + c.span(-0.005, 0.005), rope, 5)
    for x, pad in ((c.span(0.0, 0.06), (210, 36, 40)), (c.span(0.94, 1.0), (40, 76, 200))):
        c.box(x - 0.03, f - 0.32, x + 0.03, f + 0.06, pad)
    c.box(0, f, 1, f + 0.035, c.tint((30, 60, 150)))


def _basketball_court(c: Canvas) -> None:
    f = c.fill(c.tint((84, 96, 130)), c.tint((222, 146, 66)))
    for k, y in enumerate(np.arange(f - 0.22, f, 0.055)):
        c.box(0, y, 1, y + 0.035, c.tint((170, 176, 190) if k % 2 else (120, 128, 150), 8))
    x = c.span(0.15, 0.85)
    c.line(x, 0.2, x, f + 0.05, (60, 60, 66), 6)
    c.box(x - 0.14, 0.05, x + 0.14, 0.26, (248, 248, 250))
    c.box(x - 0.055, 0.13, x + 0.055, 0.23, (214, 60, 40))
    c.box(x - 0.04, 0.145, x + 0.04, 0.215, (248, 248, 250))
    c.draw.ellipse(
        ((x - 0.07) * c.w, 0.245 * c.h, (x + 0.07) * c.w, 0.285 * c.h), outline=(236, 90, 20), width=3
    )
    for dx in (-0.05, -0.017, 0.017, 0.05):
        c.line(x + dx, 0.275, x + dx * 0.6, 0.36, (240, 240, 240), 1)
    c.draw.arc((0.1 * c.w, (f + 0.02) * c.h, 0.9 * c.w, 1.5 * c.h), 180, 360, fill=(250, 246, 240), width=3)
    c.line(0, f + 0.09, 1, f + 0.09 + c.span(-0.02, 0.02), (250, 246, 240), 3)


def _playground(c: Canvas) -> None:
    f = c.fill(c.tint((176, 212, 236)), c.tint((142, 142, 146)))
    for x in np.arange(c.span(-0.1, 0), 1.0, 0.34):
        top = c.span(0.08, 0.25)
        c.box(x, top, x + 0.26, f - 0.08, c.tint((196, 146, 120), 30))
        for wx in (0.04, 0.11, 0.18):
            for wy in np.arange(top + 0.04, f - 0.16, 0.1):
                c.box(x + wx, wy, x + wx + 0.04, wy + 0.055, (90, 120, 150))
    for x in np.arange(0.0, 1.0, 0.045):
        c.line(x, f - 0.12, x, f, (70, 130, 80), 2)
    c.line(0, f - 0.11, 1, f - 0.11, (70, 130, 80), 3)
    x = c.span(0.02, 0.62)
    c.shape(
        [(x, f - 0.28), (x + 0.05, f - 0.28), (x + 0.34, f + 0.05), (x + 0.27, f + 0.05)],
        c.tint((240, 196, 40)),
    )
    c.line(x + 0.02, f - 0.28, x + 0.02, f + 0.05, (210, 40, 60), 5)
    c.line(x - 0.05, f - 0.28, x - 0.05, f + 0.05, (210, 40, 60), 5)
    for k in range(4):
        c.box(
            0.1 + 0.14 * k,
            0.88,
            0.22 + 0.14 * k,
            0.97,
            ((236, 236, 90), (240, 130, 150), (120, 200, 240))[k % 3],
        )


def _sea(c: Canvas) -> None:
    f = c.fill(c.tint((150, 206, 240)), c.tint((28, 108, 160)))
    c.disc(c.span(0.1, 0.9), c.span(0.08, 0.2), 0.06, (255, 244, 190))
    for k, y in enumerate(np.linspace(f, 1.0, 8)):
        phase, swell = c.span(0, 6), 0.012 + 0.012 * k
        xs = np.linspace(-0.02, 1.02, 22)
        crest = [(float(x), float(y + swell * np.sin(9 * x + phase))) for x in xs]
        c.shape([*crest, (1.02, 1.05), (-0.02, 1.05)], c.tint((24 + 6 * k, 104 + 8 * k, 158 + 5 * k), 8))
        for a, b in zip(crest[::2], crest[1::2], strict=False):
            c.line(*a, *b, (226, 242, 248), 2)
    side = c.span(-0.1, 0.5)
    c.shape(
        [(side, f + 0.06), (side + 0.25, f - 0.2), (side + 0.55, f - 0.12), (side + 0.8, f + 0.06)],
        c.tint((40, 132, 172)),
    )
    c.line(side + 0.22, f - 0.19, side + 0.56, f - 0.12, (246, 250, 252), 6)


def _kitchen(c: Canvas) -> None:
    f = c.fill(c.tint((238, 226, 196)), c.tint((206, 200, 190)))
    for x in np.arange(-0.2, 1.3, 0.12):
        c.line(0.5 + (x - 0.5) * 0.6, f, 0.5 + (x - 0.5) * 1.6, 1.0, (150, 144, 136), 2)
    for y in (f + 0.04, f + 0.1, f + 0.2):
        c.line(0, y, 1, y, (150, 144, 136), 2)
    wood = c.tint((172, 120, 78))
    for x in np.arange(c.span(-0.1, 0), 1.0, 0.2):
        c.box(x, f - 0.2, x + 0.19, f - 0.01, wood)
        c.disc(x + 0.16, f - 0.11, 0.01, (230, 230, 230))
        if c.rng.random() < 0.6:
            c.box(x, 0.04, x + 0.19, 0.2, wood)
    c.box(0, f - 0.23, 1, f - 0.2, c.tint((70, 72, 76)))
    x = c.span(0.0, 0.8)
    c.box(x, f - 0.5, x + 0.2, f + 0.03, c.tint((236, 238, 240), 8))
    c.line(x + 0.02, f - 0.32, x + 0.02, f - 0.2, (120, 120, 124), 3)
    x = c.span(0.1, 0.7)
    c.box(x, 0.06, x + 0.22, 0.28, (250, 250, 250))
    c.box(x + 0.015, 0.075, x + 0.205, 0.265, c.tint((160, 206, 240)))


def _castle(c: Canvas) -> None:
    f = c.fill(c.tint((150, 148, 144)), c.tint((118, 104, 84)))
    for row, y in enumerate(np.arange(0.0, f, 0.075)):
        for x in np.arange(-0.1 + 0.06 * (row % 2), 1.0, 0.12):
            c.box(x + 0.004, y + 0.005, x + 0.115, y + 0.07, c.tint((140, 138, 132), 14))
    for x in np.arange(c.span(-0.08, 0), 1.0, 0.16):
        c.box(x, 0, x + 0.08, 0.06, c.tint((176, 204, 226), 6))
    x = c.span(0.1, 0.6)
    c.disc(x + 0.14, f - 0.24, 0.13, (40, 34, 30))
    c.box(x + 0.01, f - 0.24, x + 0.27, f, (40, 34, 30))
    for x in (c.span(0.02, 0.1), c.span(0.85, 0.95)):
        c.shape(
            [(x - 0.05, 0.1), (x + 0.05, 0.1), (x + 0.05, 0.36), (x, 0.42), (x - 0.05, 0.36)],
            c.tint((150, 24, 40)),
        )
        c.disc(x, 0.22, 0.028, (236, 200, 70))
    for _ in range(24):
        c.disc(c.span(0, 1), c.span(f + 0.03, 1), c.span(0.01, 0.025), c.tint((134, 122, 104), 16), 0.5)


def _studio(c: Canvas) -> None:
    base = c.tint((186, 186, 190), 60)
    f = c.fill(base, c.tint((150, 148, 146), 40))
    for k in range(12):
        shade = tuple(int(np.clip(v + 3 * k - 18, 0, 255)) for v in base)
        c.box(0, f * k / 12, 1, f * (k + 1) / 12, (shade[0], shade[1], shade[2]))


def _wall(c: Canvas) -> None:
    f = c.fill(c.tint((214, 206, 190), 50), c.tint((140, 110, 84), 40))
    c.box(0, f - 0.025, 1, f, c.tint((240, 240, 236), 10))
    x = c.span(0.05, 0.7)
    c.box(x, 0.1, x + 0.2, 0.34, c.tint((120, 90, 60)))
    c.box(x + 0.015, 0.12, x + 0.185, 0.32, c.tint((180, 180, 170), 60))


def _car_park(c: Canvas) -> None:
    f = c.fill(c.tint((176, 178, 180), 20), c.tint((98, 98, 102), 14))
    for x in np.arange(c.span(-0.1, 0.1), 1.1, 0.24):
        c.line(x, f + 0.05, x - 0.15, 1.0, (226, 226, 220), 3)
    for x in np.arange(c.span(-0.05, 0.1), 1.0, 0.4):
        paint = c.tint((120, 120, 130), 80)
        c.box(x, f - 0.09, x + 0.3, f + 0.04, paint)
        c.shape(
            [(x + 0.05, f - 0.09), (x + 0.09, f - 0.17), (x + 0.22, f - 0.17), (x + 0.26, f - 0.09)], paint
        )
        for wheel in (0.06, 0.24):
            c.disc(x + wheel, f + 0.04, 0.035, (24, 24, 26))


def _forest(c: Canvas) -> None:
    f = c.fill(c.tint((120, 150, 110)), c.tint((104, 84, 56)))
    for _ in range(9):
        x, wide = c.span(0, 1), c.span(0.015, 0.035)
        c.box(x - wide, 0, x + wide, f + 0.05, c.tint((84, 62, 44)))
    for _ in range(26):
        c.disc(c.span(0, 1), c.span(0, 0.22), c.span(0.05, 0.11), c.tint((52, 110, 52)))
    for _ in range(20):
        c.disc(c.span(0, 1), c.span(f, 1), c.span(0.01, 0.03), c.tint((150, 110, 50), 30), 0.5)


Painter = Callable[[Canvas], None]
_PLACES: tuple[Painter, ...] = (
    _archery_range, _bowling_alley, _gym_hall, _weight_room, _golf_course, _running_track, _circus,
    _concert_stage, _boxing_ring, _basketball_court, _playground, _sea, _kitchen, _castle,
)  # fmt: skip
SCENES: dict[str, Painter] = dict(zip(ACTIONS, _PLACES, strict=True))
PLAIN: dict[str, Painter] = {"studio": _studio, "wall": _wall, "car park": _car_park, "forest": _forest}


def paint_scene(scene: str, rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """The named scene as an RGB picture. Raises KeyError for a name in neither SCENES nor PLAIN."""
    painter = SCENES[scene] if scene in SCENES else PLAIN[scene]
    picture = Image.new("RGB", (width, height))
    floor = round(height * rng.uniform(0.58, 0.7))
    painter(Canvas(ImageDraw.Draw(picture), rng, width, height, floor))
    return _textured(picture, rng)


def _textured(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Uneven light and grain, so that no surface is one flat colour."""
    width, height = picture.size
    light = Image.fromarray(rng.normal(128, 10, (7, 7)).clip(0, 255).astype(np.uint8)).resize(
        picture.size, Image.Resampling.BICUBIC
    )
    grain = (
        rng.integers(-9, 10, (height // 2 + 1, width // 2 + 1, 1), dtype=np.int16).repeat(2, 0).repeat(2, 1)
    )
    gain: Floats = np.asarray(light, np.float64)[:, :, None] / 128
    pixels = np.asarray(picture, np.float64) * gain + grain[:height, :width]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
