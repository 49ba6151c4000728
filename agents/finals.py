"""The end of a run: finalists compared on the select side, one winner, one look at the reported clips.

The winner is chosen from answers on the select side and on the agreement clips alone. Finalists are ranked by
(1 + SHAcc - SBErr) / 2 on the select side; of those within a standard error of the first the one goes first
that loses least on ordinary clips, for their order says nothing (the one-standard-error rule, Breiman et al.
1984, section 3.4.3), and whoever loses too much there (agents/agreement.py) is passed over. Or, by
objective.rule sberr, it is the one of lowest SBErr among those shown to lose less than a margin there
(agents/proof.py); half of the finalists are then those of lowest SBErr on the tune side. Who gets anchor
clips wrong that neutral gets right is no finalist. With several target models the worst of them counts, or
their mean. Neutral itself is always among the finalists, so a search that found nothing says so.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, takewhile, zip_longest
from typing import Any

from agents.agreement import Agreement
from agents.anchors import Anchors
from agents.config import ObjectiveConfig
from agents.objectives import Choice, lowest_sberr
from agents.pooling import Pooled
from agents.proof import LEVEL
from agents.sberr import fair_sberr
from agents.scoring import Scorer
from agents.splits import Data
from agents.targets import Rule, judged, overall
from agents.watcher import Watcher
from assets.errors import UserError
from prompts.history import History
from prompts.library import LIBRARY, NEUTRAL
from prompts.prompt import Prompt
from prompts.view import HistoryView, ScoredPrompt
from videos.clip import ClipSet
from vllm_eval.evaluator import Scored
from vllm_eval.statistics import paired_difference

NO_ANCHORS = Anchors(())


@dataclass(frozen=True)
class PassedOver:
    """A prompt that stood for election, and why it may not win."""

    prompt: Prompt
    reason: str


@dataclass(frozen=True)
class Outcome:
    """``reports``: per reported clip set, the answers of every reported prompt by id.

    ``finalists`` best first; ``others``: those of them that are reported beside the winner. ``proof``: how
    sure it is that the winner loses less than the margin, in one line; "" by rule score, which asks no proof.
    """

    winner: Prompt
    finalists: tuple[Prompt, ...]
    reports: Mapping[str, Mapping[str, Scored]]
    passed_over: tuple[PassedOver, ...] = ()
    others: tuple[Prompt, ...] = ()
    proof: str = ""


def answers_needed(
    data: Data, finalists: int, baselines: int, anchors: Anchors = NO_ANCHORS, found: int = 1
) -> int:
    """The most answers that the end of a run can cost; ``found`` prompts are reported besides baselines."""
    agreement = (finalists + 1) * len(data.agreement) if data.agreement else 0
    reported = (baselines + found) * sum(len(clips) for clips in data.reports.values())
    anchored = (finalists + 1) * len(anchors.among(data.tune))
    return anchored + (finalists + 1) * len(data.select) + agreement + reported


@dataclass(frozen=True)
class Finals:
    """What the end needs. ``baselines`` are reported beside the winner."""

    history: History
    run_id: str
    scorer: Scorer
    watcher: Watcher
    data: Data
    baselines: Sequence[Prompt]
    finalists: int
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    twins: Collection[str] = ()
    anchors: Anchors = NO_ANCHORS
    passed_over: list[PassedOver] = field(default_factory=list)

    def run(self, view: HistoryView) -> Outcome:
        """Choose the winner among the run's proposals and report it."""
        finalists = self._finalists(view)
        self.watcher.phase(f"comparing {len(finalists)} finalists on {self.data.select.name}")
        select = self.scorer.score(finalists, self.data.select)
        ranked = self._ranked(select, finalists)
        winner, proof = self._elected(ranked, select)
        self._decide("winner", {"prompt": winner.id, "neutral": winner.id == NEUTRAL.prompt.id})
        found = [one for one in ranked if one.id not in (winner.id, NEUTRAL.prompt.id)]
        others = tuple(found) if self.objective.report == "finalists" else ()
        asked = [*self.baselines, *others, winner]
        reports = {name: self._report(name, clips, asked) for name, clips in self.data.reports.items()}
        return Outcome(winner, tuple(ranked), reports, tuple(self.passed_over), others, proof)

    @property
    def _strict(self) -> bool:
        return self.objective.rule == "sberr"

    def _finalists(self, view: HistoryView) -> list[Prompt]:
        """Best proposals by tune score, neutral last: on equal scores the found prompt goes first.

        By rule sberr they are in turn the one of lowest SBErr and the one of best score of those left.
        """
        answered = [
            scored
            for scored in view.scored
            if scored.position >= 0 and scored.metrics.n and scored.prompt.id not in self.twins
        ]
        sberr = self._tune_sberr(view) if self._strict else {}
        proposed = self._anchored(_in_turn(answered, sberr) if self._strict else answered)
        tune = {scored.prompt.id: scored.score for scored in proposed}
        detail: dict[str, Any] = {"clips": self.data.tune.name, "scores": tune}
        self._decide("finalists", detail | ({"sberr": {one: sberr[one] for one in tune}} if sberr else {}))
        return [*(scored.prompt for scored in proposed), NEUTRAL.prompt]

    def _tune_sberr(self, view: HistoryView) -> dict[str, float]:
        """What may be compared of everybody's SBErr on the tune side, by prompt id."""
        pooled = Pooled(self.history, self.run_id, self.data.tune)
        return fair_sberr(pooled, [one.prompt.id for one in view.scored], self.objective.targets)

    def _anchored(self, answered: Sequence[ScoredPrompt]) -> list[ScoredPrompt]:
        """The best that keep their anchors. Who was not asked about one is asked, if it may be a finalist.

        Whoever is known to lose some makes room for the next; of those that have to be asked no more than
        there are finalists, for so many answers are held back.
        """
        neutral, asked = self._anchors_held(), 0
        kept: list[ScoredPrompt] = []
        for scored in answered:
            if len(kept) == self.finalists:
                break
            lacking = neutral is not None and self.scorer.missing([scored.prompt], neutral.clips) > 0
            if lacking and asked == self.finalists:
                continue
            asked += lacking
            if neutral is None or self._keeps(scored.prompt, neutral):
                kept.append(scored)
        return kept

    def _anchors_held(self) -> Scored | None:
        """Neutral's answers to the anchors it is right on, all that can be lost; None when there are none."""
        anchors = self.anchors.among(self.data.tune)
        if not len(anchors):
            return None
        scored = self.scorer.score([NEUTRAL.prompt], anchors)[NEUTRAL.prompt.id]
        asked = zip(anchors.clips, scored.answers, strict=True)
        held = [(clip, answer) for clip, answer in asked if answer.kind == "human"]
        clips = replace(anchors, clips=tuple(clip for clip, _ in held))
        return replace(scored, clips=clips, answers=tuple(answer for _, answer in held)) if held else None

    def _keeps(self, prompt: Prompt, neutral: Scored) -> bool:
        """Whether the prompt is right on the anchors that neutral is right on."""
        refused = self.anchors.check(neutral, self.scorer.score([prompt], neutral.clips)[prompt.id])
        reason = refused.reason if refused else ""
        self._decide("anchors", {"prompt": prompt.id, "passed": refused is None, "reason": reason})
        if refused:
            self._pass_over(prompt, reason)
        return refused is None

    def _pass_over(self, prompt: Prompt, reason: str) -> None:
        self.passed_over.append(PassedOver(prompt, reason))
        self.watcher.line(f"passed over, {reason}: {prompt.text}")

    def _ranked(self, scored: Mapping[str, Scored], finalists: Sequence[Prompt]) -> list[Prompt]:
        scores = {prompt.id: overall(scored[prompt.id], self.objective.targets) for prompt in finalists}
        self._decide("select", {"clips": self.data.select.name, "scores": scores})
        return sorted(finalists, key=lambda prompt: -scores[prompt.id])

    def _elected(self, ranked: Sequence[Prompt], select: Mapping[str, Scored]) -> tuple[Prompt, str]:
        return self._constrained(ranked, select) if self._strict else (self._agreeing(ranked, select), "")

    def _agreeing(self, ranked: Sequence[Prompt], select: Mapping[str, Scored]) -> Prompt:
        """The first that does not lose on ordinary clips; among equals the one that loses least."""
        clips, rule = self.data.agreement, self.objective.targets
        if clips is None or ranked[0].id == NEUTRAL.prompt.id:
            return ranked[0]
        self.watcher.phase(f"checking on {clips.name}")
        ordinary, close = Agreement(self.scorer, clips, rule), _close(ranked, select, rule)
        found = ordinary.losses(close)
        others = [prompt for prompt in ranked if prompt not in close]
        for prompt in [*sorted(close, key=lambda one: found[one.id].value), *others]:
            loss = found.get(prompt.id) or ordinary.losses([prompt])[prompt.id]
            detail = {"prompt": prompt.id, "loss": loss.value, "measure": loss.measure, "passed": loss.passed}
            self._decide("agreement", detail)
            if loss.passed:
                return prompt
            self._pass_over(prompt, f"{loss} lost on ordinary clips")
        raise AssertionError("neutral loses nothing against itself")

    def _constrained(self, ranked: Sequence[Prompt], select: Mapping[str, Scored]) -> tuple[Prompt, str]:
        """Lowest SBErr on the select side among those shown not to lose ``margin`` on ordinary clips; the
        proof in one line."""
        clips, objective = self.data.agreement, self.objective
        if clips is None:
            raise UserError(
                "objective.rule sberr needs ordinary clips: set data.agreement, or use rule score"
            )
        self.watcher.phase(f"checking on {clips.name}")
        ordinary = self.scorer.score(ranked, clips)
        in_order = {prompt.id: select[prompt.id] for prompt in ranked}
        choice = lowest_sberr(NEUTRAL.prompt.id, in_order, ordinary, objective.margin, objective.targets)
        for prompt_id, one in choice.checks.items():
            detail = {
                "prompt": prompt_id,
                "low": one.low,
                "p": one.p,
                "level": one.level,
                "passed": one.shown,
            }
            self._decide("noninferiority", detail | {"margin": objective.margin})
        by_id = {prompt.id: prompt for prompt in ranked}
        for prompt_id in choice.passed_over:
            one = choice.checks[prompt_id]
            held = f"p {_percent(one.p)}, held against {_percent(one.level)}"
            loss = f"a loss of {100 * objective.margin:g} points on ordinary clips is not ruled out ({held})"
            self._pass_over(by_id[prompt_id], loss)
        return by_id[choice.winner], _proof(choice, objective.margin, clips)

    def _report(self, name: str, clips: ClipSet, asked: Sequence[Prompt]) -> dict[str, Scored]:
        self.watcher.phase(f"reporting on {name}")
        return self.scorer.score(asked, clips)

    def _decide(self, kind: str, detail: dict[str, Any]) -> None:
        """Remember a decision, once: a resumed run takes the same ones again."""
        known = [(one.kind, one.detail) for one in self.history.decisions(self.run_id)]
        if (kind, detail) not in known:
            self.history.add_decision(self.run_id, kind, detail)


def _in_turn(answered: Sequence[ScoredPrompt], sberr: Mapping[str, float]) -> list[ScoredPrompt]:
    """Those of lowest SBErr and those of best score by turns, each once: of the first n at least half are of
    the lowest SBErr. On equal SBErr the better score goes first."""
    lowest = sorted(answered, key=lambda one: sberr[one.prompt.id])
    turns = chain.from_iterable(zip_longest(lowest, answered))
    return list({one.prompt.id: one for one in turns if one is not None}.values())


def _proof(choice: Choice, margin: float, clips: ClipSet) -> str:
    """What was shown, at which level."""
    count, won = len(choice.checks), choice.checks.get(choice.winner)
    loss = f"a loss of {100 * margin:g} points or more on {len(clips)} ordinary clips"
    if not count:
        return f"No finalist has a lower SBErr than neutral, so none was tested for {loss}."
    together = f"{count} tested for {loss}, together at {_percent(LEVEL)} (Holm)"
    if won is None:
        return f"Finalists: {together}; it was ruled out for none."
    shown = sum(one.shown for one in choice.checks.values())
    held = f"p {_percent(won.p)}, held against {_percent(won.level)}"
    return f"Finalists: {together}; it was ruled out for {shown}, for the winner with {held}."


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


def _close(ranked: Sequence[Prompt], select: Mapping[str, Scored], rule: Rule) -> list[Prompt]:
    """The first, and prompts at most a standard error of the difference behind it, on every target.

    Only such as are ahead of neutral, too: nobody is the winner for losing less than it found.
    """
    first = select[ranked[0].id]
    ahead = takewhile(lambda prompt: prompt.id != NEUTRAL.prompt.id, ranked[1:])
    return [ranked[0], *(prompt for prompt in ahead if _is_close(first, select[prompt.id], rule))]


def _is_close(first: Scored, other: Scored, rule: Rule) -> bool:
    theirs = judged(other, rule)
    for name, mine in judged(first, rule).items():
        behind = paired_difference(mine.answers, theirs[name].answers, mine.clusters())
        if behind.value > (behind.error or 0.0):
            return False
    return True


def baseline_prompts(with_prefixed: bool) -> list[Prompt]:
    """The hand-written prompts, neutral first; the prefixed one only where choices can be written so."""
    entries = [entry for entry in LIBRARY.values() if with_prefixed or entry.choice_style == "plain"]
    return [entry.prompt for entry in entries]
