"""One training run from start to end, whatever began it."""

from collections.abc import Callable
from typing import Any

from classifiers.config import Config

UNFINISHED = 3
Told = Callable[[dict[str, Any]], None]


def train(config: Config, resume: bool, seconds: float | None = None, noted: Told | None = None) -> int:
    """Train within ``seconds``; prints a line per epoch and hands it to ``noted``. Raises UserError.

    Exit status 0 when trained, 3 when time was up.
    """
    from classifiers.data.sets import open_sets
    from classifiers.train import processes
    from classifiers.train.loop import DONE, Trainer

    if resume and (config.folder / DONE).exists():
        return 0
    group = processes.join(config.device)

    def told(row: dict[str, Any]) -> None:
        if group.first:
            _print(config, row)
            if noted:
                noted(row)

    try:
        trainer = Trainer(config, open_sets(config), group, resume)
        done = trainer.run(told, seconds)
    finally:
        processes.leave()
    if group.first:
        stand = f"epoch {trainer.progress.epoch} of {config.recipe.epochs}"
        print(f"{config.name}: {'done' if done else 'stopped'} at {stand}, {config.folder}", flush=True)
    return 0 if done else UNFINISHED


def _print(config: Config, row: dict[str, Any]) -> None:
    ratio = f", ratio {row['ratio_mean']:+.3f} sd {row['ratio_sd']:.3f}" if "ratio_mean" in row else ""
    print(
        f"{config.name} epoch {row['epoch']}: loss {row['loss']:.3f}, accuracy {row['accuracy']:.1%}, "
        f"validation {row['validation']:.1%}, {row['clips_per_second']:.1f} clips/s, "
        f"data wait {row['data_wait']:.1%}{ratio}",
        flush=True,
    )
