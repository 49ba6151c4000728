"""Do segmented input and prompts add up? And what do bad masks cost? The bundled model on the bundled swaps.

    python -m benchmarks.views --history sqlite:///runs/views.db

Prompts x views, then damaged masks, on the test side of HAT-mini rand. Answers stay in the history:
interrupted, the same command goes on.
"""

import argparse
import io
import json
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

from benchmarks.record import append
from vllm_eval.views import USUAL_VIEWS, main

DAMAGED = (
    "black,black@erode:1,black@erode:3,black@dilate:1,black@dilate:3,black@dilate:8,"
    "black@shift:4,black@shift:16,black@drop:0.5"
)
_KEPT = ("shacc", "sberr", "bias_gap")


def scored(views: str, prompts: Sequence[str], clips: int, history: str) -> dict[str, Any]:
    """One table, as vllm_eval.views prints it for programs, down to what is looked at."""
    flags = [flag for prompt in prompts for flag in ("--prompt", prompt)]
    where = ["--side", "test", "--clips", str(clips), "--history", history, "--json"]
    out = io.StringIO()
    with redirect_stdout(out):
        status = main([*flags, "--views", views, *where])
    if status:
        raise SystemExit(status)
    told = json.loads(out.getvalue())
    cells = [
        {
            "prompt": cell["prompt"],
            "view": cell["view"],
            **{name: _rounded(cell["estimates"][name]) for name in _KEPT},
            "minus_first": {name: _rounded(one) for name, one in cell["both"].items()},
            "interaction": {name: _rounded(one) for name, one in cell["interaction"].items()},
        }
        for cell in told["cells"]
    ]
    return {"dataset": told["dataset"], "clips": told["clips"], "sources": told["sources"], "cells": cells}


def _rounded(one: dict[str, Any]) -> dict[str, Any]:
    names = ("value", "low", "high", "p", "n")
    return {name: round(one[name], 4) for name in names if name in one}


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.views", description=__doc__)
    parser.add_argument("--clips", type=int, default=160)
    parser.add_argument("--history", default="sqlite:///runs/views.db")
    given = parser.parse_args()
    both = scored(USUAL_VIEWS, ("neutral", "human-focused"), given.clips, given.history)
    damaged = scored(DAMAGED, ("neutral",), given.clips, given.history)
    print(append("views", {"prompts_x_views": both, "damaged_masks": damaged}))


if __name__ == "__main__":
    _main()
