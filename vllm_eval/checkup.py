"""A few clips through a target model: what was rendered and answered, and what is wrong with it.

Covered: what shows on single clips, from frames to parsed answers, and the reuse of a clip's key/value cache.
Not covered: whether the model is any good at the question.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, fsum
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from assets.errors import UserError
from videos.clip import Clip, Frames
from videos.decode import FramePolicy
from vllm_eval.engine import Answer, Engine, Request
from vllm_eval.question import QuestionFormat
from vllm_eval.rendered import Rendered, Renders

if TYPE_CHECKING:
    from videos.store import FrameStore

# Less than this probability on all letters together: the model begins its answers with something else.
LITTLE_MASS = 0.5


@dataclass(frozen=True)
class Seen:
    """A clip's frames: shape [frames, height, width, 3], their numbers, and whether they are all alike."""

    clip: Clip
    shape: tuple[int, ...]
    indices: tuple[int, ...]
    still: bool
    failure: str = ""


@dataclass(frozen=True)
class Asked:
    """One question and what became of it; ``rendered`` is None where an engine does not show it."""

    request: Request
    rendered: Rendered | None
    failure: str
    answer: Answer | None

    def mass(self) -> float | None:
        """The probability of all letters together as the answer's first token; None where unknown."""
        if self.answer is None or self.answer.logprobs is None or not self.request.question.letters:
            return None
        return fsum(exp(value) for value in self.answer.logprobs)


@dataclass(frozen=True)
class Checkup:
    """``asked`` clip by clip, each prompt once; ``again`` the answers when asked once more."""

    seen: tuple[Seen, ...]
    asked: tuple[Asked, ...]
    again: tuple[Answer, ...]
    seconds: float


def examine(
    engine: Engine,
    store: "FrameStore",
    policy: FramePolicy,
    form: QuestionFormat,
    clips: Sequence[Clip],
    classes: Sequence[str],
    prompts: Sequence[str],
) -> Checkup:
    """Every prompt on every clip, twice. What fails with one clip is part of the result."""
    seen = tuple(_see(clip, store, policy) for clip in clips)
    good = [one.clip for one in seen if not one.failure]
    requests = [
        Request(
            clip,
            store.media_id(clip, policy),
            partial(store.get, clip, policy),
            form.ask(prompt, clip, classes),
            f"{clip.id}\x1f{number}",
        )
        for clip in good
        for number, prompt in enumerate(prompts)
    ]
    shown = [_render(engine, request) for request in requests]
    began = perf_counter()
    answers, failure = _answers(engine, requests)
    seconds = perf_counter() - began
    again, _ = ([], "") if failure else _answers(engine, requests)
    by_key = {answer.key: answer for answer in answers}
    asked = tuple(
        Asked(request, rendered, told or failure, by_key.get(request.key))
        for request, (rendered, told) in zip(requests, shown, strict=True)
    )
    return Checkup(seen, asked, tuple(again), seconds)


def problems(found: Checkup, policy: FramePolicy) -> list[str]:
    """What is wrong, the most basic first, each with what to do; empty where nothing is."""
    told = [*_frame_problems(found, policy), *_prompt_problems(found), *_answer_problems(found)]
    return list(dict.fromkeys(told))


def unused_cache(found: Checkup) -> str:
    """Why every prompt pays for the video again; "" where it does not, or no clip was asked twice."""
    answered = [asked.answer for asked in found.asked if asked.answer and asked.answer.prompt_tokens]
    several = len(answered) > len({asked.request.clip.id for asked in found.asked if asked.answer})
    if not several or any(answer.cached_tokens for answer in [*answered, *found.again]):
        return ""
    return (
        "no token ever came from a cache though each clip was asked several times: every prompt pays for the "
        "video again; put the video before the prompt, let the engine cache prefixes"
    )


def _see(clip: Clip, store: "FrameStore", policy: FramePolicy) -> Seen:
    try:
        frames: Frames = store.get(clip, policy)
    except (UserError, OSError, ValueError, RuntimeError) as failure:
        return Seen(clip, (), (), False, f"{type(failure).__name__}: {failure}")
    still = len(frames.pixels) > 1 and bool(np.all(frames.pixels == frames.pixels[:1]))
    return Seen(clip, tuple(frames.pixels.shape), frames.indices, still)


def _render(engine: Engine, request: Request) -> tuple[Rendered | None, str]:
    if not isinstance(engine, Renders):
        return None, ""
    try:
        return engine.rendered(request), ""
    except UserError as failure:
        return None, str(failure)


def _answers(engine: Engine, requests: Sequence[Request]) -> tuple[list[Answer], str]:
    try:
        return list(engine.answer(requests)) if requests else [], ""
    except UserError as failure:
        return [], str(failure)


def _frame_problems(found: Checkup, policy: FramePolicy) -> Iterator[str]:
    for seen in found.seen:
        name = seen.clip.id
        if seen.failure:
            yield f"{name} cannot be read ({seen.failure}); see `python -m videos check`"
        elif seen.shape[0] != policy.frames:
            yield (
                f"{name} has {seen.shape[0]} frames, target.frames.count is {policy.frames}; "
                "use fewer frames or longer clips"
            )
        elif seen.still:
            yield f"all frames of {name} are the same: no motion to see; look at `python -m videos show`"


def _prompt_problems(found: Checkup) -> Iterator[str]:
    for asked in found.asked:
        if asked.failure:
            yield asked.failure
        if asked.rendered is None:
            continue
        question = asked.request.question.text
        if asked.rendered.video_tokens == 0:
            yield "the rendered prompt holds no video tokens, so the model is blind; check the chat template"
        if question not in asked.rendered.text:
            yield "the question does not stand in the rendered prompt as asked; check the chat template"
        answer = asked.answer
        if answer and answer.kind != "error" and answer.prompt_tokens != asked.rendered.prompt_tokens:
            yield (
                f"the engine counted {answer.prompt_tokens} prompt tokens, {asked.rendered.prompt_tokens} "
                "were rendered: it reads something else than what is shown"
            )


def _answer_problems(found: Checkup) -> Iterator[str]:
    for asked in found.asked:
        answer, name = asked.answer, asked.request.clip.id
        if answer is None:
            if not asked.failure:
                yield f"the question about {name} got no answer; the engine is broken"
            continue
        if answer.kind == "error":
            yield f"{name} was not answered: {answer.error}"
        elif answer.kind == "refused":
            yield f"the model refused to answer about {name}: {answer.text[:80]!r}"
        elif answer.label is None:
            yield (
                f"the answer about {name} names no choice: {answer.text[:80]!r}; tell the model how to "
                'answer, as target.question.instruction "Answer with the letter only."'
            )
    yield from _mass_problems(found)
    yield from _repeat_problems(found)


def _mass_problems(found: Checkup) -> Iterator[str]:
    masses = [mass for asked in found.asked if (mass := asked.mass()) is not None]
    if masses and max(masses) < LITTLE_MASS:
        yield (
            f"the letters have at most {100 * max(masses):.0f} % of the probability: the model begins its "
            'answers otherwise; try target.question.instruction "Answer with the letter only."'
        )


def _repeat_problems(found: Checkup) -> Iterator[str]:
    first = {asked.answer.key: asked.answer for asked in found.asked if asked.answer}
    changed = [answer for answer in found.again if answer.label != first[answer.key].label]
    if changed:
        yield (
            f"{len(changed)} of {len(found.again)} answers changed when asked again: differences between "
            "prompts of that size are noise; turn sampling off"
        )
