"""`python -m vllm_eval.evaluate`: score prompts on clips without optimising; answers are bought once.

A command, run and never imported by the packages; vllm_eval.prompted says why it reaches up to ``prompts``.
"""

import json
import sys
from argparse import Namespace
from collections.abc import Sequence

from assets.commands import exit_status
from assets.errors import UserError
from vllm_eval import scoring, settings
from vllm_eval.config import ScoringConfig
from vllm_eval.prompt_file import prompt_lines
from vllm_eval.prompted import KEPT, Asking, find_prompts, named, run_of_its_own, styled_formats
from vllm_eval.standings import standings
from vllm_eval.standings_text import render
from vllm_eval.target import Outside, open_engine, real_outside

PROGRAM = "python -m vllm_eval.evaluate"
_FORM = scoring.form(PROGRAM, own=("config", "prompt", "prompts", "clips", "most", "json"))
_USAGE = "[--config FILE] --prompt TEXT [--prompt NAME ...] [--data hat:rand_1] [--clips N] [--json]"


def main(arguments: Sequence[str] | None = None, outside: Outside | None = None) -> int:
    """Run the command; exit status 0, 2 after one line about what the user can mend, 130 after Ctrl-C."""

    def command() -> None:
        told = sys.argv[1:] if arguments is None else arguments
        config, given = settings.parse(_FORM, _parser(), told)
        _run(config, given, outside or real_outside())

    return exit_status(command, KEPT)


def _run(config: ScoringConfig, given: Namespace, outside: Outside) -> None:
    from prompts.history import History

    _check(given)
    with History(config.history.url) as history:
        prompts = find_prompts(_texts(given), history)
        clips = outside.dataset(config.data.swap, config.data.root)
        if given.clips is not None:
            clips = clips.take(given.clips, config.data.seed)
        with run_of_its_own(history, "evaluate", config, clips, prompts) as run_id:
            styled_formats(prompts, config.target)  # what it refuses is told before a model is loaded
            engine = open_engine(config.target, outside.engine)
            try:
                asking = Asking(engine, outside, history, given.most)
                scored, bought = asking.ask(config.target, run_id, prompts, clips)
            finally:
                engine.close()
        found = standings(named(prompts), scored)
        history.finish_run(run_id, {"command": "evaluate", "clips": clips.name, "n": len(clips)})
        told = f"{bought.known:,} answers known, {bought.new:,} bought in {bought.seconds:.1f} s"
        if given.json:
            cost = {"known": bought.known, "bought": bought.new, "seconds": bought.seconds}
            print(json.dumps({"run": run_id, **found.as_json(), "answers": cost}, indent=1))
        else:
            print(f"{render(found)}\n\n{told}; run {run_id} of {history.url}")


def _texts(given: Namespace) -> list[str]:
    """What is to be scored, in the order given: --prompt first, then the file's."""
    lines = prompt_lines(given.prompts, "--prompts") if given.prompts else []
    texts = [*(given.prompt or []), *(line.text for line in lines)]
    if not texts:
        raise UserError("no prompt to score; give --prompt TEXT, --prompt NAME or --prompts FILE")
    return texts


def _check(given: Namespace) -> None:
    for flag, value in (("--clips", given.clips), ("--most", given.most)):
        least = 0 if flag == "--most" else 1
        if value is not None and value < least:
            raise UserError(f"{flag} {value}, expected at least {least}")


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
    add("--prompts", metavar="FILE", help="a text file with one prompt a line; # begins a comment")
    add("--clips", type=int, metavar="N", help="score on N clips, chosen by data.seed; without it on all")
    add("--most", type=int, metavar="N", help="buy at most N answers: refuse to begin where more are missing")
    add("--json", action="store_true", help="for programs: all shares as fractions")
    return parser


if __name__ == "__main__":
    sys.exit(main())
