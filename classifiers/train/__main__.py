"""`python -m classifiers.train --model NAME --config C`: train one classifier, or go on with one."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from assets.commands import exit_status
from classifiers.config import Config, assignments, read_config
from classifiers.models import check_name

UNFINISHED = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when trained, 2 after one line about what can be mended, 3 when time was up."""

    def command() -> int:
        options = _parser().parse_args(arguments)
        if options.model:
            check_name(options.model)
        sets = assignments(options.set)
        flags = sets | {"model": options.model or sets.get("model"), "seed": options.seed}
        config = read_config(options.config, **flags)
        check_name(config.model)
        return train(config, options.resume, options.seconds)

    return exit_status(command, "interrupted; --resume goes on from the last checkpoint")


def train(config: Config, resume: bool, seconds: float | None = None) -> int:
    """Train within ``seconds``; prints a line per epoch. Raises UserError."""
    from classifiers.data.sets import open_sets
    from classifiers.train import processes
    from classifiers.train.loop import DONE, Trainer

    if resume and (config.folder / DONE).exists():
        return 0
    group = processes.join(config.device)
    try:
        trainer = Trainer(config, open_sets(config), group, resume)
        done = trainer.run(lambda row: _tell(config, row) if group.first else None, seconds)
    finally:
        processes.leave()
    if group.first:
        stand = f"epoch {trainer.progress.epoch} of {config.recipe.epochs}"
        print(f"{config.name}: {'done' if done else 'stopped'} at {stand}, {config.folder}", flush=True)
    return 0 if done else UNFINISHED


def _tell(config: Config, row: dict[str, Any]) -> None:
    ratio = f", ratio {row['ratio_mean']:+.3f} sd {row['ratio_sd']:.3f}" if "ratio_mean" in row else ""
    print(
        f"{config.name} epoch {row['epoch']}: loss {row['loss']:.3f}, accuracy {row['accuracy']:.1%}, "
        f"validation {row['validation']:.1%}, {row['clips_per_second']:.1f} clips/s, "
        f"data wait {row['data_wait']:.1%}{ratio}",
        flush=True,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m classifiers.train", description=__doc__)
    parser.add_argument("--model", help="a name of classifiers.models.MODELS; an unknown one lists them")
    parser.add_argument("--config", help="YAML file, see configs/classifiers_*.yaml")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="recipe.epochs=3")
    parser.add_argument("--resume", action="store_true", help="go on with this very configuration's run")
    parser.add_argument("--seconds", type=float, help="stop after so many, everything saved")
    return parser


if __name__ == "__main__":
    sys.exit(main())
