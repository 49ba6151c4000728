"""Experiment trackers, fed from the history and never read: the history is what is true.

One module each. They are optional: a tracker's package is imported when it is first used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from assets.errors import UserError
from prompts.trackers.facts import RunFacts


@dataclass(frozen=True)
class Destination:
    """Where a run goes. ``uri`` None: files in ``folder``, or where the tracker's own variables point."""

    project: str
    folder: Path
    uri: str | None = None
    offline: bool = False


Send = Callable[[RunFacts, Destination], str]  # returns where to look

_MODULES = {"mlflow": "prompts.trackers.mlflow", "wandb": "prompts.trackers.wandb"}
TRACKERS = tuple(_MODULES)


def sender(name: str) -> Send:
    """What sends a run to this tracker. Raises UserError for an unknown one."""
    if name not in _MODULES:
        raise UserError(f"unknown tracker {name!r}, expected one of: {', '.join(TRACKERS)}")
    send: Send = import_module(_MODULES[name]).send
    return send


def package(name: str) -> Any:
    """The tracker's package. Raises UserError where it is not installed."""
    try:
        return import_module(name)
    except ImportError as failure:
        raise UserError(f"cannot import {name} ({failure}): pip install 'sceneproof[{name}]'") from failure
