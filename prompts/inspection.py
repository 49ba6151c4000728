"""What `python -m prompts` tells, as plain rows and dictionaries: fractions 0..1, ready for JSON and CSV."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from typing import Any

from assets.errors import UserError
from prompts.answers import grouped
from prompts.history import History, score_rows
from prompts.library import LIBRARY, name_of
from prompts.prompt import Prompt
from prompts.records import RunCounts, RunRecord, ScoredIn, clusters_of
from prompts.view import ScoredPrompt
from vllm_eval.breakdown import breakdown
from vllm_eval.engine import Answer
from vllm_eval.evaluator import AnswerRow

Row = dict[str, Any]

_NEAR = 3  # ids to name where none fits


def find_run(history: History, wanted: str) -> RunRecord:
    """The run whose id begins so, or the "latest". Raises UserError unless it is one."""
    runs = history.runs()
    found = runs[-1:] if wanted == "latest" else [run for run in runs if run.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    near = get_close_matches(wanted, [run.id for run in runs], _NEAR, 0.4) if not found else []
    if near:
        raise UserError(f"run {wanted!r} must name one run of {history.url}; near: {', '.join(near)}")
    some = ", ".join(run.id for run in (found or runs)[-3:]) or "none yet"
    raise UserError(f"run {wanted!r} must name one run of {history.url}; latest: {some}")


def find_prompt(history: History, wanted: str) -> Prompt:
    """The prompt whose id begins so, or the hand-written one of that name. UserError names near ones."""
    name = wanted.lower()
    try:
        return history.prompt(name)
    except UserError:  # told below, with what is near
        ids = [prompt.id for prompt in history.prompts()]
    several = [one for one in ids if one.startswith(name)]
    near = several[:_NEAR] or get_close_matches(name, [*LIBRARY, *ids], _NEAR, 0.4)
    told = f"{len(several)} begin so, " if several else ""
    some = f"{told}near: {', '.join(near)}" if near else "none is near"
    raise UserError(
        f"prompt {wanted!r} must name one prompt of {history.url}; {some}; "
        "`python -m prompts list latest` shows what there is"
    )


def run_rows(history: History) -> list[Row]:
    """One row per run, latest first."""
    counts = history.run_counts()
    return [_run_row(run, counts.get(run.id, RunCounts())) for run in reversed(history.runs())]


def prompt_rows(history: History, run_id: str) -> list[Row]:
    """One row per prompt, data set and format of a run; within a data set the largest bias gap first."""
    rows = []
    for place, scored in history.scored(run_id).items():
        where = {"dataset": place.dataset, "format": place.format_key}
        rows.append(where | _prompt_row(place.prompt_id, scored))
    return sorted(rows, key=lambda row: (row["dataset"], row["format"], -row["bias_gap"], row["id"]))


def prompt_detail(
    history: History, wanted: str, run_id: str | None = None, dataset: str | None = None
) -> Row:
    """Everything about one prompt: text, lineage, and its metrics wherever it was scored.

    Scores of one run, and on data sets whose name holds ``dataset``, where these are given.
    """
    prompt = find_prompt(history, wanted)
    known = {other.id: other for other in history.prompts()}
    lineage = _ancestors(prompt, known)
    answers = history.answers_for(run_id, prompt.id)
    answers = [row for row in answers if dataset is None or dataset in row.dataset]
    return {
        "id": prompt.id,
        "name": name_of(prompt.id),
        "text": prompt.text,
        "origin": prompt.origin,
        "hypothesis": prompt.hypothesis,
        "lineage": [{"id": one, "text": known[one].text if one in known else None} for one in lineage],
        "children": [other.id for other in known.values() if prompt.id in other.parents],
        "proposed": _proposed(history, prompt.id, {row.run_id for row in answers}),
        "scores": [
            {"run": place.run_id, "dataset": place.dataset, "format": place.format_key} | told
            for place, told in _scores(prompt, answers)
        ],
        "cost": cost(answers),
    }


def _scores(prompt: Prompt, answers: Sequence[AnswerRow]) -> Iterator[tuple[ScoredIn, Row]]:
    """Metrics, classes and cost wherever the prompt was scored; runs that share all answers share them."""
    known: dict[tuple[Answer, ...], Row] = {}
    for place, rows in grouped(answers):
        said = tuple(row.answer for row in rows)  # not their keys: a failure and its retry have the same
        if said not in known:
            found = _metrics(score_rows(prompt, rows))
            known[said] = found | {"classes": class_rows(rows), "cost": cost(rows)}
        yield place, known[said]


def class_rows(rows: Sequence[AnswerRow]) -> list[Row]:
    """SHAcc and SBErr of one prompt per class of the person, the worst first."""
    parts = [(row.human,) for row in rows]
    found = breakdown([row.answer for row in rows], clusters_of(rows), parts)
    classes = [
        {"class": name, "shacc": asdict(one.shacc), "sberr": asdict(one.sberr), "n": one.n}
        for name, one in found.items()
    ]
    return sorted(classes, key=lambda one: (one["shacc"]["value"], one["class"]))


def cost(rows: Sequence[AnswerRow]) -> Row:
    """What these answers took, each counted once however many runs used it. ``seconds`` of the engine."""
    answers = dict.fromkeys(row.answer for row in rows)
    return {
        "answers": len(answers),
        "errors": sum(answer.kind == "error" for answer in answers),
        "prompt_tokens": sum(answer.prompt_tokens for answer in answers),
        "cached_tokens": sum(answer.cached_tokens for answer in answers),
        "seconds": sum(answer.seconds for answer in answers),
    }


def _proposed(history: History, prompt_id: str, runs: set[str]) -> list[Row]:
    """When the prompt was put forward in these runs, what its optimizer had been sent and what it replied."""
    return [
        {"run": run, "round": one.round, "verdict": one.verdict, "reason": one.reason}
        | {"request": history.conversation(one), "reply": one.raw}
        for run in sorted(runs)
        for one in history.proposals(run, prompt_id)
    ]


def answer_rows(history: History, run_id: str | None) -> list[Row]:
    """One row per answer of a run, or of the whole history."""
    return [_answer_row(row) for row in history.answers_for(run_id)]


def export_rows(history: History, run_id: str | None) -> list[Row]:
    """One row per scored prompt of a run, or of all runs."""
    runs = [run_id] if run_id else [run.id for run in history.runs()]
    return [{"run": run} | row for run in runs for row in prompt_rows(history, run)]


def csv_cells(rows: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Rows for a spreadsheet: text that it would run as a formula gets a leading apostrophe."""
    for row in rows:
        yield {key: _harmless(value) if isinstance(value, str) else value for key, value in row.items()}


def _harmless(text: str) -> str:
    """Spreadsheets skip blanks before they look for a formula; a tab or a line break starts one as well."""
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) or text[:1] in "\t\r" else text


def _run_row(run: RunRecord, counts: RunCounts) -> Row:
    return {
        "id": run.id,
        "started": run.started,
        "finished": run.finished,
        "status": run.status,
        "seed": run.seed,
        "code_version": run.code_version,
        "prompts": counts.prompts,
        "accepted": counts.accepted,
        "refused": counts.refused,
        "datasets": list(counts.datasets),
        "summary": run.summary,
    }


def _prompt_row(prompt_id: str, scored: ScoredPrompt) -> Row:
    metrics = scored.metrics
    return {
        "id": prompt_id,
        "name": name_of(prompt_id),
        "origin": scored.prompt.origin,
        "text": scored.prompt.text,
        "shacc": metrics.shacc.value,
        "shacc_low": metrics.shacc.low,
        "shacc_high": metrics.shacc.high,
        "sberr": metrics.sberr.value,
        "sberr_low": metrics.sberr.low,
        "sberr_high": metrics.sberr.high,
        "bias_gap": metrics.bias_gap.value,
        "bias_gap_low": metrics.bias_gap.low,
        "bias_gap_high": metrics.bias_gap.high,
        "unparsed": metrics.unparsed.value,
        "chance": metrics.chance,
        "n": metrics.n,
        "errors": metrics.errors,
    }


def _metrics(scored: ScoredPrompt) -> Row:
    confusions = [asdict(one) for one in scored.confusions]
    return asdict(scored.metrics) | {"confusions": confusions}


def _answer_row(row: AnswerRow) -> Row:
    answer = row.answer
    return {
        "run": row.run_id,
        "dataset": row.dataset,
        "format": row.format_key,
        "prompt": row.prompt_id,
        "clip": row.clip_id,
        "human": row.human,
        "background": row.background,
        "kind": answer.kind,
        "label": answer.label,
        "text": answer.text,
        "error": answer.error,
        "logprobs": None if answer.logprobs is None else list(answer.logprobs),
        "prompt_tokens": answer.prompt_tokens,
        "cached_tokens": answer.cached_tokens,
        "seconds": answer.seconds,
        "key": answer.key,
    }


def _ancestors(prompt: Prompt, known: Mapping[str, Prompt]) -> list[str]:
    """Parents before grandparents, each once: two prompts may well name each other as parents."""
    found: dict[str, None] = {}
    waiting = list(prompt.parents)
    while waiting:
        parent = waiting.pop(0)
        if parent != prompt.id and parent not in found:
            found[parent] = None
            waiting.extend(known[parent].parents if parent in known else ())
    return list(found)
