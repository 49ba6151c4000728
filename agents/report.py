"""What a finished run found, as rows: every share a fraction with its interval, n and chance level."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agents.finals import Outcome, PassedOver
from agents.objectives import Standing, pareto_standings
from agents.targets import Rule, by_target, overall
from prompts.library import NEUTRAL, name_of
from prompts.prompt import Prompt
from prompts.records import AT
from prompts.view import ScoredPrompt
from vllm_eval.evaluator import Scored
from vllm_eval.metrics import Estimate, accuracy
from vllm_eval.statistics import Difference, paired_difference

BEST = "best found"


@dataclass(frozen=True)
class Measured:
    """One measure of one prompt; ``against_neutral`` is paired, None for neutral itself."""

    estimate: Estimate
    against_neutral: Difference | None


@dataclass(frozen=True)
class Line:
    """One prompt on one clip set."""

    label: str
    prompt: Prompt
    measures: Mapping[str, Measured]
    errors: int


@dataclass(frozen=True)
class Section:
    """One clip set: its lines in the order neutral, hand-written, other finalists, best."""

    name: str
    clips: str
    n: int
    chance: float
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Report:
    """``optimism`` is the winner's tune score minus its test score, both (1 + SHAcc - SBErr) / 2.

    With several target models both are those of the worst or of all together, as ``objective.targets`` says;
    every clip set then has a section for each, and ``front`` is over the answers of all.
    """

    run_id: str
    winner: Prompt
    tune_score: float
    test_score: float
    stopped: str
    spent: Mapping[str, float]
    sections: tuple[Section, ...]
    race: str = ""  # what racing saved, in one line
    front: tuple[Standing, ...] = ()  # reported prompts over all objectives
    passed_over: tuple[PassedOver, ...] = ()
    rule: Rule = "worst"
    proof: str = ""  # of rule sberr: who was shown to lose less than the margin, at which level

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of several target models; none with one."""
        return tuple(dict.fromkeys(one.name.partition(AT)[2] for one in self.sections if AT in one.name))

    @property
    def optimism(self) -> float:
        """How much higher the tune score is: what choosing by it had of luck, and how the clips differ."""
        return self.tune_score - self.test_score

    @property
    def improved(self) -> bool:
        """Whether anything found was better than neutral where the winner was chosen."""
        return self.winner.id != NEUTRAL.prompt.id

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self) | {
            "winner": {"id": self.winner.id, **asdict(self.winner)},
            "improved": self.improved,
            "optimism": self.optimism,
        }


def build(
    run_id: str,
    outcome: Outcome,
    baselines: Sequence[Prompt],
    tune: ScoredPrompt,
    stopped: str,
    spent: Mapping[str, float],
    race: str = "",
    rule: Rule = "worst",
) -> Report:
    """The report; ``tune`` is the winner as it was scored while searching."""
    prompts = list({one.id: one for one in (*baselines, *outcome.others, outcome.winner)}.values())
    labels = _labels(prompts, outcome)
    sections = tuple(
        section
        for name, scored in outcome.reports.items()
        for section in _sections(name, scored, prompts, labels)
    )
    test = outcome.reports["test"][outcome.winner.id]
    front = pareto_standings({prompt.id: prompt.text for prompt in prompts}, outcome.reports)
    return Report(
        run_id=run_id,
        winner=outcome.winner,
        tune_score=tune.score,
        test_score=overall(test, rule),
        stopped=stopped,
        spent=spent,
        sections=sections,
        race=race,
        front=front,
        passed_over=outcome.passed_over,
        rule=rule,
        proof=outcome.proof,
    )


def _sections(
    name: str, scored: Mapping[str, Scored], prompts: Sequence[Prompt], labels: Mapping[str, str]
) -> list[Section]:
    """One section for each target."""
    parts = {prompt_id: by_target(one) for prompt_id, one in scored.items()}
    return [
        _section(
            f"{name}{AT}{target}" if target else name,
            {prompt_id: part[target] for prompt_id, part in parts.items()},
            prompts,
            labels,
        )
        for target in parts[NEUTRAL.prompt.id]
    ]


def _section(
    name: str, scored: Mapping[str, Scored], prompts: Sequence[Prompt], labels: Mapping[str, str]
) -> Section:
    neutral = scored[NEUTRAL.prompt.id]
    # Where no background conflicts there is one measure, how often the action was named.
    swapped = any(clip.background not in (None, clip.human) for clip in neutral.clips.clips)
    measures = ("shacc", "sberr") if swapped else ("accuracy",)
    lines = tuple(_line(one, scored[one.id], neutral, measures, labels[one.id]) for one in prompts)
    return Section(name, neutral.clips.name, len(neutral.clips), neutral.chance, lines)


def _labels(prompts: Sequence[Prompt], outcome: Outcome) -> dict[str, str]:
    """By prompt id: its hand-written name, or best, or finalist and its rank on the select side."""
    ranks = {one.id: f"finalist {rank}" for rank, one in enumerate(outcome.finalists, 1)}
    labels = {one.id: name_of(one.id) or ranks.get(one.id, BEST) for one in prompts}
    named = name_of(outcome.winner.id)
    return labels | {outcome.winner.id: f"{named} ({BEST})" if named else BEST}


def _line(prompt: Prompt, scored: Scored, neutral: Scored, measures: Sequence[str], label: str) -> Line:
    measured = {measure: _measured(measure, scored, neutral) for measure in measures}
    return Line(label, prompt, measured, scored.metrics().errors)


def _measured(measure: str, scored: Scored, neutral: Scored) -> Measured:
    metrics = scored.metrics()
    estimates = {"shacc": metrics.shacc, "sberr": metrics.sberr}
    estimate = estimates.get(measure) or accuracy(scored.answers, scored.clusters())
    if scored.prompt_id == neutral.prompt_id:
        return Measured(estimate, None)
    difference = paired_difference(scored.answers, neutral.answers, scored.clusters(), measure)
    return Measured(estimate, difference)
