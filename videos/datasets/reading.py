"""What a reader hands over: the clips, and every annotated row that gave none, with the reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from videos.clip import ClipSet

Reason = Literal["missing", "unreadable", "unknown class", "duplicated"]


@dataclass(frozen=True)
class LeftOut:
    """A row that gave no clip: its name, why, and what was found where what was expected.

    ``missing``: no file, or an empty one. ``unreadable``: the row makes no sense. ``unknown class``: a label
    that is no class of the set. ``duplicated``: the same clip stands in an earlier row.
    """

    clip: str
    reason: Reason
    detail: str = ""


Outcome = tuple[ClipSet, Sequence[LeftOut | str]]  # a bare name is missing


@dataclass(frozen=True)
class Reader:
    """How one kind of data set is opened.

    ``read`` takes the data set's folder and what stands behind the colon of its name. ``part`` is how that is
    written, for messages: empty where nothing may stand there, in square brackets where it may be left out.
    ``folder`` is what its folder is called where several data sets share a root.
    """

    read: Callable[[Path, str], Outcome]
    part: str
    folder: str

    def takes(self, part: str) -> bool:
        """Whether a part is given, or absent, as it must be."""
        return self.part.startswith("[") or bool(part) == bool(self.part)


@dataclass(frozen=True)
class Reading:
    """A data set as it was found: what is there, and what is not."""

    clips: ClipSet
    left_out: tuple[LeftOut, ...]
    root: Path

    def __len__(self) -> int:
        """Rows of the annotation, each of them a clip or left out."""
        return len(self.clips) + len(self.left_out)
