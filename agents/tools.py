"""What an agent can find out about a run: pure functions over the history's view and its answers.

Answers that are errors say nothing about a prompt and are left out; in a comparison, on both sides.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Literal

from prompts.library import LIBRARY, PREFIXED, name_of
from prompts.view import Confusion, HistoryView, ScoredPrompt, comparable, dominates
from vllm_eval.evaluator import AnswerRow

Rows = Sequence[AnswerRow]


@dataclass(frozen=True)
class Flip:
    """A clip on which two prompts differ in being right. Labels are None where nothing readable was said."""

    clip: str
    human: str
    background: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Diff:
    """From one prompt to another on the ``common`` clips both were asked about without error."""

    fixed: tuple[Flip, ...]
    broke: tuple[Flip, ...]
    common: int


@dataclass(frozen=True)
class Cluster:
    """Failures that have something in common: ``failed`` of ``clips`` clips, ``to_scene`` named the scene."""

    by: Literal["scene", "action"]
    name: str
    failed: int
    clips: int
    to_scene: int


@dataclass(frozen=True)
class Hardness:
    """Clips by how many of the prompts get them right: no prompt, every prompt, or some."""

    stubborn: tuple[str, ...]
    solved: tuple[str, ...]
    wavering: tuple[str, ...]


@dataclass(frozen=True)
class Expected:
    """What a proposal says will happen: these (action, answered) confusions grow fewer, these clips turn."""

    fewer: tuple[tuple[str, str], ...] = ()
    clips: tuple[str, ...] = ()

    def __str__(self) -> str:
        pairs = [f"{human} taken for {answered}" for human, answered in self.fewer]
        return "; ".join([*pairs, *(f"clip {clip}" for clip in self.clips)])


@dataclass(frozen=True)
class Count:
    """One prediction and what came of it: how often before (under the parent) and after."""

    what: str
    before: int
    after: int

    @property
    def came_true(self) -> bool:
        """It grew fewer."""
        return self.after < self.before


def called(scored: ScoredPrompt) -> str:
    """A short name that stays the same through a run: P7 for the eighth proposal, or the library's name."""
    return f"P{scored.position}" if scored.position >= 0 else name_of(scored.prompt.id) or scored.prompt.id


def named(view: HistoryView, name: str) -> ScoredPrompt | None:
    """The prompt called so, or with that id."""
    wanted = name.strip().lstrip("#").casefold()
    wanted = LIBRARY[wanted].prompt.id if wanted in LIBRARY else wanted
    for scored in view.scored:
        if wanted in (called(scored).casefold(), scored.prompt.id):
            return scored
    return None


def texts(view: HistoryView) -> list[ScoredPrompt]:
    """What was scored as a text, best first; the prefixed baseline is the neutral text once more."""
    return [scored for scored in view.scored if scored.prompt.id != PREFIXED.prompt.id and scored.metrics.n]


def pareto_front(view: HistoryView) -> list[ScoredPrompt]:
    """Prompts no other one dominates in SHAcc (up), SBErr (down) and number of words (down), best first."""
    return undominated(texts(view))


def undominated(scored: Sequence[ScoredPrompt]) -> list[ScoredPrompt]:
    """Those of them no other one of them dominates, in their order."""
    goals = {one.prompt.id: objectives(one) for one in scored}
    return [
        one
        for one in scored
        if not any(dominates(goals[other.prompt.id], goals[one.prompt.id]) for other in scored)
    ]


def objectives(scored: ScoredPrompt) -> tuple[float, float, float]:
    """SHAcc, minus SBErr, minus the number of words: all to be maximised; shares by ``comparable``."""
    return *comparable(scored), -float(len(scored.prompt.text.split()))


def diff(before: Rows, after: Rows) -> Diff:
    """Which clips the second prompt answers right and the first does not, and the reverse."""
    pairs = list(zip(*common(before, after), strict=True))
    flips: dict[bool, list[Flip]] = {True: [], False: []}
    for one, other in pairs:
        was, now = one.answer.kind == "human", other.answer.kind == "human"
        if was != now:
            labels = one.answer.label, other.answer.label
            flips[now].append(Flip(one.clip_id, one.human, one.background, *labels))
    return Diff(tuple(flips[True]), tuple(flips[False]), len(pairs))


def failure_clusters(rows: Rows, top: int | None = None) -> list[Cluster]:
    """Failures counted over all clips of a scene and over all clips of an action, largest first."""
    counts: dict[tuple[Literal["scene", "action"], str], list[int]] = {}
    for row in rows:
        if row.answer.kind == "error":
            continue
        failed, lured = row.answer.kind != "human", row.answer.kind == "background"
        for key in _members(row):
            count = counts.setdefault(key, [0, 0, 0])
            for place, one in enumerate((failed, True, lured)):
                count[place] += one
    clusters = [Cluster(*key, *count) for key, count in counts.items() if count[0]]
    return sorted(clusters, key=lambda one: (-one.failed, one.by, one.name))[:top]


def _members(row: AnswerRow) -> Iterable[tuple[Literal["scene", "action"], str]]:
    yield "action", row.human
    if row.background is not None:
        yield "scene", row.background


def scene_confusions(scored: ScoredPrompt, top: int | None = None) -> list[Confusion]:
    """Which scene's action is named in place of which person's, most frequent first."""
    return [one for one in scored.confusions if one.kind == "background"][:top]


def hardness(rows: Mapping[str, Rows]) -> Hardness:
    """Over prompts (id -> answers): clips that none, all, or some of them get right."""
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for answers in rows.values():
        for row in answers:
            if row.answer.kind != "error":
                asked[row.clip_id] += 1
                right[row.clip_id] += row.answer.kind == "human"
    groups: dict[str, list[str]] = {"none": [], "all": [], "some": []}
    for clip, count in asked.items():
        groups["none" if not right[clip] else "all" if right[clip] == count else "some"].append(clip)
    return Hardness(tuple(groups["none"]), tuple(groups["all"]), tuple(groups["some"]))


def exemplars(rows: Rows, most: int = 10) -> list[AnswerRow]:
    """Failing clips that stand for all failures: one of each frequent confusion, then a second, and so on.

    Within a confusion the surest answers come first: there the prompt went most wrong.
    """
    groups: dict[tuple[str, str | None], list[AnswerRow]] = {}
    for row in rows:
        if row.answer.kind not in ("human", "error"):
            groups.setdefault((row.human, row.answer.label), []).append(row)
    queues = sorted(groups.values(), key=lambda group: (-len(group), group[0].clip_id))
    for queue in queues:
        queue.sort(key=lambda row: (-(confidence(row) or 0.0), row.clip_id))
    dealt = [queue[turn] for turn in range(most) for queue in queues if turn < len(queue)]
    return dealt[:most]


def confidence(row: AnswerRow) -> float | None:
    """The probability of the answered choice among the choices; None where the engine tells none."""
    logprobs = row.answer.logprobs
    if not logprobs:
        return None
    highest = max(logprobs)
    return 1 / sum(exp(value - highest) for value in logprobs)


_EXPECTS = re.compile(r"\s*\[expects fewer: (.*)\]\s*$", re.S)


def with_expectation(hypothesis: str, expected: Expected) -> str:
    """The hypothesis as it is stored: what is expected stands behind it in brackets."""
    told = str(expected)
    return f"{hypothesis} [expects fewer: {told}]".strip() if told else hypothesis


def expectation(hypothesis: str) -> Expected:
    """What a stored hypothesis expects; nothing where it says nothing."""
    found = _EXPECTS.search(hypothesis)
    parts = [part.strip() for part in found.group(1).split(";")] if found else []
    pairs = [part.partition(" taken for ") for part in parts]
    return Expected(
        tuple((human, answered) for human, said, answered in pairs if said),
        tuple(part.removeprefix("clip ") for part in parts if part.startswith("clip ")),
    )


def without_expectation(hypothesis: str) -> str:
    """The hypothesis alone."""
    return _EXPECTS.sub("", hypothesis)


def outcome(expected: Expected, before: Rows, after: Rows) -> list[Count]:
    """What came of predictions, one count each: confusions by number, clips by being wrong.

    ``before`` and ``after`` are the answers of parent and child. Only clips that both answered count: a child
    given up early has fewer of everything.
    """
    first, second = common(before, after)
    counts = [
        Count(
            f"{human} taken for {answered}", *(_confused(rows, human, answered) for rows in (first, second))
        )
        for human, answered in expected.fewer
    ]
    wrong = [{row.clip_id: row.answer.kind != "human" for row in rows} for rows in (first, second)]
    for clip in expected.clips:
        if clip in wrong[0]:
            counts.append(Count(f"clip {clip} wrong", *(int(known[clip]) for known in wrong)))
    return counts


def common(before: Rows, after: Rows) -> tuple[list[AnswerRow], list[AnswerRow]]:
    """The answers of both to the clips that both answered, without errors, in the order of the second."""
    first = {row.clip_id: row for row in before if row.answer.kind != "error"}
    second = [row for row in after if row.answer.kind != "error" and row.clip_id in first]
    return [first[row.clip_id] for row in second], second


def _confused(rows: Rows, human: str, answered: str) -> int:
    return sum((row.human, row.answer.label) == (human, answered) for row in rows)
