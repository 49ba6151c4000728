"""Views of a clip: what a model is shown of it, told from the masks of its person.

``black``, ``dim:0.3``, ``crop``, ``side`` ...: VIEWS has all. A view is a FrameSource made of another one,
with an identity of its own: stored frames, media ids and the keys of answers change with it.
"""

from videos.views.source import view_of
from videos.views.spec import ORIGINAL, VIEWS, ViewSpec, known_views, parse_view

__all__ = ["ORIGINAL", "VIEWS", "ViewSpec", "known_views", "parse_view", "view_of"]
