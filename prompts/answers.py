"""The answer store: every answer once, and which runs used it for which score."""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy as sa

from prompts import schema
from prompts.database import CHUNK, Database
from prompts.records import ScoredIn, clean
from vllm_eval.engine import Answer, Kind
from vllm_eval.evaluator import AnswerRow


class Answers:
    """Implements the evaluator's AnswerStore on the tables ``answers`` and ``uses``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, keys: Sequence[str]) -> dict[str, Answer]:
        """Stored answers among these keys, error answers left out so that they are asked again."""
        table, found = schema.answers, {}
        with self._database.read() as connection:
            for start in range(0, len(keys), CHUNK):
                some = table.c.key.in_(keys[start : start + CHUNK])
                for row in connection.execute(sa.select(table).where(some, table.c.kind != "error")):
                    found[row.key] = _answer(row)
        return found

    def add(self, rows: Sequence[AnswerRow]) -> None:
        """Store in one transaction. A stored answer is replaced only if it was an error."""
        if not rows:
            return
        table, now = schema.answers, now_text()
        update = [column.name for column in table.columns if column.name != "key"]
        with self._database.write() as connection:
            values = [_answer_values(row, now) for row in rows]
            self._database.insert(connection, table, values, update, only_if=table.c.kind == "error")
            links = [_use_values(row) for row in rows]
            self._database.insert(connection, schema.uses, links, ["answer_key"])

    def rows(
        self, run_id: str | None = None, prompt_id: str | None = None, dataset: str | None = None
    ) -> list[AnswerRow]:
        """Answers used by a run, prompt and data set (None: any), ordered by these and by clip."""
        uses, table = schema.uses, schema.answers
        query = sa.select(uses, *(c.label(f"a_{c.name}") for c in table.columns)).join(
            table, table.c.key == uses.c.answer_key
        )
        query = _where(query, run_id, prompt_id, dataset)
        order = (uses.c.run_id, uses.c.dataset, uses.c.prompt_id, uses.c.format_key, uses.c.clip_id)
        with self._database.read() as connection:
            return [_row(row) for row in connection.execute(query.order_by(*order))]

    def scored_in(
        self, run_id: str | None = None, prompt_id: str | None = None, dataset: str | None = None
    ) -> list[ScoredIn]:
        """Every (run, data set, prompt, format) that has answers, in the same order as ``rows``."""
        uses = schema.uses
        columns = (uses.c.run_id, uses.c.dataset, uses.c.prompt_id, uses.c.format_key)
        query = _where(sa.select(*columns).distinct(), run_id, prompt_id, dataset).order_by(*columns)
        with self._database.read() as connection:
            return [ScoredIn(*row) for row in connection.execute(query)]


def grouped(rows: Sequence[AnswerRow]) -> Iterator[tuple[ScoredIn, list[AnswerRow]]]:
    """Rows by (run, data set, prompt, format), in order of first appearance."""
    groups: dict[ScoredIn, list[AnswerRow]] = {}
    for row in rows:
        groups.setdefault(ScoredIn(row.run_id, row.dataset, row.prompt_id, row.format_key), []).append(row)
    yield from groups.items()


def now_text() -> str:
    """The current time, UTC, ISO 8601 to the microsecond: sorts as text."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _where(query: Any, run_id: str | None, prompt_id: str | None, dataset: str | None) -> Any:
    uses = schema.uses
    for column, value in ((uses.c.run_id, run_id), (uses.c.prompt_id, prompt_id), (uses.c.dataset, dataset)):
        query = query if value is None else query.where(column == value)
    return query


def _answer(row: Any, prefix: str = "") -> Answer:
    def get(name: str) -> Any:
        return getattr(row, prefix + name)

    logprobs = get("logprobs")
    return Answer(
        key=get("key"),
        text=get("text"),
        label=get("label"),
        kind=cast(Kind, get("kind")),
        logprobs=None if logprobs is None else tuple(logprobs),
        prompt_tokens=get("prompt_tokens"),
        cached_tokens=get("cached_tokens"),
        seconds=get("seconds"),
        error=get("error"),
    )


def _row(row: Any) -> AnswerRow:
    return AnswerRow(
        answer=_answer(row, "a_"),
        prompt_id=row.prompt_id,
        clip_id=row.clip_id,
        human=row.a_human,
        background=row.a_background,
        dataset=row.dataset,
        run_id=row.run_id,
        sources=tuple(row.a_sources),
        choices=row.a_choices,
        format_key=row.format_key,
    )


def _answer_values(row: AnswerRow, now: str) -> dict[str, Any]:
    answer = row.answer
    return {
        "key": answer.key,
        "text": clean(answer.text),
        "label": None if answer.label is None else clean(answer.label),
        "kind": answer.kind,
        "logprobs": _storable(answer.logprobs),
        "prompt_tokens": answer.prompt_tokens,
        "cached_tokens": answer.cached_tokens,
        "seconds": answer.seconds,
        "error": None if answer.error is None else clean(answer.error),
        "prompt_id": row.prompt_id,
        "clip_id": row.clip_id,
        "human": row.human,
        "background": row.background,
        "sources": list(row.sources),
        "choices": row.choices,
        "dataset": row.dataset,
        "run_id": row.run_id,
        "created": now,
    }


def _use_values(row: AnswerRow) -> dict[str, Any]:
    return {
        "run_id": row.run_id,
        "dataset": row.dataset,
        "prompt_id": row.prompt_id,
        "format_key": row.format_key,
        "clip_id": row.clip_id,
        "answer_key": row.answer.key,
    }


def _storable(logprobs: Sequence[float] | None) -> list[float] | None:
    """JSON has no infinities: a ruled-out label gets a very low value; with a NaN all is unknown."""
    if logprobs is None or any(math.isnan(value) for value in logprobs):
        return None
    return [max(float(value), -1e30) for value in logprobs]
