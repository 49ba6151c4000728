"""Weights & Biases: a run per run, under the run's own id. Offline it writes files for `wandb sync`."""

import os
from typing import TYPE_CHECKING, Any

from assets.errors import UserError

if TYPE_CHECKING:
    from prompts.trackers import Destination
    from prompts.trackers.facts import RunFacts


def send(facts: "RunFacts", destination: "Destination") -> str:
    """Write the run. Offline if so wanted or WANDB_MODE says so; else it is sent as wandb is logged in.

    Raises UserError where wandb is missing, not logged in or cannot be reached.
    """
    from prompts.trackers import package

    wandb = package("wandb")
    destination.folder.mkdir(parents=True, exist_ok=True)
    mode = "offline" if destination.offline else os.environ.get("WANDB_MODE") or None
    settings = wandb.Settings(silent=True, console="off", disable_git=True, save_code=False)
    if destination.uri:
        settings.base_url = destination.uri
    try:
        run = wandb.init(
            project=destination.project,
            id=facts.id,
            name=facts.id,
            config=dict(facts.params),
            tags=[facts.status],
            dir=str(destination.folder),
            mode=mode,
            resume="allow",
            reinit="finish_previous",
            settings=settings,
        )
        _write(wandb, run, facts)
        place = str(run.dir).removesuffix("/files") if run.offline else str(run.url)
        run.finish(exit_code=1 if facts.status == "failed" else 0)
        wandb.teardown()  # its own process writes the end of the file, finish() does not wait for all of it
    except (wandb.errors.Error, OSError) as failure:
        reason = " ".join(str(failure).split())
        raise UserError(f"wandb did not take the run: {reason:.300}; log in, or give --offline") from failure
    return place


def _write(wandb: Any, run: Any, facts: "RunFacts") -> None:
    """Steps on an axis of their own: wandb's counts calls, and a resumed run would continue it."""
    run.define_metric("proposal")
    run.define_metric("*", step_metric="proposal")
    for step in facts.steps:
        run.log({**step.metrics, "proposal": step.number})
    if facts.table:
        columns = list(facts.table[0])
        rows = [[row[name] for name in columns] for row in facts.table]
        run.log({"prompts": wandb.Table(columns=columns, data=rows)})
    for key, value in {**facts.tags, **facts.summary}.items():
        run.summary[key] = value
