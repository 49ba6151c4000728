"""`python -m classifiers.evaluate RUN ...`: trained classifiers on Kinetics-50, HAT's variants and Mimetics.

Predictions go to RUN/predictions/ as csv files for ``python -m vllm_eval.score``, figures to
RUN/evaluation.json: the same metrics and intervals as for prompts. (Their history lies above this package.)
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from assets.commands import exit_status
from assets.errors import UserError
from classifiers.checkpoints import Trained, open_pretrained, open_run
from classifiers.models import PRETRAINED
from classifiers.protocols import CLOSED, PROTOCOLS, judge, write_json, write_predictions
from videos.clip import ClipSet
from videos.datasets import load

SETS = (
    "kinetics:val", "mimetics", "hat:rand_1", "hat:close_1", "hat:far_1", "hat:same_1",
    "hat:original", "hat:human_only", "hat:background_only",
)  # fmt: skip
# Sets that are meant when a data set is named without a part.
WHOLE = {
    "footage": ("footage:original", "footage:human_only", "footage:background_only", "footage:swap"),
}
EVALUATION = "evaluation.json"
VIEWS = (1, 30)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0, 2 after one line about what can be mended."""
    options = _parser().parse_args(arguments)

    def command() -> None:
        if not options.runs and not options.model:
            raise UserError("nothing to judge: name folders of trained runs, or --model i3d")
        sets = [one for name in options.data for one in WHOLE.get(name, (name,))]
        for run in (*options.runs, *options.model):
            trained = _open(run, options)
            folder = Path(options.output or f"runs/{run}") if run in PRETRAINED else Path(run)
            figures = evaluate(trained, sets, folder, options.views, options.clips)
            _show(str(run), figures)

    return exit_status(command, "interrupted; sets that were finished are kept")


def evaluate(
    trained: Trained, sets: Sequence[str], folder: Path, views: int = 1, most: int | None = None
) -> dict[str, Any]:
    """Figures by set and protocol, kept in ``folder``; sets judged before are not judged again."""
    from classifiers.predict import predict

    path = folder / (EVALUATION if views == 1 else f"evaluation_{views}_views.json")
    figures: dict[str, Any] = read_figures(path)
    for name in sets:
        key = name if most is None else f"{name} {most} clips"
        if key in figures:
            continue
        clips = chosen(name, trained.config.data.root, trained.classes, most)
        scores = predict(trained, clips, views)
        figures[key] = {}
        for protocol in PROTOCOLS:
            if protocol != CLOSED and len(trained.classes) < 5:
                continue
            judged = judge(scores, clips, trained.classes, protocol)
            suffix = "" if views == 1 else f".{views}_views"
            write_predictions(folder / "predictions" / f"{_plain(name)}.{protocol}{suffix}.csv", judged)
            figures[key][protocol] = judged.figures()
        write_json(path, figures)
    return figures


def chosen(name: str, root: str, classes: Sequence[str], most: int | None) -> ClipSet:
    """The set's clips, at most so many, always the same; choices are drawn from the model's classes."""
    clips = load(name, root)
    return replace(clips if most is None else clips.take(most, 0), classes=tuple(classes))


def prediction_file(folder: Path, name: str, protocol: str) -> Path:
    """Where ``evaluate`` leaves a set's predictions."""
    return folder / "predictions" / f"{_plain(name)}.{protocol}.csv"


def _open(run: str, options: argparse.Namespace) -> Trained:
    if run in PRETRAINED:
        return open_pretrained(run, options.root or "mini", options.device)
    trained = open_run(Path(run), options.device, options.select)
    if options.root is None:
        return trained
    data = trained.config.model_dump()["data"] | {"root": options.root}
    return replace(trained, config=trained.config.changed(data=data))


def read_figures(path: Path) -> dict[str, Any]:
    """Figures by set, none where nothing has been judged."""
    import json

    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _plain(name: str) -> str:
    return name.replace(":", "_").replace("/", "_")


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
    parser.add_argument("runs", nargs="*", metavar="RUN", help="folders of trained runs, or i3d")
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
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--output", help="where a pretrained model's predictions go (default: runs/i3d)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
