"""All that a report tells of a run, computed from its stored answers and decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np

from prompts.answers import grouped
from prompts.comparison import ORDINARY, SWAPPED, Compared, compare, estimates, is_swapped
from prompts.history import History
from prompts.library import LIBRARY, NEUTRAL, name_of
from prompts.prompt import Prompt
from prompts.records import DecisionRecord, ProposalRecord, RunRecord, clusters_of
from prompts.roles import Roles, roles
from prompts.view import HistoryView, score_of
from vllm_eval.clustering import clustering
from vllm_eval.evaluator import AnswerRow
from vllm_eval.metrics import Estimate, bias_metrics
from vllm_eval.planning import minimum_detectable_effect
from vllm_eval.statistics import Difference

BEST = "best found"
Rows = Sequence[AnswerRow]


@dataclass(frozen=True)
class Line:
    """One prompt on one data set. ``against_neutral``: it minus neutral; ``behind_winner``: winner minus it.

    Both by measure, paired on the same clips; empty for the prompt itself.
    """

    label: str
    prompt: Prompt
    estimates: Mapping[str, Estimate]
    against_neutral: Mapping[str, Difference]
    behind_winner: Mapping[str, Difference]
    errors: int


@dataclass(frozen=True)
class Section:
    """One reported data set; ``shows`` is the smallest true difference of a share that it likely reveals."""

    dataset: str
    n: int
    sources: int
    chance: float
    shows: float
    measures: tuple[str, ...]
    lines: tuple[Line, ...]
    answers: Mapping[str, Rows]


@dataclass(frozen=True)
class Side:
    """Clips that served the search and are no result: how many, of how many source videos, what for."""

    role: str
    dataset: str
    clips: int
    sources: int
    prompts: int


@dataclass(frozen=True)
class Facts:
    """A run as a report needs it. ``winner`` is None before one is chosen.

    ``scores``: the winner's (1 + SHAcc - SBErr) / 2 where it was found, where it was chosen and on test.
    """

    run: RunRecord
    url: str
    roles: Roles
    winner: Prompt | None
    sides: tuple[Side, ...]
    sections: tuple[Section, ...]
    tune: HistoryView | None
    scores: Mapping[str, float]
    compared: Compared | None
    prompts: tuple[Prompt, ...]
    proposals: tuple[ProposalRecord, ...]
    decisions: tuple[DecisionRecord, ...]
    spent: Mapping[str, float]

    @property
    def optimism(self) -> float | None:
        """How much of the score it was found with did not hold on clips nobody had looked at."""
        known = {"tune", "test"} <= self.scores.keys()
        return self.scores["tune"] - self.scores["test"] if known else None

    @property
    def main(self) -> Section | None:
        """The section that the result is read from: the first whose backgrounds conflict."""
        swapped = [section for section in self.sections if "gap" in section.measures]
        return swapped[0] if swapped else (self.sections[0] if self.sections else None)


def collect(history: History, run_id: str) -> Facts:
    """The facts of a run, finished or not. Raises UserError for an unknown run."""
    run, decisions, proposals = history.run(run_id), history.decisions(run_id), history.proposals(run_id)
    found = roles(run, decisions, history.datasets(run_id))
    tune = history.view(run_id, found.tune) if found.tune else None
    known = {prompt.id: prompt for prompt in history.prompts(run_id)}
    known |= {one.prompt.id: one.prompt for one in tune.scored} if tune else {}
    winner = _winner(run, decisions, known)
    answers = {name: by_prompt(history.answers_for(run_id, dataset=name)) for name in found.named()}
    sections = tuple(_section(name, answers[name], known, winner) for name in found.reports)
    main = next((one.answers for one in sections if "gap" in one.measures), {})
    compared = None
    if winner and NEUTRAL.prompt.id in main and winner.id in main and winner.id != NEUTRAL.prompt.id:
        compared = compare(main[NEUTRAL.prompt.id], main[winner.id])
    return Facts(
        run=run,
        url=history.url,
        roles=found,
        winner=winner,
        sides=tuple(_side(role, name, answers[name]) for name, role in found.named().items()),
        sections=sections,
        tune=tune,
        scores=_scores(found, answers, winner, main),
        compared=compared,
        prompts=tuple(known.values()),
        proposals=tuple(proposals),
        decisions=tuple(decisions),
        spent=history.spent(run_id),
    )


def by_prompt(rows: Rows) -> dict[str, Rows]:
    """Answers on one data set by prompt, each in the format that has most of them."""
    best: dict[str, Rows] = {}
    for place, group in grouped(rows):
        if len(group) > len(best.get(place.prompt_id, ())):
            best[place.prompt_id] = group
    return best


def label_of(prompt: Prompt, winner: Prompt | None) -> str:
    """How a table calls a prompt: its hand-written name, "best found", or the beginning of its id."""
    name = name_of(prompt.id)
    if winner is None or prompt.id != winner.id:
        return name or prompt.id[:8]
    return f"{name} (chosen)" if name else BEST


def _winner(
    run: RunRecord, decisions: Sequence[DecisionRecord], known: Mapping[str, Prompt]
) -> Prompt | None:
    chosen = (run.summary or {}).get("winner")
    for one in decisions:
        chosen = chosen or (one.detail.get("prompt") if one.kind == "winner" else None)
    return known.get(str(chosen))


def _side(role: str, dataset: str, answers: Mapping[str, Rows]) -> Side:
    clips = {row.clip_id: row for rows in answers.values() for row in rows}
    sources = {source for row in clips.values() for source in row.sources}
    return Side(role, dataset, len(clips), len(sources), len(answers))


def _scores(
    found: Roles, answers: Mapping[str, Mapping[str, Rows]], winner: Prompt | None, main: Mapping[str, Rows]
) -> dict[str, float]:
    if winner is None:
        return {}
    sides = {"tune": answers.get(found.tune or "", {}), "select": answers.get(found.select or "", {})}
    sides["test"] = main
    return {name: _score(rows[winner.id]) for name, rows in sides.items() if winner.id in rows}


def _score(rows: Rows) -> float:
    return score_of(bias_metrics([row.answer for row in rows], clusters_of(rows)))


def _section(
    dataset: str, answers: Mapping[str, Rows], known: Mapping[str, Prompt], winner: Prompt | None
) -> Section:
    """Hand-written prompts in the order of the library, then others, the winner last."""
    order = [entry.prompt.id for entry in LIBRARY.values()]
    ids = [one for one in order if one in answers] + [one for one in answers if one not in order]
    if winner and winner.id in ids:
        ids = [*(one for one in ids if one != winner.id), winner.id]
    rows = [row for group in answers.values() for row in group]
    measures = SWAPPED if is_swapped(rows) else ORDINARY
    lines = tuple(
        _line(known.get(one, Prompt("(text unknown)")), one, answers, measures, winner) for one in ids
    )
    clips = list({row.clip_id: row for row in rows}.values())
    sources = clusters_of(clips)
    independent = min(len(clips), clustering(sources, np.ones(len(clips), np.bool_)).groups) if clips else 0
    return Section(
        dataset=dataset,
        n=len(clips),
        sources=len({source for row in clips for source in row.sources}),
        chance=fsum(1 / row.choices if row.choices else 0 for row in clips) / max(1, len(clips)),
        shows=minimum_detectable_effect(independent),
        measures=measures,
        lines=lines,
        answers=answers,
    )


def _line(
    prompt: Prompt,
    prompt_id: str,
    answers: Mapping[str, Rows],
    measures: Sequence[str],
    winner: Prompt | None,
) -> Line:
    mine, neutral = answers[prompt_id], NEUTRAL.prompt.id
    found = estimates(mine)
    return Line(
        label=label_of(prompt, winner),
        prompt=prompt,
        estimates={name: found[name] for name in measures},
        against_neutral=_difference(answers, neutral, prompt_id),
        behind_winner=_difference(answers, prompt_id, winner.id) if winner else {},
        errors=sum(row.answer.kind == "error" for row in mine),
    )


def _difference(answers: Mapping[str, Rows], a: str, b: str) -> Mapping[str, Difference]:
    """b - a on the clips of both."""
    if a == b or a not in answers or b not in answers:
        return {}
    if {row.clip_id for row in answers[a]}.isdisjoint(row.clip_id for row in answers[b]):
        return {}
    return compare(answers[a], answers[b]).differences
