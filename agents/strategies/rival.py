"""What the adapters to other optimizers share: their evaluations become proposals, their model is ours.

A rival asks for the scores of a text on some clips. A text the run does not know is proposed, to be scored on
those clips; one it knows is answered from the history, and clips that lack are bought through the run's
budget. A refused text scores 0 on every clip. After a resumption the rival starts anew with the same seed and
gets the same answers, and the same replies of the language model, which are kept in the history.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random

from agents.guard import normalised
from agents.llm.base import LLM, Message, Reply, Schema
from agents.strategies.bridge import Bridge, Call
from agents.strategies.replies import continuation
from agents.strategy import Proposal, SearchContext
from assets.errors import UserError
from prompts.library import PREFIXED
from prompts.records import clean
from prompts.view import HistoryView, ScoredPrompt
from vllm_eval.evaluator import AnswerRow

IDLE = 64  # new replies without a new text, after which a rival is taken to have no idea left


@dataclass(frozen=True)
class Job:
    """A text to be scored on clips (ids); ``parent`` is the text it was made from."""

    text: str
    clips: tuple[str, ...]
    parent: str = ""
    why: str = ""


@dataclass(frozen=True)
class Grades:
    """Per clip of a job: ``scores`` in 0..1 (1 the person's action, 0 the scene's, 0.5 neither), ``rows`` the
    answers behind them, none for a text that was refused with ``refusal``.

    A clip that could not be asked gets the mean of the others: it must not speak for or against a text.
    """

    scores: tuple[float, ...]
    rows: tuple[AnswerRow, ...] = ()
    refusal: str = ""


@dataclass(frozen=True)
class Ask:
    """A request to the language model."""

    turns: tuple[Message, ...]
    max_tokens: int
    temperature: float | None = None
    schema: Schema | None = None


class Search:
    """The rival's side: what its loop may do, from any thread."""

    def __init__(self, bridge: Bridge, context: SearchContext, seed: int) -> None:
        self._bridge = bridge
        self.clips: tuple[str, ...] = tuple(clip.id for clip in context.clips.clips)
        self.prompts, self.seed = context.prompts, seed

    def grade(self, jobs: Sequence[Job]) -> list[Grades]:
        """The grades of all jobs, in one engine call."""
        found: list[Grades] = self._bridge.call("grade", tuple(jobs))
        return found

    def write(
        self,
        turns: Sequence[Message],
        max_tokens: int,
        temperature: float | None = None,
        schema: Schema | None = None,
    ) -> Reply:
        """A reply of the run's language model."""
        reply: Reply = self._bridge.call("write", Ask(tuple(turns), max_tokens, temperature, schema))
        return reply


class Rival:
    """A strategy around ``loop``, a rival's own optimizer. Its calls are served in ``ask``, one by one.

    ``patience``: how many replies it may take before the first text, by the number of prompts it is to make.
    Raises UserError from ``ask`` when the rival fails; what was bought is kept and the run can be resumed.
    """

    def __init__(
        self,
        name: str,
        loop: Callable[[Search], None],
        llm: LLM,
        seed: int = 0,
        quiet: float = 0.0,
        patience: Callable[[int], int] = lambda prompts: IDLE,
    ) -> None:
        self.name, self._patience = name, patience
        self._loop, self._llm, self._seed, self._quiet = loop, llm, seed, quiet
        self._bridge: Bridge | None = None

    def connect(self, context: SearchContext) -> None:
        """A rival cannot do without the context."""
        self._context = context
        self._bridge = Bridge(lambda bridge: self._loop(Search(bridge, context, self._seed)), self._quiet)
        self._asked: dict[str, int] = {}
        self._said: list[_Said] = []

    def close(self) -> None:
        """End the rival's threads."""
        if self._bridge:
            self._bridge.close()

    def ask(self, view: HistoryView, n: int) -> list[Proposal]:
        """Texts the rival waits for, as many as n; none when its loop has ended or goes round in circles."""
        if self._bridge is None:
            raise UserError(f"strategy {self.name} works inside a run only: connect it to one first")
        known = _Known(view)
        self._idle, most = 0, self._patience(self._context.prompts)
        while self._idle < most:
            calls = self._bridge.settle()
            if not calls:
                self._check()
                return []
            if not self._serve(calls, known):
                return self._proposals(calls, known, n)
        return []

    def tell(self, results: Sequence[ScoredPrompt]) -> None:
        """The rival reads results where it waits for them."""

    def _check(self) -> None:
        failure = self._bridge.failure if self._bridge else None
        if failure:
            told = (str(failure).splitlines() or [""])[0][:300]
            raise UserError(f"strategy {self.name} failed: {type(failure).__name__}: {told}") from failure

    def _serve(self, calls: Sequence[Call], known: "_Known") -> bool:
        """Answer what can be answered; whether there was any."""
        assert self._bridge is not None
        writes = [call for call in calls if call.kind == "write"]
        graded = [
            call for call in calls if call.kind == "grade" and all(known.has(job.text) for job in call.wanted)
        ]
        for call in writes:
            self._bridge.answer(call, self._write(call.wanted))
        if graded:
            for call, grades in zip(graded, self._grade(graded, known), strict=True):
                self._bridge.answer(call, grades)
        return bool(writes or graded)

    def _grade(self, calls: Sequence[Call], known: "_Known") -> list[list[Grades]]:
        """The grades of several calls; all answers that lack are bought together."""
        wanted: dict[str, dict[str, None]] = {}
        prompts = {}
        for job in (job for call in calls for job in call.wanted):
            scored = known.scored(job.text)
            if scored:
                prompts[scored.prompt.id] = scored.prompt
                wanted.setdefault(scored.prompt.id, {}).update(dict.fromkeys(job.clips))
        jobs = [(prompts[name], list(clips)) for name, clips in wanted.items()]
        rows = {
            name: {row.clip_id: row for row in some} for name, some in self._context.evaluate(jobs).items()
        }
        return [[self._graded(job, known, rows) for job in call.wanted] for call in calls]

    def _graded(self, job: Job, known: "_Known", rows: dict[str, dict[str, AnswerRow]]) -> Grades:
        scored = known.scored(job.text)
        if scored is None:
            return Grades((0.0,) * len(job.clips), (), known.refusal(job.text))
        mine = tuple(rows[scored.prompt.id][clip] for clip in job.clips)
        return Grades(grades_of(mine), mine)

    def _proposals(self, calls: Sequence[Call], known: "_Known", n: int) -> list[Proposal]:
        wanted: dict[str, list[Job]] = {}
        for job in (job for call in calls for job in call.wanted):
            if not known.has(job.text):
                wanted.setdefault(normalised(job.text), []).append(job)
        made = []
        for jobs in wanted.values():
            parent = known.scored(jobs[0].parent) if jobs[0].parent else None
            clips = tuple(dict.fromkeys(clip for job in jobs for clip in job.clips))
            parents = (parent.prompt.id,) if parent else ()
            why, said = jobs[0].why or f"proposed by {self.name}", self._said_of(jobs[0].text)
            made.append(Proposal(jobs[0].text, parents, why, said.reply, clips, said.request))
        return made[:n]

    def _said_of(self, text: str) -> "_Said":
        """The latest reply that holds the words of a text: rivals do not tell what they took it from."""
        words = normalised(text)
        fitting = (one for one in reversed(self._said) if words and words in one.words)
        return next(fitting, _Said(None, "", ""))

    def _write(self, ask: Ask) -> Reply:
        """A reply, noted with what it replied to."""
        reply = self._reply(ask)
        # Of a reply in JSON the words behind its line breaks and quotation marks.
        words = normalised(re.sub(r'\\[nrt"]', " ", reply.text))
        self._said.append(_Said(ask.turns, reply.text, words))
        return reply

    def _reply(self, ask: Ask) -> Reply:
        """The reply to a request, which gets another seed each time, and the same after a resumption: what an
        earlier process was replied is kept, and costs nothing (agents/kept.py)."""
        said = json.dumps(
            [[turn.role, turn.content] for turn in ask.turns] + [[ask.max_tokens, ask.temperature]]
        )
        request = sha256(said.encode()).hexdigest()[:16]
        number = self._asked[request] = self._asked.get(request, -1) + 1
        reply = self._llm.complete(
            ask.turns,
            max_tokens=ask.max_tokens,
            temperature=ask.temperature,
            seed=Random(f"{self._seed}/{request}/{number}").getrandbits(31),
            json_schema=ask.schema,
        )
        self._idle += not reply.kept
        return replace(reply, text=clean(reply.text), calls=())


@dataclass(frozen=True)
class _Said:
    """What the language model was sent and replied; the reply's words for comparison."""

    request: tuple[Message, ...] | None
    reply: str
    words: str


class _Known:
    """Texts the run knows, by their words: scored ones and refused ones."""

    def __init__(self, view: HistoryView) -> None:
        scored = [one for one in view.scored if one.prompt.id != PREFIXED.prompt.id]
        self._scored = {normalised(one.prompt.text): one for one in reversed(scored)}
        self._refused = {normalised(one.text): one.reason for one in view.refused}

    def has(self, text: str) -> bool:
        """Whether nothing about the text needs to be decided any more."""
        return normalised(text) in self._scored or normalised(text) in self._refused

    def scored(self, text: str) -> ScoredPrompt | None:
        """The scored prompt of these words."""
        return self._scored.get(normalised(text))

    def refusal(self, text: str) -> str:
        """Why it was refused."""
        return self._refused.get(normalised(text), "")


def grades_of(rows: Sequence[AnswerRow]) -> tuple[float, ...]:
    """Scores of answers, see Grades; 0.5 everywhere when none could be asked."""
    worth = {"human": 1.0, "background": 0.0}
    asked = [worth.get(row.answer.kind, 0.5) for row in rows if row.answer.kind != "error"]
    mean = sum(asked) / len(asked) if asked else 0.5
    return tuple(mean if row.answer.kind == "error" else worth.get(row.answer.kind, 0.5) for row in rows)


def one_line(reply: Reply) -> str:
    """A reply as one prompt: of a fenced block the inside, on one line; of a cut one the whole sentences."""
    text = reply.text.strip()
    if "```" in text:
        inside = text.split("```")[1]
        head, newline, rest = inside.partition("\n")
        text = rest if newline and " " not in head.strip() else inside
    return continuation(" ".join(text.split()), reply.cut)


def missing(name: str, extra: str, failure: ImportError) -> UserError:
    """What to say where a rival's package is not installed."""
    return UserError(f"strategy {name} needs {failure.name or extra}: pip install 'sceneproof[{extra}]'")
