"""Storing a batch of answers: which are new, which scores they change, and by how much."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from prompts import schema
from prompts.catalogue import Catalogue, KnownClip, insert, next_id
from prompts.database import Database
from prompts.encoding import key_bytes, pack
from prompts.records import ScoredIn, clean
from vllm_eval.evaluator import AnswerRow

_GOOD = schema.bought.c.kind != sa.text(str(schema.ERROR))  # written out, as the partial indexes want it
_FAILED = schema.bought.c.kind == sa.text(str(schema.ERROR))


@dataclass(frozen=True)
class _Held:
    """An answer that has a number. ``said`` tells failed attempts apart.

    ``created``: when it was bought, in microseconds since 1970.
    """

    id: int
    kind: int
    clip: int
    created: int
    said: tuple[str, str | None] = ("", None)


@dataclass(frozen=True)
class _Bought:
    """Per row the answer that holds, and how many of these were entered just now."""

    chosen: list[_Held]
    new: int


class Addition:
    """One batch on its way into the database, within a transaction that writes.

    A key that has a good answer keeps it, and whoever brings another uses the one there is. A failed attempt
    is kept for good; a later answer to the same question takes its place in the scores of the run that asked.
    ``copying`` what happened elsewhere, a score keeps the failure it had there, answered by now or not,
    and no older answer takes the place of a later one.
    """

    def __init__(
        self, database: Database, connection: sa.Connection, catalogue: Catalogue, copying: bool = False
    ) -> None:
        self._database, self._connection, self._catalogue = database, connection, catalogue
        self._copying = copying

    def store(self, rows: Sequence[AnswerRow]) -> list[int]:
        """Store the answers and their uses; the number of the answer that each row came to use.

        A few hundred rows at most: all that the batch touches is looked up at once.
        """
        places = [ScoredIn(row.run_id, row.dataset, row.prompt_id, row.format_key) for row in rows]
        numbers = self._catalogue.scorings(self._connection, places)
        chosen = self._buy(rows, [numbers[place] for place in places]).chosen
        self._use([numbers[place] for place in places], [row.clip_id for row in rows], chosen)
        return [held.id for held in chosen]

    def buy(self, rows: Sequence[AnswerRow], created: Sequence[int]) -> int:
        """Store the answers alone, under the scores they were bought for; how many of them are new."""
        places = [ScoredIn(row.run_id, row.dataset, row.prompt_id, row.format_key) for row in rows]
        numbers = self._catalogue.scorings(self._connection, places)
        return self._buy(rows, [numbers[place] for place in places], created).new

    # Answers

    def _buy(
        self, rows: Sequence[AnswerRow], scorings: Sequence[int], created: Sequence[int] | None = None
    ) -> _Bought:
        """The answer that holds for each row; the new ones are entered.

        ``created``: per row when it was bought, in microseconds since 1970; now by default.
        """
        keys = [key_bytes(row.answer.key) for row in rows]
        held = self._held(keys)
        clips = self._catalogue.clips(self._connection, (_clip(row) for row in rows))
        labels = self._catalogue.labels(self._connection, (row.answer.label for row in rows))
        now = int(datetime.now(UTC).timestamp() * 1_000_000)
        following = next_id(self._connection, schema.bought)
        new: list[dict[str, Any]] = []
        chosen = []
        for place, (row, key) in enumerate(zip(rows, keys, strict=True)):
            before = held.setdefault(key, [])
            answer = _holds(row, before, self._copying)
            if answer is None:
                kind = schema.KINDS.index(row.answer.kind)
                # The clip as it was when first asked: sources may be spelled otherwise by now.
                clip = before[0].clip if before else clips[_clip(row)]
                bought = created[place] if created else now
                answer = _Held(following + len(new), kind, clip, bought, _said(row))
                before.append(answer)
                values = {"id": answer.id, "key": key, "kind": kind, "clip_id": clip, "created": bought}
                values |= {"scoring_id": scorings[place], "label_id": labels[row.answer.label]}
                new.append(values | _values(row))
            chosen.append(answer)
        insert(self._connection, schema.bought, new)
        return _Bought(chosen, len(new))

    def _held(self, keys: Sequence[bytes]) -> dict[bytes, list[_Held]]:
        """Stored answers by key, failed attempts among them."""
        table = schema.bought
        names = ("key", "id", "kind", "clip_id", "created", "text", "error")
        columns = [table.c[name] for name in names]
        found: dict[bytes, list[_Held]] = {}
        for which in (_GOOD, _FAILED):
            query = sa.select(*columns).where(which, table.c.key.in_(list(dict.fromkeys(keys))))
            for row in sorted(self._connection.execute(query), key=lambda row: int(row.id)):
                answer = _Held(row.id, row.kind, row.clip_id, row.created, (row.text, row.error))
                found.setdefault(bytes(row.key), []).append(answer)
        return found

    # Uses

    def _use(self, scorings: Sequence[int], clip_ids: Sequence[str], chosen: Sequence[_Held]) -> None:
        """Note what makes up the scores, and count the difference."""
        before = self._used(scorings, clip_ids)
        after = dict(zip(zip(scorings, clip_ids, strict=True), chosen, strict=True))
        fresh, tallies = [], Counter[tuple[int, int]]()
        for (scoring, clip_id), use in after.items():
            old = before.get((scoring, clip_id))
            if old is not None and (old.id == use.id or self._worse(use, old)):
                continue
            if old is None:
                fresh.append({"scoring_id": scoring, "clip_id": use.clip, "answer_id": use.id})
            else:
                self._replace(scoring, old, use)
                tallies[scoring, old.kind] -= 1
            tallies[scoring, use.kind] += 1
        insert(self._connection, schema.uses, fresh)
        self._count(tallies)

    def _worse(self, use: _Held, old: _Held) -> bool:
        """Whether what is copied is a failure in the place of an answer, or older than what is there."""
        if not self._copying or old.kind == schema.ERROR != use.kind:
            return False
        return use.kind == schema.ERROR != old.kind or use.created < old.created

    def _used(self, scorings: Sequence[int], clip_ids: Sequence[str]) -> dict[tuple[int, str], _Held]:
        uses, clips, bought = schema.uses, schema.clips, schema.bought
        query = (
            sa.select(uses, clips.c.clip_id.label("name"), bought.c.kind, bought.c.created)
            .join(clips, clips.c.id == uses.c.clip_id)
            .join(bought, bought.c.id == uses.c.answer_id)
            .where(uses.c.scoring_id.in_(list(dict.fromkeys(scorings))))
            .where(clips.c.clip_id.in_(list(dict.fromkeys(clip_ids))))
        )
        return {
            (row.scoring_id, row.name): _Held(row.answer_id, row.kind, row.clip_id, row.created)
            for row in self._connection.execute(query)
        }

    def _replace(self, scoring: int, old: _Held, use: _Held) -> None:
        table = schema.uses
        here = (table.c.scoring_id == scoring) & (table.c.clip_id == old.clip)
        values = {"clip_id": use.clip, "answer_id": use.id}
        self._connection.execute(sa.update(table).where(here).values(values))

    def _count(self, differences: Counter[tuple[int, int]]) -> None:
        table = schema.tallies
        rows: dict[int, dict[str, int]] = {}
        for (scoring, kind), difference in sorted(differences.items()):
            row = rows.setdefault(
                scoring, {"scoring_id": scoring, "changes": 1, **dict.fromkeys(schema.KINDS, 0)}
            )
            row[schema.KINDS[kind]] = difference
        self._database.insert(self._connection, table, list(rows.values()), add=[*schema.KINDS, "changes"])


def _holds(row: AnswerRow, stored: Sequence[_Held], copying: bool) -> _Held | None:
    """The stored answer that the row comes to use: a good one, or the very failure that it brings."""
    failed = row.answer.kind == "error"
    good = next((one for one in stored if one.kind != schema.ERROR), None)
    if not failed or (good is not None and not copying):
        return good
    return next((one for one in stored if one.said == _said(row)), None)


def _clip(row: AnswerRow) -> KnownClip:
    return KnownClip(row.clip_id, row.human, row.background, tuple(row.sources))


def _said(row: AnswerRow) -> tuple[str, str | None]:
    error = row.answer.error
    return clean(row.answer.text), None if error is None else clean(error)


def _values(row: AnswerRow) -> dict[str, Any]:
    text, error = _said(row)
    return {
        "text": text,
        "logprobs": pack(row.answer.logprobs),
        "prompt_tokens": row.answer.prompt_tokens,
        "cached_tokens": row.answer.cached_tokens,
        "seconds": row.answer.seconds,
        "error": error,
        "choices": row.choices,
    }
