"""`python -m classifiers.evaluate RUN ...`: trained classifiers on Kinetics-50, HAT's variants and Mimetics.

Predictions go to RUN/predictions/ as csv files for ``python -m vllm_eval.score``, figures to
RUN/evaluation.json: the same metrics and intervals as for prompts. ``--history`` also writes every answer
where prompts have theirs.
"""

# A command, run and never imported by the packages: so it may reach up to the history of ``prompts``.

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from assets.commands import exit_status
from assets.errors import UserError
from classifiers.checkpoints import PUBLISHED_ENDING, open_pretrained, open_published, open_run
from classifiers.clip_like import PREFIX, open_clip_like
from classifiers.judging import Asked, Classifier, evaluate, kept
from classifiers.models import PRETRAINED

SETS = (
    "kinetics:val", "mimetics", "hat:rand_1", "hat:close_1", "hat:far_1", "hat:same_1",
    "hat:original", "hat:human_only", "hat:background_only",
)  # fmt: skip
# Sets that are meant when a data set is named without a part.
WHOLE = {
    "footage": ("footage:original", "footage:human_only", "footage:background_only", "footage:swap"),
}
VIEWS = (1, 30)
ORIGIN = "classifier"  # of the pseudo-prompts under which a history keeps classifiers' answers


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0, 2 after one line about what can be mended."""
    options = _parser().parse_args(arguments)

    def command() -> None:
        if not options.runs and not options.model:
            raise UserError("nothing to judge: name folders of trained runs, or --model i3d")
        sets = tuple(one for name in options.data for one in WHOLE.get(name, (name,)))
        asked = Asked(sets, options.views, options.clips)
        for run in (*options.runs, *options.model):
            classifier = _open(run, options)
            folder = _folder(run, options.output)
            _show(run, evaluate(classifier, asked, folder))
            if options.history:
                _remember(options.history, classifier, asked, folder)

    return exit_status(command, "interrupted; sets that were finished are kept")


def _open(run: str, options: argparse.Namespace) -> Classifier:
    """The folder of a run, a pretrained model by name, a published checkpoint, or a CLIP-like model."""
    root = options.root or "mini"
    if run in PRETRAINED:
        return open_pretrained(run, root, options.device)
    if run.startswith(PREFIX):
        return open_clip_like(run.removeprefix(PREFIX), root, options.device)
    if run.endswith(PUBLISHED_ENDING):
        return open_published(Path(run), root, options.device)
    return open_run(Path(run), options.device, options.select).on(options.root)


def _folder(run: str, output: str | None) -> Path:
    """Where its predictions go: beside a run's weights, else to the folder named."""
    if run in PRETRAINED or run.startswith(PREFIX) or run.endswith(PUBLISHED_ENDING):
        return Path(output or f"runs/{Path(run.removeprefix(PREFIX)).stem}")
    return Path(run)


def _remember(url: str, classifier: Classifier, asked: Asked, folder: Path) -> None:
    """Every answer into the history, as a run of its own whose one "prompt" names the classifier."""
    from prompts.history import History
    from prompts.prompt import Prompt

    views = "" if asked.views == 1 else f", {asked.views} views"
    prompt = Prompt(f"(no prompt: classifier {folder.name}, weights {classifier.weights}{views})", (), ORIGIN)
    about = {"command": "classifiers.evaluate", "folder": str(folder), "weights": classifier.weights}
    with History(url) as history:
        run_id = history.start_run(about | {"views": asked.views, "sets": list(asked.sets)}, seed=0)
        history.add_prompt(run_id, prompt)
        scored = kept(classifier, asked, folder, prompt.id)
        history.record_evaluation(run_id, *scored)
        n = sum(len(one.answers) for one in scored)
        history.finish_run(run_id, {"command": "classifiers.evaluate", "n": n})
        print(f"{n:,} answers in run {run_id} of {history.url}")


def _show(run: str, figures: dict[str, Any]) -> None:
    table = Table("clips", "choices", "measure", "%", "95 % interval", "n", title=run)
    for name, protocols in figures.items():
        for protocol, found in protocols.items():
            for measure in ("accuracy", "shacc", "sberr"):
                if measure in found:
                    one = found[measure]
                    interval = f"[{100 * one['low']:.1f}, {100 * one['high']:.1f}]"
                    table.add_row(
                        name, protocol, measure, f"{100 * one['value']:.1f}", interval, f"{one['n']:,}"
                    )
    Console().print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m classifiers.evaluate", description=__doc__)
    parser.add_argument(
        "runs",
        nargs="*",
        metavar="RUN",
        help="folders of trained runs; i3d; SLOW_8x8_R50.pyth; clip:FOLDER of a CLIP or SigLIP model",
    )
    parser.add_argument(
        "--model", action="append", default=[], choices=tuple(PRETRAINED), help="a model that comes trained"
    )
    parser.add_argument(
        "--data", nargs="+", default=list(SETS), metavar="SET", help="clip sets; footage: all of its four"
    )
    parser.add_argument("--root", help="folder of the data sets (default: the run's)")
    parser.add_argument("--views", type=int, choices=VIEWS, default=1, help="30: ten times, three crops")
    parser.add_argument("--clips", type=int, help="at most so many of each set")
    parser.add_argument("--select", choices=("last", "best"), help="which weights (default: the recipe's)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ...")
    parser.add_argument("--output", help="where a pretrained model's predictions go (default: runs/i3d)")
    parser.add_argument(
        "--history", metavar="URL", help="keep every answer there too, beside those of prompts"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
