"""MLflow: an experiment per project, a run per run. Sent again, a run is brought up to date, not doubled.

Without a URI and without MLFLOW_TRACKING_URI it writes an SQLite file and artifacts into the folder; look at
them with `mlflow ui --backend-store-uri sqlite:///FOLDER/mlflow.db`.
"""

import json
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from assets.errors import UserError

if TYPE_CHECKING:
    from prompts.trackers import Destination
    from prompts.trackers.facts import RunFacts

T = TypeVar("T")

_MARK = "sceneproof.run"
_METRICS, _PARAMS, _LONGEST = 1000, 100, 6000  # MLflow's limits per request and per value
_STATUS = {"running": "RUNNING", "finished": "FINISHED", "failed": "FAILED"}


def send(facts: "RunFacts", destination: "Destination") -> str:
    """Create or update the run. Raises UserError where MLflow is missing or cannot be reached."""
    from prompts.trackers import package

    mlflow = package("mlflow")
    uri = destination.uri or os.environ.get("MLFLOW_TRACKING_URI")
    artifacts = None
    if uri is None:
        folder = destination.folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        uri, artifacts = f"sqlite:///{folder / 'mlflow.db'}", (folder / "artifacts").as_uri()
    try:
        client = mlflow.MlflowClient(tracking_uri=uri)
        experiment = client.get_experiment_by_name(destination.project)
        held = experiment.experiment_id if experiment else None
        if held is None:
            held = client.create_experiment(destination.project, artifact_location=artifacts)
        run_id = _write(mlflow, client, held, facts)
    except mlflow.exceptions.MlflowException as failure:
        reason = " ".join(str(failure).split())
        raise UserError(f"MLflow at {uri} refused the run: {reason:.300}; check the URI") from failure
    return f"{uri}, experiment {destination.project}, run {run_id}"


def _write(mlflow: Any, client: Any, experiment: str, facts: "RunFacts") -> str:
    found = client.search_runs([experiment], f"tags.`{_MARK}` = '{facts.id}'")
    if found:
        run = found[0]
    else:
        tags = {**facts.tags, "mlflow.runName": facts.id}
        run = client.create_run(experiment, start_time=facts.started, tags=tags)
        params = [mlflow.entities.Param(key, value[:_LONGEST]) for key, value in facts.params.items()]
        for some in _chunks(params, _PARAMS):
            client.log_batch(run.info.run_id, params=some)
    run_id = str(run.info.run_id)
    _log_metrics(mlflow, client, run_id, facts)
    client.log_text(run_id, json.dumps(facts.table, indent=1), "prompts.json")
    for key, value in facts.tags.items():
        client.set_tag(run_id, key, value)
    if facts.finished is not None:
        client.set_terminated(run_id, _STATUS.get(facts.status, "FINISHED"), facts.finished)
    return run_id


def _log_metrics(mlflow: Any, client: Any, run_id: str, facts: "RunFacts") -> None:
    """Steps that MLflow has not got yet or has otherwise, and the summary where it has changed."""
    metric = mlflow.entities.Metric
    now = facts.finished or max((step.time for step in facts.steps), default=facts.started)
    held = client.get_run(run_id).data.metrics
    known: dict[str, set[tuple[int, float]]] = {}
    for name in {name for step in facts.steps for name in step.metrics} & set(held):
        known[name] = {(one.step, one.value) for one in client.get_metric_history(run_id, name)}
    new = [
        metric(name, value, step.time, step.number)
        for step in facts.steps
        for name, value in step.metrics.items()
        if (step.number, value) not in known.get(name, ())
    ]
    new += [metric(name, value, now, 0) for name, value in facts.summary.items() if held.get(name) != value]
    for some in _chunks(new, _METRICS):
        client.log_batch(run_id, metrics=some)


def _chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (values[start : start + size] for start in range(0, len(values), size))
