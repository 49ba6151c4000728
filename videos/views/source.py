"""A view as a source of frames, which everything that takes frames can take."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from assets.errors import UserError
from videos.clip import FrameSource, Pixels, SourceInfo
from videos.views.changes import CHANGES
from videos.views.joins import one_after_other
from videos.views.people import Masks, fitted, masks_of
from videos.views.spec import AFTER, ORIGINAL, VIEWS, ViewSpec, parse_view

RULES = 1  # raise when the same frames and masks give another picture


def view_of(source: FrameSource, view: str, folder: str | None = None) -> FrameSource:
    """The clip as ``view`` shows it; itself for ``original``. ``folder``: masks made by ``videos segment``.

    Raises UserError for an unknown view and for a clip without masks.
    """
    spec = parse_view(view)
    if spec.name == ORIGINAL:
        return source
    masks = masks_of(source, folder)
    return OneAfterOther(source, masks, spec) if spec.name == AFTER else Viewed(source, masks, spec)


@dataclass(frozen=True)
class Viewed:
    """Frames of ``source`` painted with the help of its masks."""

    source: FrameSource
    masks: Masks
    spec: ViewSpec

    def identity(self) -> str:
        """See FrameSource."""
        return _identity(self.source, self.masks, self.spec)

    def info(self) -> SourceInfo:
        """That of the source."""
        return self.source.info()

    def read(self, indices: Sequence[int]) -> Pixels:
        """See FrameSource; ``crop`` takes one window for all of ``indices``."""
        paint = VIEWS[self.spec.name].paint
        if paint is None:
            raise UserError(f"view {self.spec.text}: no matter of single frames")
        frames, masks = _read(self.source, self.masks, self.spec, indices)
        return paint(frames, masks, self.spec.amount or 0.0)


@dataclass(frozen=True)
class OneAfterOther:
    """Twice as long as its source: first as filmed, then the person alone.

    A policy that takes n frames uniformly takes n / 2 of each: the model gets no more to read than otherwise.
    """

    source: FrameSource
    masks: Masks
    spec: ViewSpec

    def identity(self) -> str:
        """See FrameSource."""
        return _identity(self.source, self.masks, self.spec)

    def info(self) -> SourceInfo:
        """Twice the length."""
        told = self.source.info()
        return SourceInfo(2 * told.length, told.fps)

    def read(self, indices: Sequence[int]) -> Pixels:
        """See FrameSource. All are read at once: a swap's person must stand at one place in both halves."""
        length = self.source.info().length
        frames, masks = _read(self.source, self.masks, self.spec, [index % length for index in indices])
        return one_after_other(frames, masks, [index >= length for index in indices])


def _identity(source: FrameSource, masks: Masks, spec: ViewSpec) -> str:
    told = f"view {RULES} {spec.text} {source.identity()} {masks.identity()}"
    return sha256(told.encode()).hexdigest()


def _read(source: FrameSource, masks: Masks, spec: ViewSpec, indices: Sequence[int]) -> tuple[Pixels, Pixels]:
    frames = source.read(indices)
    found = fitted(masks.read(indices), frames)
    if spec.change:
        found = CHANGES[spec.change].apply(found, spec.by, masks.identity())
    return frames, found
