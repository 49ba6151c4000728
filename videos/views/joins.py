"""The clip as filmed together with its person alone: beside it, or after it."""

from collections.abc import Sequence

import numpy as np

from videos.clip import Pixels
from videos.views.pictures import black


def side_by_side(frames: Pixels, masks: Pixels, amount: float) -> Pixels:
    """uint8 [T, H, 2 W, 3]: left as filmed, right the person before black."""
    return np.concatenate((frames, black(frames, masks, amount)), axis=2)


def one_after_other(frames: Pixels, masks: Pixels, second: Sequence[bool]) -> Pixels:
    """Frames as filmed, those told by ``second`` with the person alone before black."""
    alone = black(frames, masks, 0.0)
    return np.where(np.array(second)[:, None, None, None], alone, frames)
