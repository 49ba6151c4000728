"""The race of one run: proposals scored through its budget, answer store and history.

A resumed run races all its rounds again with the answers it already has, which costs nothing, and so comes to
the same decisions. What a strategy wants scored on clips of its own choice is asked about those and does not
race. Every decision is in the history as "race/WHY".
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import inf
from typing import Any

from agents.config import OptimizerConfig
from agents.pooling import Pooled
from agents.race import Race, Rules, Verdict, Why
from agents.race_board import Seen, seen
from agents.race_order import blocks, racing_order, unit_of
from agents.scoring import Scorer
from agents.targets import Rule, target_of
from agents.watcher import Watcher
from prompts.history import History
from prompts.library import NEUTRAL
from prompts.prompt import Prompt
from prompts.view import HistoryView, ScoredPrompt, rescored
from videos.clip import ClipSet
from vllm_eval.evaluator import AnswerRow, Scored

ASSIGNED = "race/assigned"


@dataclass
class Racing:
    """``affordable(answers)``: whether so many more leave the run enough to end with.

    With several targets a race compares prompts by the worst of them, or by ``rule`` on what all of them
    answered.
    """

    history: History
    run_id: str
    scorer: Scorer
    watcher: Watcher
    tune: ClipSet
    config: OptimizerConfig
    seed: int
    affordable: Callable[[int], bool]
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    rule: Rule = "worst"

    def __post_init__(self) -> None:
        self.pooled = Pooled(self.history, self.run_id, self.tune)
        self._tune = racing_order(self.tune, self.seed)
        self._place = {clip.id: place for place, clip in enumerate(self._tune.clips)}
        names = self.pooled.names
        copies = max(1, len(names))  # what the configuration counts are clips, whoever answers
        self._blocks = blocks(self._tune, copies * self.config.racing.block)
        self._known: dict[str, Prompt] = {}
        self._baselines: set[str] = set()
        self._told = {_name(one.kind, one.detail) for one in self.history.decisions(self.run_id)}
        numbers: dict[str, int] = {}
        units = [numbers.setdefault(unit_of(clip), len(numbers)) for clip in self._tune.clips]
        values = self.config.racing.model_dump(exclude={"block"})
        values |= {key: copies * values[key] for key in ("surrogate_clips", "twin_clips")}
        parts = [self._places(name) for name in names] if self.rule == "worst" else []
        rules = Rules(**values)
        self._race = Race([len(block) for block in self._blocks], units, rules, self._ask, parts)

    def begin(self, baselines: Sequence[Prompt]) -> Scored:
        """Score the hand-written prompts as far as it takes to know the best; neutral's first answers."""
        self._baselines = {prompt.id for prompt in baselines}
        first = self._tune if self.config.race == "none" else self._blocks[0]
        scored = self.scorer.score(baselines, first)
        self._note(scored, baselines)
        self._race.references([prompt.id for prompt in baselines])
        return scored[NEUTRAL.prompt.id]

    def score(self, prompts: Sequence[Prompt], number: int) -> None:
        """Score the prompts of a round, as far as it takes."""
        assigned = self._assigned()
        mine = [prompt for prompt in prompts if prompt.id in assigned]
        others = [prompt for prompt in prompts if prompt.id not in assigned]
        together: dict[frozenset[str], list[Prompt]] = {}
        for prompt in mine:
            together.setdefault(frozenset(assigned[prompt.id]), []).append(prompt)
        for wanted, alike in together.items():
            clips = tuple(clip for clip in self._tune.clips if clip.id in wanted)
            self._note(self.scorer.score(alike, replace(self._tune, clips=clips)), alike)
        if self.config.race == "none":
            if others:
                self._all(others)
            return
        self._known |= {prompt.id: prompt for prompt in others}
        before = self._race.incumbent
        for verdict in self._race.run([prompt.id for prompt in others]):
            self.verdicts[verdict.prompt] = verdict
            self._decide(f"race/{verdict.why}", {"round": number} | _detail(verdict))
        if self._race.incumbent != before:
            self._decide("race/incumbent", {"round": number, "prompt": self._race.incumbent, "after": before})

    def assignment(self, prompt: Prompt, clips: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
        """The decision that this prompt is to be scored on these clips alone, to be stored with its proposal.

        Ids of no tune clip count for none; without any there is nothing to decide, and the prompt races.
        """
        known = [clip for clip in clips if clip in self._place]
        return [(ASSIGNED, {"prompt": prompt.id, "clips": known})] if known else []

    def settle(self, finalists: int) -> None:
        """Ask about all clips whoever ranks among the finalists, until nobody there lacks any.

        Stops earlier after twice as many prompts, or when no more is affordable.
        """
        for _ in range(2 * finalists):
            self._synced()
            scores = self.scores()
            out = {*self._baselines, *self._race.twins}
            known = [one for one in self._known if one in scores and one not in out]
            ahead = sorted(known, key=lambda one: -scores[one])[:finalists]
            lacking = [self._known[one] for one in ahead if self._race.lacking(one)]
            if not lacking or not self.affordable(self.scorer.missing(lacking[:1], self._tune)):
                return
            self._all(lacking[:1])

    def view(self) -> HistoryView:
        """The history's view with scores that rank fairly."""
        return rescored(self._synced(), self.scores())

    def scores(self) -> dict[str, float]:
        """Fair scores of everything seen; with several targets by ``rule`` those of the worst."""
        return self._race.scores()

    def twins(self) -> Mapping[str, str]:
        """Prompts that act like another, and that one."""
        return self._race.twins

    def worst(self) -> int:
        """The most answers that the next prompt can cost, besides its own: what the incumbent lacks."""
        return self._race.lacking(self._race.incumbent) if self._race.incumbent else 0

    def told(self, scored: ScoredPrompt) -> str:
        """How many clips a prompt got, and why no more."""
        size, verdict = len(self._tune), self.verdicts.get(scored.prompt.id)
        clips = self._race.board.count(scored.prompt.id) or scored.metrics.n
        if verdict is None or verdict.why == "complete":
            return f"on {clips} of {size} clips"
        points = f"{100 * verdict.difference:+.0f} points to the best so far"
        why = {
            "futile": f"given up, {points}",
            "won": f"better, {points}",
            "twin": "acts like an earlier one",
        }
        return f"on {clips} of {size} clips ({why[verdict.why]})"

    def summary(self) -> str:
        """What the race saved, in one line; "" without one."""
        if not self.verdicts:
            return ""
        counts = Counter(verdict.why for verdict in self.verdicts.values())
        asked = sum(self._race.board.count(name) for name in self.verdicts)
        full = len(self.verdicts) * len(self._tune)
        told: tuple[tuple[Why, str], ...] = (
            ("futile", "given up"),
            ("twin", "twins"),
            ("won", "better early"),
            ("complete", "to the end"),
        )
        parts = ", ".join(f"{counts[why]} {name}" for why, name in told if counts[why])
        return f"Race: {asked} answers to {len(self.verdicts)} prompts instead of {full}; {parts}"

    def _all(self, prompts: Sequence[Prompt]) -> dict[str, Scored]:
        scored = self.scorer.score(prompts, self._tune)
        self._note(scored, prompts)
        return scored

    def _ask(self, names: Sequence[str], block: int) -> dict[str, Seen]:
        asked = [self._known[name] for name in names]
        scored = self.scorer.score(asked, self._blocks[block])
        return {prompt.id: self._seen(scored[prompt.id], prompt) for prompt in asked}

    def _note(self, scored: Mapping[str, Scored], prompts: Sequence[Prompt]) -> None:
        for prompt in prompts:
            self._known[prompt.id] = prompt
            one = scored[prompt.id]
            places = [self._place[clip.id] for clip in one.clips.clips]
            self._race.board.add(prompt.id, places, self._seen(one, prompt))

    def _places(self, target: str) -> list[int]:
        """Where a target's clips stand, in an order that is the same for all targets."""
        mine = sorted(clip.id for clip in self.tune.clips if target_of(clip.id) == target)
        return [self._place[clip_id] for clip_id in mine]

    def _synced(self) -> HistoryView:
        """The history's view, what a strategy bought by itself noted on the board."""
        view = self.pooled.view()
        for one in view.scored:
            known = self._race.board.asked(one.prompt.id) if one.prompt.id in self._known else inf
            if one.metrics.n + one.metrics.errors > known:
                self._note_rows(one.prompt, self.pooled.answers(one.prompt.id))
        return view

    def _note_rows(self, prompt: Prompt, rows: Sequence[AnswerRow]) -> None:
        places = [self._place[row.clip_id] for row in rows]
        clips = replace(self._tune, clips=tuple(self._tune.clips[place] for place in places))
        sides = [(clip.human, clip.background) for clip in clips.clips]
        choices = self.scorer.choices(prompt, clips)
        self._race.board.add(prompt.id, places, seen([row.answer for row in rows], sides, choices))

    def _seen(self, scored: Scored, prompt: Prompt) -> Seen:
        sides = [(clip.human, clip.background) for clip in scored.clips.clips]
        return seen(scored.answers, sides, self.scorer.choices(prompt, scored.clips))

    def _assigned(self) -> dict[str, set[str]]:
        found = [one.detail for one in self.history.decisions(self.run_id) if one.kind == ASSIGNED]
        return {one["prompt"]: set(one["clips"]) for one in found}

    def _decide(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Remember a decision, once: a resumed run takes the same ones again."""
        name = _name(kind, detail)
        if name not in self._told:
            self._told.add(name)
            self.history.add_decision(self.run_id, kind, detail)


def _name(kind: str, detail: Mapping[str, Any]) -> tuple[str, str, str]:
    return kind, str(detail.get("round")), str(detail.get("prompt"))


def _detail(verdict: Verdict) -> dict[str, Any]:
    values = asdict(verdict) | {"difference": round(verdict.difference, 6)}
    return values | {"evidence": float(f"{verdict.evidence:.4g}")}
