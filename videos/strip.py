"""A clip as one picture: its frames side by side, captions below."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from videos.clip import Frames

_GAP = 4
_PAGE, _INK = (255, 255, 255), (30, 30, 30)


def strip(frames: Frames, captions: Sequence[str], text_size: int = 14, times: bool = False) -> Image.Image:
    """All frames in a row with a thin gap, then one line of text for each caption, wrapped to the width.

    Captions may hold line breaks of their own. ``times`` writes into each frame's corner when it was seen, in
    seconds. Sizes in pixels.
    """
    count, height, width = frames.pixels.shape[:3]
    total = count * width + (count + 1) * _GAP
    font = ImageFont.load_default(text_size)
    lines = [line for caption in captions for line in _wrapped(caption, font, total - 4 * _GAP)]
    line_height = round(text_size * 1.4)
    text_height = line_height * len(lines) + (_GAP if lines else 0)
    page = Image.new("RGB", (total, height + 2 * _GAP + text_height), _PAGE)
    for number, pixels in enumerate(frames.pixels):
        page.paste(Image.fromarray(np.ascontiguousarray(pixels)), (_GAP + number * (width + _GAP), _GAP))
    draw = ImageDraw.Draw(page)
    for number, index in enumerate(frames.indices if times else ()):
        place = (_GAP + number * (width + _GAP) + 2, _GAP + 1)
        told = f"{index / frames.fps:.1f} s"
        draw.text(place, told, fill=_PAGE, font=font, stroke_width=1, stroke_fill=_INK)
    for number, line in enumerate(lines):
        draw.text((2 * _GAP, height + 2 * _GAP + number * line_height), line, fill=_INK, font=font)
    return page


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    """Lines no wider than ``width``, broken at spaces; a single longer word keeps its line."""
    lines = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and font.getlength(longer) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines
