"""Generated rows for benchmarks.history_scale, straight into the tables: one by one, millions take hours."""

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import chain
from typing import Any

import numpy as np
import sqlalchemy as sa

from prompts import schema
from prompts.catalogue import KnownClip, insert, next_id
from prompts.database import Database
from prompts.encoding import digest
from prompts.library import LIBRARY
from prompts.prompt import Prompt
from prompts.records import config_hash

PROMPTS, CLIPS, CLASSES, PER_ROUND = 500, 1000, 50, 10
ANSWERS_PER_RUN = PROMPTS * CLIPS
DATASET, FORMAT = "generated/swaps/tune", "mcq5/seed 0/letters"
_BASELINES = [entry.prompt for entry in LIBRARY.values()]
_LABELS = [f"doing action {number:02d}" for number in range(CLASSES)]
_BOUGHT = (
    *("seconds", "created", "id", "scoring_id", "clip_id", "label_id", "prompt_tokens", "cached_tokens"),
    *("kind", "choices", "key", "text", "logprobs", "error"),
)
_START = datetime(2026, 1, 1, tzinfo=UTC)


def key(prompt_id: str, clip: int) -> bytes:
    """As unguessable as a real one."""
    return sha256(f"{prompt_id}/{clip}".encode()).digest()


def clips() -> list[tuple[str, str, str, tuple[str, str]]]:
    """Id, human, background and sources; people and places recur, as they do in swaps."""
    return [
        (
            f"person_{number % 400:05d}_in_place_{number % 97:05d}_{number}",
            _LABELS[number % CLASSES],
            _LABELS[(number * 7 + 3) % CLASSES],
            (f"generated/person {number % 400:011d}", f"generated/place {number % 97:011d}"),
        )
        for number in range(CLIPS)
    ]


def store_run(url: str, number: int) -> None:
    """One run, in one transaction: an interrupted load leaves whole runs."""
    database = Database(url)
    moment = _START + timedelta(hours=number)
    run_id = f"{moment:%Y%m%d-%H%M%S-%f}"
    texts = [f"Prompt {number}/{place}: name what the person does, not where." for place in range(PROMPTS)]
    prompts = [Prompt(text, origin="generated") for text in texts]
    if database.dialect == "postgresql":
        _fast_load(database)
    try:
        with database.write() as connection:
            if database.dialect == "sqlite":
                connection.exec_driver_sql("PRAGMA cache_size = -2000000")
            _small_tables(connection, number, run_id, moment, prompts)
            first = 1 if number == 0 else next_id(connection, schema.scorings)
            asked = [*(_BASELINES if number == 0 else ()), *prompts]
            scored = [*_BASELINES, *prompts]
            rows: list[dict[str, Any]] = [
                {"id": first + place, "run_id": run_id, "dataset": DATASET}
                | {"prompt_id": prompt.id, "format_key": FORMAT}
                for place, prompt in enumerate(scored)
            ]
            insert(connection, schema.scorings, rows)
            scorings = {row["prompt_id"]: int(row["id"]) for row in rows}
            _answers(connection, database.dialect, number, moment, asked, scorings)
    finally:
        database.close()


def _fast_load(database: Database) -> None:
    """Without a look at every foreign key: `python -m prompts check` looks at all of them afterwards."""
    sa.event.listen(
        database._engine,
        "connect",
        lambda connection, _: connection.execute("SET session_replication_role = replica"),
    )
    database._engine.dispose()


def _small_tables(
    connection: sa.Connection, number: int, run_id: str, moment: datetime, prompts: Sequence[Prompt]
) -> None:
    now = f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"
    config = {"generated": number, "budget": {"prompts": PROMPTS}}
    run = {
        "id": run_id,
        "started": now,
        "finished": now,
        "status": "finished",
        "config": config,
        "seed": number,
    }
    run |= {"config_hash": config_hash(config), "code_version": "generated", "environment": {}, "summary": {}}
    insert(connection, schema.runs, [run])
    states: list[dict[str, Any]] = [
        {"run_id": run_id, "status": s, "summary": {}, "created": now} for s in ("running", "finished")
    ]
    insert(connection, schema.run_states, states)
    new = [*(_BASELINES if number == 0 else ()), *prompts]
    known = [
        _prompt(prompt) | {"id": prompt.id, "choice_style": _style(prompt), "created": now} for prompt in new
    ]
    insert(connection, schema.prompts, known)
    links = enumerate([*_BASELINES, *prompts])
    insert(
        connection,
        schema.run_prompts,
        [{"run_id": run_id, "prompt_id": one.id, "position": place} for place, one in links],
    )
    proposals = [
        {"run_id": run_id, "round": place // PER_ROUND, "position": place % PER_ROUND, "prompt_id": one.id}
        | _prompt(one)
        | {"verdict": "accepted", "reason": "", "raw": f"reply {place} " * 60, "created": now}
        for place, one in enumerate(prompts)
    ]
    insert(connection, schema.proposals, proposals)
    event = {"run_id": run_id, "created": now}
    insert(connection, schema.decisions, [event | {"kind": "winner", "detail": {"id": prompts[0].id}}])
    insert(connection, schema.spend, [event | {"kind": "clip_evaluations", "amount": float(ANSWERS_PER_RUN)}])
    if number == 0:
        labels = [{"id": n, "text": text, "digest": digest(text)} for n, text in enumerate(_LABELS, 1)]
        insert(connection, schema.labels, labels)
        known_clips = [KnownClip(*clip) for clip in clips()]
        insert(
            connection,
            schema.clips,
            [
                {"id": n, "digest": c.digest, "clip_id": c.clip_id, "human": c.human}
                | {"background": c.background, "sources": list(c.sources)}
                for n, c in enumerate(known_clips, 1)
            ],
        )


def _answers(
    connection: sa.Connection,
    dialect: str,
    number: int,
    moment: datetime,
    asked: Sequence[Prompt],
    scorings: dict[str, int],
) -> None:
    """Answers round by round, clip by clip, as an evaluator buys them; then the uses and the counts."""
    rng = np.random.default_rng(number)
    first = next_id(connection, schema.bought)
    kinds = _kinds(rng, len(asked))
    identity = first + _order(len(asked))  # of the answer to prompt p at clip c
    write = _copy if dialect == "postgresql" else _execute
    created = int(moment.timestamp()) * 1_000_000
    write(connection, "bought", _BOUGHT, _bought(rng, asked, scorings, kinds, first, created))
    own = [scorings[prompt.id] for prompt in asked]
    uses = chain.from_iterable(
        zip([scoring] * CLIPS, range(1, CLIPS + 1), identity[place].tolist(), strict=True)
        for place, scoring in enumerate(own)
    )
    write(connection, "uses", ["scoring_id", "clip_id", "answer_id"], uses)
    _count(connection, own, kinds)
    if number:  # the hand-written prompts were answered in the first run
        places = ", ".join(f"({scorings[prompt.id]}, {place})" for place, prompt in enumerate(_BASELINES, 1))
        pairs = f"WITH pair (mine, theirs) AS (VALUES {places}) "
        connection.exec_driver_sql(
            f"INSERT INTO uses (scoring_id, clip_id, answer_id) {pairs}"
            "SELECT mine, u.clip_id, u.answer_id FROM pair JOIN uses u ON u.scoring_id = theirs"
        )
        counts = ", ".join(schema.KINDS)
        connection.exec_driver_sql(
            f"INSERT INTO tallies (scoring_id, {counts}, changes) {pairs}"
            f"SELECT mine, {counts}, 1 FROM pair JOIN tallies ON scoring_id = theirs"
        )


def _kinds(rng: np.random.Generator, prompts: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Per prompt and clip, by how good the prompt and how hard the clip is."""
    skill = rng.normal(0, 0.7, (prompts, 1)) + rng.normal(0, 1.2, (1, CLIPS))
    human = 1 / (1 + np.exp(-skill))
    draw = rng.random((prompts, CLIPS))
    rest = rng.choice([1, 1, 1, 1, 2, 2, 3], (prompts, CLIPS))
    kinds = np.where(draw < human, 0, rest)
    return np.where(rng.random((prompts, CLIPS)) < 0.001, schema.ERROR, kinds)


def _order(prompts: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """When each (prompt, clip) is asked: rounds of PER_ROUND prompts, within these clip by clip."""
    place = np.arange(prompts)
    start = place // PER_ROUND * PER_ROUND
    width = np.minimum(PER_ROUND, prompts - start)
    clip = np.arange(CLIPS)[None, :]
    return np.asarray(start[:, None] * CLIPS + clip * width[:, None] + (place - start)[:, None])


def _bought(
    rng: np.random.Generator,
    asked: Sequence[Prompt],
    scorings: dict[str, int],
    kinds: np.ndarray[Any, np.dtype[np.int64]],
    first: int,
    created: int,
) -> Iterator[tuple[Any, ...]]:
    number = first
    human = [clip % CLASSES + 1 for clip in range(CLIPS)]
    background = [(clip * 7 + 3) % CLASSES + 1 for clip in range(CLIPS)]
    for start in range(0, len(asked), PER_ROUND):
        some = asked[start : start + PER_ROUND]
        logprobs = rng.normal(-3, 2, (CLIPS, len(some), 5)).clip(max=0).astype("<f4")
        for clip in range(CLIPS):
            for place, prompt in enumerate(some):
                kind = int(kinds[start + place, clip])
                label = {0: human[clip], 1: background[clip], 2: (human[clip] + 5) % CLASSES + 1}.get(kind)
                failed = kind == schema.ERROR
                yield (
                    0.0213,
                    created + number - first,
                    number,
                    scorings[prompt.id],
                    clip + 1,
                    label,
                    812,
                    640 + place,
                    kind,
                    5,
                    key(prompt.id, clip),
                    "" if failed else "ABCDE"[(clip + place) % 5],
                    None if failed else b"f" + logprobs[clip, place].tobytes(),
                    "the file is cut off" if failed else None,
                )
                number += 1


def _count(
    connection: sa.Connection, scorings: Sequence[int], kinds: np.ndarray[Any, np.dtype[np.int64]]
) -> None:
    rows = []
    for place, scoring in enumerate(scorings):
        counts = np.bincount(kinds[place], minlength=len(schema.KINDS)).tolist()
        rows.append({"scoring_id": scoring, **dict(zip(schema.KINDS, counts, strict=True)), "changes": 1})
    insert(connection, schema.tallies, rows)


def _execute(
    connection: sa.Connection, table: str, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]
) -> None:
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    marks = ", ".join("?" for _ in columns)
    driver.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)


def _copy(
    connection: sa.Connection, table: str, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]
) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _prompt(prompt: Prompt) -> dict[str, Any]:
    return {"text": prompt.text, "parents": [], "origin": prompt.origin, "hypothesis": ""}


def _style(prompt: Prompt) -> str:
    return str(getattr(prompt, "choice_style", "plain"))
