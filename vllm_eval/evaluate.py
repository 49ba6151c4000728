"""`python -m vllm_eval.evaluate`: score prompts on clips without optimising; answers are bought once.

A command, run and never imported by the packages. It is the one place of this package that reaches up, to the
history and the library of ``prompts``: answers must come from, and go to, where the optimizer keeps its own.
"""

import json
import sys
import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.errors import UserError
from videos.clip import ClipSet
from vllm_eval import scoring, settings
from vllm_eval.config import ScoringConfig
from vllm_eval.evaluator import Evaluator, Scored
from vllm_eval.progress import Counter
from vllm_eval.standings import Named, standings
from vllm_eval.standings_text import render
from vllm_eval.target import Outside, open_engine, policy_of, prefixed, question_of, real_outside

if TYPE_CHECKING:
    from prompts.history import History
    from prompts.prompt import Prompt

PROGRAM = "python -m vllm_eval.evaluate"
INTERRUPTED = 130
_FORM = scoring.form(PROGRAM, own=("config", "prompt", "prompts", "clips", "most", "json"))
_USAGE = "[--config FILE] --prompt TEXT [--prompt NAME ...] [--data hat:rand_1] [--clips N] [--json]"


@dataclass(frozen=True)
class Bought:
    """What a call cost: answers that were known, new ones, and seconds of asking."""

    known: int
    new: int
    seconds: float


def main(arguments: Sequence[str] | None = None, outside: Outside | None = None) -> int:
    """Run the command; exit status 0, 2 after one line about what the user can mend, 130 after Ctrl-C."""
    try:
        parser = _parser()
        config, given = settings.parse(_FORM, parser, sys.argv[1:] if arguments is None else arguments)
        _run(config, given, outside or real_outside())
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "interrupted; every answer so far is kept, the same command goes on from there", file=sys.stderr
        )
        return INTERRUPTED
    return 0


def _run(config: ScoringConfig, given: Namespace, outside: Outside) -> None:
    from prompts.history import History

    _check(given)
    with History(config.history.url) as history:
        prompts = _prompts(given, history)
        clips = outside.dataset(config.data.swap, config.data.root)
        if given.clips is not None:
            clips = clips.take(given.clips, config.data.seed)
        named = _named(prompts)
        run_id = _start(history, config, clips, prompts)
        try:
            scored, bought = _score(config, given.most, history, run_id, prompts, clips, outside)
            _check_answered(clips, scored)
        except UserError as problem:
            history.finish_run(run_id, {"error": str(problem)}, status="failed")
            raise
        found = standings(named, scored)
        history.finish_run(run_id, {"command": "evaluate", "clips": clips.name, "n": len(clips)})
        told = f"{bought.known:,} answers known, {bought.new:,} bought in {bought.seconds:.1f} s"
        if given.json:
            cost = {"known": bought.known, "bought": bought.new, "seconds": bought.seconds}
            print(json.dumps({"run": run_id, **found.as_json(), "answers": cost}, indent=1))
        else:
            print(f"{render(found)}\n\n{told}; run {run_id} of {history.url}")


def _score(
    config: ScoringConfig,
    most: int | None,
    history: "History",
    run_id: str,
    prompts: Sequence["Prompt"],
    clips: ClipSet,
    outside: Outside,
) -> tuple[dict[str, Scored], Bought]:
    """Every prompt on every clip. Raises UserError where more than ``most`` answers would be bought."""
    question = question_of(config.target)
    formats = _formats(prompts, prefixed(question))
    engine = open_engine(config.target, outside.engine)
    try:
        store, policy = outside.frames(), policy_of(config.target)
        evaluator = Evaluator(engine, store, policy, question, history, run_id)
        missing = evaluator.missing(prompts, clips, formats)
        if most is not None and missing > most:
            raise UserError(
                f"{missing} answers are needed, --most {most} are allowed; raise it or use --clips"
            )
        if missing:
            store.fill(clips.clips, policy)
        counter = Counter(missing, sys.stderr)
        began = time.monotonic()
        scored = evaluator.evaluate(prompts, clips, counter.answered, formats)
        return scored, Bought(counter.known, counter.new, time.monotonic() - began)
    finally:
        engine.close()


def _start(history: "History", config: ScoringConfig, clips: ClipSet, prompts: Sequence["Prompt"]) -> str:
    """A run of its own, so that `python -m prompts` shows it and no optimizer's run is taken for it."""
    settings_of = config.model_dump(mode="json", exclude={"history"})
    run_id = history.start_run({"command": "evaluate", **settings_of, "clips": len(clips)}, config.data.seed)
    for prompt in prompts:
        history.add_prompt(run_id, prompt)
    return run_id


def _prompts(given: Namespace, history: "History") -> list["Prompt"]:
    """What is to be scored, each once, in the order given: --prompt first, then the file's."""
    texts = [*(given.prompt or []), *(_lines(given.prompts) if given.prompts else [])]
    if not texts:
        raise UserError("no prompt to score; give --prompt TEXT, --prompt NAME or --prompts FILE")
    found = [_prompt(text.strip(), history) for text in texts]
    return list({prompt.id: prompt for prompt in found}.values())


def _prompt(text: str, history: "History") -> "Prompt":
    """A single word is a name: of the library, or the beginning of an id in the history."""
    from prompts.library import LIBRARY
    from prompts.prompt import Prompt

    if text in LIBRARY:
        return LIBRARY[text].prompt
    if len(text.split()) > 1:
        return Prompt(text)
    try:
        return history.prompt(text)
    except UserError:
        raise UserError(
            f"--prompt {text!r} is no question and names no prompt; known names: {', '.join(LIBRARY)}, "
            f"and beginnings of the ids that `python -m prompts list RUN` shows of {history.url}"
        ) from None


def _lines(path: str) -> list[str]:
    """Prompts of a text file, one a line; empty lines and lines that begin with # are none."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as failure:
        raise UserError(
            f"cannot read --prompts {path}: {failure}; give a text file, one prompt a line"
        ) from None
    found = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not found:
        raise UserError(f"--prompts {path} holds no prompt, expected one a line")
    return found


def _named(prompts: Sequence["Prompt"]) -> list[Named]:
    from prompts.library import name_of

    return [
        Named(name_of(prompt.id) or f"prompt {number}", prompt.id, prompt.text)
        for number, prompt in enumerate(prompts, 1)
    ]


def _formats(prompts: Sequence["Prompt"], styled: Any) -> Mapping[str, Any]:
    """The format of each prompt whose choices are written in another style, as the optimizer asks it."""
    from prompts.library import StyledPrompt

    special = [prompt for prompt in prompts if isinstance(prompt, StyledPrompt)]
    if special and styled is None:
        raise UserError(
            "the prompt 'prefixed' needs choices to write; use target.question.format mcq5 or closed"
        )
    return {prompt.id: styled for prompt in special}


def _check(given: Namespace) -> None:
    for flag, value in (("--clips", given.clips), ("--most", given.most)):
        least = 0 if flag == "--most" else 1
        if value is not None and value < least:
            raise UserError(f"{flag} {value}, expected at least {least}")


def _check_answered(clips: ClipSet, scored: Mapping[str, Scored]) -> None:
    """A clip that fails is data; when all do, something else is wrong."""
    answers = [answer for one in scored.values() for answer in one.answers]
    failed = [answer for answer in answers if answer.kind == "error"]
    if len(failed) == len(answers):
        raise UserError(f"no clip of {clips.name} could be answered, for one: {failed[0].error}")


def _parser() -> settings.Parser:
    parser = scoring.parser(_FORM, "Score prompts on clips; --data names the clips.", _USAGE)
    add = parser.add_argument
    add(
        "--prompt",
        action="append",
        metavar="TEXT",
        help="a prompt to score; a hand-written one by its name (neutral, prefixed, human-focused, "
        "background-biased), a known one by the beginning of its id; may be repeated",
    )
    add("--prompts", metavar="FILE", help="a text file with one prompt a line")
    add("--clips", type=int, metavar="N", help="score on N clips, chosen by data.seed; without it on all")
    add("--most", type=int, metavar="N", help="buy at most N answers: refuse to begin where more are missing")
    add("--json", action="store_true", help="for programs: all shares as fractions")
    return parser


if __name__ == "__main__":
    sys.exit(main())
