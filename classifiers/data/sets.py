"""The training and validation clips a configuration names, ready to be batched."""

import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from assets.errors import UserError
from classifiers.config import RENDERED, Config
from classifiers.data.backgrounds import Backgrounds, DrawnPlaces, EmptiedClips, Pictures
from classifiers.data.examples import ClipExamples, Examples, Frozen, Part, clip_examples, freeze
from classifiers.data.masks import mask_source
from classifiers.data.pipeline import Pipeline
from classifiers.data.rendered import CLASSES, RenderedClips
from videos.clip import ClipSet
from videos.datasets import MINI, load
from videos.decode import FramePolicy

_KEEP_BYTES = 4 << 30  # sets up to this size are made once and memory-mapped
_SPLIT_SEED = 0  # of the held-out share: the same for all seeds of training
_ROOM = 8 / 7  # modern crops are taken from a larger picture: 256 for 224


@dataclass(frozen=True)
class Sets:
    """What a run is trained on and watched with."""

    train: Pipeline
    validation: Pipeline
    classes: tuple[str, ...]


def open_sets(config: Config) -> Sets:
    """Read, or draw, the clips. Raises UserError for what cannot be had."""
    train, validation, classes = (_rendered if config.data.train == RENDERED else _read)(config)
    backgrounds = open_backgrounds(config, classes)
    common = Pipeline(
        train, config.size.pixels, config.seed, config.recipe.name == "modern", backgrounds,
        config.augment.corrupt_masks,
    )  # fmt: skip
    # The paper doubles the validation clips as well; theirs are always those of epoch 0.
    watched = replace(common, source=validation, seed=_SPLIT_SEED, modern=False, corrupt_masks=0.0)
    return Sets(common, watched, classes)


def policy_of(config: Config) -> FramePolicy:
    """Frames of a clip as stored."""
    room = _ROOM if config.recipe.name == "modern" and config.data.train != RENDERED else 1
    return FramePolicy(config.size.frames, config.data.sampling, round(config.size.pixels * room))  # type: ignore[arg-type]


def open_backgrounds(config: Config, classes: tuple[str, ...]) -> Backgrounds | None:
    """What people are put in front of. Raises UserError for an empty folder or an unknown data set."""
    chosen = config.augment.backgrounds
    if chosen is None:
        return None
    if chosen == RENDERED:
        return DrawnPlaces()
    if ":" in chosen and not Path(chosen).exists():
        return EmptiedClips(load(chosen, config.data.root).clips, policy_of(config), classes)
    found = Pictures(Path(chosen).expanduser())
    assert found.paths  # complains now, not in a worker
    return found


def examples_of(clips: ClipSet, classes: tuple[str, ...], config: Config) -> ClipExamples:
    """A set's clips with their masks, as the configuration wants them."""
    masks = mask_source(
        config.data.masks, config.data.missing, config.data.mask_kind, config.data.root == MINI
    )
    return clip_examples(clips, classes, policy_of(config), masks)


@dataclass(frozen=True)
class Read:
    """The clips of a set, ready; ``failed``: why, by number of those that cannot be read."""

    examples: Examples
    failed: Mapping[int, str]

    @property
    def good(self) -> tuple[int, ...]:
        """Numbers of the clips that can be read."""
        return tuple(number for number in range(len(self.examples)) if number not in self.failed)


def read(source: ClipExamples, config: Config, what: str) -> Read:
    """All that can be read, and a line about what cannot. Raises UserError where nothing can."""
    unknown = [clip.id for clip in source.clips if not source.masks.knows(clip)]
    if unknown and config.data.masks:
        told = f"{len(unknown):,} of {len(source):,} clips have no mask, for one {unknown[0]}"
        print(f"{what}: {told}; taken as {config.data.missing}", file=sys.stderr, flush=True)
    examples = kept(source, config, what)
    failed = examples.failed if isinstance(examples, Frozen) else source.fill()
    if failed:
        some = next(iter(failed.values()))
        told = f"{what}: {len(failed):,} of {len(source):,} clips cannot be read, for one {some}"
        if len(failed) == len(source):
            raise UserError(told)
        print(told, file=sys.stderr, flush=True)
    return Read(examples, failed)


def kept(source: Examples, config: Config, what: str) -> Examples:
    """The same, made once and kept on disk where it is small enough for that."""
    frames, side = config.size.frames, policy_of(config).size or config.size.pixels
    if len(source) * frames * side * side * 4 > _KEEP_BYTES:
        return source
    return freeze(source, frames, side, ticker(what))


def ticker(what: str) -> Callable[[int, int], None]:
    """Progress in lines, one per tenth."""

    def tick(done: int, total: int) -> None:
        if done == total or done % max(1, total // 10) == 0:
            print(f"{what}: {done} of {total} clips", file=sys.stderr, flush=True)

    return tick


def _rendered(config: Config) -> tuple[Examples, Examples, tuple[str, ...]]:
    data, size = config.data, config.size
    policy = FramePolicy(size.frames, data.sampling)  # type: ignore[arg-type]
    drawn = kept(RenderedClips(data.clips, _SPLIT_SEED, data.agree, policy), config, "drawing training clips")
    order = list(range(len(drawn)))
    random.Random(_SPLIT_SEED).shuffle(order)
    held = max(1, round(len(drawn) * data.validation_share))
    return Part(drawn, tuple(order[held:])), Part(drawn, tuple(order[:held])), CLASSES


def _read(config: Config) -> tuple[Examples, Examples, tuple[str, ...]]:
    data = config.data
    clips = load(data.train, data.root)
    if data.validation is None:
        share = data.validation_share
        parts = clips.split({"train": 1 - share, "validation": share}, _SPLIT_SEED)
        clips, watched = parts["train"], parts["validation"]
    else:
        watched = load(data.validation, data.root)
    sides = [(clips, f"reading {data.train}"), (watched, "reading validation")]
    train, validation = (
        _usable(read(examples_of(some, clips.classes, config), config, what)) for some, what in sides
    )
    return train, validation, clips.classes


def _usable(found: Read) -> Examples:
    return Part(found.examples, found.good) if found.failed else found.examples
