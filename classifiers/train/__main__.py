"""`python -m classifiers.train --model NAME --config C`: train one classifier, or go on with one."""

# A command, run and never imported by the packages: so it may reach up to the history of ``prompts``.

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from assets.commands import exit_status
from assets.errors import UserError
from classifiers.config import Config, assignments, read_config
from classifiers.models import check_name
from classifiers.train.running import train

if TYPE_CHECKING:
    from prompts.history import History

COMMAND = "classifiers.train"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when trained, 2 after one line about what can be mended, 3 when time was up."""

    def command() -> int:
        options = _parser().parse_args(arguments)
        if options.model:
            check_name(options.model)
        sets = assignments(options.set)
        seed = sets.get("seed") if options.seed is None else options.seed
        flags = sets | {"model": options.model or sets.get("model"), "seed": seed}
        config = read_config(options.config, **flags)
        check_name(config.model)
        with _history(options.history, config) as noted:
            status = train(config, options.resume, options.seconds, noted)
            if noted and status == 0:
                noted.finish()
        return status

    return exit_status(command, "interrupted; --resume goes on from the last checkpoint")


class _Noted:
    """Every epoch into a history's run as it ends."""

    def __init__(self, history: "History", run_id: str) -> None:
        self.history, self.run_id = history, run_id
        self.last: dict[str, Any] = {}

    def __call__(self, row: dict[str, Any]) -> None:
        self.history.add_decision(self.run_id, "epoch", row)
        self.last = row

    def finish(self) -> None:
        self.history.finish_run(self.run_id, {"command": COMMAND, **self.last})


@contextmanager
def _history(url: str | None, config: Config) -> Iterator[_Noted | None]:
    """The history's run of this training, the same one where it goes on; None for all but one process."""
    if url is None or os.environ.get("RANK", "0") != "0":
        yield None
        return
    from prompts.history import History
    from prompts.records import config_hash

    about = {"command": COMMAND, "key": config.key, **config.model_dump(mode="json")}
    with History(url) as history:
        run_id = history.resume_run(config_hash=config_hash(about)) or history.start_run(about, config.seed)
        try:
            yield _Noted(history, run_id)
        except UserError as problem:
            history.finish_run(run_id, {"error": str(problem)}, status="failed")
            raise


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m classifiers.train", description=__doc__)
    parser.add_argument("--model", help="a name of classifiers.models.MODELS; an unknown one lists them")
    parser.add_argument("--config", help="YAML file, see configs/classifiers_*.yaml")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="recipe.epochs=3")
    parser.add_argument("--resume", action="store_true", help="go on with this very configuration's run")
    parser.add_argument("--seconds", type=float, help="stop after so many, everything saved")
    parser.add_argument("--history", metavar="URL", help="also keep every epoch there as it ends")
    return parser


if __name__ == "__main__":
    sys.exit(main())
