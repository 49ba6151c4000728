"""What each data set served for in a run: searched on, chosen on, checked on, reported."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prompts.history import History
from prompts.records import AT, DecisionRecord, RunRecord


@dataclass(frozen=True)
class Roles:
    """Names of data sets as the answers carry them. ``reports`` are looked at once, test first.

    None where a run has no answers on such a side (yet). Of a run with several target models the first one's
    sides; ``others`` are the other targets' by role.
    """

    tune: str | None
    select: str | None
    agreement: str | None
    reports: tuple[str, ...]
    others: tuple[tuple[str, str], ...] = ()

    def named(self) -> dict[str, str]:
        """Role by data set, for people."""
        told = {self.tune: "tune", self.select: "select", self.agreement: "agreement"}
        sides = {name: role for name, role in told.items() if name} | dict(self.others)
        return sides | dict.fromkeys(self.reports, "report")


def roles_of(history: History, run_id: str) -> Roles:
    """The roles of a run's data sets, from its decisions, its configuration and their names."""
    return roles(history.run(run_id), history.decisions(run_id), history.datasets(run_id))


def roles(run: RunRecord, decisions: Sequence[DecisionRecord], datasets: Sequence[str]) -> Roles:
    """As ``roles_of``, from what is known already."""
    decided = {one.kind: one.detail.get("clips") for one in decisions}
    data = run.config.get("data")
    checked = data.get("agreement") if isinstance(data, dict) else None
    sides = {
        "tune": _side(datasets, decided.get("finalists"), "/tune"),
        "select": _side(datasets, decided.get("select"), "/select"),
        "agreement": [name for name in datasets if _plain(name) == checked],
    }
    taken = {name for names in sides.values() for name in names}
    rest = sorted(
        (name for name in datasets if name not in taken), key=lambda name: not _plain(name).endswith("/test")
    )
    tune, select, agreement = (next(iter(names), None) for names in sides.values())
    others = tuple((name, role) for role, names in sides.items() for name in names[1:])
    return Roles(tune, select, agreement, tuple(rest), others)


def _side(datasets: Sequence[str], decided: Any, ending: str) -> list[str]:
    """Data sets of the decided name; without any the first that ends so, and the same of other targets."""
    name = decided if isinstance(decided, str) else None
    found = [one for one in datasets if name is not None and _plain(one) == name]
    if found:
        return found
    first = next((one for one in datasets if _plain(one).endswith(ending)), None)
    return [one for one in datasets if first is not None and _plain(one) == _plain(first)]


def _plain(dataset: str) -> str:
    return dataset.partition(AT)[0]
