"""`python -m vllm_eval.views`: prompts x views of the same clips in one table; do their gains add up?

A command, run and never imported by the packages; like vllm_eval.evaluate it reaches up to the history, from
which answers come and into which they go, so that nothing is bought twice and an interrupted table goes on.
"""

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assets.errors import UserError
from videos.clip import ClipSet
from videos.views import parse_view
from vllm_eval import scoring, settings
from vllm_eval.config import ScoringConfig, TargetConfig
from vllm_eval.engine import Engine
from vllm_eval.evaluator import Evaluator, Scored
from vllm_eval.progress import Counter
from vllm_eval.standings import Named
from vllm_eval.target import Outside, open_engine, policy_of, prefixed, question_of, real_outside
from vllm_eval.views_table import Answered, grid, render

if TYPE_CHECKING:
    from prompts.history import History
    from prompts.prompt import Prompt

PROGRAM = "python -m vllm_eval.views"
INTERRUPTED = 130
USUAL_VIEWS = "original,black,mean,dim:0.3,blurred,crop,side,after,box"
USUAL_PROMPTS = ("neutral", "human-focused")
SIDES = ("all", "tune", "select", "test")
_FORM = scoring.form(PROGRAM, own=("config", "prompt", "views", "clips", "side", "json"))
_USAGE = "[--config FILE] [--prompt NAME ...] [--views LIST] [--data hat:rand_1] [--side test] [--clips N]"


@dataclass(frozen=True)
class Cost:
    """Answers that were known and new ones."""

    known: int = 0
    new: int = 0


def main(arguments: Sequence[str] | None = None, outside: Outside | None = None) -> int:
    """Run the command; exit status 0, 2 after one line about what the user can mend, 130 after Ctrl-C."""
    try:
        given_arguments = sys.argv[1:] if arguments is None else arguments
        config, given = settings.parse(_FORM, _parser(), given_arguments)
        _run(config, given, outside or real_outside())
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        told = "interrupted; every answer so far is kept, the same command goes on from there"
        print(told, file=sys.stderr)
        return INTERRUPTED
    return 0


def _run(config: ScoringConfig, given: Namespace, outside: Outside) -> None:
    from prompts.history import History

    views = _views(given.views)
    with History(config.history.url) as history:
        prompts = _prompts(given.prompt or USUAL_PROMPTS, history)
        clips = _clips(config, given, outside)
        engine = open_engine(config.target, outside.engine)
        scored: dict[tuple[str, str], Scored] = {}
        cost = Cost()
        try:
            for view in views:
                print(f"{view}:", file=sys.stderr)
                found, spent = _score(config, view, history, prompts, clips, engine, outside)
                scored.update({(prompt_id, view): one for prompt_id, one in found.items()})
                cost = Cost(cost.known + spent.known, cost.new + spent.new)
        finally:
            engine.close()
        _show(given, _named(prompts), views, scored, cost)


def _score(
    config: ScoringConfig,
    view: str,
    history: "History",
    prompts: Sequence["Prompt"],
    clips: ClipSet,
    engine: Engine,
    outside: Outside,
) -> tuple[dict[str, Scored], Cost]:
    """All prompts on one view, as a run of its own: a run's answers are all about the same pixels."""
    from prompts.library import StyledPrompt

    # Built anew rather than copied, so that what a view is written like is the same for every command.
    target = TargetConfig.model_validate({**config.target.model_dump(), "view": view})
    seen = config.model_copy(update={"target": target})
    run_id = _start(history, seen, clips, prompts)
    question, store, policy = question_of(target), outside.frames(), policy_of(target)
    styled = prefixed(question)
    formats = {one.id: styled for one in prompts if styled and isinstance(one, StyledPrompt)}
    evaluator = Evaluator(engine, store, policy, question, history, run_id)
    try:
        missing = evaluator.missing(prompts, clips, formats)
        if missing:
            store.fill(clips.clips, policy)
        counter = Counter(missing, sys.stderr)
        scored = evaluator.evaluate(prompts, clips, counter.answered, formats)
        _check_answered(clips, view, scored)
    except UserError as problem:
        history.finish_run(run_id, {"error": str(problem)}, status="failed")
        raise
    history.finish_run(run_id, {"command": "views", "view": view, "clips": clips.name, "n": len(clips)})
    return scored, Cost(counter.known, counter.new)


def _show(
    given: Namespace, prompts: Sequence[Named], views: Sequence[str], scored: Answered, cost: Cost
) -> None:
    found = grid(prompts, views, scored)
    if given.json:
        told = {**found.as_json(), "answers": {"known": cost.known, "bought": cost.new}}
        print(json.dumps(told, indent=1))
    else:
        print(f"{render(found)}\n\n{cost.known:,} answers known, {cost.new:,} bought")


def _start(history: "History", config: ScoringConfig, clips: ClipSet, prompts: Sequence["Prompt"]) -> str:
    values = config.model_dump(mode="json", exclude={"history"})
    run_id = history.start_run({"command": "views", **values, "clips": len(clips)}, config.data.seed)
    for prompt in prompts:
        history.add_prompt(run_id, prompt)
    return run_id


def _clips(config: ScoringConfig, given: Namespace, outside: Outside) -> ClipSet:
    """The data set, or the side of it that an optimizer's run with the same fractions and seed has."""
    if given.clips is not None and given.clips < 1:
        raise UserError(f"--clips {given.clips}, expected at least 1")
    data = config.data
    clips = outside.dataset(data.swap, data.root)
    if given.side != "all":
        clips = clips.split(data.fractions.model_dump(), data.seed)[given.side]
    return clips if given.clips is None else clips.take(given.clips, data.seed)


def _views(text: str) -> list[str]:
    return list(dict.fromkeys(parse_view(one).text for one in text.split(",")))


def _prompts(texts: Sequence[str], history: "History") -> list["Prompt"]:
    """Names of the library, beginnings of known ids, or texts; each once."""
    from prompts.library import LIBRARY
    from prompts.prompt import Prompt

    def found(text: str) -> Prompt:
        if text in LIBRARY:
            return LIBRARY[text].prompt
        if len(text.split()) > 1:
            return Prompt(text)
        try:
            return history.prompt(text)
        except UserError:
            known = f"known names: {', '.join(LIBRARY)}, and beginnings of ids in {history.url}"
            raise UserError(f"--prompt {text!r} is no question and names no prompt; {known}") from None

    return list({one.id: one for one in (found(text.strip()) for text in texts)}.values())


def _named(prompts: Sequence["Prompt"]) -> list[Named]:
    from prompts.library import name_of

    return [
        Named(name_of(prompt.id) or f"prompt {number}", prompt.id, prompt.text)
        for number, prompt in enumerate(prompts, 1)
    ]


def _check_answered(clips: ClipSet, view: str, scored: dict[str, Scored]) -> None:
    answers = [answer for one in scored.values() for answer in one.answers]
    failed = [answer for answer in answers if answer.kind == "error"]
    if len(failed) == len(answers):
        raise UserError(f"no clip of {clips.name} could be answered as {view}, for one: {failed[0].error}")


def _parser() -> settings.Parser:
    parser = scoring.parser(_FORM, "Score prompts x views of the same clips in one table.", _USAGE)
    add = parser.add_argument
    add(
        "--prompt",
        action="append",
        metavar="TEXT",
        help="a prompt, a hand-written one's name or the beginning of a known one's id; may be repeated; "
        f"the first is what others are held to (default {' and '.join(USUAL_PROMPTS)})",
    )
    add(
        "--views",
        default=USUAL_VIEWS,
        metavar="LIST",
        help=f"views with commas between; the first is what others are held to (default {USUAL_VIEWS})",
    )
    add("--clips", type=int, metavar="N", help="N clips, chosen by data.seed; without it all")
    add("--side", choices=SIDES, default="all", help="only the clips of this side of a run's division")
    add("--json", action="store_true", help="for programs: all shares as fractions")
    return parser


if __name__ == "__main__":
    sys.exit(main())
