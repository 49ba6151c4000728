"""Names of views: ``black``, ``dim:0.3``, ``black@erode:4``, told from what a user writes."""

from dataclasses import dataclass

from assets.errors import UserError
from videos.views.changes import CHANGES
from videos.views.joins import side_by_side
from videos.views.pictures import Paint, black, blurred, box, crop, dim, grey, mean, smeared

ORIGINAL = "original"
AFTER = "after"


@dataclass(frozen=True)
class Kind:
    """One kind of view. ``paint`` makes its frames; ``usual`` is the amount where none is given.

    ``least`` and ``most`` bound that amount; all three are None where the view takes none. ``paint`` is None
    for the two that are no matter of single frames: as filmed, and one after the other.
    """

    about: str
    paint: Paint | None = None
    usual: float | None = None
    least: float | None = None
    most: float | None = None


# One line for each kind of view.
VIEWS: dict[str, Kind] = {
    ORIGINAL: Kind("as filmed"),
    "black": Kind("the person alone, before black", black),
    "grey": Kind("the person alone, before middle grey", grey),
    "mean": Kind("the person alone, before Kinetics' mean colour, as HAT does it", mean),
    "smeared": Kind("the person before a blur that leaves colours only", smeared),
    "dim": Kind("the background darkened to a share of its brightness", dim, 0.3, 0.0, 1.0),
    "blurred": Kind("the background blurred; radius as a share of the short side", blurred, 0.03, 0.0, 0.5),
    "crop": Kind("cut out around the person; margin as a share of the box", crop, 0.1, 0.0, 4.0),
    "side": Kind("as filmed and, to its right, the person alone before black", side_by_side),
    AFTER: Kind("half the frames as filmed, then half with the person alone before black"),
    "box": Kind(
        "a red box drawn around the person; its line as a share of the short side", box, 0.012, 0, 0.2
    ),
}


@dataclass(frozen=True)
class ViewSpec:
    """A view with its amount, and what is done to the masks first: a ``change`` of ``CHANGES``, if any."""

    name: str = ORIGINAL
    amount: float | None = None
    change: str = ""
    by: float = 0.0

    @property
    def text(self) -> str:
        """As it is written, every amount spelt out: two views of one text show the same."""
        name = self.name if self.amount is None else f"{self.name}:{self.amount:g}"
        return f"{name}@{self.change}:{self.by:g}" if self.change else name


def parse_view(text: str) -> ViewSpec:
    """The view written ``NAME[:AMOUNT][@CHANGE:AMOUNT]``. Raises UserError, which lists what is known."""
    shown, at, changed = text.strip().partition("@")
    name, colon, told = shown.partition(":")
    kind = VIEWS.get(name)
    if kind is None:
        raise UserError(f"view {text!r} is unknown, expected one of: {known_views()}")
    amount = kind.usual
    if colon:
        amount = _number(told, text)
        if kind.least is None or kind.most is None:
            raise UserError(f"view {text!r}: {name} takes no amount; write {name}")
        if not kind.least <= amount <= kind.most:
            raise UserError(f"view {text!r}: {amount:g}, expected {kind.least:g} to {kind.most:g}")
    if not at:
        return ViewSpec(name, amount)
    change, by = _change(changed, text)
    if name == ORIGINAL:
        raise UserError(f"view {text!r}: {ORIGINAL} uses no masks; change those of another view")
    return ViewSpec(name, amount, change, by)


def known_views() -> str:
    """All views in a line, those with an amount with the usual one."""
    return ", ".join(
        name if kind.usual is None else f"{name}[:{kind.usual:g}]" for name, kind in VIEWS.items()
    )


def _change(told: str, text: str) -> tuple[str, float]:
    name, _, by = told.partition(":")
    if name not in CHANGES:
        raise UserError(f"view {text!r}: no change of masks {name!r}, expected one of: {', '.join(CHANGES)}")
    amount = _number(by, text)
    change = CHANGES[name]
    if not 0 <= amount <= change.most:
        raise UserError(f"view {text!r}: {name} by {amount:g}, expected 0 to {change.most:g} {change.unit}")
    return name, amount


def _number(told: str, text: str) -> float:
    try:
        return float(told)
    except ValueError:
        raise UserError(f"view {text!r}: {told!r} is no number; write it as dim:0.3") from None
