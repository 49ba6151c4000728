"""How far two of the bundled classes are apart: what HAT's close and far swaps are drawn by.

HAT does not document its distance. Here it is pose plus place, each divided by its mean over all pairs:
pose is the root mean square difference of the limb angles' directions, averaged over one cycle, and of how
much they move; place is that of the usual scenes' colours on an 8x8 grid, averaged over twelve of them.
"""

from functools import cache

import numpy as np
from PIL import Image

from videos.mini.actions import ACTIONS, MOTIONS
from videos.mini.body import Floats
from videos.mini.scenes import paint_scene

NEAREST = 5  # as many as HAT's close swaps draw from

_PHASES = np.linspace(0, 1, 32, endpoint=False)
_ANGLES = (
    "lean", "nod", "near_arm", "near_forearm", "far_arm", "far_forearm",
    "near_thigh", "near_shin", "far_thigh", "far_shin",
)  # fmt: skip
_PLACES = 12
_GRID = 8


@cache
def ranked(action: str) -> tuple[str, ...]:
    """All other classes, nearest first."""
    row = _distances()[ACTIONS.index(action)]
    return tuple(ACTIONS[i] for i in np.argsort(row, kind="stable") if ACTIONS[i] != action)


def close_to(action: str) -> tuple[str, ...]:
    """The five nearest classes."""
    return ranked(action)[:NEAREST]


def far_from(action: str) -> tuple[str, ...]:
    """The farthest half of the other classes."""
    return ranked(action)[-(len(ACTIONS) // 2 - 1) :]


@cache
def _distances() -> Floats:
    poses = _apart(np.stack([_pose(action) for action in ACTIONS]))
    places = _apart(np.stack([_place(action) for action in ACTIONS]))
    return np.asarray(poses / poses.mean() + places / places.mean())


def _apart(features: Floats) -> Floats:
    """Root mean square differences [n, n] of the rows [n, d]."""
    return np.asarray(np.sqrt(((features[:, None] - features[None]) ** 2).mean(axis=-1)))


def _pose(action: str) -> Floats:
    pose = MOTIONS[action][0](_PHASES, np.random.default_rng(0))
    angles = np.radians(np.stack([getattr(pose, name) for name in _ANGLES]))
    directions = np.stack([np.cos(angles), np.sin(angles)])
    return np.concatenate([directions.mean(axis=-1).ravel(), directions.std(axis=-1).ravel()])


def _place(action: str) -> Floats:
    painted = [paint_scene(action, np.random.default_rng((seed, 7)), 96, 96) for seed in range(_PLACES)]
    small = [np.asarray(picture.resize((_GRID, _GRID), Image.Resampling.BOX), float) for picture in painted]
    return np.asarray(np.mean(small, axis=0).ravel())
