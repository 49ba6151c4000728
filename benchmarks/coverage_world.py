"""Simulated answers on clips that share videos the way the 2,485 swap pairs do, with known true values.

The published pairs draw 2,485 persons and 2,485 scenes from the same 2,485 videos; 1,574 and 1,565 of them
occur, which is what drawing at random gives. So n swaps here draw persons and scenes from n videos.

A swap is answered by the largest of three utilities: the person's action, the scene's action, anything else.
Each is normal with variance 1, part of it shared by all clips of a video (``shared``), part by all clips of a
video under one prompt (``prompt_shared``), part by all prompts on a clip (``clip``), the rest luck.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vllm_eval.engine import Answer, Kind

Floats = NDArray[np.float64]
Kinds = NDArray[np.str_]

PERSON, SCENE = 0.35, 0.45  # mean utilities over "anything else"
SAME_SCENE = 1.0  # what a scene of the person's own class adds
BETTER = 0.2  # what the better prompt adds
ORDINARY = 0.9  # mean utility of the right answer on an ordinary clip
SILENT = -2.0537  # below this 2 % quantile an answer cannot be read


@dataclass(frozen=True)
class World:
    """Shares of variance; what is left to 1 is luck."""

    name: str
    shared: float
    prompt_shared: float
    clip: float


WORLDS = {
    one.name: one
    for one in (
        World("moderate", 0.30, 0.05, 0.45),
        World("strong", 0.60, 0.10, 0.20),
        World("none", 0, 0, 0.8),
    )
}


@dataclass(frozen=True)
class Draw:
    """Kinds per swap for prompts a, b (alike) and c (better), for same-class swaps, for ordinary clips.

    ``original`` is what prompt a answers to the unswapped clip of each swap's person. Sources name videos.
    """

    a: Kinds
    b: Kinds
    c: Kinds
    same: Kinds
    ordinary: Kinds
    original: Kinds
    sources: list[tuple[str, ...]]
    same_sources: list[tuple[str, ...]]
    ordinary_sources: list[tuple[str, ...]]


class Videos:
    """Effects of n videos, as person and as scene, drawn once for all clips that show them."""

    def __init__(self, world: World, n: int, rng: np.random.Generator) -> None:
        self.world, self.n, self.rng = world, n, rng
        self.person, self.scene, self.silent = rng.standard_normal((3, n))
        self.by_prompt = {name: rng.standard_normal((2, n)) for name in "abc"}
        noise = rng.standard_normal(n)
        self.ordinary = ORDINARY + self._mixed((self.person + self.scene) / np.sqrt(2), noise) > 0

    def swap(
        self, persons: NDArray[np.intp], scenes: NDArray[np.intp], extra: float = 0.0
    ) -> dict[str, Kinds]:
        """Kinds of swaps of these persons into these scenes, per prompt."""
        common = self.rng.standard_normal((3, len(persons)))
        return {name: self._kinds(name, persons, scenes, common, extra) for name in "abc"}

    def _kinds(
        self, name: str, persons: NDArray[np.intp], scenes: NDArray[np.intp], common: Floats, extra: float
    ) -> Kinds:
        w, luck = self.world, self.rng.standard_normal((4, len(persons)))
        by_person, by_scene = self.by_prompt[name]
        left = 1 - w.shared - w.prompt_shared - w.clip
        rest = np.sqrt(w.clip) * common + np.sqrt(left) * luck[:3]
        person = np.sqrt(w.shared) * self.person + np.sqrt(w.prompt_shared) * by_person
        scene = np.sqrt(w.shared) * self.scene + np.sqrt(w.prompt_shared) * by_scene
        else_ = np.sqrt(w.shared + w.prompt_shared) * luck[3]
        extra += BETTER if name == "c" else 0.0
        utilities = np.stack([PERSON + extra + person[persons], SCENE + scene[scenes], else_]) + rest
        kinds: Kinds = np.array(["human", "background", "other"], "U10")[utilities.argmax(axis=0)]
        kinds[self._mixed(self.silent[persons], luck[3]) < SILENT] = "unparsed"
        return kinds

    def _mixed(self, shared: Floats, own: Floats) -> Floats:
        weight = self.world.shared
        return np.asarray(np.sqrt(weight) * shared + np.sqrt(1 - weight) * own, np.float64)


def draw(world: World, n: int, rng: np.random.Generator) -> Draw:
    """n swaps, half as many same-class swaps and ordinary clips, all of the same n videos."""
    videos, half = Videos(world, n, rng), n // 2
    persons, scenes, others = rng.integers(0, n, (3, n))
    scenes = np.where(scenes == persons, (scenes + 1) % n, scenes)
    kinds = videos.swap(persons, scenes)
    same = videos.swap(persons[:half], others[:half], SAME_SCENE)["a"]
    same = np.where(same == "background", "other", same)
    right = np.where(videos.ordinary, "human", "other").astype("U10")
    return Draw(
        **kinds,
        same=same,
        ordinary=right[:half],
        original=right[persons],
        sources=[(f"v{p}", f"v{s}") for p, s in zip(persons, scenes, strict=True)],
        same_sources=[(f"v{p}", f"v{s}") for p, s in zip(persons[:half], others[:half], strict=True)],
        ordinary_sources=[(f"v{v}",) for v in range(half)],
    )


def answers(kinds: Kinds) -> list[Answer]:
    """Answers of which only the kind matters."""
    return [ANSWERS[kind] for kind in kinds.tolist()]


def _answer(kind: Kind) -> Answer:
    return Answer("", "", None, kind, None, 0, 0, 0.0)


ANSWERS = {kind: _answer(kind) for kind in ("human", "background", "other", "unparsed")}


@lru_cache
def truth(world: World, draws: int = 1_200_000) -> dict[str, float]:
    """What every figure tends to, from this many unrelated swaps (standard error below 0.0005)."""
    found: dict[str, list[float]] = {}
    step = 300_000
    for start in range(0, draws, step):
        for name, value in _counts(world, step, np.random.default_rng([7, start])).items():
            found.setdefault(name, []).append(value)
    mean = {name: float(np.mean(values)) for name, values in found.items()}
    return {
        "SHAcc": mean["human"],
        "SBErr": mean["background"],
        "unparsed": mean["unparsed"],
        "gap": mean["human"] - mean["background"],
        "ratio": mean["background"] / (mean["human"] + mean["background"]),
        "relative": mean["human"] / mean["same"],
        "harmonic": 2 * mean["human"] * mean["ordinary"] / (mean["human"] + mean["ordinary"]),
        "kept": mean["kept"] / mean["ordinary"],
        "equal": 0.0,
        "better": mean["better"] - mean["human"],
        "better gap": mean["better"] - mean["better background"] - mean["human"] + mean["background"],
    }


def _counts(world: World, n: int, rng: np.random.Generator) -> dict[str, float]:
    videos = Videos(world, 2 * n, rng)
    persons, scenes = np.arange(n), np.arange(n, 2 * n)
    kinds = videos.swap(persons, scenes)
    same = videos.swap(persons, scenes, SAME_SCENE)["a"]
    return {
        "human": np.mean(kinds["a"] == "human"),
        "background": np.mean(kinds["a"] == "background"),
        "unparsed": np.mean(kinds["a"] == "unparsed"),
        "better": np.mean(kinds["c"] == "human"),
        "better background": np.mean(kinds["c"] == "background"),
        "same": np.mean(same == "human"),
        "ordinary": np.mean(videos.ordinary[persons]),
        "kept": np.mean((kinds["a"] == "human") & videos.ordinary[persons]),
    }
