"""A run in words: what a model that proposes reads of scores, failures, differences and predictions."""

from collections.abc import Callable, Mapping, Sequence

from agents.strategies.metaprompt import percent
from agents.tools import (
    Diff,
    Flip,
    Rows,
    called,
    common,
    confidence,
    exemplars,
    expectation,
    failure_clusters,
    hardness,
    outcome,
    scene_confusions,
    without_expectation,
)
from prompts.view import HistoryView, Refusal, ScoredPrompt
from vllm_eval.evaluator import AnswerRow

NOTHING = "(nothing)"


def line(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())


def scores(one: ScoredPrompt) -> str:
    """A prompt with its name, numbers and idea."""
    metrics = one.metrics
    numbers = f"SHAcc {percent(metrics.shacc.value)} SBErr {percent(metrics.sberr.value)} (n={metrics.n})"
    why = without_expectation(one.prompt.hypothesis)
    return f"{called(one)} {numbers}: {line(one.prompt.text)}" + (
        f" (idea: {line(why)[:120]})" if why else ""
    )


def prompts(some: Sequence[ScoredPrompt]) -> str:
    """One line a prompt."""
    return "\n".join(scores(one) for one in some) or NOTHING


def confusions(one: ScoredPrompt, top: int) -> str:
    """Most frequent scene-for-action confusions of a prompt."""
    found = scene_confusions(one, top)
    told = [f"{c.count} x action {c.human!r} taken for {c.answered!r}, the scene's" for c in found]
    return "\n".join(told) or NOTHING


def clusters(rows: Rows, top: int) -> str:
    """Where a prompt fails most, by scene and by action."""
    told = [
        f"{c.by} {c.name!r}: {c.failed} of {c.clips} clips wrong, {c.to_scene} of them named the scene"
        for c in failure_clusters(rows, top)
    ]
    return "\n".join(told) or NOTHING


def stubbornness(rows: Mapping[str, Rows]) -> str:
    """How many clips no prompt gets right, all do, and some do."""
    groups = hardness(rows)
    return (
        f"{len(groups.stubborn)} clips are wrong under every prompt, {len(groups.solved)} right under every "
        f"one, {len(groups.wavering)} depend on the prompt"
    )


def difference(before: ScoredPrompt, after: ScoredPrompt, found: Diff, most: int = 6) -> str:
    """Which clips one prompt fixed and broke against another."""
    head = (
        f"{called(after)} against {called(before)} on {found.common} clips: "
        f"{len(found.fixed)} fixed, {len(found.broke)} broken"
    )
    fixed = [f"fixed {_flip(one)}" for one in found.fixed[:most]]
    broke = [f"broke {_flip(one)}" for one in found.broke[:most]]
    return "\n".join([head, *fixed, *broke])


def failures(rows: Rows, most: int = 10) -> str:
    """At most so many failing clips that stand for all."""
    return "\n".join(failure(row) for row in exemplars(rows, most)) or NOTHING


def failure(row: AnswerRow) -> str:
    """One failing clip."""
    scene = f" in the scene of {row.background!r}" if row.background else ""
    sure = confidence(row)
    said = repr(row.answer.label) if row.answer.label else "nothing that can be read"
    with_ = f", {100 * sure:.0f} % sure" if sure is not None else ""
    return f"clip {row.clip_id}: {row.human!r}{scene}, answered {said}{with_}"


def predictions(view: HistoryView, rows: Callable[[str], Rows], most: int = 6) -> str:
    """What the latest proposals expected against their parents, and what came of it."""
    proposed = sorted((one for one in view.scored if one.position >= 0), key=lambda one: -one.position)
    told: list[str] = []
    for child in proposed[:most]:
        parent = next((one for name in child.prompt.parents if (one := view.get(name))), None)
        if parent:
            told.append(_came_of(child, parent, rows))
    return "\n".join(told) or NOTHING


def _came_of(child: ScoredPrompt, parent: ScoredPrompt, rows: Callable[[str], Rows]) -> str:
    """On the clips both answered: a child given up early has fewer of everything."""
    before, after = common(rows(parent.prompt.id), rows(child.prompt.id))
    if not after:
        return f"{called(child)} from {called(parent)}: no clip answered by both"
    change = f"SHAcc {_change(before, after, 'human')} SBErr {_change(before, after, 'background')}"
    counts = outcome(expectation(child.prompt.hypothesis), before, after)
    said = [f"{c.what}: {c.before} to {c.after}{'' if c.came_true else ', not as expected'}" for c in counts]
    told = f"{called(child)} from {called(parent)}, on {len(after)} clips: {change}"
    return told + (f"; {'; '.join(said)}" if said else "")


def _change(before: Rows, after: Rows, kind: str) -> str:
    was, now = (percent(sum(row.answer.kind == kind for row in rows) / len(rows)) for rows in (before, after))
    return f"{was} to {now}"


def refusals(refused: Sequence[Refusal], most: int = 4) -> str:
    """The latest refusals with their reasons."""
    return "\n".join(f"{line(one.text)[:160]} ({one.reason})" for one in refused[-most:]) or NOTHING


def _flip(one: Flip) -> str:
    scene = f" in the scene of {one.background!r}" if one.background else ""
    return f"clip {one.clip}: {one.human!r}{scene}, said {one.before!r} before and {one.after!r} after"
