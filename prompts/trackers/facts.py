"""What a tracker is told of a run: pure values, read from the history."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from prompts.encoding import microseconds
from prompts.history import History
from prompts.library import LIBRARY, name_of
from prompts.records import ProposalRecord, RunRecord
from prompts.view import ScoredPrompt

_SHARES = ("shacc", "sberr", "bias_gap", "unparsed", "refused", "error")


@dataclass(frozen=True)
class Step:
    """One accepted proposal, 0-based in the order of the run. ``time``: milliseconds since 1970."""

    number: int
    time: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class RunFacts:
    """One run. Shares are 0..1; a metric's name is "DATA SET/metric", "best_gap" the largest gap so far.

    ``summary`` has the same of the hand-written prompts ("neutral/DATA SET/shacc") and of the winner, and
    what was spent. ``table`` has one row per scored prompt and data set. ``finished``: None while it goes on.
    """

    id: str
    status: str
    started: int
    finished: int | None
    params: Mapping[str, str]
    tags: Mapping[str, str]
    steps: tuple[Step, ...]
    summary: Mapping[str, float]
    table: tuple[Mapping[str, Any], ...]


def run_facts(history: History, run_id: str) -> RunFacts:
    """All of it. Raises UserError for an unknown run."""
    run = history.run(run_id)
    scored = _main_format(history, run_id)
    accepted = {p.prompt.id: p for p in reversed(history.proposals(run_id)) if p.verdict == "accepted"}
    return RunFacts(
        id=run.id,
        status=run.status,
        started=_milliseconds(run.started),
        finished=None if run.finished is None else _milliseconds(run.finished),
        params=dict(flat(run.config)),
        tags=_tags(run),
        steps=tuple(_steps(list(reversed(accepted.values())), scored)),
        summary=_summary(history, run, scored),
        table=tuple(_row(dataset, one) for (dataset, _), one in scored.items()),
    )


def flat(value: Any, prefix: str = "") -> Iterable[tuple[str, str]]:
    """Nested settings as "a.b.c" -> text; lists as they are written."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flat(item, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, str(value)


def safe(name: str) -> str:
    """A name that every tracker takes: letters, digits and _ - . / alone."""
    return re.sub(r"[^A-Za-z0-9_\-./]", "_", name)


def _main_format(history: History, run_id: str) -> dict[tuple[str, str], ScoredPrompt]:
    """By data set and prompt, in the format with most answers."""
    best: dict[tuple[str, str], ScoredPrompt] = {}
    for place, one in history.scored(run_id).items():
        key = place.dataset, place.prompt_id
        if key not in best or _answers(one) > _answers(best[key]):
            best[key] = one
    return best


def _answers(one: ScoredPrompt) -> int:
    return one.metrics.n + one.metrics.errors


def _steps(accepted: list[ProposalRecord], scored: Mapping[tuple[str, str], ScoredPrompt]) -> Iterable[Step]:
    best: dict[str, float] = {}
    for number, proposal in enumerate(accepted):
        metrics: dict[str, float] = {}
        for (dataset, prompt_id), one in scored.items():
            if prompt_id == proposal.prompt.id:
                name, gap = safe(dataset), one.metrics.bias_gap.value
                best[name] = max(gap, best.get(name, gap))
                metrics |= _shares(name, one) | {f"{name}/best_gap": best[name]}
        if metrics:
            yield Step(number, _milliseconds(proposal.created), metrics)


def _shares(prefix: str, one: ScoredPrompt) -> dict[str, float]:
    estimates = one.metrics.estimates()
    shares = {f"{prefix}/{name}": estimates[name].value for name in _SHARES}
    bounds = {f"{prefix}/bias_gap_{end}": getattr(one.metrics.bias_gap, end) for end in ("low", "high")}
    return shares | bounds | {f"{prefix}/n": float(one.metrics.n)}


def _summary(
    history: History, run: RunRecord, scored: Mapping[tuple[str, str], ScoredPrompt]
) -> dict[str, float]:
    names = {entry.prompt.id: name for name, entry in LIBRARY.items()}
    winner = (run.summary or {}).get("winner")
    found: dict[str, float] = {}
    for (dataset, prompt_id), one in scored.items():
        roles = [names[prompt_id]] if prompt_id in names else []
        for role in [*roles, *(["winner"] if prompt_id == winner else [])]:
            found |= _shares(f"{role}/{safe(dataset)}", one)
    return found | {f"spent/{safe(kind)}": amount for kind, amount in history.spent(run.id).items()}


def _tags(run: RunRecord) -> dict[str, str]:
    known = {"run": run.id, "status": run.status, "seed": str(run.seed), "code_version": run.code_version}
    known["config_hash"] = run.config_hash
    known |= {f"environment.{key}": text for key, text in flat(run.environment)}
    return {f"sceneproof.{safe(key)}": text for key, text in known.items()}


def _row(dataset: str, one: ScoredPrompt) -> dict[str, Any]:
    prompt = one.prompt
    shares = {name: value.value for name, value in one.metrics.estimates().items() if name in _SHARES}
    about = {"dataset": dataset, "prompt": prompt.id, "name": name_of(prompt.id) or "", "text": prompt.text}
    about |= {"origin": prompt.origin, "hypothesis": prompt.hypothesis}
    return about | shares | {"n": one.metrics.n, "errors": one.metrics.errors}


def _milliseconds(moment: str) -> int:
    return microseconds(moment) // 1000
