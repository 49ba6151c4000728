"""What `python -m prompts` tells, as plain rows and dictionaries: fractions 0..1, ready for JSON and CSV."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from assets.errors import UserError
from prompts.answers import grouped
from prompts.history import History, score_rows
from prompts.library import name_of
from prompts.prompt import Prompt
from prompts.records import RunRecord
from prompts.view import ScoredPrompt
from vllm_eval.evaluator import AnswerRow

Row = dict[str, Any]

TOP_CONFUSIONS = 5


def find_run(history: History, wanted: str) -> RunRecord:
    """The run whose id begins so, or the "latest". Raises UserError unless it is one."""
    runs = history.runs()
    found = runs[-1:] if wanted == "latest" else [run for run in runs if run.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    some = ", ".join(run.id for run in (found or runs)[-3:]) or "none yet"
    raise UserError(f"run {wanted!r} must name one run of {history.url}; latest: {some}")


def run_rows(history: History) -> list[Row]:
    """One row per run, latest first."""
    return [_run_row(history, run) for run in reversed(history.runs())]


def prompt_rows(history: History, run_id: str) -> list[Row]:
    """One row per prompt, data set and format of a run; within a data set the largest bias gap first."""
    prompts = {prompt.id: prompt for prompt in history.prompts(run_id)}
    rows = []
    for place, answers in grouped(history.answers_for(run_id)):
        prompt = prompts.get(place.prompt_id)
        scored = score_rows(prompt or Prompt("(text unknown)"), answers)
        where = {"dataset": place.dataset, "format": place.format_key}
        rows.append(where | _prompt_row(place.prompt_id, scored))
    return sorted(rows, key=lambda row: (row["dataset"], row["format"], -row["bias_gap"], row["id"]))


def prompt_detail(history: History, wanted: str) -> Row:
    """Everything about one prompt: text, lineage, and its metrics wherever it was scored."""
    prompt = history.prompt(wanted)
    known = {other.id: other for other in history.prompts()}
    lineage = _ancestors(prompt, known)
    return {
        "id": prompt.id,
        "name": name_of(prompt.id),
        "text": prompt.text,
        "origin": prompt.origin,
        "hypothesis": prompt.hypothesis,
        "lineage": [{"id": one, "text": known[one].text if one in known else None} for one in lineage],
        "children": [other.id for other in known.values() if prompt.id in other.parents],
        "scores": [
            {"run": place.run_id, "dataset": place.dataset, "format": place.format_key}
            | _metrics(score_rows(prompt, answers))
            for place, answers in grouped(history.answers_for(prompt_id=prompt.id))
        ],
    }


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
        yield {
            key: f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
            for key, value in row.items()
        }


def _run_row(history: History, run: RunRecord) -> Row:
    verdicts = [proposal.verdict for proposal in history.proposals(run.id)]
    return {
        "id": run.id,
        "started": run.started,
        "finished": run.finished,
        "status": run.status,
        "seed": run.seed,
        "code_version": run.code_version,
        "prompts": len(history.prompts(run.id)),
        "accepted": verdicts.count("accepted"),
        "refused": verdicts.count("refused"),
        "datasets": history.datasets(run.id),
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
        "unparsed": metrics.unparsed.value,
        "chance": metrics.chance,
        "n": metrics.n,
        "errors": metrics.errors,
    }


def _metrics(scored: ScoredPrompt) -> Row:
    confusions = [asdict(one) for one in scored.confusions[:TOP_CONFUSIONS]]
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
