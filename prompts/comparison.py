"""Two prompts on the same clips of one run: paired differences, and the clips one fixed or broke."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assets.errors import UserError
from prompts.answers import grouped
from prompts.history import History
from prompts.library import name_of
from prompts.prompt import Prompt
from prompts.records import clusters_of
from vllm_eval.evaluator import AnswerRow
from vllm_eval.metrics import Estimate, accuracy, bias_metrics
from vllm_eval.statistics import Difference, paired_difference

SWAPPED = ("shacc", "sberr", "gap")
ORDINARY = ("accuracy",)


@dataclass(frozen=True)
class Pair:
    """One clip and what both prompts were answered on it."""

    a: AnswerRow
    b: AnswerRow


@dataclass(frozen=True)
class Compared:
    """b against a on the clips that both were asked. Both by measure; ``differences`` are b - a.

    ``fixed``: a was wrong and b is right; ``broken``: the reverse. Pairs with an error are in neither.
    """

    run_id: str
    dataset: str
    formats: tuple[str, str]
    pairs: tuple[Pair, ...]
    estimates: Mapping[str, tuple[Estimate, Estimate]]
    differences: Mapping[str, Difference]
    fixed: tuple[Pair, ...]
    broken: tuple[Pair, ...]


def is_swapped(rows: Sequence[AnswerRow]) -> bool:
    """Whether any clip's background conflicts with its human; else accuracy is all there is to measure."""
    return any(row.background not in (None, row.human) for row in rows)


def compare(a: Sequence[AnswerRow], b: Sequence[AnswerRow]) -> Compared:
    """Answers of two prompts in one run and data set. Raises ValueError when they share no clip."""
    other = {row.clip_id: row for row in b}
    pairs = tuple(Pair(row, other[row.clip_id]) for row in a if row.clip_id in other)
    if not pairs:
        raise ValueError("the answers share no clip")
    first, second = [pair.a for pair in pairs], [pair.b for pair in pairs]
    measures = SWAPPED if is_swapped(first) else ORDINARY
    answers_a, answers_b = [row.answer for row in first], [row.answer for row in second]
    clusters = clusters_of(first)
    mine, theirs = estimates(first), estimates(second)
    return Compared(
        run_id=first[0].run_id,
        dataset=first[0].dataset,
        formats=(first[0].format_key, second[0].format_key),
        pairs=pairs,
        estimates={name: (mine[name], theirs[name]) for name in measures},
        differences={name: paired_difference(answers_b, answers_a, clusters, name) for name in measures},
        fixed=tuple(pair for pair in pairs if _turned(pair.a, pair.b)),
        broken=tuple(pair for pair in pairs if _turned(pair.b, pair.a)),
    )


def estimates(rows: Sequence[AnswerRow]) -> dict[str, Estimate]:
    """The measures by name with their intervals: SHAcc, SBErr, gap and accuracy."""
    answers, clusters = [row.answer for row in rows], clusters_of(rows)
    metrics = bias_metrics(answers, clusters)
    shares = {"shacc": metrics.shacc, "sberr": metrics.sberr, "gap": metrics.bias_gap}
    return shares | {"accuracy": accuracy(answers, clusters)}


def comparisons(
    history: History, a: Prompt, b: Prompt, run_id: str | None = None, dataset: str = ""
) -> list[Compared]:
    """Wherever one run scored both: in this run, else in the latest that did. One entry per data set.

    Of data sets whose name holds ``dataset``. Raises UserError when no run scored both on a common clip.
    """
    first, second = places(history, a.id, run_id), places(history, b.id, run_id)
    shared = [where for where in first if where in second and dataset in where[1]]
    runs = sorted({run for run, _ in shared})
    for run in reversed(runs):
        found = [
            compare(first[where], second[where])
            for where in shared
            if where[0] == run and {r.clip_id for r in first[where]} & {r.clip_id for r in second[where]}
        ]
        if found:
            return found
    names = " and ".join(name_of(one.id) or one.id for one in (a, b))
    where = (f"run {run_id}" if run_id else "any run") + (
        f" on a data set like {dataset!r}" if dataset else ""
    )
    raise UserError(f"{names} were not scored on common clips in {where}; score them together first")


def places(
    history: History, prompt_id: str, run_id: str | None = None
) -> dict[tuple[str, str], list[AnswerRow]]:
    """The prompt's answers by (run, data set), of the format with most answers."""
    best: dict[tuple[str, str], list[AnswerRow]] = {}
    for place, rows in grouped(history.answers_for(run_id, prompt_id)):
        where = (place.run_id, place.dataset)
        if len(rows) > len(best.get(where, ())):
            best[where] = rows
    return best


def _turned(before: AnswerRow, after: AnswerRow) -> bool:
    return before.answer.kind not in ("human", "error") and after.answer.kind == "human"
