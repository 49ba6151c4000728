"""`python -m vllm_eval.views`: prompts x views of the same clips in one table; do their gains add up?

A command, run and never imported by the packages; vllm_eval.prompted says why it reaches up to ``prompts``.
Nothing is bought twice, and an interrupted table goes on.
"""

import json
import sys
from argparse import Namespace
from collections.abc import Sequence

from assets.commands import exit_status
from assets.errors import UserError
from videos.clip import ClipSet
from videos.sides import divide
from videos.views import parse_view
from vllm_eval import scoring, settings
from vllm_eval.config import ScoringConfig, TargetConfig
from vllm_eval.evaluator import Scored
from vllm_eval.prompted import (
    KEPT,
    Asking,
    Bought,
    find_prompts,
    named,
    run_of_its_own,
    styled_formats,
)
from vllm_eval.standings import Named
from vllm_eval.target import Outside, open_engine, real_outside
from vllm_eval.views_table import Answered, grid, render

PROGRAM = "python -m vllm_eval.views"
USUAL_VIEWS = "original,black,mean,dim:0.3,blurred,crop,side,after,box"
USUAL_PROMPTS = ("neutral", "human-focused")
SIDES = ("all", "tune", "select", "test")
_FORM = scoring.form(PROGRAM, own=("config", "prompt", "views", "clips", "side", "json"))
_USAGE = "[--config FILE] [--prompt NAME ...] [--views LIST] [--data hat:rand_1] [--side test] [--clips N]"


def main(arguments: Sequence[str] | None = None, outside: Outside | None = None) -> int:
    """Run the command; exit status 0, 2 after one line about what the user can mend, 130 after Ctrl-C."""

    def command() -> None:
        told = sys.argv[1:] if arguments is None else arguments
        config, given = settings.parse(_FORM, _parser(), told)
        _run(config, given, outside or real_outside())

    return exit_status(command, KEPT)


def _run(config: ScoringConfig, given: Namespace, outside: Outside) -> None:
    """Each view is a run of its own: a run's answers are all about the same pixels."""
    from prompts.history import History

    views = _views(given.views)
    with History(config.history.url) as history:
        prompts = find_prompts(given.prompt or USUAL_PROMPTS, history)
        clips = _clips(config, given, outside)
        styled_formats(prompts, config.target)  # what it refuses is told before a model is loaded
        engine = open_engine(config.target, outside.engine)
        asking = Asking(engine, outside, history)
        scored: dict[tuple[str, str], Scored] = {}
        cost = Bought()
        try:
            for view in views:
                print(f"{view}:", file=sys.stderr)
                seen = _seen(config, view)
                with run_of_its_own(history, "views", seen, clips, prompts) as run_id:
                    found, spent = asking.ask(seen.target, run_id, prompts, clips)
                told = {"command": "views", "view": view, "clips": clips.name, "n": len(clips)}
                history.finish_run(run_id, told)
                scored.update({(prompt_id, view): one for prompt_id, one in found.items()})
                cost += spent
        finally:
            engine.close()
        _show(given, named(prompts), views, scored, cost)


def _seen(config: ScoringConfig, view: str) -> ScoringConfig:
    # Built anew rather than copied, so that what a view is written like is the same for every command.
    target = TargetConfig.model_validate({**config.target.model_dump(), "view": view})
    return config.model_copy(update={"target": target})


def _show(
    given: Namespace, prompts: Sequence[Named], views: Sequence[str], scored: Answered, cost: Bought
) -> None:
    found = grid(prompts, views, scored)
    if given.json:
        told = {**found.as_json(), "answers": {"known": cost.known, "bought": cost.new}}
        print(json.dumps(told, indent=1))
    else:
        print(f"{render(found)}\n\n{cost.known:,} answers known, {cost.new:,} bought")


def _clips(config: ScoringConfig, given: Namespace, outside: Outside) -> ClipSet:
    """The data set, or the side of it that an optimizer's run with the same fractions and seed has."""
    if given.clips is not None and given.clips < 1:
        raise UserError(f"--clips {given.clips}, expected at least 1")
    data = config.data
    clips = outside.dataset(data.swap, data.root)
    if given.side != "all":
        clips = divide(clips, data.fractions.model_dump(), data.seed)[0][given.side]
    return clips if given.clips is None else clips.take(given.clips, data.seed)


def _views(text: str) -> list[str]:
    return list(dict.fromkeys(parse_view(one).text for one in text.split(",")))


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
