"""`python -m vllm_eval.doctor`: a few clips through the configured model, and what is wrong."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from math import isfinite
from time import perf_counter
from typing import Any

from assets.commands import exit_status
from assets.errors import UserError
from vllm_eval import scoring, settings
from vllm_eval.checkup import Asked, Checkup, Seen, examine, problems, unused_cache
from vllm_eval.config import ScoringConfig
from vllm_eval.rendered import Renders
from vllm_eval.standings_text import plain
from vllm_eval.target import Outside, engine_name, open_engine, policy_of, question_of, real_outside

PROGRAM = "python -m vllm_eval.doctor"
ILL = 1
CLIPS = 3
PROMPTS = ("What is the action being performed?", "Watch the person's movement. Which action is it?")
_FORM = scoring.form(PROGRAM, own=("config", "prompt", "clips", "json"))
_USAGE = "[--config FILE] [--data hat:rand_1] [--prompt TEXT ...] [--clips N] [--json]"


def main(arguments: Sequence[str] | None = None, outside: Outside | None = None) -> int:
    """Run the command. Exit status 0; 1 where something is wrong with the model, the clips or how they meet;
    2 after one line about what the user can mend; 130 after Ctrl-C."""

    def command() -> int:
        told = sys.argv[1:] if arguments is None else arguments
        config, given = settings.parse(_FORM, _parser(), told)
        return _run(config, given, outside or real_outside())

    return exit_status(command, "interrupted")


def _run(config: ScoringConfig, given: Namespace, outside: Outside) -> int:
    if given.clips < 1:
        raise UserError(f"--clips {given.clips}, expected at least 1")
    target, policy, form = config.target, policy_of(config.target), question_of(config.target)
    every = outside.dataset(config.data.swap, config.data.root)
    clips = every.take(given.clips, config.data.seed)
    began = perf_counter()
    engine = open_engine(target, outside.engine)
    loading = perf_counter() - began
    try:
        prompts = given.prompt or PROMPTS
        found = examine(engine, outside.frames(), policy, form, clips.clips, clips.classes, prompts)
        wrong, note = problems(found, policy), unused_cache(found)
        if note and getattr(engine, "reuse", isinstance(engine, Renders)):
            wrong.append(note)  # a server may keep no cache, or keep silent about it: then it is only noted
            note = ""
        about = {
            "engine": engine_name(target),
            "model": target.model,
            "fingerprint": engine.fingerprint,
            "dataset": every.name,
            "frames": policy.key,
            "format": form.key,
            "loading_seconds": loading,
        }
    finally:
        engine.close()
    if given.json:
        print(json.dumps(_finite({**about, **_as_json(found), "note": note, "problems": wrong}), indent=1))
    else:
        print("\n".join(_lines(about, found, wrong, note)))
    return ILL if wrong else 0


def _lines(about: dict[str, Any], found: Checkup, wrong: Sequence[str], note: str) -> Iterator[str]:
    yield f"{about['model']} on {about['engine']}, loaded in {about['loading_seconds']:.1f} s"
    yield f"fingerprint: {about['fingerprint']}"
    yield f"frames {about['frames']}, questions {about['format']}, clips of {about['dataset']}"
    yield ""
    yield from map(_seen_line, found.seen)
    yield from _rendered_lines(found.asked)
    yield ""
    yield from (line for asked in found.asked for line in _answer_lines(asked))
    yield ""
    yield from _cost_lines(found)
    yield from [f"note: {note}"] if note else []
    yield from (f"wrong: {plain(problem)}" for problem in wrong)
    if not wrong:
        yield "nothing is wrong"


def _seen_line(seen: Seen) -> str:
    if seen.failure:
        return f"{plain(seen.clip.id)}: {plain(seen.failure)}"
    frames, height, width, _ = seen.shape
    numbers = ", ".join(map(str, seen.indices))
    return f"{plain(seen.clip.id)}: {frames} frames of {width} x {height}, numbers {numbers}"


def _rendered_lines(asked: Sequence[Asked]) -> Iterator[str]:
    """The first question as the model reads it; others differ in video, prompt and choices only."""
    if not asked:
        return
    first, rendered = asked[0], asked[0].rendered
    yield ""
    if rendered is None:
        yield "asked (the engine does not show the rendered prompt):"
        yield from ("  | " + plain(line) for line in first.request.question.text.split("\n"))
        return
    video, rest = rendered.video_tokens, rendered.prompt_tokens - rendered.video_tokens
    yield f"rendered, {video} video and {rest} other tokens, the video's placeholder standing once:"
    yield from ("  | " + plain(line) for line in rendered.text.split("\n"))
    if rendered.letters:
        ids = ", ".join(f"{letter} {token}" for letter, token in rendered.letters.items())
        yield f"letters, each one token: {ids}"


def _answer_lines(asked: Asked) -> Iterator[str]:
    question, clip = asked.request.question, asked.request.clip
    answer = asked.answer
    prompt = plain(question.text.split("\n")[0])
    if answer is None:
        yield f"{plain(clip.id)}, {prompt!r}: no answer"
        return
    truth = clip.human if clip.background is None else f"{clip.human} before {clip.background}"
    tokens = f"{answer.prompt_tokens} tokens, {answer.cached_tokens} of them cached"
    yield f"{plain(clip.id)} ({plain(truth)}), {prompt!r}"
    said = f"{plain(answer.text)[:80]!r} is {answer.label or 'no choice'}: {answer.kind}"
    yield f"  {said}; {tokens}, {answer.seconds:.3f} s"
    if answer.logprobs is not None and question.letters:
        pairs = zip(question.letters, answer.logprobs, strict=True)
        shares = "  ".join(f"{letter} {value:.2f}" for letter, value in pairs)
        yield f"  log-probabilities {shares}; all letters {100 * (asked.mass() or 0.0):.1f} %"


def _cost_lines(found: Checkup) -> Iterator[str]:
    answers = [asked.answer for asked in found.asked if asked.answer]
    if not answers:
        return
    for name, some in (("first", answers), ("again", found.again)):
        cached, total = sum(one.cached_tokens for one in some), sum(one.prompt_tokens for one in some)
        share = f"{100 * cached / total:.0f} %" if total else "unknown"
        seconds = sum(one.seconds for one in some)
        yield f"asked {name}: {len(some)} answers in {seconds:.2f} s, {share} of {total:,} tokens cached"


def _finite(value: Any) -> Any:
    """JSON has no infinities: the log-probability of a choice that was ruled out is null."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _as_json(found: Checkup) -> dict[str, Any]:
    return {
        "clips": [
            {"id": one.clip.id, "shape": one.shape, "indices": one.indices, "failure": one.failure}
            for one in found.seen
        ],
        "answers": [_answer_json(asked) for asked in found.asked],
        "cached_again": [answer.cached_tokens for answer in found.again],
        "seconds": found.seconds,
    }


def _answer_json(asked: Asked) -> dict[str, Any]:
    answer, rendered = asked.answer, asked.rendered
    return {
        "clip": asked.request.clip.id,
        "question": asked.request.question.text,
        "labels": asked.request.question.labels,
        "rendered": rendered and {**vars(rendered)},
        "failure": asked.failure,
        "answer": answer and {key: value for key, value in vars(answer).items() if key != "key"},
        "letter_mass": asked.mass(),
    }


def _parser() -> settings.Parser:
    parser = scoring.parser(_FORM, "Load the model, answer a few clips, say what is wrong.", _USAGE)
    add = parser.add_argument
    add(
        "--prompt",
        action="append",
        metavar="TEXT",
        help="ask this instead of two usual prompts; may be repeated",
    )
    add("--clips", type=int, default=CLIPS, metavar="N", help=f"clips to answer, by default {CLIPS}")
    add("--json", action="store_true", help="for programs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
