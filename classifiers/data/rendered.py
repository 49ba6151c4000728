"""Training clips drawn by the bundled benchmark's renderer, with exact masks; it has but 154 training videos.

Bodies 0 to 99,999, as the bundled model's training clips; the benchmark's own clips use larger seeds.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from classifiers.data.examples import Example
from videos.clip import SourceInfo
from videos.decode import FramePolicy
from videos.mini.actions import ACTIONS
from videos.mini.render import FPS, FRAMES, Spec, empty_place, render
from videos.mini.scenes import PLAIN, SCENES

CLASSES = tuple(ACTIONS)
_BODIES = 100_000
_VARIANTS = 24  # pictures kept per place
_PROPS_AT_HOME, _PROPS_AWAY = 0.6, 0.1


@dataclass(frozen=True)
class RenderedClips:
    """``count`` clips. With probability ``agree`` an action is in its usual place, else anywhere else."""

    count: int
    seed: int
    agree: float
    policy: FramePolicy

    @property
    def key(self) -> str:
        return f"rendered {self.count} {self.seed} {self.agree} {self.policy.key}"

    def __len__(self) -> int:
        return self.count

    def example(self, index: int) -> Example:
        """At the renderer's 192 pixels."""
        spec = self.spec(index)
        picks = self.policy.indices(SourceInfo(FRAMES, FPS))
        clip = render(spec, picks, place=_place(spec.scene, spec.seed % _VARIANTS), with_background=False)
        return Example(clip.frames, clip.mask, CLASSES.index(spec.action))

    def spec(self, index: int) -> Spec:
        """What is drawn."""
        rng = np.random.default_rng((self.seed, index, _BODIES))
        action = CLASSES[index % len(CLASSES)]
        home = bool(rng.random() < self.agree)
        others = [place for place in (*SCENES, *PLAIN) if place != action]
        place = action if home else others[rng.integers(len(others))]
        props = bool(rng.random() < (_PROPS_AT_HOME if home else _PROPS_AWAY))
        return Spec(action, place, int(rng.integers(2**31)), int(rng.integers(_BODIES)), props)


@lru_cache(maxsize=1024)
def _place(scene: str, variant: int) -> Image.Image:
    return empty_place(scene, variant)
