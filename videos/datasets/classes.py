"""Which labels a data set may carry, however they are written: with underscores, in capitals."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path

from assets.errors import UserError
from videos.datasets.text import read_lines

_FILES = ("classes.txt", "label_map*.txt")


def class_name(text: str) -> str:
    """A label or folder name as the class is called: with spaces, whichever way it was written."""
    return " ".join(text.replace("_", " ").split())


@dataclass(frozen=True)
class ClassList:
    """Named classes in the order of their indices, counted from 0."""

    name: str
    classes: tuple[str, ...]

    def find(self, label: str) -> str | None:
        """The class that is meant, as the list writes it; None where it has none."""
        return self._by_key.get(_key(label))

    def complaint(self, label: str) -> str:
        """What to say of a label that is not in the list."""
        near = _nearest(_key(label), tuple(self._by_key))
        hint = (
            f"did you mean {self._by_key[near]!r}?" if near else "classes of your own belong in classes.txt"
        )
        return f"class {class_name(label)!r} is none of the {len(self.classes)} of {self.name}; {hint}"

    @cached_property
    def _by_key(self) -> Mapping[str, str]:
        return {_key(name): name for name in self.classes}


def own_classes(*folders: Path) -> ClassList | None:
    """The list in ``classes.txt`` or ``label_map*.txt`` (one class a line, in order of index), if any.

    Raises UserError where it is empty or names a class twice.
    """
    paths = [path for folder in folders for name in _FILES for path in sorted(folder.glob(name))]
    if not paths:
        return None
    names = tuple(class_name(line) for _, line in read_lines(paths[0], "one class a line"))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice or not names:
        what = f"class {twice!r} twice" if twice else "no class"
        raise UserError(f"{paths[0]}: {what}, expected one class a line; repair it")
    return ClassList(paths[0].name, names)


def _key(label: str) -> str:
    return class_name(label).casefold()


@lru_cache(maxsize=1024)  # one wrong label may stand in thousands of rows
def _nearest(key: str, known: tuple[str, ...]) -> str | None:
    return next(iter(get_close_matches(key, known, 1)), None)
