"""Evaluator: (prompts x clips) -> answers, through the answer store, in one engine call, clip by clip.

Asks only what the store lacks. Answers are stored as they arrive, at most ``BATCH_ROWS`` or ``BATCH_SECONDS``
at a time, and what is left when the engine stops for any reason (Ctrl-C included) is stored on the way out.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from math import fsum
from typing import TYPE_CHECKING, Protocol

from assets.errors import UserError
from videos.clip import Clip, ClipSet, Frames
from vllm_eval.engine import Answer, Engine, Request
from vllm_eval.metrics import BiasMetrics, bias_metrics
from vllm_eval.question import Question, QuestionFormat

if TYPE_CHECKING:
    from videos.decode import FramePolicy
    from videos.store import FrameStore

BATCH_ROWS = 64
BATCH_SECONDS = 1.0

OnAnswer = Callable[[int, int], None]
Formats = Mapping[str, QuestionFormat]


class PromptLike(Protocol):
    """A prompt as far as scoring it goes."""

    @property
    def text(self) -> str: ...

    @property
    def id(self) -> str: ...


@dataclass(frozen=True)
class AnswerRow:
    """An answer and what it was about, as remembered. ``choices`` labels were allowed (0: any text)."""

    answer: Answer
    prompt_id: str
    clip_id: str
    human: str
    background: str | None
    dataset: str
    run_id: str
    sources: tuple[str, ...] = ()
    choices: int = 5
    format_key: str = ""


class AnswerStore(Protocol):
    """Remembers answers by key."""

    def known(self, keys: Sequence[str]) -> dict[str, Answer]:
        """Stored answers among these keys. Errors are kept for the record but never known to other runs."""

    def failed(self, keys: Sequence[str], run_id: str, dataset: str) -> dict[str, Answer]:
        """Among these keys the errors that make up this run's scores on this data set."""

    def add(self, rows: Sequence[AnswerRow]) -> None:
        """Store rows durably before returning. For a stored answer it notes that this run used it too."""


@dataclass(frozen=True)
class Scored:
    """A prompt's answers in clip order."""

    prompt_id: str
    clips: ClipSet
    answers: tuple[Answer, ...]
    format_key: str = ""
    chance: float = 0.2

    def clusters(self) -> tuple[tuple[str, ...], ...]:
        """Per clip its sources: what metrics and paired differences take as clusters."""
        return tuple(clip.sources for clip in self.clips.clips)

    def metrics(self) -> BiasMetrics:
        """Bias metrics over these clips; clips that share a source are not taken for independent."""
        return bias_metrics(self.answers, self.clusters(), self.chance)


@dataclass(frozen=True)
class _Item:
    """One (prompt, clip) to answer."""

    prompt_id: str
    clip: Clip
    media_id: str
    question: Question
    format_key: str
    key: str
    failure: str | None  # why the clip's frames cannot even be named


class Evaluator:
    """Scores prompts on clips with one engine, frame policy and question format."""

    def __init__(
        self,
        engine: Engine,
        frame_store: "FrameStore",
        policy: "FramePolicy",
        question_format: QuestionFormat,
        answer_store: AnswerStore,
        run_id: str,
    ) -> None:
        self.engine = engine
        self.frame_store = frame_store
        self.policy = policy
        self.question_format = question_format
        self.answer_store = answer_store
        self.run_id = run_id

    def evaluate(
        self,
        prompts: Sequence[PromptLike],
        clips: ClipSet,
        on_answer: OnAnswer | None = None,
        formats: Formats | None = None,
    ) -> dict[str, Scored]:
        """Answers of every prompt on every clip, by prompt id.

        What failed in this run stays failed, whoever carries it on: a resumed run that asked again would buy
        more than its caps foresee, and decide otherwise than one that was never killed.

        ``formats`` overrides the question format for some prompt ids. ``on_answer`` receives increments: how
        many questions the model was asked, and how many (prompt, clip) pairs took no asking, being known or
        about a clip that cannot be read. Raises RuntimeError when the engine does not answer each request
        exactly once; exceptions of engine and store pass through.
        """
        items = self._items(prompts, clips, formats or {})
        answers = self._recall(items, clips.name, on_answer)
        self._ask([item for item in items if item.key not in answers], answers, clips.name, on_answer)
        return _collect(prompts, clips, items, answers)

    def missing(self, prompts: Sequence[PromptLike], clips: ClipSet, formats: Formats | None = None) -> int:
        """How many questions ``evaluate`` would have to ask the engine; fewer where a clip cannot be read."""
        items = [item for item in self._items(prompts, clips, formats or {}) if item.failure is None]
        keys = list({item.key: None for item in items})
        known, failed = self._had(keys, clips.name)
        return len(keys) - len(known | failed)

    def _items(self, prompts: Sequence[PromptLike], clips: ClipSet, formats: Formats) -> list[_Item]:
        """Clip-major: all prompts of a clip stand together, so that the engine computes the clip once."""
        distinct = list({prompt.id: prompt for prompt in prompts}.values())
        items = []
        for clip in clips.clips:
            media_id, failure = self._media(clip)
            for prompt in distinct:
                ask = formats.get(prompt.id, self.question_format)
                question = ask.ask(prompt.text, clip, clips.classes)
                key = self._key(clip, media_id, question, ask.key)
                items.append(_Item(prompt.id, clip, media_id, question, ask.key, key, failure))
        return items

    def _media(self, clip: Clip) -> tuple[str, str | None]:
        try:
            return self.frame_store.media_id(clip, self.policy), None
        except (OSError, ValueError, RuntimeError, UserError) as failure:  # a failing clip is data
            return "", f"{type(failure).__name__}: {failure}"

    def _key(self, clip: Clip, media_id: str, question: Question, format_key: str) -> str:
        labels = "\x1f".join(question.labels)
        asked = (self.engine.fingerprint, question.text, labels)
        about = (clip.id, media_id, self.policy.key, format_key)
        return sha256("\x1e".join(asked + about).encode()).hexdigest()

    def _had(self, keys: Sequence[str], dataset: str) -> tuple[dict[str, Answer], dict[str, Answer]]:
        """Answers that any run has bought, and this run's own failures: no key is in both.

        Its failure counts even where another run has an answer by now. It was decided with.
        """
        failed = self.answer_store.failed(keys, self.run_id, dataset)
        known = self.answer_store.known([key for key in keys if key not in failed])
        return known, failed

    def _recall(self, items: Sequence[_Item], dataset: str, on_answer: OnAnswer | None) -> dict[str, Answer]:
        """What need not be asked, with this run noted as a user of it; of its own failures it is one."""
        known, failed = self._had(list({item.key: None for item in items}), dataset)
        rows = [self._row(item, known[item.key], dataset) for item in items if item.key in known]
        if rows:
            self.answer_store.add(rows)
        had = len(rows) + sum(item.key in failed for item in items)
        if had and on_answer:
            on_answer(0, had)
        return known | failed

    def _ask(
        self, items: Sequence[_Item], answers: dict[str, Answer], dataset: str, on_answer: OnAnswer | None
    ) -> None:
        """Ask each key once, adding to ``answers`` and to the store as answers arrive."""
        waiting: dict[str, list[_Item]] = {}
        for item in items:
            waiting.setdefault(item.key, []).append(item)
        batch: list[AnswerRow] = []
        unread: set[str] = set()
        flushed = time.monotonic()
        try:
            for answer in self._answers([group[0] for group in waiting.values()], unread):
                group = waiting.pop(answer.key, None)
                if group is None:
                    said = answer.text[:80]
                    raise RuntimeError(f"the engine answered {answer.key[:16]} unasked or twice: {said!r}")
                answers[answer.key] = answer
                batch.extend(self._row(item, answer, dataset) for item in group)
                if on_answer:
                    asked = int(answer.kind != "error" or group[0].media_id not in unread)
                    on_answer(asked, len(group) - asked)
                if len(batch) >= BATCH_ROWS or time.monotonic() - flushed >= BATCH_SECONDS:
                    # Emptied only once stored: interrupted in between, it is stored again, which is harmless.
                    self.answer_store.add(batch)
                    batch, flushed = [], time.monotonic()
        finally:
            if batch:
                self.answer_store.add(batch)
        if waiting:
            raise RuntimeError(f"the engine left {len(waiting)} of its requests without an answer")

    def _answers(self, items: Sequence[_Item], unread: set[str]) -> Iterator[Answer]:
        """Answers as they arrive. ``unread`` collects the media that could not be read: no model saw them."""
        for item in items:
            if item.failure is not None:
                unread.add(item.media_id)
                yield Answer(item.key, "", None, "error", None, 0, 0, 0.0, item.failure)
        requests = [self._request(item, unread) for item in items if item.failure is None]
        if requests:
            yield from self.engine.answer(requests)

    def _request(self, item: _Item, unread: set[str]) -> Request:
        frames = partial(self._frames, item, unread)
        return Request(item.clip, item.media_id, frames, item.question, item.key)

    def _frames(self, item: _Item, unread: set[str]) -> Frames:
        try:
            return self.frame_store.get(item.clip, self.policy)
        except Exception:  # the engine's to judge; here it only counts that there was nothing to look at
            unread.add(item.media_id)
            raise

    def _row(self, item: _Item, answer: Answer, dataset: str) -> AnswerRow:
        clip = item.clip
        return AnswerRow(
            answer=answer,
            prompt_id=item.prompt_id,
            clip_id=clip.id,
            human=clip.human,
            background=clip.background,
            dataset=dataset,
            run_id=self.run_id,
            sources=clip.sources,
            choices=len(item.question.labels),
            format_key=item.format_key,
        )


def _collect(
    prompts: Sequence[PromptLike], clips: ClipSet, items: Sequence[_Item], answers: Mapping[str, Answer]
) -> dict[str, Scored]:
    grouped: dict[str, list[_Item]] = {prompt.id: [] for prompt in prompts}
    for item in items:
        grouped[item.prompt_id].append(item)
    empty = Scored("", clips, ())
    return {
        prompt_id: replace(
            empty,
            prompt_id=prompt_id,
            answers=tuple(answers[item.key] for item in group),
            format_key=group[0].format_key if group else "",
            chance=_chance([item.question for item in group]),
        )
        for prompt_id, group in grouped.items()
    }


def _chance(questions: Sequence[Question]) -> float:
    """Blind guessing among the labels, averaged over the questions; 0 where any text may be answered."""
    shares = [1 / len(question.labels) if question.labels else 0.0 for question in questions]
    return fsum(shares) / len(shares) if shares else 0.0
