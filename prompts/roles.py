"""What each data set served for in a run: searched on, chosen on, checked on, reported."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prompts.history import History
from prompts.records import DecisionRecord, RunRecord


@dataclass(frozen=True)
class Roles:
    """Names of data sets as the answers carry them. ``reports`` are looked at once, test first.

    None where a run has no answers on such a side (yet).
    """

    tune: str | None
    select: str | None
    agreement: str | None
    reports: tuple[str, ...]

    def named(self) -> dict[str, str]:
        """Role by data set, for people."""
        told = {self.tune: "tune", self.select: "select", self.agreement: "agreement"}
        return {name: role for name, role in told.items() if name} | dict.fromkeys(self.reports, "report")


def roles_of(history: History, run_id: str) -> Roles:
    """The roles of a run's data sets, from its decisions, its configuration and their names."""
    return roles(history.run(run_id), history.decisions(run_id), history.datasets(run_id))


def roles(run: RunRecord, decisions: Sequence[DecisionRecord], datasets: Sequence[str]) -> Roles:
    """As ``roles_of``, from what is known already."""
    decided = {one.kind: one.detail.get("clips") for one in decisions}
    tune = _first(datasets, decided.get("finalists"), "/tune")
    select = _first(datasets, decided.get("select"), "/select")
    data = run.config.get("data")
    agreement = data.get("agreement") if isinstance(data, dict) else None
    agreement = agreement if agreement in datasets else None
    rest = [name for name in datasets if name not in (tune, select, agreement)]
    return Roles(tune, select, agreement, tuple(sorted(rest, key=lambda name: not name.endswith("/test"))))


def _first(datasets: Sequence[str], decided: Any, ending: str) -> str | None:
    if decided in datasets:
        return str(decided)
    return next((name for name in datasets if name.endswith(ending)), None)
