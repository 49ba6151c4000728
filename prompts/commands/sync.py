"""`python -m prompts sync RUN --to mlflow|wandb`: show a run in an experiment tracker."""

import argparse
from pathlib import Path

from prompts import display, inspection
from prompts.commands.common import Command, console, open_history

_NAMES = ("mlflow", "wandb")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("run", help='run id, the beginning of one, or "latest"')
    add("--to", choices=_NAMES, required=True, help="the tracker; its package is an extra: sceneproof[NAME]")
    add("--project", default="sceneproof", help="experiment or project there (default: sceneproof)")
    add("--uri", help="the tracker's server (default: as its own variables say, else files)")
    add("--folder", metavar="DIR", type=Path, help="files go here (default: runs/mlflow or runs/wandb)")
    add("--offline", action="store_true", help="wandb: write files only, for `wandb sync`")


def _run(args: argparse.Namespace) -> int:
    from prompts.trackers import Destination, sender
    from prompts.trackers.facts import run_facts

    with open_history(args) as history:
        facts = run_facts(history, inspection.find_run(history, args.run).id)
    folder = args.folder or Path("runs") / args.to
    place = sender(args.to)(facts, Destination(args.project, folder, args.uri, args.offline))
    console().print(display.shown(f"run {facts.id}, {len(facts.steps)} scored proposals: {place}"))
    return 0


COMMAND = Command("show a run in MLflow or Weights & Biases", _add_arguments, _run)
