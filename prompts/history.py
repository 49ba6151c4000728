"""History: every run, prompt, proposal, answer and decision, in one SQLite file or a PostgreSQL database.

It is the evaluator's answer store: an answer is bought once and every later run that needs it reuses it.
Answers are what is stored; scores are derived from them, kept ready only to be quick (``prompts.figures``).

Covered: several processes writing at once (each waiting for the others, on both databases); a process killed
at any moment. Not covered: one History object used by several threads at once, but for its ``leases``.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, cast

import sqlalchemy as sa

from assets.errors import UserError
from prompts import schema
from prompts.answers import Answers, now_text
from prompts.catalogue import insert
from prompts.database import Database
from prompts.encoding import digest
from prompts.environment import code_version
from prompts.environment import environment as found_environment
from prompts.figures import Figure, Figures, metrics_of
from prompts.leases import Leases
from prompts.library import LIBRARY, ChoiceStyle, StyledPrompt
from prompts.prompt import Prompt
from prompts.records import (
    Conversation,
    DecisionRecord,
    ProposalRecord,
    Put,
    RunCounts,
    RunRecord,
    ScoredIn,
    Verdict,
    clean,
    config_hash,
    plain,
    redacted,
)
from prompts.view import HistoryView, Refusal, ScoredPrompt, best_first, confusions, score_of
from vllm_eval.engine import Answer
from vllm_eval.evaluator import AnswerRow, Scored

DEFAULT_URL = "sqlite:///runs/history.db"


class History:
    """Opened by URL, ``sqlite:///PATH`` or ``postgresql://...``. Raises UserError where that is impossible.

    Every method that writes is one transaction, and writing the same thing again changes nothing.
    """

    def __init__(self, url: str = DEFAULT_URL, create: bool = True) -> None:
        self._database = Database(url, create)
        self._answers = Answers(self._database)
        self._figures = Figures(self._database, self._answers)
        self.leases = Leases(self._database)
        self.url = self._database.label  # without a password

    def close(self) -> None:
        """Give back all connections. Calling it twice is harmless."""
        self._database.close()

    def __enter__(self) -> "History":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Runs

    def start_run(
        self, config: Mapping[str, Any], seed: int, environment: Mapping[str, Any] | None = None
    ) -> str:
        """Register a run and return its id, which sorts by start time. Secrets in the config are not stored.

        ``environment`` adds to what is found out anyway: package versions and platform.
        """
        values = {
            "status": "running",
            "config": redacted(plain(config)),
            "config_hash": config_hash(config),
            "seed": seed,
            "code_version": code_version(),
            "environment": redacted(plain(found_environment() | dict(environment or {}))),
        }
        with self._database.write() as connection:
            run_id, started = self._free_moment(connection)
            connection.execute(sa.insert(schema.runs), {"id": run_id, "started": started} | values)
            self._add_state(connection, run_id, "running", None, started)
        return run_id

    def resume_run(self, run_id: str | None = None, *, config_hash: str | None = None) -> str | None:
        """The id of an unfinished run to go on with: this one, else the latest (with this config hash).

        ``config_hash`` is ``prompts.records.config_hash(config)``. None when there is no such run. Raises
        UserError for a run id that is unknown or already finished.
        """
        if run_id is not None:
            if self.run(run_id).status == "finished":
                raise UserError(f"run {run_id} is finished; start a new one instead of resuming it")
            return run_id
        unfinished = [run for run in self.runs() if run.status != "finished"]
        fitting = [run.id for run in unfinished if config_hash in (None, run.config_hash)]
        return fitting[-1] if fitting else None

    def finish_run(self, run_id: str, summary: Mapping[str, Any], status: str = "finished") -> None:
        """Close the run with its summary; status "failed" leaves it open to be resumed."""
        self.run(run_id)
        now, told = now_text(), plain(summary)
        values = {"status": status, "finished": now, "summary": told}
        with self._database.write() as connection:
            self._add_state(connection, run_id, status, told, now)
            connection.execute(sa.update(schema.runs).where(schema.runs.c.id == run_id).values(values))

    def run(self, run_id: str) -> RunRecord:
        """One run. Raises UserError for an unknown id, naming the latest ones."""
        found = self._select(sa.select(schema.runs).where(schema.runs.c.id == run_id))
        if not found:
            latest = ", ".join(run.id for run in self.runs()[-3:]) or "none yet"
            raise UserError(f"run {run_id!r} is not in the history {self.url}; latest runs: {latest}")
        return _run(found[0])

    def runs(self) -> list[RunRecord]:
        """All runs, oldest first."""
        return [_run(row) for row in self._select(sa.select(schema.runs).order_by(schema.runs.c.id))]

    def run_counts(self) -> dict[str, RunCounts]:
        """What every run holds, counted by the database: no prompt or reply is read."""
        known, put = schema.run_prompts.c, schema.proposals.c
        many = sa.func.count().label("many")
        prompts = self._select(sa.select(known.run_id, many).group_by(known.run_id))
        verdicts = self._select(sa.select(put.run_id, put.verdict, many).group_by(put.run_id, put.verdict))
        counts: dict[str, dict[str, Any]] = {run_id: {} for run_id in self._run_ids()}
        for row in prompts:
            counts[row.run_id]["prompts"] = row.many
        for row in verdicts:
            counts[row.run_id][row.verdict] = row.many
        for place in self.scored_in():
            names = counts.setdefault(place.run_id, {}).setdefault("datasets", set())
            names.add(place.dataset)
        return {
            run_id: RunCounts(**held | {"datasets": tuple(sorted(held.get("datasets", ())))})
            for run_id, held in counts.items()
        }

    # Prompts and proposals

    def add_prompt(self, run_id: str, prompt: Prompt) -> None:
        """Remember a prompt of this run. Call it before scoring: a view shows only prompts it knows."""
        with self._database.write() as connection:
            self._add_prompt(connection, run_id, prompt)

    def add_proposal(
        self,
        run_id: str,
        round: int,
        prompt: Prompt,
        verdict: Verdict,
        reason: str = "",
        raw: str = "",
        position: int = 0,
        request: Conversation | None = None,
    ) -> None:
        """Remember what was put forward, ``position`` 0-based in its round. Accepted ones are added too.

        ``request`` is what the optimizer was sent, text or messages (mappings with role and content), and
        ``raw`` what it replied.
        """
        put = Put(prompt, verdict, reason, raw, request)
        with self._database.write() as connection:
            self._add_proposal(connection, run_id, round, position, put)

    def add_round(
        self,
        run_id: str,
        round: int,
        proposals: Sequence[Put],
        decisions: Sequence[tuple[str, Mapping[str, Any]]] = (),
    ) -> None:
        """Remember all that was put forward in a round, in its order, and what was decided with it.

        All of it or nothing: who resumes a run finds no half of a round. A decision is a kind and its detail.
        """
        events = [_event(run_id, kind) | {"detail": redacted(plain(detail))} for kind, detail in decisions]
        with self._database.write() as connection:
            for position, put in enumerate(proposals):
                self._add_proposal(connection, run_id, round, position, put)
            insert(connection, schema.decisions, events)

    def proposals(self, run_id: str, prompt_id: str | None = None) -> list[ProposalRecord]:
        """All proposals of a run, or those of one prompt, in the order they were put forward."""
        table = schema.proposals
        query = sa.select(table).where(table.c.run_id == run_id).order_by(table.c.round, table.c.position)
        query = query if prompt_id is None else query.where(table.c.prompt_id == prompt_id)
        return [_proposal(row) for row in self._select(query)]

    def conversation(self, proposal: ProposalRecord) -> Conversation | None:
        """What the optimizer was sent before it replied with this proposal; None where nobody noted it."""
        table = schema.conversations
        found = self._select(sa.select(table.c.messages).where(table.c.id == proposal.conversation_id))
        return cast(Conversation, found[0].messages) if found else None

    def prompts(self, run_id: str | None = None) -> list[Prompt]:
        """Prompts of a run in the order they were added, or of the whole history by time."""
        table, mine = schema.prompts, schema.run_prompts
        query = sa.select(table).order_by(table.c.created, table.c.id)
        if run_id is not None:
            query = sa.select(table).join(mine, mine.c.prompt_id == table.c.id).where(mine.c.run_id == run_id)
            query = query.order_by(mine.c.position)
        return [_prompt(row) for row in self._select(query)]

    def prompt(self, prefix: str) -> Prompt:
        """The prompt whose id begins so, or the hand-written one of that name. UserError unless it is one."""
        wanted = LIBRARY[prefix].prompt.id if prefix in LIBRARY else prefix.lower()
        table = schema.prompts
        starts = table.c.id.startswith(wanted, autoescape=True)
        found = self._select(sa.select(table).where(starts).order_by(table.c.id).limit(6))
        if len(found) != 1:
            some = ", ".join(row.id for row in found) or "none; `python -m prompts list` shows what there is"
            raise UserError(f"prompt {prefix!r} must name one prompt of {self.url}, found: {some}")
        return _prompt(found[0])

    # Answers

    def known(self, keys: Sequence[str]) -> dict[str, Answer]:
        """Stored answers among these keys; error answers are asked again."""
        return self._answers.known(keys)

    def failed(self, keys: Sequence[str], run_id: str, dataset: str) -> dict[str, Answer]:
        """Among these keys the errors that make up this run's scores on this data set."""
        return self._answers.failed(keys, run_id, dataset)

    def add(self, rows: Sequence[AnswerRow], spent: Mapping[str, float] | None = None) -> None:
        """Store answers, and that their runs used them.

        ``spent``: amounts that are booked in the same transaction, by budget as ``add_spend`` names them, on
        the run of the first row.
        """
        booked = [_event(rows[0].run_id, kind) | {"amount": n} for kind, n in (spent or {}).items() if rows]
        self._answers.add(rows, booked)

    def record_evaluation(self, run_id: str, *scored: Scored) -> None:
        """Note that a run used these answers. The evaluator does so itself; this is for other sources."""
        self.add([row for one in scored for row in _rows_of(run_id, one)])

    def answers_for(
        self, run_id: str | None = None, prompt_id: str | None = None, dataset: str | None = None
    ) -> list[AnswerRow]:
        """Answers with what they were about, ordered by run, data set, prompt and clip; None means any."""
        return self._answers.rows(run_id, prompt_id, dataset)

    def scored_in(self, run_id: str | None = None, prompt_id: str | None = None) -> list[ScoredIn]:
        """Where answers exist: every (run, data set, prompt, format)."""
        return self._answers.scored_in(run_id, prompt_id)

    # Decisions and spending

    def add_decision(self, run_id: str, kind: str, detail: Mapping[str, Any]) -> None:
        """Remember what the loop decided and on what grounds."""
        self._insert(schema.decisions, _event(run_id, kind) | {"detail": redacted(plain(detail))})

    def decisions(self, run_id: str) -> list[DecisionRecord]:
        """All decisions of a run, in order."""
        table = schema.decisions
        rows = self._select(sa.select(table).where(table.c.run_id == run_id).order_by(table.c.id))
        return [DecisionRecord(row.kind, row.detail, row.created) for row in rows]

    def add_spend(self, run_id: str, kind: str, amount: float) -> None:
        """Book an amount on a budget: clip_evaluations, optimizer_tokens, dollars, seconds, ..."""
        self._insert(schema.spend, _event(run_id, kind) | {"amount": float(amount)})

    def spent(self, run_id: str) -> dict[str, float]:
        """Sum per kind."""
        table = schema.spend
        query = sa.select(table.c.kind, sa.func.sum(table.c.amount).label("total"))
        query = query.where(table.c.run_id == run_id).group_by(table.c.kind).order_by(table.c.kind)
        rows = self._select(query)
        return {row.kind: float(row.total) for row in rows}

    # Views

    def datasets(self, run_id: str) -> list[str]:
        """Names of the data sets a run has answers on, by name."""
        return sorted({place.dataset for place in self.scored_in(run_id)})

    def view(self, run_id: str, dataset: str | None = None) -> HistoryView:
        """The run's prompts scored on one data set (may be left out when there is only one), best first.

        A prompt asked in several formats is shown with the one that has most answers. Raises UserError when
        the data set is left out and the run has answers on several.
        """
        chosen = self._only_dataset(run_id) if dataset is None else dataset
        proposals = self.proposals(run_id)
        prompts, positions = self._lineage(run_id, proposals)
        scored = [
            _scored(prompts[prompt_id], figure, positions.get(prompt_id, -1))
            for prompt_id, figure in _main_format(self._figures.of(run_id, dataset=chosen)).items()
            if prompt_id in prompts
        ]
        return HistoryView(
            scored=best_first(scored),
            refused=tuple(Refusal(p.prompt.text, p.reason) for p in proposals if p.verdict == "refused"),
            round=1 + max((p.round for p in proposals), default=-1),
            dataset=chosen or "",
        )

    def scored(
        self, run_id: str | None = None, prompt_id: str | None = None, dataset: str | None = None
    ) -> dict[ScoredIn, ScoredPrompt]:
        """Scores of a run, prompt and data set (None: any) wherever there are answers, without reading these.

        As ``score_rows`` of ``answers_for`` would tell, but for the confusions: the most frequent hundred.
        """
        prompts = {prompt.id: prompt for prompt in self.prompts(run_id)}
        unknown = Prompt("(text unknown)")
        return {
            place: _scored(prompts.get(place.prompt_id, unknown), figure)
            for place, figure in self._figures.of(run_id, prompt_id, dataset).items()
        }

    def _only_dataset(self, run_id: str) -> str | None:
        names = self.datasets(run_id)
        if len(names) > 1:
            raise UserError(f"run {run_id} has answers on {', '.join(names)}: name the data set to view")
        return names[0] if names else None

    def _lineage(
        self, run_id: str, proposals: Iterable[ProposalRecord]
    ) -> tuple[dict[str, Prompt], dict[str, int]]:
        """Prompts by id as this run knows them, and the order in which the proposed ones were accepted."""
        prompts = {prompt.id: prompt for prompt in self.prompts(run_id)}
        accepted = {p.prompt.id: p.prompt for p in reversed(list(proposals)) if p.verdict == "accepted"}
        positions = {prompt_id: place for place, prompt_id in enumerate(reversed(accepted))}
        return prompts | accepted, positions

    # Plumbing

    def _run_ids(self) -> list[str]:
        return [row.id for row in self._select(sa.select(schema.runs.c.id))]

    def _select(self, query: Any) -> Sequence[Any]:
        with self._database.read() as connection:
            return connection.execute(query).fetchall()

    def _insert(self, table: sa.Table, values: Mapping[str, Any]) -> None:
        with self._database.write() as connection:
            connection.execute(sa.insert(table), dict(values))

    def _free_moment(self, connection: sa.Connection) -> tuple[str, str]:
        """A run id that nobody has, and when that is. Two processes may start in the same microsecond."""
        now = datetime.now(UTC)
        while True:
            run_id = f"{now:%Y%m%d-%H%M%S-%f}"
            if not connection.execute(sa.select(schema.runs.c.id).where(schema.runs.c.id == run_id)).first():
                return run_id, now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            now += timedelta(microseconds=1)

    def _add_state(
        self, connection: sa.Connection, run_id: str, status: str, summary: Any, moment: str
    ) -> None:
        values = {"run_id": run_id, "status": status, "summary": summary, "created": moment}
        connection.execute(sa.insert(schema.run_states), values)

    def _add_proposal(
        self, connection: sa.Connection, run_id: str, round: int, position: int, put: Put
    ) -> None:
        values = {"run_id": run_id, "round": round, "position": position, "prompt_id": put.prompt.id}
        values |= _prompt_values(put.prompt)
        values |= {"verdict": put.verdict, "reason": clean(put.reason), "raw": clean(put.raw)}
        values.pop("choice_style")
        if put.verdict == "accepted":
            self._add_prompt(connection, run_id, put.prompt)
        values["conversation_id"] = self._add_conversation(connection, put.request)
        self._database.insert(connection, schema.proposals, [values | {"created": now_text()}])

    def _add_conversation(self, connection: sa.Connection, request: Conversation | None) -> str | None:
        if request is None:
            return None
        messages = redacted(plain(request))
        name = digest(messages)
        values = {"id": name, "messages": messages, "created": now_text()}
        self._database.insert(connection, schema.conversations, [values])
        return name

    def _add_prompt(self, connection: sa.Connection, run_id: str, prompt: Prompt) -> None:
        values = {"id": prompt.id, "created": now_text()} | _prompt_values(prompt)
        self._database.insert(connection, schema.prompts, [values])
        mine = schema.run_prompts
        last = sa.select(sa.func.coalesce(sa.func.max(mine.c.position), -1)).where(mine.c.run_id == run_id)
        position = connection.execute(last).scalar_one() + 1
        link = {"run_id": run_id, "prompt_id": prompt.id, "position": position}
        self._database.insert(connection, mine, [link])


def score_rows(prompt: Prompt, rows: Sequence[AnswerRow], position: int = -1) -> ScoredPrompt:
    """Metrics of stored answers of one prompt on one data set."""
    return _scored(prompt, Figure(metrics_of(rows), confusions(rows)), position)


def _scored(prompt: Prompt, figure: Figure, position: int = -1) -> ScoredPrompt:
    return ScoredPrompt(prompt, figure.metrics, score_of(figure.metrics), position, figure.confusions)


def _main_format(figures: Mapping[ScoredIn, Figure]) -> dict[str, Figure]:
    best: dict[str, Figure] = {}
    for place, figure in figures.items():
        if place.prompt_id not in best or figure.answers > best[place.prompt_id].answers:
            best[place.prompt_id] = figure
    return best


def _rows_of(run_id: str, scored: Scored) -> list[AnswerRow]:
    return [
        AnswerRow(
            answer=answer,
            prompt_id=scored.prompt_id,
            clip_id=clip.id,
            human=clip.human,
            background=clip.background,
            dataset=scored.clips.name,
            run_id=run_id,
            sources=clip.sources,
            choices=round(1 / scored.chance) if scored.chance else 0,
            format_key=scored.format_key,
        )
        for clip, answer in zip(scored.clips.clips, scored.answers, strict=True)
    ]


def _event(run_id: str, kind: str) -> dict[str, Any]:
    return {"run_id": run_id, "kind": kind, "created": now_text()}


def _prompt_values(prompt: Prompt) -> dict[str, Any]:
    return {
        "text": prompt.text,
        "parents": list(prompt.parents),
        "origin": clean(prompt.origin),
        "hypothesis": clean(prompt.hypothesis),
        "choice_style": prompt.choice_style if isinstance(prompt, StyledPrompt) else "plain",
    }


def _prompt(row: Any) -> Prompt:
    values = (row.text, tuple(row.parents), row.origin, row.hypothesis)
    if row.choice_style == "plain":
        return Prompt(*values)
    return StyledPrompt(*values, choice_style=cast(ChoiceStyle, row.choice_style))


def _proposal(row: Any) -> ProposalRecord:
    prompt = Prompt(row.text, tuple(row.parents), row.origin, row.hypothesis)
    told = row.verdict, row.reason, row.raw, row.conversation_id, row.created
    return ProposalRecord(row.round, row.position, prompt, *told)


def _run(row: Any) -> RunRecord:
    return RunRecord(
        id=row.id,
        started=row.started,
        finished=row.finished,
        status=row.status,
        config=row.config,
        config_hash=row.config_hash,
        seed=row.seed,
        code_version=row.code_version,
        environment=row.environment,
        summary=row.summary,
    )
