"""Which data sets a configuration names and the frames it asks for: what `python -m videos check` reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from assets.errors import UserError
from videos.datasets import MINI
from videos.decode import FramePolicy

# As agents/config.py has them: a field that a configuration leaves out still names a data set.
DEFAULTS: Mapping[str, str] = {
    "root": MINI,
    "swap": "hat:rand_1",
    "mimetics": "mimetics",
    "kinetics": "kinetics:val",
    "agreement": "kinetics:train",
}


@dataclass(frozen=True)
class Wanted:
    """What to check. ``datasets`` are named once each, in the order of the configuration's fields."""

    root: str
    datasets: tuple[str, ...]
    policy: FramePolicy


def read_config(path: Path) -> Wanted:
    """The ``data`` section and ``target.frames`` of a run's YAML, absent fields at their defaults.

    Raises UserError for a file that is no YAML and for values of another type.
    """
    values = _section(_yaml(path), "", path)
    data = {**DEFAULTS, **_section(values.get("data"), "data", path)}
    named = [data[key] for key in DEFAULTS if key != "root" and data[key] not in (None, "none")]
    for value in (data["root"], *named):
        if not isinstance(value, str):
            raise UserError(f"{path}: data holds {value!r}, expected the name of a data set or folder")
    frames = _section(_section(values.get("target"), "target", path).get("frames"), "target.frames", path)
    return Wanted(data["root"], tuple(dict.fromkeys(named)), _policy(frames, path))


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as failure:
        raise UserError(f"{path}: {failure.strerror}, expected a YAML file; see configs/") from failure
    except (UnicodeDecodeError, yaml.YAMLError) as failure:
        told = " ".join(str(failure).split())
        raise UserError(f"{path}: no YAML ({told}); see configs/ for examples") from failure


def _section(value: Any, name: str, path: Path) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UserError(f"{path}: {name or 'it'} holds {value!r:.60}, expected fields such as data: or root:")
    return value


def _policy(frames: Mapping[str, Any], path: Path) -> FramePolicy:
    usual = FramePolicy()
    count, size = frames.get("count", usual.frames), frames.get("size")
    if not isinstance(count, int) or not isinstance(size, int | None):
        raise UserError(f"{path}: target.frames has count {count!r} and size {size!r}, expected numbers")
    return FramePolicy(count, frames.get("sampling", usual.sampling), size)
