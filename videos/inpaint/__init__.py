"""Emptied backgrounds, ``inp/`` in HAT's format: what would be seen if nobody were there."""

from videos.inpaint.fill import METHODS, fill

__all__ = ["METHODS", "fill"]
