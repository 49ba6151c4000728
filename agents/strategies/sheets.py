"""Contact sheets: the frames of failing clips with what they are and what was answered, as one picture."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from agents.strategies.telling import failure
from agents.strategy import SearchContext
from assets.errors import UserError
from vllm_eval.evaluator import AnswerRow

if TYPE_CHECKING:
    from PIL.Image import Image

MOST = 5  # strips on one sheet
_WIDTH = 1024  # pixels; wider sheets are made smaller


def sheet(context: SearchContext, rows: Sequence[AnswerRow]) -> bytes | None:
    """A PNG with one strip a failing clip, at most MOST; None when no clip can be shown."""
    from videos.strip import strip

    strips = []
    for row in rows[:MOST]:
        try:
            strips.append(strip(context.frames(row.clip_id), [failure(row)]))
        except (UserError, OSError, ValueError, RuntimeError):  # an unreadable clip is data
            continue
    return _png(strips) if strips else None


def _png(strips: "Sequence[Image]") -> bytes:
    from PIL import Image

    page = Image.new("RGB", (max(one.width for one in strips), sum(one.height for one in strips)), "white")
    top = 0
    for one in strips:
        page.paste(one, (0, top))
        top += one.height
    if page.width > _WIDTH:
        page = page.resize((_WIDTH, max(1, page.height * _WIDTH // page.width)))
    buffer = BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()
