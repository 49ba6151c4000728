"""Where benchmarks leave what they measured: one JSON file each, every run appended, nothing overwritten."""

import json
import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prompts.environment import code_version, environment

RESULTS = Path(__file__).parent / "results"


def append(name: str, result: dict[str, Any]) -> Path:
    """Add a run to ``results/NAME.json`` with its command, date, machine and versions."""
    path = RESULTS / f"{name}.json"
    runs = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    runs.append(
        {"command": _command(), "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M}Z", "machine": machine()} | result
    )
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    return path


def machine() -> dict[str, Any]:
    """Processor, cores, versions of packages and code."""
    return {"processor": _processor(), "cores": os.cpu_count(), "code": code_version()} | environment()


def _command() -> str:
    module = Path(sys.argv[0]).stem
    return shlex.join(["python", "-m", f"benchmarks.{module}", *sys.argv[1:]])


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
